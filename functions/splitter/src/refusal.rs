//! Why no evaluation could be started.

use evaluation::domain::ids::DrNumber;
use evaluation::run::error::{Cause, Class, RunError};

/// An evaluation takes no more photos than this: eight times the usual number.
pub(crate) const MOST_PHOTOS: usize = 200;

/// Why no evaluation could be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The DR has no photos.
    #[error("{0} has no photos. Upload them below photos/{0}/ and ask again.")]
    NoPhotos(DrNumber),
    /// The DR has more photos than an evaluation takes.
    #[error(
        "{0} has more than {MOST_PHOTOS} photos. Delete those that don't belong to it and ask again."
    )]
    TooManyPhotos(DrNumber),
    /// The photos could not be listed, or the evaluation could not be written or sent.
    #[error("no evaluation could be started")]
    Failed(#[from] RunError),
}

impl StartError {
    /// S3 could not list the photos.
    pub(crate) fn listing(refused: bool, cause: impl Into<Cause>) -> Self {
        let class = if refused { Class::Bug } else { Class::Retry };
        Self::Failed(RunError::of(class, "listing the photos", cause))
    }

    /// What is to be done about it.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::NoPhotos(_) | Self::TooManyPhotos(_) => Class::Permanent,
            Self::Failed(error) => error.class(),
        }
    }
}
