//! Who looks at the photos: a noise model that knows the labels, or a VLM server that gets the pixels.

use std::time::Duration;

use anyhow::{Context, bail};
use evaluation::domain::catalogue::Step;
use evaluation::domain::ids::{Score, StepKey};
use evaluation::domain::outcome::{Finding, ImageFigures, PhotoOutcome, Reason, ReasonCode, Usage};
use evaluation::domain::photo_name::hint;
use photos::{image_tokens, prepare};
use samples::drs::Dr;
use samples::photo::jpeg;
use samples::truth::Truth;
use vlm::answer::read_answer;
use vlm::client::{VlmClient, VlmSettings};
use vlm::closer_look::{self, AskAboutPhoto, SizedQuestion};
use vlm::failure::VlmFailure;
use vlm::prompt::Question;

use super::labelled::{LabelledDr, LabelledPhoto};
use super::noise::{Look, Noise};
use super::way::Way;

/// English text and JSON, roughly.
const CHARACTERS_PER_TOKEN: usize = 4;
/// Tokens of the text behind the photo and of the chat's frame.
const FRAME_TOKENS: usize = 30;
/// Made-up photos that are really sent are drawn so large; their codes are then still read at 800 pixels.
const DRAWN_MEGAPIXELS: f64 = 1.5;
/// A server that is busy is asked again so often, a little later each time.
const TRIES: u32 = 5;

/// Who looks.
pub(crate) enum Model {
    /// Labels, passed through a model of a model's errors.
    Noise { noise: Noise, seed: u64 },
    /// A server.
    Server(VlmClient),
}

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) outcome: PhotoOutcome,
    pub(crate) usage: Usage,
    pub(crate) image: ImageFigures,
    /// Requests that it took, a repair not counted.
    pub(crate) looks: u32,
}

impl Model {
    /// The server at this URL, or else the noise model that the way names.
    pub(crate) fn of(way: &Way, vlm_url: Option<&str>, seed: u64) -> anyhow::Result<Self> {
        let Some(url) = vlm_url else {
            return Ok(Self::Noise {
                noise: Noise::shipped(&way.model)?,
                seed,
            });
        };
        Ok(Self::Server(VlmClient::of_person(VlmSettings {
            base_url: url.into(),
            model: way.model.clone(),
            api_key: None,
            timeout: Duration::from_secs(180),
            connect_timeout: Duration::from_secs(5),
            first_token_timeout: Duration::from_secs(120),
            stall_timeout: Duration::from_secs(60),
        })?))
    }

    /// Asks which of these steps a photo shows, as production does: sized by what its name hints at, and once more
    /// from closer.
    pub(crate) async fn look(
        &self,
        way: &Way,
        dr: &LabelledDr,
        at: usize,
        asked: &[StepKey],
    ) -> anyhow::Result<Seen> {
        let photo = dr.photos.get(at);
        let photo = photo.context("The plan holds photos of the DR only")?;
        let step = hint(&photo.name, &way.catalogue).and_then(|key| way.catalogue.step(&key));
        let mut asking = Asking {
            model: self,
            way,
            dr,
            at,
            photo,
            hint: step,
            usage: Usage::default(),
            image: None,
            looks: 0,
        };
        let (catalogue, policy) = (&way.catalogue, &way.size_policy);
        let outcome = closer_look::outcome(&mut asking, step, asked, catalogue, policy).await?;
        Ok(Seen {
            outcome,
            usage: asking.usage,
            image: asking.image.context("No photo was sent")?,
            looks: asking.looks,
        })
    }
}

/// One labelled photo that is being asked about.
struct Asking<'a> {
    model: &'a Model,
    way: &'a Way,
    dr: &'a LabelledDr,
    at: usize,
    photo: &'a LabelledPhoto,
    hint: Option<&'a Step>,
    usage: Usage,
    image: Option<ImageFigures>,
    looks: u32,
}

impl AskAboutPhoto for Asking<'_> {
    type Stopped = anyhow::Error;

    async fn ask(
        &mut self,
        asked: SizedQuestion<'_>,
    ) -> anyhow::Result<Result<closer_look::Seen, Reason>> {
        let question = Question::new(&self.way.catalogue, asked.steps);
        let (outcome, usage, image) = match self.model {
            Model::Noise { noise, seed } => self.told(noise, *seed, &question, asked),
            Model::Server(vlm) => self.sent(vlm, &question, asked.long_edge).await?,
        };
        self.usage = self.usage.plus(usage);
        self.image = Some(image);
        self.looks += 1;
        Ok(match outcome {
            PhotoOutcome::Evaluated { findings } => Ok(closer_look::Seen { findings, image }),
            PhotoOutcome::NotEvaluated { reason } => Err(reason),
        })
    }
}

impl Asking<'_> {
    fn told(
        &self,
        noise: &Noise,
        seed: u64,
        question: &Question,
        asked: SizedQuestion<'_>,
    ) -> (PhotoOutcome, Usage, ImageFigures) {
        let identity = format!("{}/{}", self.dr.dr_number, self.photo.name);
        let answer = noise.answer(&Look {
            seed,
            photo: &identity,
            looks_like: &self.photo.looks_like,
            asked: asked.steps,
            long_edge: asked.long_edge,
        });
        let image = sent(asked.long_edge, self.photo.portrait);
        let (outcome, usage) = told(question, &answer, image);
        (
            with_certainty(outcome, noise, self.way.catalogue.pass_score),
            usage,
            image,
        )
    }

    async fn sent(
        &self,
        vlm: &VlmClient,
        question: &Question,
        long_edge: u32,
    ) -> anyhow::Result<(PhotoOutcome, Usage, ImageFigures)> {
        let file = bytes(self.dr, self.at, self.photo)?;
        let unreadable = || format!("{}/{} can't be read", self.dr.dr_number, self.photo.name);
        let prepared = prepare(&file, &self.way.size_policy, long_edge).with_context(unreadable)?;
        let (outcome, usage) = ask(vlm, question, &prepared.jpeg, self.hint).await?;
        Ok((outcome, usage, prepared.figures))
    }
}

/// A noise model's answer, read as production reads one. Its text's tokens are estimated from its length.
fn told(question: &Question, answer: &str, image: ImageFigures) -> (PhotoOutcome, Usage) {
    let outcome = match read_answer(answer, question) {
        Ok(answer) => PhotoOutcome::Evaluated {
            findings: answer.findings,
        },
        Err(error) => PhotoOutcome::not_evaluated(ReasonCode::InvalidAnswer, error.to_string()),
    };
    let text = (question.characters() / CHARACTERS_PER_TOKEN + FRAME_TOKENS) as u64;
    let completion_tokens = (answer.len() / CHARACTERS_PER_TOKEN + 1) as u64;
    let usage = Usage {
        prompt_tokens: text + u64::from(image.image_tokens),
        completion_tokens,
    };
    (outcome, usage)
}

/// With what the noise model takes its certainty to be.
fn with_certainty(outcome: PhotoOutcome, noise: &Noise, pass_score: Score) -> PhotoOutcome {
    match outcome {
        PhotoOutcome::Evaluated { findings } => PhotoOutcome::Evaluated {
            findings: findings
                .into_iter()
                .map(|finding| Finding {
                    certainty: noise.certainty(finding.score, pass_score),
                    ..finding
                })
                .collect(),
        },
        other => other,
    }
}

/// What is sent of a phone's photo, 4:3, at this long edge; bytes are not known.
fn sent(long_edge: u32, portrait: bool) -> ImageFigures {
    let short = long_edge * 3 / 4;
    let (width, height) = if portrait {
        (short, long_edge)
    } else {
        (long_edge, short)
    };
    ImageFigures {
        original_bytes: 0,
        sent_bytes: 0,
        width,
        height,
        image_tokens: image_tokens(width, height),
    }
}

/// The photo's file, or a drawing of what it looks like.
fn bytes(dr: &LabelledDr, at: usize, photo: &LabelledPhoto) -> anyhow::Result<Vec<u8>> {
    match &photo.path {
        Some(path) => {
            std::fs::read(path).with_context(|| format!("Failed to read {}", path.display()))
        }
        None => {
            let shows = photo.looks_like.clone();
            let truth = Truth {
                dr_number: dr.dr_number.to_string(),
                photo: at as u32,
                shows,
            };
            jpeg(&truth, &Dr::view(at, DRAWN_MEGAPIXELS, 1))
        }
    }
}

async fn ask(
    vlm: &VlmClient,
    question: &Question,
    jpeg: &[u8],
    hint: Option<&Step>,
) -> anyhow::Result<(PhotoOutcome, Usage)> {
    let mut busy = String::new();
    for attempt in 0..TRIES {
        match vlm.ask(question, jpeg, hint).await {
            Ok(asked) => {
                return Ok((
                    PhotoOutcome::Evaluated {
                        findings: asked.findings,
                    },
                    asked.usage,
                ));
            }
            Err(VlmFailure::Permanent { reason, .. }) => {
                return Ok((PhotoOutcome::NotEvaluated { reason }, Usage::default()));
            }
            Err(VlmFailure::Bug { detail }) => {
                bail!("The VLM takes the request to be wrong: {detail}")
            }
            Err(VlmFailure::RetryLater {
                retry_after,
                detail,
                ..
            }) => {
                busy = detail;
                tokio::time::sleep(retry_after.unwrap_or(Duration::from_secs(1 << attempt))).await;
            }
        }
    }
    bail!("The VLM gave no answer after {TRIES} tries: {busy}")
}
