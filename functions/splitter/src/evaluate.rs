//! Starting or joining the evaluation of a DR: its photos are listed and planned here, the rest is
//! `evaluation::run::start`.

use std::time::{Duration, Instant};

use aws::listing;
use aws::ports::AwsPorts;
use aws_sdk_s3::Client;
use evaluation::decide::queue::Queue;
use evaluation::decide::start::Request;
use evaluation::domain::catalogue::{Catalogue, CatalogueError};
use evaluation::domain::plan::plan;
use evaluation::run::error::RunError;
use evaluation::run::once::Leased;
use evaluation::run::ports::Ports;
use evaluation::run::start::{StartResult, start, start_once};

use crate::figures;
use crate::refusal::StartError;
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

impl Splitter {
    /// Settings from the environment, clients for AWS.
    pub(crate) fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        let ports = AwsPorts::from_env(config, Queue::ALL)?;
        Ok(Self {
            settings: Settings::from_env()?,
            ports,
            s3: aws::s3(config),
        })
    }

    /// Starts or joins the evaluation of a DR.
    pub(crate) async fn evaluate(&self, request: &Request) -> Result<StartResult, StartError> {
        let answer = self.evaluate_once(request, None).await;
        answer.map(|(answer, _)| answer)
    }

    /// The same for a request that may be leased, and where the time went.
    pub(crate) async fn evaluate_once(
        &self,
        request: &Request,
        leased: Option<&Leased>,
    ) -> Result<(StartResult, Spent), StartError> {
        let Settings { bucket, limits, .. } = &self.settings;
        let dr = &request.dr_number;
        let versions = self
            .settings
            .asks_with
            .versions_for(dr, request.catalogue.as_deref());
        let catalogue = self.catalogue(request, &versions.catalogue).await?;
        let clock = Instant::now();
        let photos = listing::list(&self.s3, bucket, dr, catalogue).await?.photos;
        let listing = clock.elapsed();
        if photos.is_empty() {
            return Err(StartError::NoPhotos(dr.clone()));
        }
        let plan = plan(photos, request.mode, catalogue, &versions);
        let clock = Instant::now();
        let ports = &self.ports;
        let answer = match leased {
            Some(leased) => start_once(ports, request, &plan, &versions, limits, leased).await?,
            None => start(ports, request, &plan, &versions, limits).await?,
        };
        let table = clock.elapsed();
        figures::say(&answer);
        Ok((answer, Spent { listing, table }))
    }

    /// The catalogue of this version. That a person named one that there is not is theirs to mend; that the settings
    /// do, the operator's.
    async fn catalogue(
        &self,
        request: &Request,
        version: &str,
    ) -> Result<&'static Catalogue, StartError> {
        let found = self.ports.catalogue(version).await?;
        let unknown = || CatalogueError::Unknown(version.to_owned());
        found.ok_or_else(|| match &request.catalogue {
            Some(named) => StartError::NoCatalogue(named.clone()),
            None => RunError::bug("the catalogue of the settings", unknown()).into(),
        })
    }
}
