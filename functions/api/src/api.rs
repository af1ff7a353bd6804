//! What the API works with, and why a request may have no answer.

use std::time::Duration;

use aws::http::problem::Problem;
use aws::listing::{self, ListingError};
use aws::ports::AwsPorts;
use aws::table::{Table, TableError};
use evaluation::domain::bounds::cut;
use evaluation::domain::catalogue::{Catalogue, CatalogueError};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::plan::Photo;
use evaluation::domain::versions::Versions;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use serde::{Deserialize, Deserializer};
use vlm::versions::AsksWith;

use crate::metrics::Metrics;
use crate::page_settings::PageSettings;
use crate::pictures::PictureMaker;

/// Bytes of a catalogue's version that are repeated if there is none.
const LONGEST_NAMED: usize = 100;

/// What the API works with.
pub(crate) struct Api {
    pub(crate) table: Table,
    pub(crate) ports: AwsPorts,
    pub(crate) s3: aws_sdk_s3::Client,
    /// Where the photos are.
    pub(crate) bucket: String,
    /// Who makes pictures of photos.
    pub(crate) pictures: PictureMaker,
    /// What a result must have been made with to be current.
    pub(crate) asks_with: AsksWith,
    /// How long what people say of a DR is kept: where it is, and notes.
    pub(crate) kept_for: Duration,
    /// How the system does.
    pub(crate) metrics: Metrics,
    /// What the page is told of the stack.
    pub(crate) page: PageSettings,
    /// How long people's decisions are kept: as long as verdicts, or longer.
    pub(crate) reviews_kept_for: Duration,
    /// Of a hundred passes without flags so many are drawn for review.
    pub(crate) review_sample: u8,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The caller can mend it.
    #[error("{}", .0.detail)]
    Problem(Problem),
    /// The table or the bucket could not be read or written.
    #[error("the table or the bucket")]
    Failed(#[from] RunError),
}

impl From<TableError> for Refusal {
    fn from(error: TableError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Api {
    /// What a DR is asked with, and the catalogue of that: by the rules, unless a request names one.
    pub(crate) async fn asks(
        &self,
        dr: &DrNumber,
        named: Option<&str>,
    ) -> Result<(&'static Catalogue, Versions), Refusal> {
        let versions = self.asks_with.versions_for(dr, named);
        let found = self.ports.catalogue(&versions.catalogue).await?;
        let unknown = || match named {
            Some(named) => Refusal::from(Problem::bad_request(format!(
                "There is no catalogue {:?}. Leave \"catalogue\" out, or name a version that is in use.",
                cut(named, LONGEST_NAMED)
            ))),
            None => {
                let unknown = CatalogueError::Unknown(versions.catalogue.clone());
                RunError::bug("the catalogue of the settings", unknown).into()
            }
        };
        let catalogue = found.ok_or_else(unknown)?;
        Ok((catalogue, versions))
    }

    /// The photos in these folders of a DR.
    pub(crate) async fn photos(
        &self,
        dr: &DrNumber,
        folders: Vec<String>,
        catalogue: &Catalogue,
    ) -> Result<Vec<Photo>, Refusal> {
        match listing::list_in(&self.s3, &self.bucket, dr, folders, catalogue).await {
            Ok(listing) => Ok(listing.photos),
            Err(ListingError::Failed(cause)) => Err(cause.into()),
            Err(too_many @ ListingError::TooMany(_)) => {
                Err(Problem::too_many_photos(too_many.to_string()).into())
            }
        }
    }
}

/// A field that must be said, as null if there is nothing: one that is left out is refused.
pub(crate) fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}
