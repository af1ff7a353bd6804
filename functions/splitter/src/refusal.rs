//! Why no evaluation could be started.

use aws::listing::ListingError;
use evaluation::domain::ids::DrNumber;
use evaluation::run::error::{Class, RunError};

/// Why no evaluation could be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The DR has no photos.
    #[error("{0} has no photos. Upload them below photos/{0}/ and ask again.")]
    NoPhotos(DrNumber),
    /// The DR has more photos than an evaluation takes.
    #[error("{0}")]
    TooManyPhotos(ListingError),
    /// The request names a catalogue that there is not.
    #[error(
        "There is no catalogue {0:?}. Leave \"catalogue\" out, or name a version that is in use; the operator knows which."
    )]
    NoCatalogue(String),
    /// The same request is being answered.
    #[error(
        "A request with this Idempotency-Key is being answered. Send it again in a few seconds."
    )]
    BeingAnswered,
    /// Something else was asked under its key, or this too often.
    #[error(
        "Another request was sent with this Idempotency-Key, or this one failed too often. Make up a new one."
    )]
    KeyUsed,
    /// The photos could not be listed, or the evaluation could not be written or sent.
    #[error("no evaluation could be started")]
    Failed(#[from] RunError),
}

impl From<ListingError> for StartError {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::Failed(cause) => Self::Failed(cause),
            too_many @ ListingError::TooMany(_) => Self::TooManyPhotos(too_many),
        }
    }
}

impl StartError {
    /// What is to be done about it.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::NoPhotos(_)
            | Self::TooManyPhotos(_)
            | Self::NoCatalogue(_)
            | Self::BeingAnswered
            | Self::KeyUsed => Class::Permanent,
            Self::Failed(error) => error.class(),
        }
    }
}
