//! The splitter's settings.

use std::time::Duration;

use anyhow::Context;
use aws::configuration::{number, required, seconds};
use evaluation::decide::start::Limits;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::versions::Versions;
use photos::size_policy::SizePolicy;
use vlm::versions::versions;

/// DynamoDB deletes an item up to two days late: a verdict is due so much earlier, that it never outlives its photos.
const DELETED_LATE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// What the splitter is told by its environment.
pub(crate) struct Settings {
    /// Where the photos are.
    pub(crate) bucket: String,
    /// A DR is taken to be complete when nothing was uploaded for so long.
    pub(crate) quiet_period: Duration,
    /// Batch size and deadline.
    pub(crate) limits: Limits,
    /// The steps.
    pub(crate) catalogue: &'static Catalogue,
    /// What a result depends on beside the photos.
    pub(crate) versions: Versions,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let (catalogue, model) = (required("CATALOGUE_VERSION")?, required("VLM_MODEL")?);
        let size_policy = required("SIZE_POLICY_VERSION")?;
        SizePolicy::shipped(&size_policy).context("Failed to read SIZE_POLICY_VERSION")?;
        let versions = versions(&catalogue, &model, &size_policy);
        let catalogue = Catalogue::shipped(&versions.catalogue)
            .context("Failed to load the catalogue of steps")?;
        Ok(Self {
            bucket: required("BUCKET_NAME")?,
            quiet_period: seconds("QUIET_PERIOD_SECONDS")?,
            limits: Limits {
                photos_per_batch: usize::from(number::<u8>("PHOTOS_PER_BATCH", 10)?),
                deadline: seconds("EVALUATION_DEADLINE_SECONDS")?,
                kept_for: kept_for(number::<u16>("VERDICT_RETENTION_DAYS", 3650)?),
            },
            catalogue,
            versions,
        })
    }
}

/// How long an evaluation is kept that is to be gone after so many days.
fn kept_for(days: u16) -> Duration {
    let retention = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    retention.saturating_sub(DELETED_LATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_due_two_days_before_its_photos_may_go() {
        let day = 24 * 60 * 60;
        assert_eq!(kept_for(92), Duration::from_secs(90 * day));
        assert_eq!(kept_for(1), Duration::ZERO);
    }
}
