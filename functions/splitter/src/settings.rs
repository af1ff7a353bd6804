//! The splitter's settings.

use std::time::Duration;

use aws::configuration::{number, present, required, retention, seconds, switch};
use aws::http::caller::{Role, RoleScopes};
use evaluation::decide::start::Limits;
use vlm::versions::AsksWith;

/// What the splitter is told by its environment.
pub(crate) struct Settings {
    /// Where the photos are.
    pub(crate) bucket: String,
    /// A DR is taken to be complete when nothing was uploaded for so long.
    pub(crate) quiet_period: Duration,
    /// Whether photos are looked at as they are uploaded.
    pub(crate) looks: bool,
    /// Batch size and deadline.
    pub(crate) limits: Limits,
    /// What DRs are asked with.
    pub(crate) asks_with: AsksWith,
    /// Whose tokens may ask by force.
    pub(crate) operators: RoleScopes,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let asks_with = AsksWith::new(
            &required("CATALOGUE_VERSION")?,
            &present("CATALOGUE_RULES")?,
            required("VLM_MODEL")?,
            &required("SIZE_POLICY_VERSION")?,
        )?;
        Ok(Self {
            bucket: required("BUCKET_NAME")?,
            quiet_period: seconds("QUIET_PERIOD_SECONDS")?,
            looks: switch("LOOKS")?,
            limits: Limits {
                photos_per_batch: usize::from(number::<u8>("PHOTOS_PER_BATCH", 10)?),
                deadline: seconds("EVALUATION_DEADLINE_SECONDS")?,
                kept_for: retention("VERDICT_RETENTION_DAYS")?,
            },
            asks_with,
            operators: RoleScopes::of(&[Role::Operator])?,
        })
    }
}
