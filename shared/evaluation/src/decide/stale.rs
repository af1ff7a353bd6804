//! Whether a result is still current, and if not, what has changed since.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::evaluation::Evaluation;
use crate::domain::plan::{Photo, fingerprint_of};
use crate::domain::time::Timestamp;
use crate::domain::versions::{VersionPart, Versions};
use crate::show::words::words;

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

impl PartialSchema for StaleReason {
    fn schema() -> RefOr<Schema> {
        let description = "What has changed since an evaluation began.";
        words::<VersionPart>(description, &[Self::Photos, Self::Emptied])
    }
}

impl ToSchema for StaleReason {}

/// How things stand with a DR now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When a photo was last added, replaced or deleted.
    pub changed_at: Timestamp,
    /// Since when answers may be used.
    pub valid_from: Timestamp,
}

/// A DR's photos are listed for an evaluation at most so long before it begins.
const LISTED_BEFORE: Duration = Duration::from_secs(10);

/// Whether something came that may have changed the question, so that the DR's photos are to be listed. What came
/// shortly before the evaluation began may have come after the listing that it rests on.
pub fn may_have_changed(evaluation: &Evaluation, freshness: Freshness) -> bool {
    freshness.changed_at.after(LISTED_BEFORE) > evaluation.created_at
}

/// Whether the question about these photos is another one. Where they are not known, that something came must do.
fn photos_changed(
    evaluation: &Evaluation,
    freshness: Freshness,
    photos: Option<Vec<Photo>>,
) -> bool {
    match photos {
        Some(photos) => {
            let now = fingerprint_of(photos, evaluation.mode, &evaluation.versions);
            now != evaluation.fingerprint
        }
        None => freshness.changed_at > evaluation.created_at,
    }
}

/// What has changed since this evaluation began; nothing if it is current. `photos` are those that the DR has now, if
/// they were listed: what came may have changed nothing, such as a photo that was added and deleted again.
pub fn stale_because(
    evaluation: &Evaluation,
    freshness: Freshness,
    photos: Option<Vec<Photo>>,
    versions: &Versions,
) -> Vec<StaleReason> {
    let photos = photos_changed(evaluation, freshness, photos);
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
    use crate::decide::fixtures::{evaluation_of, photo};
    use crate::domain::plan::Mode;

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
            |freshness, versions: &Versions| stale_because(&evaluation, freshness, None, versions);
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
    fn the_question_decides_and_not_that_something_came() {
        let evaluation = evaluation_of(&["a.jpg", "b.jpg"]);
        let came = Freshness {
            changed_at: Timestamp::from_millis(6),
            valid_from: Timestamp::MIN,
        };
        let now = |photos| stale_because(&evaluation, came, photos, &evaluation.versions);
        let (a, b, c) = (photo("a.jpg"), photo("b.jpg"), photo("c.jpg"));
        for same in [vec![a.clone(), b.clone()], vec![b.clone(), a.clone()]] {
            assert_eq!(now(Some(same)), [], "in any order");
        }
        let replaced = Photo {
            etag: "\"other\"".into(),
            ..b.clone()
        };
        let others = [
            vec![],
            vec![a.clone()],
            vec![a.clone(), replaced],
            vec![a.clone(), b, c.clone()],
            vec![a, c],
        ];
        for other in others.map(Some).into_iter().chain([None]) {
            assert_eq!(now(other.clone()), [StaleReason::Photos], "{other:?}");
        }
    }

    #[test]
    fn it_is_compared_in_its_own_mode_and_versions() {
        let evaluation = Evaluation {
            mode: Mode::Quick,
            ..evaluation_of(&["a.jpg"])
        };
        let quick = fingerprint_of(vec![photo("a.jpg")], Mode::Quick, &evaluation.versions);
        let evaluation = Evaluation {
            fingerprint: quick,
            ..evaluation
        };
        let came = Freshness {
            changed_at: Timestamp::from_millis(6),
            valid_from: Timestamp::MIN,
        };
        let later = evaluation.versions.with(VersionPart::Model, "later");
        let photos = Some(vec![photo("a.jpg")]);
        let because = stale_because(&evaluation, came, photos, &later);
        assert_eq!(because, [StaleReason::Version(VersionPart::Model)]);
    }

    #[test]
    fn what_came_while_the_photos_were_being_listed_is_looked_at() {
        let evaluation = Evaluation {
            created_at: Timestamp::from_millis(60_000),
            ..evaluation_of(&["a.jpg"])
        };
        let came = |at| Freshness {
            changed_at: at,
            valid_from: Timestamp::MIN,
        };
        for (at, looked_at) in [(61_000, true), (59_900, true), (40_000, false)] {
            let freshness = came(Timestamp::from_millis(at));
            assert_eq!(may_have_changed(&evaluation, freshness), looked_at, "{at}");
        }
        assert!(!may_have_changed(&evaluation, came(Timestamp::MIN)));
        let between = came(Timestamp::from_millis(59_900));
        let more = Some(vec![photo("a.jpg"), photo("b.jpg")]);
        let because = stale_because(&evaluation, between, more, &evaluation.versions);
        assert_eq!(because, [StaleReason::Photos]);
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
