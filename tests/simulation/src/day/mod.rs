//! A day: DRs are asked for, messages are delivered in any order, processes step in any order and end anywhere.

mod deliveries;
mod notifier;
mod people;
mod uploading;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evaluation::decide::message::{Message, PlanAnew, QuietCheck};
use evaluation::decide::start::{Limits, Request, Reuse};
use evaluation::decide::updates;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId, Score};
use evaluation::domain::outcome::{Finding, PhotoOutcome};
use evaluation::domain::plan::{Mode, Photo};
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue};
use evaluation::run::start::{StartResult, start};
use evaluation::run::tell::{Change, tell};
use evaluation::run::{aggregate, batch, cards, look, plan_anew, sweep, uploads};

use crate::chain::{Chain, Function};
use crate::ports::ModelPorts;
use crate::telling::SOURCE;
use crate::world::{Place, World};

/// Batch functions at once for what people wait for.
const BATCHES_AT_ONCE: usize = 4;
/// Batch functions at once for bulk work.
const BULK_AT_ONCE: usize = 2;
/// Photos of one batch.
const PHOTOS_PER_BATCH: usize = 4;
/// Requests to the VLM at once: never more.
pub const VLM_BOUND: usize = (BATCHES_AT_ONCE + BULK_AT_ONCE) * PHOTOS_PER_BATCH;
/// Aggregators at once.
const AGGREGATORS_AT_ONCE: usize = 5;
/// The receives after which a message is dead, or parked: those of the template.
const RECEIVES: (u32, u32) = (5, 3);
const MINUTE: Duration = Duration::from_secs(60);
/// Of a hundred passes without flags so many are drawn for review: enough for days with and without.
pub(crate) const SAMPLE: u8 = 50;
/// How long a round of the sweeper looks at evaluations.
const SWEEPS_FOR: Duration = Duration::from_secs(45);
/// No day takes more steps; one that does goes round in circles.
const MOST_STEPS: u64 = 3_000_000;

/// What the names of photos say that they show, where they say anything: of each step a photo, but some are filed
/// wrongly.
const SLOTS: [&str; 12] = [
    "prop", "drop", "hm_ln", "wall", "hm_en", "ont", "powm1", "ups", "final", "bl", "powm2", "prop",
];

struct Process {
    future: Pin<Box<dyn Future<Output = Result<(), RunError>>>>,
    wakes_at: Rc<Cell<Timestamp>>,
    /// The message that is deleted when the process ends well.
    handles: Option<(Place, u64)>,
}

/// A question to be asked at some time.
#[derive(Debug, Clone)]
pub struct Asking {
    /// When.
    pub at: Timestamp,
    /// What.
    pub request: Request,
    /// The DR's photos.
    pub photos: Vec<Photo>,
    /// Whether it is an upload: then the question is asked once the DR is quiet.
    pub upload: bool,
}

/// A day in a world.
pub struct Day {
    world: Rc<RefCell<World>>,
    processes: Vec<Process>,
    askings: Vec<Asking>,
    questions: BTreeMap<DrNumber, (Request, Vec<Photo>)>,
    swept_at: Timestamp,
    /// Messages that ended in the queue for people.
    pub parked: u64,
}

/// The photos of a made-up DR and what they show, put into the world.
pub fn make_dr(
    world: &mut World,
    number: usize,
    photos: usize,
    catalogue: &Catalogue,
) -> Option<(DrNumber, Vec<Photo>)> {
    let dr = DrNumber::parse(&format!("DR{number:06}")).ok()?;
    let hinted = world.random.chance(500_000);
    let mut all = Vec::with_capacity(photos);
    for index in 0..photos {
        let slot = if hinted {
            format!("ph_{}_", SLOTS.get(index % SLOTS.len())?)
        } else {
            String::new()
        };
        let name = format!("{dr}_{slot}{index:02}.jpg");
        // Now and then somebody uploads the photo before once more.
        let content = if world.random.chance(30_000) {
            index.saturating_sub(1)
        } else {
            index
        };
        let photo = Photo::new(
            &format!("photos/{dr}/{name}"),
            &name,
            &format!("\"{content}{dr}\""),
            catalogue,
        );
        let step = catalogue
            .steps
            .get(index % catalogue.steps.len())?
            .key
            .clone();
        let score = if world.random.chance(60_000) {
            3
        } else {
            7 + world.random.below(4) as u8
        };
        let finding = Finding {
            step,
            score: Score::try_from(score).ok()?,
            comment: name,
            reading: None,
            fail_code: None,
            certainty: None,
            code: None,
        };
        let findings = vec![finding];
        let truth = PhotoOutcome::Evaluated { findings };
        // The same file shows the same.
        let original = all.iter().find(|other: &&Photo| other.etag == photo.etag);
        let original = original.and_then(|other| world.truth.get(&other.photo_id).cloned());
        let truth = original.unwrap_or(truth);
        world.truth.insert(photo.photo_id.clone(), truth);
        if world.random.chance(5_000) {
            world.gone.insert(photo.photo_id.clone());
        }
        all.push(photo);
    }
    Some((dr, all))
}

impl Day {
    /// A day in this world, on which these questions are asked.
    pub fn new(world: World, mut askings: Vec<Asking>) -> Self {
        askings.sort_by_key(|asking| std::cmp::Reverse(asking.at));
        let swept_at = world.now;
        let question = |asking: &Asking| {
            (
                asking.request.dr_number.clone(),
                (asking.request.clone(), asking.photos.clone()),
            )
        };
        Self {
            questions: askings.iter().map(question).collect(),
            world: Rc::new(RefCell::new(world)),
            processes: Vec::new(),
            askings,
            swept_at,
            parked: 0,
        }
    }

    /// Lets the day and what follows from it pass, and gives the world back.
    pub fn run(mut self) -> (World, u64) {
        let mut steps = 0;
        while steps < MOST_STEPS && self.go_on() {
            steps += 1;
        }
        if steps == MOST_STEPS {
            self.world.borrow_mut().violation("the day does not end");
        }
        self.processes.clear();
        let world = Rc::into_inner(self.world).map(RefCell::into_inner);
        (
            world.unwrap_or_else(|| unreachable!("all processes have ended")),
            self.parked,
        )
    }

    /// One thing happens; false when nothing is left to happen.
    fn go_on(&mut self) -> bool {
        self.ask_what_is_due();
        self.sweep_if_due();
        self.tell_if_due();
        let now = self.world.borrow().now;
        let awake: Vec<usize> = (0..self.processes.len())
            .filter(|at| {
                self.processes
                    .get(*at)
                    .is_some_and(|p| p.wakes_at.get() <= now)
            })
            .collect();
        let deliver_first = awake.is_empty() || self.world.borrow_mut().random.chance(300_000);
        if deliver_first && self.deliver() {
            return true;
        }
        let at = self.world.borrow_mut().random.index(awake.len());
        match awake.get(at) {
            Some(process) => self.step(*process),
            None => return self.wait(),
        }
        let mut world = self.world.borrow_mut();
        let passes = world.random.below(4);
        world.now = world.now.after(Duration::from_millis(passes));
        true
    }

    fn ask_what_is_due(&mut self) {
        let now = self.world.borrow().now;
        while self.askings.last().is_some_and(|asking| asking.at <= now) {
            let Some(Asking {
                request,
                photos,
                upload,
                ..
            }) = self.askings.pop()
            else {
                return;
            };
            self.empty_cache(&request.dr_number);
            self.claim(&request.dr_number);
            self.say_something(&request.dr_number);
            if upload {
                self.note_uploads(&request.dr_number, &photos);
            } else {
                self.ask(request, photos);
            }
        }
    }

    /// Somebody empties the cache for a DR, and somebody else for another reason at the same time, if this is such a
    /// day.
    fn empty_cache(&mut self, dr: &DrNumber) {
        let rate = self.world.borrow().rates.emptied;
        if !self.world.borrow_mut().fault("emptied", rate) {
            return;
        }
        for _ in 0..2 {
            let ports = self.called(Function::Splitter);
            let (mine, at, dr) = (ports.clone(), ports.now(), dr.clone());
            self.begin(ports, None, async move {
                mine.update(updates::invalidated(Some(&dr), at))
                    .await
                    .map(drop)
            });
        }
    }

    fn limits(&self) -> Limits {
        let deadline = Duration::from_secs(self.world.borrow().spans.deadline);
        Limits {
            photos_per_batch: PHOTOS_PER_BATCH,
            deadline,
            kept_for: Duration::from_secs(90 * 24 * 3600),
        }
    }

    /// A process that nothing but a clock, a person or S3 has called.
    fn called(&self, function: Function) -> ModelPorts {
        ModelPorts::new(&self.world, function, Chain::default().with(function))
    }

    fn ask(&mut self, request: Request, photos: Vec<Photo>) {
        let (limits, ports) = (self.limits(), self.called(Function::Splitter));
        let (mine, world) = (ports.clone(), Rc::clone(&self.world));
        self.begin(ports, None, async move {
            let result = start_as(&mine, &request, &photos, &limits).await;
            answered(&world, &result);
            result.map(drop)
        });
    }

    /// What the splitter does with a quiet check: if the DR is quiet, its question is asked.
    /// What the splitter does when nobody knows an evaluation's versions any more.
    fn plan_anew(&mut self, ports: ModelPorts, handles: (Place, u64), message: PlanAnew) {
        let (limits, mine, questions) = (self.limits(), ports.clone(), self.questions.clone());
        self.begin(ports, Some(handles), async move {
            let versions = mine.release.versions();
            let Some(request) =
                plan_anew::request(&mine, &message, |_, _| versions.clone()).await?
            else {
                return Ok(());
            };
            let Some((_, photos)) = questions.get(&request.dr_number) else {
                return Ok(());
            };
            let result = start_as(&mine, &request, photos, &limits).await?;
            plan_anew::replaced(&mine, &message, &result).await
        });
    }

    fn sweep_if_due(&mut self) {
        let now = self.world.borrow().now;
        if now < self.swept_at.after(MINUTE) {
            return;
        }
        self.swept_at = now;
        let ports = self.called(Function::Sweeper);
        let future = {
            let ports = ports.clone();
            let lost_after = Duration::from_secs(self.world.borrow().spans.lost_after);
            let until = ports.now().after(SWEEPS_FOR);
            async move { sweep::run(&ports, lost_after, until).await.map(|_| ()) }
        };
        self.begin(ports, None, future);
    }

    fn begin(
        &mut self,
        ports: ModelPorts,
        handles: Option<(Place, u64)>,
        future: impl Future<Output = Result<(), RunError>> + 'static,
    ) {
        self.processes.push(Process {
            future: Box::pin(future),
            wakes_at: ports.wakes_at,
            handles,
        });
    }

    /// Deletes an evaluation in the midst of it, if this is such a day.
    fn purge_one(&mut self) {
        let mut world = self.world.borrow_mut();
        let rate = world.rates.purge;
        if !world.fault("purged", rate) {
            return;
        }
        let ids: Vec<EvaluationId> = world.deliveries.keys().map(|(id, _)| id.clone()).collect();
        let chosen = world.random.index(ids.len());
        if let Some(id) = ids.get(chosen) {
            world.purge(id);
        }
    }

    /// A process makes a step, or ends where it stands.
    fn step(&mut self, at: usize) {
        let crash = self.world.borrow().rates.crash;
        if self.world.borrow_mut().fault("crash", crash) {
            drop(self.processes.swap_remove(at));
            return;
        }
        self.purge_one();
        let Some(process) = self.processes.get_mut(at) else {
            return;
        };
        let Poll::Ready(result) = process
            .future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        else {
            return;
        };
        let process = self.processes.swap_remove(at);
        let mut world = self.world.borrow_mut();
        let Some((place, id)) = process.handles else {
            return;
        };
        let duplicate = world.rates.duplicate;
        if result.is_ok() && !world.fault("duplicate", duplicate) {
            world.take(place, id);
        }
    }

    /// Nothing can happen now: time passes until something can. False if nothing ever will.
    fn wait(&mut self) -> bool {
        let mut world = self.world.borrow_mut();
        let messages = world
            .queues
            .values()
            .flatten()
            .map(|message| message.visible_at);
        let processes = self.processes.iter().map(|process| process.wakes_at.get());
        let asking = self.askings.last().map(|asking| asking.at);
        let sweep = world
            .table
            .unfinished()
            .next()
            .is_some()
            .then(|| self.swept_at.after(MINUTE));
        let telling = world.telling.next_at();
        let next = messages
            .chain(processes)
            .chain(asking)
            .chain(sweep)
            .chain(telling)
            .filter(|at| *at > world.now)
            .min();
        if let Some(next) = next {
            world.now = next;
        }
        next.is_some()
    }
}

/// Starts or joins an evaluation, as the splitter of the process's release does.
async fn start_as(
    ports: &ModelPorts,
    request: &Request,
    photos: &[Photo],
    limits: &Limits,
) -> Result<StartResult, RunError> {
    let plan = ports.release.plan(photos, request.mode);
    let plan = plan.ok_or_else(|| RunError::misplaced("a release without its own catalogue"))?;
    start(ports, request, &plan, &ports.release.versions(), limits).await
}

/// Checks what a person was answered.
fn answered(world: &Rc<RefCell<World>>, result: &Result<StartResult, RunError>) {
    match result {
        Ok(StartResult::Joined(evaluation)) if evaluation.bulk => world
            .borrow_mut()
            .violation("13: what a person asked for waits among bulk work"),
        Err(error) if error.to_string().contains("were started at once") => world
            .borrow_mut()
            .violation("a question is refused although nobody answers it"),
        _ => (),
    }
}

/// Which function reads a queue.
fn function_of(place: Place) -> Function {
    match place {
        Place::Live(Queue::Batches | Queue::Bulk) => Function::Batch,
        Place::Live(Queue::Uploads) => Function::Splitter,
        _ => Function::Aggregator,
    }
}

/// Which of the kinds of places a queue's messages take.
fn places_of(place: Place) -> usize {
    match place {
        Place::Live(Queue::Batches) => 0,
        Place::Live(Queue::Bulk) => 1,
        _ => 2,
    }
}

/// A question about a made-up DR.
pub fn asking(at: Timestamp, dr: &DrNumber, photos: &[Photo], mode: Mode, force: bool) -> Asking {
    let reuse = if force { Reuse::Nothing } else { Reuse::Final };
    let request = Request {
        dr_number: dr.clone(),
        mode,
        reuse,
        catalogue: None,
    };
    Asking {
        at,
        request,
        photos: photos.to_vec(),
        upload: false,
    }
}
