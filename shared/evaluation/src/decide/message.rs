//! What travels through the queues: keys and outcomes, never pixels.
//!
//! # Invariants
//! - Every message says its `kind` and its `version`; one that can't be read fails alone (a bug: redelivery, then
//!   the dead-letter queue), it is never guessed at.
//! - The largest message, a batch of ten photos with the longest S3 keys, stays far below SQS's limit of 1 MiB.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::breaker::ProbeId;
use super::queue::Queue;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::plan::Photo;
use crate::domain::report::Report;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::domain::trace::TraceId;
use crate::domain::versions::Versions;

/// The version that this program writes and the only one that it reads.
pub const VERSION: u8 = 1;

/// Any message of any queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// Batches queue: evaluate these photos.
    Batch(Batch),
    /// Results queue: a batch function has begun with these photos.
    Started(Started),
    /// Results queue: what became of a photo.
    Outcome(Outcome),
    /// Results queue: a photo must be asked about later.
    Deferral(Deferral),
    /// Bulk queue: look at a photo that was just uploaded.
    Look(Look),
    /// Results queue: a look has ended.
    Looked(Looked),
    /// Uploads queue: check whether the DR has been quiet since.
    QuietCheck(QuietCheck),
    /// Uploads queue: ask the question of an evaluation anew, since nobody knows its versions any more.
    PlanAnew(PlanAnew),
}

/// Photos to be evaluated together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The message's version.
    #[serde(deserialize_with = "known_version")]
    pub version: u8,
    /// The evaluation that asks.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// The photos.
    pub photos: Vec<Photo>,
    /// How often these photos were put off before.
    pub attempt: u32,
    /// Whether this message may ask although the VLM is taken to be away.
    #[serde(default)]
    pub probe: bool,
    /// Whether nobody waits for it (uploads started it): it goes through a queue of its own, behind what people wait
    /// for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bulk: bool,
    /// How often the VLM failed at this photo although it had just answered others.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub faults: u32,
    /// What was seen of its one photo already: only the closer look is still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Box<Report>>,
    /// When it was due to be received: the time of sending plus the delay.
    pub due_at: Timestamp,
}

impl Batch {
    /// The queue that it belongs in: nobody waits for what uploads started.
    pub fn queue(&self) -> Queue {
        if self.bulk {
            Queue::Bulk
        } else {
            Queue::Batches
        }
    }

    /// The probe that it is, if it is one: a probe has one photo.
    pub fn probe(&self) -> Option<ProbeId> {
        let photo = self.photos.first().filter(|_| self.probe)?;
        Some(ProbeId::of(
            &self.evaluation_id,
            &photo.photo_id,
            self.attempt,
        ))
    }

    /// A batch of these photos, asked about for the first time.
    pub fn new(
        evaluation_id: &EvaluationId,
        dr_number: &DrNumber,
        photos: Vec<Photo>,
        due_at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            evaluation_id: evaluation_id.clone(),
            dr_number: dr_number.clone(),
            photos,
            attempt: 0,
            probe: false,
            bulk: false,
            faults: 0,
            seen: None,
            due_at,
        }
    }
}

/// A photo that was just uploaded and is to be looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The message's version.
    #[serde(deserialize_with = "known_version")]
    pub version: u8,
    /// The look's own id, under which its answer is kept: there is no evaluation.
    pub look_id: EvaluationId,
    /// The photo's DR.
    pub dr_number: DrNumber,
    /// The photo, as a full evaluation would ask about it.
    pub photo: Photo,
    /// What is asked with.
    pub versions: Versions,
    /// When it was sent, and due.
    pub sent_at: Timestamp,
}

impl Look {
    /// The same look, which asks about these steps.
    pub fn about(&self, scope: Scope) -> Self {
        let photo = Photo {
            scope,
            ..self.photo.clone()
        };
        Self {
            photo,
            ..self.clone()
        }
    }
}

/// What became of a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// The look.
    #[serde(flatten)]
    pub look: Look,
    /// The photo's outcome and how it came about; absent where the look was passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<Report>>,
}

/// A batch function's word that it has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The message's version.
    #[serde(deserialize_with = "known_version")]
    pub version: u8,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// When it began.
    pub at: Timestamp,
}

/// What became of one photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The message's version.
    #[serde(deserialize_with = "known_version")]
    pub version: u8,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The photo.
    pub photo_id: PhotoId,
    /// Its outcome and how it came about.
    pub report: Report,
    /// The batch message that led to it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
}

/// A message of the queues of batches that was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// When it was due.
    pub due_at: Timestamp,
    /// As in the batch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bulk: bool,
    /// As in the batch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// As in the batch; said of a probe only.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
}

impl Received {
    /// The queue that it came from.
    pub fn queue(&self) -> Queue {
        if self.bulk {
            Queue::Bulk
        } else {
            Queue::Batches
        }
    }
}

/// A photo that must be asked about later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deferral {
    /// The message's version.
    #[serde(deserialize_with = "known_version")]
    pub version: u8,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// The photo.
    pub photo: Photo,
    /// The others of its batch, where nobody was asked about any. A release before this one does not read them; then the
    /// sweeper misses them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Photo>,
    /// How often they were put off before this.
    pub attempt: u32,
    /// Whether it was asked about as a probe.
    #[serde(default)]
    pub probe: bool,
    /// As in the batch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bulk: bool,
    /// As in the batch.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub faults: u32,
    /// As in the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Box<Report>>,
    /// Why.
    pub cause: DeferralCause,
    /// The reason in words, for the evaluation's `waiting`.
    pub reason: String,
    /// The least delay that the server asked for, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// When it was put off.
    pub at: Timestamp,
    /// When the batch message was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

impl Outcome {
    /// The probe that ended with it, if it was one.
    pub fn probe(&self) -> Option<ProbeId> {
        let probe = self.received.filter(|received| received.probe)?;
        Some(ProbeId::of(
            &self.evaluation_id,
            &self.photo_id,
            probe.attempt,
        ))
    }
}

impl Deferral {
    /// The batch message that led to it.
    pub fn received(&self) -> Option<Received> {
        let bulk = self.bulk;
        self.due_at.map(|due_at| Received {
            due_at,
            bulk,
            ..Received::default()
        })
    }

    /// The probe that ended with it, if it was one.
    pub fn probe(&self) -> Option<ProbeId> {
        let of = ProbeId::of(&self.evaluation_id, &self.photo.photo_id, self.attempt);
        self.probe.then_some(of)
    }

    /// The same of each photo alone.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        let alone = |photo: &Photo| Self {
            photo: photo.clone(),
            others: Vec::new(),
            ..self.clone()
        };
        std::iter::once(&self.photo).chain(&self.others).map(alone)
    }

    /// The least delay that the server asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }
}

/// Why a photo is put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeferralCause {
    /// The VLM could not be reached, failed, or did not answer in time. Counts towards the circuit breaker.
    Unavailable,
    /// The VLM failed at this photo's request, which may be the photo's fault. Counts towards the circuit breaker.
    Failed,
    /// The VLM is busy and said so.
    Overloaded,
    /// The circuit breaker is open: nobody was asked.
    BreakerOpen,
    /// The function's own time ended first, or S3 was slow.
    OutOfTime,
    /// The function is of another release and does not know the evaluation's versions: nobody was asked.
    AnotherRelease,
}

/// A delayed check whether the uploads of a DR have come to rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuietCheck {
    /// The message's version.
    #[serde(deserialize_with = "known_version")]
    pub version: u8,
    /// The DR.
    pub dr_number: DrNumber,
    /// The upload after which this message was sent.
    pub uploaded_at: Timestamp,
}

/// An evaluation whose question is to be asked anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanAnew {
    /// The message's version.
    #[serde(deserialize_with = "known_version")]
    pub version: u8,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
}

impl Message {
    /// Reads a message body.
    ///
    /// ```
    /// use evaluation::decide::message::Message;
    /// use evaluation::decide::queue::Queue;
    ///
    /// let body = r#"{"kind": "quiet_check", "version": 1, "dr_number": "DR1", "uploaded_at": 7}"#;
    /// assert_eq!(Message::parse(body).unwrap().queue(), Queue::Uploads);
    /// assert!(Message::parse(&body.replace("1,", "2,")).is_err(), "an unknown version");
    /// ```
    pub fn parse(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }

    /// Whose share of the queue it counts against.
    pub fn fair_share_of(&self) -> Option<&DrNumber> {
        match self {
            Self::Batch(batch) => Some(&batch.dr_number),
            Self::Look(look) => Some(&look.dr_number),
            _ => None,
        }
    }

    /// The queue that it belongs in.
    pub fn queue(&self) -> Queue {
        match self {
            Self::Batch(batch) => batch.queue(),
            Self::Look(_) => Queue::Bulk,
            Self::Started(_) | Self::Outcome(_) | Self::Deferral(_) | Self::Looked(_) => {
                Queue::Results
            }
            Self::QuietCheck(_) | Self::PlanAnew(_) => Queue::Uploads,
        }
    }

    /// The body to send.
    pub fn to_body(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// The body to send as part of a trace. The trace stands beside what the message says: a release that does not know
    /// of it reads the message all the same.
    pub fn to_body_within(&self, trace: Option<&TraceId>) -> String {
        let mut body = serde_json::json!(self);
        if let (Some(trace), Some(fields)) = (trace, body.as_object_mut()) {
            fields.insert("trace_id".into(), trace.as_str().into());
        }
        body.to_string()
    }

    /// A message that has a photo looked at.
    pub fn look(
        look_id: EvaluationId,
        dr_number: &DrNumber,
        photo: Photo,
        versions: Versions,
        sent_at: Timestamp,
    ) -> Self {
        Self::Look(Look {
            version: VERSION,
            look_id,
            dr_number: dr_number.clone(),
            photo,
            versions,
            sent_at,
        })
    }

    /// A message with what became of a look.
    pub fn looked(look: &Look, report: Option<Box<Report>>) -> Self {
        Self::Looked(Looked {
            look: look.clone(),
            report,
        })
    }

    /// A message that a batch has begun.
    pub fn started(evaluation_id: &EvaluationId, at: Timestamp) -> Self {
        Self::Started(Started {
            version: VERSION,
            evaluation_id: evaluation_id.clone(),
            at,
        })
    }

    /// A message with a photo's outcome, known without a batch.
    pub fn outcome(evaluation_id: &EvaluationId, photo_id: &PhotoId, report: Report) -> Self {
        Self::Outcome(Outcome {
            version: VERSION,
            evaluation_id: evaluation_id.clone(),
            photo_id: photo_id.clone(),
            report,
            received: None,
        })
    }

    /// A message with the outcome of a photo of `batch`.
    pub fn outcome_of(batch: &Batch, photo: &Photo, report: Report) -> Self {
        let received = Received {
            due_at: batch.due_at,
            bulk: batch.bulk,
            probe: batch.probe,
            attempt: if batch.probe { batch.attempt } else { 0 },
        };
        Self::Outcome(Outcome {
            version: VERSION,
            evaluation_id: batch.evaluation_id.clone(),
            photo_id: photo.photo_id.clone(),
            report,
            received: Some(received),
        })
    }

    /// A message that has the question of an evaluation asked anew.
    pub fn plan_anew(evaluation_id: &EvaluationId) -> Self {
        Self::PlanAnew(PlanAnew {
            version: VERSION,
            evaluation_id: evaluation_id.clone(),
        })
    }

    /// A message that puts these photos of `batch` off, about none of which anybody was asked; none without photos.
    pub fn deferral_of_all(
        batch: &Batch,
        photos: &[&Photo],
        why: (DeferralCause, String),
        at: Timestamp,
    ) -> Option<Self> {
        let (first, others) = photos.split_first()?;
        let mut message = Self::deferral(batch, first, why, None, at);
        if let Self::Deferral(note) = &mut message {
            note.others = others.iter().copied().cloned().collect();
        }
        Some(message)
    }

    /// A message that puts a photo of `batch` off.
    pub fn deferral(
        batch: &Batch,
        photo: &Photo,
        why: (DeferralCause, String),
        retry_after: Option<Duration>,
        at: Timestamp,
    ) -> Self {
        let (cause, reason) = why;
        Self::Deferral(Deferral {
            version: VERSION,
            evaluation_id: batch.evaluation_id.clone(),
            dr_number: batch.dr_number.clone(),
            photo: photo.clone(),
            others: Vec::new(),
            attempt: batch.attempt,
            probe: batch.probe,
            bulk: batch.bulk,
            faults: batch.faults,
            seen: batch.seen.clone(),
            cause,
            reason,
            retry_after_ms: retry_after
                .map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            at,
            due_at: Some(batch.due_at),
        })
    }

    /// A message that has a DR checked later.
    pub fn quiet_check(dr_number: &DrNumber, uploaded_at: Timestamp) -> Self {
        Self::QuietCheck(QuietCheck {
            version: VERSION,
            dr_number: dr_number.clone(),
            uploaded_at,
        })
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn known_version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        other => Err(serde::de::Error::custom(format!(
            "message version {other} is not {VERSION}"
        ))),
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
