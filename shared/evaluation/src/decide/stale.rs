//! Whether a result is still current, and if not, what has changed since.

use serde::{Deserialize, Serialize};

use super::evaluation::Evaluation;
use crate::domain::time::Timestamp;
use crate::domain::versions::{VersionPart, Versions};

/// What has changed since an evaluation began. The same question asked now would be answered anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaleReason {
    /// A photo of the DR was added, replaced, renamed or deleted.
    Photos,
    /// Somebody had earlier answers thrown away.
    Emptied,
    /// Another version of this is in use.
    #[serde(untagged)]
    Version(VersionPart),
}

/// How things stand with a DR now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When a photo was last added, replaced or deleted.
    pub changed_at: Timestamp,
    /// Since when answers may be used.
    pub valid_from: Timestamp,
}

/// What has changed since this evaluation began; nothing if it is current.
pub fn stale_because(
    evaluation: &Evaluation,
    freshness: Freshness,
    versions: &Versions,
) -> Vec<StaleReason> {
    let photos = freshness.changed_at > evaluation.created_at;
    let emptied = freshness.valid_from >= evaluation.created_at;
    let versions = evaluation.versions.differences(versions);
    let photos = photos.then_some(StaleReason::Photos).into_iter();
    photos
        .chain(versions.into_iter().map(StaleReason::Version))
        .chain(emptied.then_some(StaleReason::Emptied))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::evaluation_of;

    #[test]
    fn each_change_is_named_and_nothing_else() {
        let evaluation = Evaluation {
            created_at: Timestamp::from_millis(5),
            ..evaluation_of(&["a.jpg"])
        };
        let before = Freshness {
            changed_at: Timestamp::from_millis(5),
            valid_from: Timestamp::from_millis(4),
        };
        let now = &evaluation.versions;
        let because =
            |freshness, versions: &Versions| stale_because(&evaluation, freshness, versions);
        assert_eq!(because(before, now), []);
        let replaced = Freshness {
            changed_at: Timestamp::from_millis(6),
            ..before
        };
        assert_eq!(because(replaced, now), [StaleReason::Photos]);
        let emptied = Freshness {
            valid_from: Timestamp::from_millis(5),
            ..before
        };
        assert_eq!(because(emptied, now), [StaleReason::Emptied]);
        for part in VersionPart::ALL {
            let later = now.with(*part, "later");
            assert_eq!(because(before, &later), [StaleReason::Version(*part)]);
        }
    }

    #[test]
    fn reasons_read_as_the_api_promises() {
        let reasons = [
            StaleReason::Photos,
            StaleReason::Version(VersionPart::SizePolicy),
            StaleReason::Emptied,
        ];
        let json = serde_json::to_string(&reasons).unwrap();
        assert_eq!(json, r#"["photos","size_policy","emptied"]"#);
        assert_eq!(
            serde_json::from_str::<Vec<StaleReason>>(&json).unwrap(),
            reasons
        );
    }
}
