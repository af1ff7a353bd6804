//! Starting or joining an evaluation.
//!
//! # Invariants
//! - The evaluation stands in the table before its batches stand in the queue. If this function ends between the two,
//!   the sweeper sends them.

use std::time::Duration;

use aws_sdk_s3::Client;
use shared::aws;
use shared::domain::ids::DrNumber;
use shared::domain::plan::{Plan, plan};
use shared::domain::time::Timestamp;
use shared::protocol::evaluation::Evaluation;
use shared::protocol::message::Message;
use shared::protocol::start::{NewEvaluation, NextAction, Request, decide, open};
use shared::queues::{QueueError, Queues};
use shared::store::{Opened, Store, StoreError};

use crate::photos::{self, MOST_PHOTOS};
use crate::settings::Settings;

/// Looks again so often when another evaluation of the same question was faster.
const TRIES: usize = 4;

/// What the splitter works with.
pub(crate) struct Splitter {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) queues: Queues,
    s3: Client,
}

/// Why no evaluation could be started.
#[derive(Debug)]
pub(crate) enum SplitError {
    /// The DR has no photos.
    NoPhotos(DrNumber),
    /// The DR has more photos than an evaluation takes.
    TooManyPhotos(DrNumber),
    /// AWS was busy: the same again later may work.
    Busy(String),
    /// AWS refused, or an item can't be read.
    Failed(String),
}

impl std::fmt::Display for SplitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoPhotos(dr) => write!(f, "{dr} has no photos. Upload them below photos/{dr}/ and ask again."),
            Self::TooManyPhotos(dr) => write!(
                f,
                "{dr} has more than {MOST_PHOTOS} photos. Delete those that don't belong to it and ask again."
            ),
            Self::Busy(cause) => write!(f, "AWS is busy: {cause}"),
            Self::Failed(cause) => write!(f, "AWS refused: {cause}"),
        }
    }
}

impl From<StoreError> for SplitError {
    fn from(error: StoreError) -> Self {
        if error.is_busy() { Self::Busy(error.to_string()) } else { Self::Failed(format!("{error:?}")) }
    }
}

impl From<QueueError> for SplitError {
    fn from(error: QueueError) -> Self {
        Self::Busy(error.to_string())
    }
}

/// How a request was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// A new evaluation runs.
    Started(Box<Evaluation>),
    /// One that runs was joined.
    Joined(Box<Evaluation>),
    /// One that is finished was returned.
    Cached(Box<Evaluation>),
}

impl Splitter {
    /// Settings from the environment, clients for AWS.
    pub(crate) fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        Ok(Self {
            settings: Settings::from_env()?,
            store: aws::store(config)?,
            queues: aws::queues(config),
            s3: aws::s3(config),
        })
    }

    /// Starts or joins the evaluation of a DR.
    pub(crate) async fn evaluate(&self, request: &Request) -> Result<Answer, SplitError> {
        let now = Timestamp::now();
        let plan = self.plan(request).await?;
        for _ in 0..TRIES {
            let current = self.store.current(&plan.fingerprint).await?;
            match decide(current, request.force, now) {
                NextAction::Join(evaluation) => return Ok(Answer::Joined(evaluation)),
                NextAction::ReturnCached(evaluation) => return Ok(Answer::Cached(evaluation)),
                NextAction::Start { seen, supersedes } => {
                    let new = open(request, plan.clone(), self.settings.versions.clone(), &self.settings.limits, now);
                    if self.store.open(&new, seen.as_ref(), supersedes.as_ref()).await? == Opened::Yes {
                        return self.dispatch(new).await.map(|evaluation| Answer::Started(Box::new(evaluation)));
                    }
                }
            }
        }
        Err(SplitError::Busy(format!("{TRIES} evaluations of {} were started at once", request.dr_number)))
    }

    async fn plan(&self, request: &Request) -> Result<Plan, SplitError> {
        let Settings { bucket, catalogue, versions, .. } = &self.settings;
        let photos = photos::list(&self.s3, bucket, &request.dr_number, catalogue).await?;
        Ok(plan(photos, request.mode, catalogue, versions))
    }

    async fn dispatch(&self, new: NewEvaluation) -> Result<Evaluation, SplitError> {
        let evaluation = new.evaluation;
        let messages: Vec<Message> = new.batches.into_iter().map(Message::Batch).collect();
        self.queues.send_all(&self.settings.batches_queue, &messages, Duration::ZERO).await?;
        self.store.mark_dispatched(&evaluation.evaluation_id, Timestamp::now()).await?;
        tracing::info!(
            evaluation.id = %evaluation.evaluation_id, dr.number = %evaluation.dr_number, evaluation.mode = evaluation.mode.as_str(),
            photos.total = evaluation.photos_total, photos.skipped = evaluation.photos_skipped.len(), batches.total = messages.len(),
            split.duration_ms = Timestamp::now().millis_since(evaluation.created_at), "an evaluation started"
        );
        Ok(evaluation)
    }
}
