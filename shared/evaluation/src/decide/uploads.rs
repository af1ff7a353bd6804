//! Whether a DR's uploads have come to rest.

use serde::Deserialize;

use super::message::QuietCheck;
use crate::domain::time::Timestamp;

/// What is kept of a DR's uploads.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Uploads {
    /// When a photo was uploaded last.
    #[serde(default)]
    pub uploaded_at: Option<Timestamp>,
}

/// Whether nothing came since the upload that arranged for this check.
pub fn is_quiet(uploads: Uploads, check: &QuietCheck) -> bool {
    let last = uploads.uploaded_at;
    last.is_none_or(|last| last <= check.uploaded_at)
}
