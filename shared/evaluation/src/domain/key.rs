//! Cache keys: everything that an answer depends on, part by part.
//!
//! # Invariants
//! - No part can be left out: a test over random histories gets a stale or foreign answer without it
//!   (`tests/simulation`).

use super::hash::hex_of;
use super::versions::{VersionPart, Versions};

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPart {
    /// Whose photos they are.
    Dr,
    /// The photos' names.
    Name,
    /// The photos' contents, as S3's ETags tell them apart.
    Content,
    /// The step that a photo's name hints at: the model is told, and the size depends on it.
    Hint,
    /// The mode of an evaluation.
    Mode,
    /// Which steps a photo is asked about.
    Scope,
    /// One of the versions.
    Version(VersionPart),
}

/// The parts of a key, in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyParts(Vec<(KeyPart, String)>);

impl KeyParts {
    /// A key of these parts.
    pub fn new<'a>(parts: impl IntoIterator<Item = (KeyPart, &'a str)>) -> Self {
        Self(
            parts
                .into_iter()
                .map(|(part, value)| (part, value.to_owned()))
                .collect(),
        )
    }

    /// The same key without one kind of part: for the check that each is needed.
    pub fn without(mut self, left_out: KeyPart) -> Self {
        self.0.retain(|(part, _)| *part != left_out);
        self
    }

    /// The key as text: a hash of all parts.
    pub fn hash(&self) -> String {
        hex_of(
            &self
                .0
                .iter()
                .map(|(_, value)| value.as_str())
                .collect::<Vec<_>>(),
        )
    }
}

/// The versions as parts of a key.
pub fn version_parts(versions: &Versions) -> impl Iterator<Item = (KeyPart, &str)> {
    versions
        .parts()
        .map(|(part, version)| (KeyPart::Version(part), version))
}
