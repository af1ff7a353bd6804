//! Whether a result is still current, and if not, what has changed since.

use serde::{Deserialize, Serialize};

use super::evaluation::Evaluation;
use crate::domain::plan::Versions;
use crate::domain::time::Timestamp;

/// What has changed since an evaluation began. The same question asked now would be answered anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A photo of the DR was added, replaced, renamed or deleted.
    Photos,
    /// Another catalogue of steps is in use.
    Catalogue,
    /// Another model is in use.
    Model,
    /// The model is asked in other words.
    Prompt,
    /// Photos are sent in other sizes.
    SizePolicy,
    /// Somebody had earlier answers thrown away.
    Emptied,
}

/// How things stand with a DR now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When a photo was last added, replaced or deleted.
    pub changed_at: Timestamp,
    /// Since when answers may be used.
    pub valid_from: Timestamp,
}

/// What has changed since this evaluation began; nothing if it is current.
pub fn changes(evaluation: &Evaluation, standing: Standing, versions: &Versions) -> Vec<Change> {
    let then = evaluation.versions();
    let all = [
        (Change::Photos, standing.changed_at > evaluation.created_at),
        (Change::Catalogue, then.catalogue != versions.catalogue),
        (Change::Model, then.model != versions.model),
        (Change::Prompt, then.prompt != versions.prompt),
        (Change::SizePolicy, then.size_policy != versions.size_policy),
        (
            Change::Emptied,
            standing.valid_from >= evaluation.created_at,
        ),
    ];
    all.into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(change, _)| change)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::record::tests::evaluation_of;

    #[test]
    fn each_change_is_named_and_nothing_else() {
        let evaluation = Evaluation {
            created_at: Timestamp::from_millis(5),
            ..evaluation_of(&["a.jpg"])
        };
        let before = Standing {
            changed_at: Timestamp::from_millis(5),
            valid_from: Timestamp::from_millis(4),
        };
        let now = evaluation.versions();
        assert_eq!(changes(&evaluation, before, &now), []);
        let replaced = Standing {
            changed_at: Timestamp::from_millis(6),
            ..before
        };
        assert_eq!(changes(&evaluation, replaced, &now), [Change::Photos]);
        let emptied = Standing {
            valid_from: Timestamp::from_millis(5),
            ..before
        };
        assert_eq!(changes(&evaluation, emptied, &now), [Change::Emptied]);
        for (part, change) in [
            Change::Catalogue,
            Change::Model,
            Change::Prompt,
            Change::SizePolicy,
        ]
        .into_iter()
        .enumerate()
        {
            let mut later = now.clone();
            let Versions {
                catalogue,
                model,
                prompt,
                size_policy,
            } = &mut later;
            [catalogue, model, prompt, size_policy]
                .into_iter()
                .nth(part)
                .unwrap()
                .push('x');
            assert_eq!(changes(&evaluation, before, &later), [change]);
        }
    }
}
