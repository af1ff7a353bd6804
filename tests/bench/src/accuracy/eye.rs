//! Who looks at the photos: a noise model that knows the labels, or a VLM server that gets the pixels.

use std::time::Duration;

use anyhow::{Context, bail};
use photos::{image_tokens, prepare};
use samples::drs::Dr;
use samples::photo::jpeg;
use samples::truth::Truth;
use shared::domain::catalogue::Step;
use shared::domain::ids::StepKey;
use shared::domain::outcome::{ImageFigures, PhotoOutcome, ReasonCode, Usage};
use shared::domain::photo_name::hint;
use shared::photos::{closer_look, long_edge_for, seen_closer};
use shared::vlm::answer::read_answer;
use shared::vlm::client::{VlmClient, VlmSettings};
use shared::vlm::failure::VlmFailure;
use shared::vlm::prompt::Question;

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
pub(crate) enum Eye {
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

impl Eye {
    /// The server at this URL, or else the noise model that the way names.
    pub(crate) fn of(way: &Way, vlm_url: Option<&str>, seed: u64) -> anyhow::Result<Self> {
        let Some(url) = vlm_url else {
            return Ok(Self::Noise {
                noise: Noise::shipped(&way.model)?,
                seed,
            });
        };
        Ok(Self::Server(VlmClient::new(VlmSettings {
            base_url: url.trim_end_matches('/').trim_end_matches("/v1").into(),
            model: way.model.clone(),
            api_key: std::env::var("VLM_API_KEY").ok(),
            timeout: Duration::from_secs(180),
            connect_timeout: Duration::from_secs(5),
            first_token_timeout: Duration::from_secs(120),
            stall_timeout: Duration::from_secs(60),
        })?))
    }

    /// Asks which of these steps a photo shows, sized by what its name hints at and once more from closer, as in production.
    pub(crate) async fn look(
        &self,
        way: &Way,
        dr: &LabelledDr,
        at: usize,
        asked: &[StepKey],
    ) -> anyhow::Result<Seen> {
        let photo = dr
            .photos
            .get(at)
            .context("The plan holds photos of the DR only")?;
        let step = hint(&photo.name, &way.catalogue).and_then(|key| way.catalogue.step(&key));
        let long_edge = long_edge_for(&way.size_policy, step);
        let seen = self
            .look_once(way, dr, (at, photo), asked, long_edge)
            .await?;
        let PhotoOutcome::Evaluated { findings } = &seen.outcome else {
            return Ok(seen);
        };
        let unread = closer_look(&way.size_policy, &way.catalogue, &seen.image, findings);
        if unread.is_empty() {
            return Ok(seen);
        }
        let closer = self
            .look_once(
                way,
                dr,
                (at, photo),
                &unread,
                way.size_policy.small_print_long_edge,
            )
            .await?;
        Ok(seen.closer(closer))
    }

    async fn look_once(
        &self,
        way: &Way,
        dr: &LabelledDr,
        (at, photo): (usize, &LabelledPhoto),
        asked: &[StepKey],
        long_edge: u32,
    ) -> anyhow::Result<Seen> {
        let question = Question::new(&way.catalogue, asked);
        match self {
            Self::Noise { noise, seed } => {
                let identity = format!("{}/{}", dr.dr_number, photo.name);
                let looks_like = &photo.looks_like;
                let answer = noise.answer(&Look {
                    seed: *seed,
                    photo: &identity,
                    looks_like,
                    asked,
                    long_edge,
                });
                Ok(told(&question, &answer, sent(long_edge, photo.portrait)))
            }
            Self::Server(vlm) => {
                let prepared = prepare(&bytes(dr, at, photo)?, &way.size_policy, long_edge)
                    .with_context(|| format!("{}/{} can't be read", dr.dr_number, photo.name))?;
                let step =
                    hint(&photo.name, &way.catalogue).and_then(|key| way.catalogue.step(&key));
                let (outcome, usage) = ask(vlm, &question, &prepared.jpeg, step).await?;
                Ok(Seen {
                    outcome,
                    usage,
                    image: prepared.figures,
                    looks: 1,
                })
            }
        }
    }
}

impl Seen {
    /// What was seen after a closer look: what it found stands, and both cost tokens.
    fn closer(self, closer: Self) -> Self {
        let usage = self.usage.plus(closer.usage);
        let outcome = match (self.outcome, closer.outcome) {
            (PhotoOutcome::Evaluated { findings: first }, PhotoOutcome::Evaluated { findings }) => {
                PhotoOutcome::Evaluated {
                    findings: seen_closer(first, findings),
                }
            }
            (first, _) => first,
        };
        Self {
            outcome,
            usage,
            image: closer.image,
            looks: self.looks + closer.looks,
        }
    }
}

/// A noise model's answer, read as production reads one. Its text's tokens are estimated from its length.
fn told(question: &Question, answer: &str, image: ImageFigures) -> Seen {
    let outcome = match read_answer(answer, question) {
        Ok(answer) => PhotoOutcome::Evaluated {
            findings: answer.findings,
        },
        Err(error) => PhotoOutcome::not_evaluated(ReasonCode::InvalidAnswer, error.to_string()),
    };
    let text = (question.characters() / CHARACTERS_PER_TOKEN + FRAME_TOKENS) as u64;
    let completion_tokens = (answer.len() / CHARACTERS_PER_TOKEN + 1) as u64;
    Seen {
        outcome,
        usage: Usage {
            prompt_tokens: text + u64::from(image.image_tokens),
            completion_tokens,
        },
        image,
        looks: 1,
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
            jpeg(&truth, &Dr::shot(at, DRAWN_MEGAPIXELS, 1))
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
