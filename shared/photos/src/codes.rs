//! Bar codes on a photo, as data.

use serde::{Deserialize, Serialize};

/// The kinds that are read. EAN and UPC are not: pictures without any code look like them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// Lines.
    #[serde(rename = "code_128")]
    Code128,
    /// Lines, without a check of their own.
    #[serde(rename = "code_39")]
    Code39,
    /// A square with three eyes.
    QrCode,
    /// A square with two solid edges.
    DataMatrix,
    /// One that a later release reads.
    #[serde(other)]
    Other,
}

/// A bar code that was decoded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code {
    /// Its kind.
    pub kind: CodeKind,
    /// What it says.
    pub text: String,
}

/// So many codes of a photo are kept.
pub const MOST_CODES: usize = 6;
/// What says more is no label's code, and is not kept.
pub const LONGEST_TEXT: usize = 700;
