//! A DR's checklist as the API shows it: of what lies in the bucket now, and what is kept about it.

use aws::SdkConfig;
use aws::configuration::{present, required};
use aws::listing::{self, ListingError};
use aws::ports::AwsPorts;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::photo_key::{folder, folders};
use evaluation::run::checklist::of_photos;
use evaluation::run::error::RunError;
use evaluation::run::of_dr::of_dr;
use evaluation::run::ports::Ports;
use serde_json::{Value, json};
use vlm::versions::AsksWith;

/// What checklists are made of.
pub(crate) struct Checklists {
    s3: aws_sdk_s3::Client,
    bucket: String,
    asks_with: AsksWith,
}

impl Checklists {
    /// Of the bucket and the versions in the settings.
    pub(crate) fn from_env(config: &SdkConfig) -> anyhow::Result<Self> {
        Ok(Self {
            s3: aws::s3(config),
            bucket: required("BUCKET_NAME")?,
            asks_with: AsksWith::new(
                &required("CATALOGUE_VERSION")?,
                &present("CATALOGUE_RULES")?,
                required("VLM_MODEL")?,
                &required("SIZE_POLICY_VERSION")?,
            )?,
        })
    }

    /// The checklist of a DR; none if its catalogue is not known, or if it has more photos than any may have. `last` is its
    /// last evaluation.
    pub(crate) async fn of(
        &self,
        ports: &AwsPorts,
        dr: &DrNumber,
        last: Option<&EvaluationId>,
    ) -> Result<Option<Value>, RunError> {
        let versions = self.asks_with.versions_for(dr, None);
        let Some(catalogue) = ports.catalogue(&versions.catalogue).await? else {
            return Ok(None);
        };
        let of_dr = of_dr(ports, dr).await?;
        let folders = match of_dr.is_misplaced {
            true => folders(dr),
            false => vec![folder(dr)],
        };
        let listed = listing::list_in(&self.s3, &self.bucket, dr, folders, catalogue).await;
        let photos = match listed {
            Ok(listing) => listing.photos,
            Err(ListingError::TooMany(_)) => return Ok(None),
            Err(ListingError::Failed(cause)) => return Err(cause),
        };
        let with = (catalogue, &versions);
        let checklist = of_photos(ports, dr, of_dr, photos, last, with).await?;
        Ok(Some(json!(checklist)))
    }
}
