//! Starting or joining the evaluation of a DR: its photos are listed and planned here, the rest is `shared::flow::split`.

use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use shared::aws::{self, AwsPorts};
use shared::domain::ids::DrNumber;
use shared::domain::plan::plan;
use shared::flow::split::{Answer, split};
use shared::flow::{Queue, Trouble};
use shared::protocol::start::Request;

use crate::figures;
use crate::listing::{self, MOST_PHOTOS};
use crate::settings::Settings;

/// What the splitter works with.
pub(crate) struct Splitter {
    pub(crate) settings: Settings,
    pub(crate) ports: AwsPorts,
    s3: Client,
}

/// Where a request's time went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// Listing the photos.
    pub(crate) listing: Duration,
    /// The table; for a new evaluation, its messages too.
    pub(crate) table: Duration,
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
            Self::NoPhotos(dr) => write!(
                f,
                "{dr} has no photos. Upload them below photos/{dr}/ and ask again."
            ),
            Self::TooManyPhotos(dr) => write!(
                f,
                "{dr} has more than {MOST_PHOTOS} photos. Delete those that don't belong to it and ask again."
            ),
            Self::Busy(cause) => write!(f, "AWS is busy: {cause}"),
            Self::Failed(cause) => write!(f, "AWS refused: {cause}"),
        }
    }
}

impl From<Trouble> for SplitError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Busy(cause) => Self::Busy(cause),
            Trouble::Failed(cause) => Self::Failed(cause),
        }
    }
}

impl Splitter {
    /// Settings from the environment, clients for AWS.
    pub(crate) fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        let ports = AwsPorts::from_env(config, &[Queue::Batches, Queue::Results, Queue::Uploads])?;
        Ok(Self {
            settings: Settings::from_env()?,
            ports,
            s3: aws::s3(config),
        })
    }

    /// Starts or joins the evaluation of a DR.
    pub(crate) async fn evaluate(&self, request: &Request) -> Result<Answer, SplitError> {
        self.evaluate_timed(request).await.map(|(answer, _)| answer)
    }

    /// The same, and where the time went.
    pub(crate) async fn evaluate_timed(
        &self,
        request: &Request,
    ) -> Result<(Answer, Spent), SplitError> {
        let Settings {
            bucket,
            catalogue,
            versions,
            limits,
            ..
        } = &self.settings;
        let clock = Instant::now();
        let photos = listing::list(&self.s3, bucket, &request.dr_number, catalogue).await?;
        let listing = clock.elapsed();
        let plan = plan(photos, request.mode, catalogue, versions);
        let clock = Instant::now();
        let answer = split(&self.ports, request, &plan, versions, limits).await?;
        let table = clock.elapsed();
        figures::say(&answer);
        Ok((answer, Spent { listing, table }))
    }
}
