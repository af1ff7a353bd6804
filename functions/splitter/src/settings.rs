//! The splitter's settings.

use anyhow::Context;
use shared::config::{number, required, seconds, versions};
use shared::domain::catalogue::Catalogue;
use shared::domain::plan::Versions;
use shared::protocol::start::Limits;
use std::time::Duration;

/// What the splitter is told by its environment.
pub(crate) struct Settings {
    /// Where the photos are.
    pub(crate) bucket: String,
    /// A DR is taken to be complete when nothing was uploaded for so long.
    pub(crate) quiet_period: Duration,
    /// Batch size and deadline.
    pub(crate) limits: Limits,
    /// The steps.
    pub(crate) catalogue: Catalogue,
    /// What a result depends on beside the photos.
    pub(crate) versions: Versions,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let versions = versions()?;
        let catalogue = Catalogue::shipped(&versions.catalogue)
            .context("Failed to load the catalogue of steps")?;
        Ok(Self {
            bucket: required("BUCKET_NAME")?,
            quiet_period: seconds("QUIET_PERIOD_SECONDS", 60)?,
            limits: Limits {
                photos_per_batch: usize::from(number::<u8>("PHOTOS_PER_BATCH", 4, 10)?),
                deadline: seconds("EVALUATION_DEADLINE_SECONDS", 12 * 60 * 60)?,
            },
            catalogue,
            versions,
        })
    }
}
