//! Two ways on the same DRs: which differences are more than chance?

use evaluation::domain::ids::StepKey;
use evaluation::domain::plan::Mode;
use serde_json::{Value, json};

use super::tally::{Tally, passes};
use crate::report::paired::{Paired, significant};

/// One measure of the two ways.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// What is measured.
    pub(crate) what: String,
    /// Percent right, first and second way.
    pub(crate) right: [f64; 2],
    /// The DRs in which one way only is right.
    pub(crate) paired: Paired,
    /// McNemar's exact p-value.
    pub(crate) p_value: f64,
    /// Whether it is significant at 5 %, all measures taken together.
    pub(crate) significant: bool,
}

/// Compares the verdicts of both modes, and each step's pass in full mode, with what each way's labels demand.
pub(crate) fn differences(ways: &[Tally; 2]) -> Vec<Difference> {
    let [first, second] = ways;
    let shared_steps = second
        .critical()
        .into_iter()
        .filter(|step| first.critical().contains(step));
    let modes = [
        (Mode::Full, "verdict, full"),
        (Mode::Quick, "verdict, quick"),
    ];
    let verdicts = modes.map(|(mode, what)| {
        measure(
            what.into(),
            verdicts_right(first, mode),
            verdicts_right(second, mode),
        )
    });
    let steps = shared_steps.map(|step| {
        measure(
            step.to_string(),
            step_right(first, &step),
            step_right(second, &step),
        )
    });
    let mut all: Vec<Difference> = verdicts.into_iter().chain(steps).collect();
    let verdicts = significant(
        &all.iter()
            .map(|difference| difference.p_value)
            .collect::<Vec<_>>(),
    );
    all.iter_mut()
        .zip(verdicts)
        .for_each(|(difference, significant)| difference.significant = significant);
    all
}

fn verdicts_right(tally: &Tally, mode: Mode) -> Vec<bool> {
    let right = tally.cases.iter();
    right.filter_map(|case| case.is_right(mode)).collect()
}

fn step_right(tally: &Tally, step: &StepKey) -> Vec<bool> {
    tally
        .cases
        .iter()
        .filter_map(|case| Some(passes(&case.full.judgement, step) == case.truly_passes(step)?))
        .collect()
}

fn measure(what: String, first: Vec<bool>, second: Vec<bool>) -> Difference {
    let percent = |right: &[bool]| {
        100.0 * right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64
    };
    let paired = Paired::of(first.iter().copied().zip(second.iter().copied()));
    let right = [percent(&first), percent(&second)];
    Difference {
        what,
        right,
        p_value: paired.p_value(),
        paired,
        significant: false,
    }
}

impl Difference {
    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "what": self.what, "percent_right": self.right, "only_first_right": self.paired.only_first,
            "only_second_right": self.paired.only_second, "p_value": self.p_value, "significant": self.significant,
        })
    }
}
