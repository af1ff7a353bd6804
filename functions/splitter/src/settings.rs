//! The splitter's settings.

use std::time::Duration;

use anyhow::Context;
use aws::configuration::{number, present, required, seconds};
use evaluation::decide::start::Limits;
use evaluation::domain::catalogue_rules::CatalogueRules;
use evaluation::domain::ids::DrNumber;
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
    /// Which catalogue a DR is asked with.
    pub(crate) catalogues: CatalogueRules,
    model: String,
    size_policy: String,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let (catalogue, rules) = (required("CATALOGUE_VERSION")?, present("CATALOGUE_RULES")?);
        let catalogues = CatalogueRules::parse(&catalogue, &rules);
        let size_policy = required("SIZE_POLICY_VERSION")?;
        SizePolicy::shipped(&size_policy).context("Failed to read SIZE_POLICY_VERSION")?;
        Ok(Self {
            bucket: required("BUCKET_NAME")?,
            quiet_period: seconds("QUIET_PERIOD_SECONDS")?,
            limits: Limits {
                photos_per_batch: usize::from(number::<u8>("PHOTOS_PER_BATCH", 10)?),
                deadline: seconds("EVALUATION_DEADLINE_SECONDS")?,
                kept_for: kept_for(number::<u16>("VERDICT_RETENTION_DAYS", 3650)?),
            },
            catalogues: catalogues.context("Failed to read CATALOGUE_RULES")?,
            model: required("VLM_MODEL")?,
            size_policy,
        })
    }

    /// What a DR is asked with: the catalogue that a request names, or that of the rules.
    pub(crate) fn versions_for(&self, dr: &DrNumber, named: Option<&str>) -> Versions {
        let catalogue = named.unwrap_or_else(|| self.catalogues.version_for(dr));
        versions(catalogue, &self.model, &self.size_policy)
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
