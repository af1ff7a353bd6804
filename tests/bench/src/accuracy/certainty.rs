//! How well the model's certainty tells its errors from the rest, and how true it is.
//!
//! Two things are measured, since one may be good where the other is not: discrimination (AUROC: how often a right step
//! has the higher certainty than a wrong one; 0.5 is chance) decides whether it may order what people look at, and
//! calibration (ECE: how far the stated certainty is from the share that is right) whether it may be read as a number.

use evaluation::domain::judge::StepOutcome;
use serde_json::{Value, json};

use super::tally::{Case, Tally, passes};
use crate::report::table::{row, table};

/// Groups of certainty for calibration, at most.
const GROUPS: usize = 10;
/// Fewer errors say nothing about discrimination.
const LEAST_ERRORS: usize = 10;

/// A step that was judged with a certainty, and whether it was judged as the labels demand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Judged {
    pub(crate) certainty: f64,
    pub(crate) right: bool,
}

/// What certainty is worth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Worth {
    /// Steps with a certainty.
    pub(crate) steps: usize,
    /// Those judged wrong.
    pub(crate) errors: usize,
    /// How often a right one has the higher certainty than a wrong one, a tie being half; none without errors.
    pub(crate) auroc: Option<f64>,
    /// The mean distance of certainty and share right, over the groups, weighted by their size.
    pub(crate) ece: Option<f64>,
    /// Certainty, share right and count of each group that is not empty.
    pub(crate) groups: Vec<(f64, f64, usize)>,
}

impl Worth {
    /// Of these steps.
    pub(crate) fn of(judged: &[Judged]) -> Self {
        let errors = judged.iter().filter(|step| !step.right).count();
        let groups = groups(judged);
        let apart = |(said, right, count): &(f64, f64, usize)| (said - right).abs() * *count as f64;
        let ece = groups.iter().map(apart).sum::<f64>() / judged.len().max(1) as f64;
        Self {
            steps: judged.len(),
            errors,
            auroc: auroc(judged),
            ece: (!judged.is_empty()).then_some(ece),
            groups,
        }
    }

    /// Of full mode's rows in all DRs.
    pub(crate) fn of_tally(tally: &Tally) -> Self {
        let judged: Vec<Judged> = tally.cases.iter().flat_map(of_case).collect();
        Self::of(&judged)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        if self.steps == 0 {
            return "How sure the model was: not known, the server gives no log-probabilities."
                .into();
        }
        let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        let rows = [
            row(["certainty, full mode", "steps", "errors", "AUROC", "ECE"]),
            vec![
                "does it tell errors from the rest?".into(),
                self.steps.to_string(),
                self.errors.to_string(),
                number(self.auroc),
                number(self.ece),
            ],
        ];
        let mut by_group = vec![row(["said", "right", "steps"])];
        let line = |(said, right, count): &(f64, f64, usize)| {
            vec![
                format!("{:.1} %", 100.0 * said),
                format!("{:.1} %", 100.0 * right),
                count.to_string(),
            ]
        };
        by_group.extend(self.groups.iter().map(line));
        let few = if self.errors < LEAST_ERRORS {
            format!(
                "\nToo few errors ({}) to say whether it discriminates.",
                self.errors
            )
        } else {
            String::new()
        };
        format!("{}\n\n{}{few}", table(&rows), table(&by_group))
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let group = |(said, right, count): &(f64, f64, usize)| json!({"certainty": said, "right": right, "steps": count});
        json!({
            "steps": self.steps, "errors": self.errors, "auroc": self.auroc, "ece": self.ece,
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
        })
    }
}

fn of_case(case: &Case) -> Vec<Judged> {
    let decided = case.full.judgement.steps.iter();
    let judged = decided.filter_map(|row| {
        let right = (row.outcome == StepOutcome::Pass) == passes(&case.truth, &row.step);
        row.certainty.map(|certainty| Judged {
            certainty: certainty.share(),
            right,
        })
    });
    judged.collect()
}

/// The probability that a right one has the higher certainty than a wrong one (Mann-Whitney's U over all pairs).
fn auroc(judged: &[Judged]) -> Option<f64> {
    let mut sorted: Vec<Judged> = judged.to_vec();
    sorted.sort_by(|one, other| one.certainty.total_cmp(&other.certainty));
    let wrong = sorted.iter().filter(|step| !step.right).count();
    let right = sorted.len() - wrong;
    let (mut below, mut wins) = (0_usize, 0.0);
    for same in sorted.chunk_by(|one, other| one.certainty == other.certainty) {
        let wrong_here = same.iter().filter(|step| !step.right).count();
        let right_here = same.len() - wrong_here;
        wins += right_here as f64 * (below as f64 + wrong_here as f64 / 2.0);
        below += wrong_here;
    }
    let pairs = (wrong * right) as f64;
    (pairs > 0.0).then(|| wins / pairs)
}

/// Groups of about the same size, by certainty; equal ones stay together.
fn groups(judged: &[Judged]) -> Vec<(f64, f64, usize)> {
    let mut sorted: Vec<Judged> = judged.to_vec();
    sorted.sort_by(|one, other| one.certainty.total_cmp(&other.certainty));
    let least = judged.len().div_ceil(GROUPS);
    let (mut groups, mut open) = (Vec::new(), Vec::new());
    for same in sorted.chunk_by(|one, other| one.certainty == other.certainty) {
        open.extend(same);
        if open.len() >= least {
            groups.push(means(&std::mem::take(&mut open)));
        }
    }
    if !open.is_empty() {
        groups.push(means(&open));
    }
    groups
}

fn means(group: &[Judged]) -> (f64, f64, usize) {
    let mean =
        |value: fn(&Judged) -> f64| group.iter().map(value).sum::<f64>() / group.len() as f64;
    let right = mean(|step| f64::from(u8::from(step.right)));
    (mean(|step| step.certainty), right, group.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(steps: &[(f64, bool)]) -> Vec<Judged> {
        let step = |(certainty, right): &(f64, bool)| Judged {
            certainty: *certainty,
            right: *right,
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn a_perfect_order_is_one_chance_is_a_half_and_a_reversed_one_nothing() {
        let of = |steps: &[(f64, bool)]| Worth::of(&judged(steps)).auroc;
        assert_eq!(of(&[(0.9, true), (0.8, true), (0.6, false)]), Some(1.0));
        assert_eq!(of(&[(0.9, true), (0.9, false)]), Some(0.5));
        assert_eq!(of(&[(0.6, true), (0.9, false)]), Some(0.0));
        assert_eq!(of(&[(0.9, true)]), None);
    }

    #[test]
    fn what_is_said_and_what_is_so_may_differ_while_the_order_is_perfect() {
        let steps: Vec<_> = (0..10)
            .map(|at| (if at < 5 { 0.95 } else { 0.85 }, at < 5))
            .collect();
        let worth = Worth::of(&judged(&steps));
        assert_eq!(worth.auroc, Some(1.0));
        assert!((worth.ece.unwrap() - (0.05 + 0.85) / 2.0).abs() < 1e-9);
        assert_eq!(worth.groups.len(), 2);
    }

    #[test]
    fn the_order_is_what_all_pairs_say() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..500 {
            let steps: Vec<(f64, bool)> = (0..random.usize(0..40))
                .map(|_| (f64::from(random.u8(0..20)) / 20.0, random.bool()))
                .collect();
            let mut pairs = Vec::new();
            for (high, _) in steps.iter().filter(|(_, right)| *right) {
                for (low, _) in steps.iter().filter(|(_, right)| !right) {
                    pairs.push(
                        f64::from(u8::from(high > low)) + if high == low { 0.5 } else { 0.0 },
                    );
                }
            }
            let mean = pairs.iter().sum::<f64>() / pairs.len() as f64;
            let found = Worth::of(&judged(&steps)).auroc;
            assert_eq!(found.is_some(), !pairs.is_empty());
            assert!(
                found.is_none_or(|found| (found - mean).abs() < 1e-9),
                "{steps:?}"
            );
        }
    }
}
