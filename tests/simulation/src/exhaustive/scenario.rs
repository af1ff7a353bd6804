//! What is explored: photos, questions, and how much of each fault there may be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use evaluation::decide::message::{Message, PlanAnew};
use evaluation::decide::start::{Limits, Request, Reuse};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, PhotoId, Score, StepKey};
use evaluation::domain::outcome::{Finding, PhotoOutcome};
use evaluation::domain::plan::{Mode, Photo};
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue};
use evaluation::run::start::{StartResult, start};
use evaluation::run::tell::tell;
use evaluation::run::{aggregate, batch, look, plan_anew, sweep, uploads};

use super::step::{Flow, Replay, ReplayEvaluator};
use super::stream::changes;
use crate::release::Release;
use crate::telling::SOURCE;
use crate::world::Place;

const LOST_AFTER: Duration = Duration::from_secs(900);
const DEADLINE: Duration = Duration::from_secs(12 * 60 * 60);
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 3600);
const BEGINNING: i64 = 1_800_000_000_000;

/// The times that make a difference, in milliseconds after the beginning: the beginning; what was not heard of is
/// lost; the deadline has passed.
const TIMES: [i64; 3] = [0, 1_000_000, 44_000_000];
/// Time stands still.
pub const ONE_MOMENT: &[i64] = &[TIMES[0]];
/// Until the deadline has passed.
pub const DAY: &[i64] = &TIMES;
/// Until the deadline has passed, and the sweeper looks only then.
pub const DEADLINE_ONLY: &[i64] = &[TIMES[0], TIMES[2]];

/// A question, or what leads to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// A POST.
    Post,
    /// A POST by force.
    Force,
    /// An upload: the question follows from its delayed message.
    Upload,
}

/// How often each fault may happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A process ends where it stands, and with it all that it held in memory.
    pub crashes: u8,
    /// A message is delivered once more.
    pub duplicates: u8,
    /// A write was done, but its reply was lost: it is done again later.
    pub repeats: u8,
    /// SendMessageBatch takes a part only.
    pub partial_sends: u8,
    /// The VLM is away.
    pub away: u8,
    /// A message has been received too often.
    pub deaths: u8,
    /// The sweeper makes a round while something is going on.
    pub sweeps: u8,
    /// The topic of completions takes nothing.
    pub untold: u8,
}

/// How an evaluation may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Passed.
    Pass,
    /// Failed.
    Fail,
    /// Incomplete.
    Incomplete,
    /// Judged again after late answers.
    Upgraded,
    /// Replaced by a newer one.
    Superseded,
}

/// What a process was begun for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Begun {
    /// The question with this index, to a function of this release.
    Ask(usize, Release),
    /// A message, to a function of this release.
    Handle(Place, Arc<str>, Release),
    /// A round of the sweeper.
    Sweep,
    /// A batch of the table's stream.
    Tell(Arc<str>),
}

impl Begun {
    /// Where the ids that this process makes up begin.
    pub fn id_base(&self) -> u64 {
        match self {
            Self::Ask(index, _) => 0x100 * (1 + *index as u64),
            Self::Handle(_, body, _) => 0x1000 + super::digest_of(body) % 0xFFFF * 0x100,
            Self::Sweep | Self::Tell(_) => 1,
        }
    }

    /// The release of the function.
    pub fn release(&self) -> Release {
        match self {
            Self::Ask(_, release) | Self::Handle(_, _, release) => *release,
            Self::Sweep | Self::Tell(_) => Release::Older,
        }
    }
}

/// A bounded world.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// The questions, in any order and at once.
    pub asks: Vec<Ask>,
    /// Whether uploaded photos are looked at.
    pub looks: bool,
    /// Faults at most.
    pub faults: Faults,
    /// The times that there are, one after another.
    pub times: &'static [i64],
    /// Whether time may pass while something is going on: then answers come late.
    pub slow: bool,
    /// Processes at once.
    pub at_once: usize,
    /// Whether processes get to see whole items, and not only what they look at.
    pub whole_items: bool,
    /// Ends that must occur.
    pub ends: Vec<End>,
    /// Failures that are held against the VLM at the beginning.
    pub failures: u32,
    /// What the photos show.
    pub truth: Arc<BTreeMap<PhotoId, PhotoOutcome>>,
    /// Photos that were deleted after they were listed.
    pub gone: BTreeSet<PhotoId>,
    /// The releases of which there are functions, in any mixture.
    pub releases: &'static [Release],
    /// No photo is put off more often than this before time has passed.
    pub often: u32,
    /// Whether completions are told.
    pub tells: bool,
    /// Whether functions take themselves to know all versions: the check that the rule is needed.
    pub heedless: bool,
    /// The question.
    pub question: Question,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    request: Request,
    photos: Vec<Photo>,
}

/// Starts or joins an evaluation, as the splitter of this release does.
async fn ask(
    ports: &Replay,
    request: &Request,
    photos: &[Photo],
) -> Result<Option<StartResult>, RunError> {
    let limits = Limits {
        photos_per_batch: PHOTOS_PER_BATCH,
        deadline: DEADLINE,
        kept_for: KEPT_FOR,
    };
    let Some(plan) = ports.1.plan(photos, request.mode) else {
        return Ok(None);
    };
    let versions = ports.1.versions();
    let started = start(ports, request, &plan, &versions, &limits).await?;
    Ok(Some(started))
}

/// Notes an upload, and sends looks at these photos, as the splitter of this release does.
async fn upload(ports: &Replay, dr: &DrNumber, photos: Vec<Photo>) -> Result<(), RunError> {
    uploads::note_upload(ports, dr, ports.now(), Duration::ZERO).await?;
    let versions = ports.1.versions();
    let Some(catalogue) = ports.1.catalogue(&versions.catalogue) else {
        return Ok(());
    };
    for photo in photos {
        look::send(ports, dr, photo, catalogue, &versions).await?;
    }
    Ok(())
}

/// Photos of one batch.
const PHOTOS_PER_BATCH: usize = 2;

impl Scenario {
    /// These photos of one DR and the scores that they show, asked about in quick mode.
    pub fn quick(
        name: &'static str,
        photos: &[(&str, &[(&str, u8)])],
        catalogue: &Catalogue,
    ) -> anyhow::Result<Self> {
        let mut quick = Self::new(name, 0, true, catalogue)?;
        let mut truth = BTreeMap::new();
        for (index, (photo_name, scores)) in photos.iter().enumerate() {
            let photo = Photo::new(
                &format!("photos/DR1/{photo_name}"),
                photo_name,
                &format!("\"{index}\""),
                catalogue,
            );
            let found = scores.iter().map(|(step, score)| {
                Ok(Finding {
                    step: StepKey::parse(step)?,
                    score: Score::try_from(*score)?,
                    comment: (*photo_name).to_owned(),
                    reading: None,
                    fail_code: None,
                    certainty: None,
                    code: None,
                })
            });
            let findings = found.collect::<anyhow::Result<Vec<_>>>()?;
            truth.insert(photo.photo_id.clone(), PhotoOutcome::Evaluated { findings });
            quick.question.photos.push(photo);
        }
        quick.question.request.mode = Mode::Quick;
        quick.truth = Arc::new(truth);
        Ok(quick)
    }

    /// So many photos of one DR, two to a batch, asked about once, and nothing goes wrong. All but the last show one
    /// half of the steps each, in turn; if it is to fail, one step is not good enough.
    pub fn new(
        name: &'static str,
        photos: usize,
        passes: bool,
        catalogue: &Catalogue,
    ) -> anyhow::Result<Self> {
        let dr = DrNumber::parse("DR1")?;
        let mut truth = BTreeMap::new();
        let mut all = Vec::new();
        for index in 0..photos {
            let photo_name = format!("DR1_{index}.jpg");
            let photo = Photo::new(
                &format!("photos/DR1/{photo_name}"),
                &photo_name,
                &format!("\"{index}\""),
                catalogue,
            );
            let mine = catalogue
                .steps
                .iter()
                .enumerate()
                .filter(|(at, _)| photos == 1 || at % 2 == index % 2);
            let score = |at: usize| Score::try_from(if at == 0 && !passes { 3 } else { 8 });
            let findings = mine.map(|(at, step)| {
                Ok(Finding {
                    step: step.key.clone(),
                    score: score(at)?,
                    comment: photo_name.clone(),
                    reading: None,
                    fail_code: None,
                    certainty: None,
                    code: None,
                })
            });
            let findings = findings.collect::<anyhow::Result<Vec<_>>>()?;
            truth.insert(photo.photo_id.clone(), PhotoOutcome::Evaluated { findings });
            all.push(photo);
        }
        Ok(Self {
            name,
            asks: vec![Ask::Post],
            looks: false,
            faults: Faults::default(),
            times: ONE_MOMENT,
            slow: false,
            at_once: 3,
            whole_items: false,
            ends: vec![if passes { End::Pass } else { End::Fail }],
            failures: 0,
            truth: Arc::new(truth),
            gone: BTreeSet::new(),
            releases: &[Release::Older],
            often: 3,
            tells: false,
            heedless: false,
            question: Question {
                request: Request {
                    dr_number: dr,
                    mode: Mode::Full,
                    reuse: Reuse::Final,
                    catalogue: None,
                },
                photos: all,
            },
        })
    }

    /// The time.
    pub fn time(&self, clock: usize) -> Timestamp {
        Timestamp::from_millis(BEGINNING + self.times.get(clock).copied().unwrap_or_default())
    }

    /// The flow of a process.
    pub fn flow(&self, begun: &Begun, ports: Replay) -> Flow {
        match begun {
            Begun::Sweep => {
                let until = ports.now().after(LOST_AFTER);
                Box::pin(async move { sweep::run(&ports, LOST_AFTER, until).await.map(|_| ()) })
            }
            Begun::Tell(batch) => {
                let changes = changes(batch);
                Box::pin(async move {
                    match tell(&ports, SOURCE, &changes).await.as_slice() {
                        [] => Ok(()),
                        _ => Err(RunError::contended("some were not told")),
                    }
                })
            }
            Begun::Ask(index, _) => match self.asks.get(*index) {
                Some(Ask::Upload) => {
                    let Question { request, photos } = self.question.clone();
                    let photos = if self.looks { photos } else { Vec::new() };
                    Box::pin(async move { upload(&ports, &request.dr_number, photos).await })
                }
                Some(Ask::Force) => self.start(ports, Reuse::Nothing),
                Some(Ask::Post) | None => self.start(ports, Reuse::Final),
            },
            Begun::Handle(place, body, _) => match (place, Message::parse(body)) {
                (Place::Live(Queue::Batches), Ok(Message::Batch(message))) => {
                    let evaluator = ReplayEvaluator {
                        ports: ports.clone(),
                        heedless: self.heedless,
                        truth: Arc::clone(&self.truth),
                    };
                    Box::pin(async move { batch::handle(&ports, &evaluator, &message).await })
                }
                (Place::Live(Queue::Batches), Ok(Message::Look(message))) => {
                    let evaluator = ReplayEvaluator {
                        ports: ports.clone(),
                        heedless: self.heedless,
                        truth: Arc::clone(&self.truth),
                    };
                    Box::pin(async move { look::handle(&ports, &evaluator, &message, false).await })
                }
                (_, Ok(Message::QuietCheck(message))) => {
                    let begin = self.start(ports.clone(), Reuse::AskedSince(message.uploaded_at));
                    Box::pin(async move {
                        if uploads::is_quiet(&ports, &message).await? {
                            begin.await
                        } else {
                            Ok(())
                        }
                    })
                }
                (_, Ok(Message::PlanAnew(message))) => self.plan_anew(ports, message),
                (_, Ok(message)) => {
                    Box::pin(async move { aggregate::handle(&ports, message).await })
                }
                (_, Err(_)) => Box::pin(async { Ok(()) }),
            },
        }
    }

    fn start(&self, ports: Replay, reuse: Reuse) -> Flow {
        let Question { request, photos } = self.question.clone();
        let request = Request { reuse, ..request };
        Box::pin(async move { ask(&ports, &request, &photos).await.map(|_| ()) })
    }

    fn plan_anew(&self, ports: Replay, message: PlanAnew) -> Flow {
        let photos = self.question.photos.clone();
        Box::pin(async move {
            let versions = ports.1.versions();
            let Some(request) =
                plan_anew::request(&ports, &message, |_, _| versions.clone()).await?
            else {
                return Ok(());
            };
            match ask(&ports, &request, &photos).await? {
                Some(result) => plan_anew::replaced(&ports, &message, &result).await,
                None => Ok(()),
            }
        })
    }
}
