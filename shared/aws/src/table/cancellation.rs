//! Why a transaction was cancelled. DynamoDB gives one error for all causes, with a reason for each part: only a
//! condition that failed means that another writer was faster.

use aws_sdk_dynamodb::types::CancellationReason;

/// The code of a part that nothing is wrong with.
const NONE: &str = "None";
/// The code of a part whose condition does not hold.
const REFUSED: &str = "ConditionalCheckFailed";
/// Codes that say nothing about the items: another transaction holds one, or there are too many writes at the moment.
const LATER: [&str; 3] = [
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];

/// What a cancelled transaction means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// A guard was against it: that is an answer, whatever befell the other parts.
    Refused,
    /// The same again soon may work.
    Later,
    /// It should not happen, and will not get better.
    Wrong,
}

impl Cancelled {
    /// What these reasons, one for each part, mean together. No reason at all is none that is known.
    pub(super) fn of(reasons: &[CancellationReason]) -> Self {
        let mut codes = told(reasons).map(|(_, reason)| reason.code().unwrap_or_default());
        let any = |wanted: &str| told(reasons).any(|(_, reason)| reason.code() == Some(wanted));
        if any(REFUSED) {
            Self::Refused
        } else if told(reasons).next().is_some() && codes.all(|code| LATER.contains(&code)) {
            Self::Later
        } else {
            Self::Wrong
        }
    }
}

/// The reasons in words, for operators, each with the number of its part.
pub(super) fn in_words(reasons: &[CancellationReason]) -> String {
    let words = told(reasons).map(|(part, reason)| {
        let code = reason.code().unwrap_or("no code");
        let message = reason.message().unwrap_or("no message");
        format!("part {part}: {code} ({message})")
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        return "DynamoDB gave no reason".into();
    }
    words.join("; ")
}

/// The parts that something is wrong with, counted from 1.
fn told(reasons: &[CancellationReason]) -> impl Iterator<Item = (usize, &CancellationReason)> {
    let numbered = reasons.iter().enumerate();
    let told = numbered.filter(|(_, reason)| reason.code() != Some(NONE));
    told.map(|(at, reason)| (at + 1, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(codes: &[&str]) -> Vec<CancellationReason> {
        let reason = |code: &&str| CancellationReason::builder().code(*code).build();
        codes.iter().map(reason).collect()
    }

    #[test]
    fn only_a_condition_that_failed_means_that_another_was_faster() {
        for (codes, means) in [
            (vec!["None", "ConditionalCheckFailed"], Cancelled::Refused),
            (
                vec!["TransactionConflict", "ConditionalCheckFailed"],
                Cancelled::Refused,
            ),
            (vec!["None", "TransactionConflict"], Cancelled::Later),
            (
                vec!["ThrottlingError", "ProvisionedThroughputExceeded"],
                Cancelled::Later,
            ),
            (vec!["None", "ValidationError"], Cancelled::Wrong),
            (
                vec!["TransactionConflict", "ValidationError"],
                Cancelled::Wrong,
            ),
            (vec!["ItemCollectionSizeLimitExceeded"], Cancelled::Wrong),
            (vec!["SomethingNew", "None"], Cancelled::Wrong),
            (vec!["None", "None"], Cancelled::Wrong),
            (vec![], Cancelled::Wrong),
        ] {
            assert_eq!(Cancelled::of(&of(&codes)), means, "{codes:?}");
        }
        let without_code = [CancellationReason::builder().build()];
        assert_eq!(Cancelled::of(&without_code), Cancelled::Wrong);
    }

    #[test]
    fn all_reasons_are_said_with_their_part() {
        let words = in_words(&of(&["None", "ThrottlingError", "ValidationError"]));
        assert!(
            words.contains("part 2: ThrottlingError") && words.contains("part 3: ValidationError")
        );
        assert!(!words.contains("None") && in_words(&[]).contains("no reason"));
    }
}
