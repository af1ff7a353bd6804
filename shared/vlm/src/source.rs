//! Where photos come from.

use evaluation::domain::outcome::Reason;
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::run::error::{Cause, RunError};

/// Where photos are kept, and what is known of their contents.
#[allow(
    async_fn_in_trait,
    reason = "fetched where it is asked for; nothing is spawned"
)]
pub trait PhotoSource {
    /// Reads the very content that was planned, of at most `most_bytes`.
    async fn fetch(&self, photo: &Photo, most_bytes: u64) -> Result<Fetched, FetchError>;
    /// The report of a photo with this content, if the question about it was answered before.
    async fn answered(&self, photo: &Photo, content: &str) -> Result<Option<Report>, RunError>;
}

/// A photo's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// A hash of them, written as an ETag, where the ETag is none.
    pub content: Option<String>,
}

/// Why a photo could not be read, classed by what to do.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It will not be read later either; the reason is for the user.
    #[error("the photo can't be had: {}", .0.message)]
    Permanent(Reason),
    /// The store was busy.
    #[error("the photo store is busy")]
    Retry(#[source] Cause),
    /// The store refused for a reason that is nobody's but ours.
    #[error("the photo store refuses")]
    Bug(#[source] Cause),
}
