//! How well the model's certainty tells its errors from the rest, and how true it is.
//!
//! Discrimination ([`Discrimination`]) decides whether it may order what people look at, and calibration (ECE: how far
//! the stated certainty is from the share that is right) whether it may be read as a number.

use evaluation::domain::discrimination::{Discrimination, Judged, LEAST_ERRORS};
use evaluation::domain::judge::StepOutcome;
use serde_json::{Value, json};

use super::tally::{Case, Tally};
use crate::report::table::{row, table};

/// Groups of certainty for calibration, at most.
const GROUPS: usize = 10;
/// What certainty is worth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Worth {
    /// Of the steps with a certainty.
    pub(crate) apart: Discrimination,
    /// The mean distance of certainty and share right, over the groups, weighted by their size.
    pub(crate) ece: Option<f64>,
    /// Certainty, share right and count of each group that is not empty.
    pub(crate) groups: Vec<(f64, f64, usize)>,
}

impl Worth {
    /// Of these steps.
    pub(crate) fn of(judged: &[Judged]) -> Self {
        let groups = groups(judged);
        let off = |(said, right, count): &(f64, f64, usize)| (said - right).abs() * *count as f64;
        let ece = groups.iter().map(off).sum::<f64>() / judged.len().max(1) as f64;
        Self {
            apart: Discrimination::of(judged),
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
        if self.apart.cases == 0 {
            return "How sure the model was: not known, the server gives no log-probabilities."
                .into();
        }
        let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        let rows = [
            row(["certainty, full mode", "steps", "errors", "AUROC", "ECE"]),
            vec![
                "does it tell errors from the rest?".into(),
                self.apart.cases.to_string(),
                self.apart.errors.to_string(),
                number(self.apart.auroc),
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
        let errors = self.apart.errors;
        let few = if errors < LEAST_ERRORS {
            format!("\nToo few errors ({errors}) to say whether it discriminates.")
        } else {
            String::new()
        };
        format!("{}\n\n{}{few}", table(&rows), table(&by_group))
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let group = |(said, right, count): &(f64, f64, usize)| json!({"certainty": said, "right": right, "steps": count});
        json!({
            "steps": self.apart.cases, "errors": self.apart.errors, "auroc": self.apart.auroc,
            "auroc_interval_95": [self.apart.low, self.apart.high], "may_order": self.apart.may_order(), "ece": self.ece,
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
        })
    }
}

fn of_case(case: &Case) -> Vec<Judged> {
    let decided = case.full.judgement.steps.iter();
    let judged = decided.filter_map(|row| {
        let right = (row.outcome == StepOutcome::Pass) == case.truly_passes(&row.step)?;
        row.certainty.map(|certainty| Judged {
            certainty: certainty.share(),
            right,
        })
    });
    judged.collect()
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
    fn what_is_said_and_what_is_so_may_differ_while_the_order_is_perfect() {
        let steps: Vec<_> = (0..10)
            .map(|at| (if at < 5 { 0.95 } else { 0.85 }, at < 5))
            .collect();
        let worth = Worth::of(&judged(&steps));
        assert_eq!(worth.apart.auroc, Some(1.0));
        assert!((worth.ece.unwrap() - (0.05 + 0.85) / 2.0).abs() < 1e-9);
        assert_eq!(worth.groups.len(), 2);
    }
}
