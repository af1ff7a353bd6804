//! What was found of a server.

use super::fit::Fit;
use super::measure::Wave;

/// What was found of a server.
pub(crate) struct Found {
    pub(crate) url: String,
    pub(crate) waves: Vec<Wave>,
    pub(crate) fit: Option<Fit>,
}
