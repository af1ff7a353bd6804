//! Catalogues that an operator publishes: documents beside those that ship with a release.
//!
//! # Invariants
//! - A version is read once in a process and never changes; what was published is immutable in the table as well.
//! - What can't be used is refused where it is published: its version is none of a release's, its texts have bounds.

use std::collections::BTreeMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, CatalogueError, Step};

/// Steps of a catalogue, at most; 14 is the longest list known to be in use.
pub const MOST_STEPS: usize = 24;
/// Characters of a text of a catalogue, at most: the prompt holds them for every photo.
const LONGEST_TEXT: usize = 600;
/// Characters of a version.
const LONGEST_VERSION: usize = 64;

/// A catalogue as it is kept: the document as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The JSON document.
    pub document: String,
}

static READ: LazyLock<RwLock<BTreeMap<String, &'static Catalogue>>> =
    LazyLock::new(RwLock::default);

/// The catalogue of this version, if it ships with this release or was read from the table before.
pub fn known(version: &str) -> Option<&'static Catalogue> {
    let read = || {
        let all = READ.read().unwrap_or_else(PoisonError::into_inner);
        all.get(version).copied()
    };
    Catalogue::shipped(version).ok().or_else(read)
}

/// Reads a published document, once in a process: it is kept as long as that lives.
pub fn read(version: &str, published: &Published) -> Result<&'static Catalogue, CatalogueError> {
    if let Some(known) = known(version) {
        return Ok(known);
    }
    let catalogue = Catalogue::from_json(&published.document)?;
    if catalogue.version != version {
        return Err(CatalogueError::Inconsistent {
            version: version.into(),
            problem: format!("it says that it is version {:?}", catalogue.version),
        });
    }
    let mut all = READ.write().unwrap_or_else(PoisonError::into_inner);
    Ok(all
        .entry(version.into())
        .or_insert_with(|| Box::leak(Box::new(catalogue))))
}

/// Reads a document that is to be published.
///
/// ```
/// use evaluation::domain::published::check;
///
/// assert!(check("{}").is_err());
/// ```
pub fn check(document: &str) -> Result<Catalogue, CatalogueError> {
    let catalogue = Catalogue::from_json(document)?;
    match problem(&catalogue) {
        None => Ok(catalogue),
        Some(problem) => Err(CatalogueError::Inconsistent {
            version: catalogue.version,
            problem,
        }),
    }
}

/// Whether a version may be an operator's own.
pub fn is_own_version(version: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let begins = version
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    begins
        && version.len() <= LONGEST_VERSION
        && version.bytes().all(plain)
        && !is_of_release(version)
}

/// `v1`, `v2` and so on are releases'.
fn is_of_release(version: &str) -> bool {
    let number = version.strip_prefix('v').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

fn problem(catalogue: &Catalogue) -> Option<String> {
    let version = &catalogue.version;
    if is_of_release(version) {
        return Some(format!(
            "{version} is a release's: call it otherwise, such as fibreco-1"
        ));
    }
    if !is_own_version(version) {
        return Some(format!(
            "a version has letters, digits, dots, dashes and underscores, {LONGEST_VERSION} at most"
        ));
    }
    if catalogue.steps.len() > MOST_STEPS {
        let steps = catalogue.steps.len();
        return Some(format!("it has {steps} steps; {MOST_STEPS} is the most"));
    }
    let odd_hint = |hint: &&String| {
        hint.is_empty()
            || !hint
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if let Some(hint) = catalogue.name_hints.keys().find(odd_hint) {
        return Some(format!(
            "the hint {hint:?} must be lower-case letters, digits and underscores, as photo types in names are"
        ));
    }
    catalogue.steps.iter().find_map(long_text)
}

fn long_text(step: &Step) -> Option<String> {
    let print = step.small_print.as_deref().unwrap_or_default();
    let own = [
        step.label.as_str(),
        &step.passes_when,
        &step.fail_reason,
        print,
    ];
    let words = step.fail_reasons.values().map(String::as_str);
    let long = own
        .into_iter()
        .chain(words)
        .find(|text| text.chars().count() > LONGEST_TEXT)?;
    let length = long.chars().count();
    Some(format!(
        "a text of step {} has {length} characters; {LONGEST_TEXT} is the most",
        step.key
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(version: &str) -> String {
        include_str!("../catalogues/v3.json").replace("\"v3\"", &format!("\"{version}\""))
    }

    #[test]
    fn a_releases_versions_and_odd_ones_are_refused() {
        for version in [
            "v3",
            "v99",
            "",
            " x",
            "-x",
            "a b",
            "ü",
            "a/b",
            &"x".repeat(65),
        ] {
            assert!(check(&document(version)).is_err(), "{version}");
        }
        for version in ["fibreco-1", "2026.11", "v3b", "vx", "V3"] {
            assert!(check(&document(version)).is_ok(), "{version}");
        }
    }

    #[test]
    fn what_would_make_a_prompt_endless_is_refused() {
        let long = "x".repeat(LONGEST_TEXT + 1);
        let from = "\"label\": \"House photo\"";
        let json = document("own-1").replace(from, &format!("\"label\": \"{long}\""));
        assert!(
            check(&json)
                .unwrap_err()
                .to_string()
                .contains("601 characters")
        );
        let json = document("own-1").replace("\"wall\":", "\"Wall!\":");
        assert!(check(&json).unwrap_err().to_string().contains("Wall!"));
    }

    #[test]
    fn a_published_catalogue_is_read_once_and_another_document_does_not_change_it() {
        let published = |version: &str| Published {
            document: document(version),
        };
        assert_eq!(known("read-once-1"), None);
        let first = read("read-once-1", &published("read-once-1")).unwrap();
        let other = Published {
            document: document("read-once-1").replace("House photo", "Another"),
        };
        assert!(std::ptr::eq(first, read("read-once-1", &other).unwrap()));
        assert!(std::ptr::eq(first, known("read-once-1").unwrap()));
        let wrong = read("another-1", &published("read-once-1")).unwrap_err();
        assert!(wrong.to_string().contains("read-once-1"), "{wrong}");
        assert_eq!(known("another-1"), None);
    }
}
