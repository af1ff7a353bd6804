//! Counting: agreement, precision and recall, photos, tokens and seconds.

use std::collections::BTreeSet;

use evaluation::domain::ids::StepKey;
use evaluation::domain::judge::{Judgement, StepOutcome, Verdict};
use evaluation::domain::plan::Mode;
use serde_json::{Value, json};

use super::evaluate::Evaluated;
use super::labelled::Decided;
use super::way::Way;
use crate::report::interval::Share;

/// A DR, evaluated in both modes.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) dr_number: String,
    pub(crate) truth: Judgement,
    /// What is known of the truth, if that is not all.
    pub(crate) decided: Option<Decided>,
    pub(crate) full: Evaluated,
    pub(crate) quick: Evaluated,
    /// Seconds of the VLM, full and quick.
    pub(crate) seconds: [f64; 2],
}

/// All DRs, evaluated in one way.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) way: Way,
    pub(crate) cases: Vec<Case>,
}

/// What evaluations cost, per DR.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) photos: f64,
    /// More than photos by the closer looks at small print.
    pub(crate) requests: f64,
    pub(crate) prompt_tokens: f64,
    pub(crate) completion_tokens: f64,
    pub(crate) seconds: f64,
}

/// Of what is said to pass, how much does; of what passes, how much is said to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quality {
    pub(crate) precision: Share,
    pub(crate) recall: Share,
}

impl Case {
    /// The evaluation in this mode.
    pub(crate) fn in_mode(&self, mode: Mode) -> &Evaluated {
        match mode {
            Mode::Full => &self.full,
            Mode::Quick => &self.quick,
        }
    }

    /// The DR's photos: full mode asks about all of them.
    fn photos(&self) -> usize {
        self.full.asked().count()
    }

    fn verdict(&self, mode: Mode) -> Verdict {
        self.in_mode(mode).judgement.verdict
    }

    /// Whether both modes come to the same verdict.
    pub(crate) fn agrees(&self) -> bool {
        self.verdict(Mode::Full) == self.verdict(Mode::Quick)
    }

    /// The verdict that the labels demand, if they do.
    pub(crate) fn true_verdict(&self) -> Option<Verdict> {
        match &self.decided {
            None => Some(self.truth.verdict),
            Some(decided) => decided.verdict,
        }
    }

    /// Whether the labels say of a step whether it passes; then, whether it does.
    pub(crate) fn truly_passes(&self, step: &StepKey) -> Option<bool> {
        let is_open = |decided: &Decided| !decided.steps.contains(step.as_str());
        let is_open = self.decided.as_ref().is_some_and(is_open);
        (!is_open).then(|| passes(&self.truth, step))
    }

    /// Whether a mode's verdict is the one that the labels demand, if they do.
    pub(crate) fn is_right(&self, mode: Mode) -> Option<bool> {
        Some(self.verdict(mode) == self.true_verdict()?)
    }

    /// What full mode's verdict on the critical steps may rest on: a pass on the photos that prove them, a fail on
    /// any one that is not good enough, and on all of them where none shows the step.
    fn rests_on(&self) -> Vec<BTreeSet<&str>> {
        let critical = || self.full.judgement.steps.iter().filter(|row| row.critical);
        let photos = |outcome| {
            critical()
                .filter(move |row| row.outcome == outcome)
                .filter_map(|row| row.photo.as_deref())
        };
        let failed: Vec<_> = photos(StepOutcome::Fail)
            .map(|photo| BTreeSet::from([photo]))
            .collect();
        match (
            failed.is_empty(),
            critical().any(|row| row.outcome == StepOutcome::Missing),
        ) {
            (false, _) => failed,
            (true, true) => vec![self.full.asked().map(|(name, _)| name.as_str()).collect()],
            (true, false) => vec![photos(StepOutcome::Pass).collect()],
        }
    }

    /// Why quick mode's verdict is another one.
    pub(crate) fn why_differing(&self) -> String {
        let differing = |step: &&StepKey| {
            passes(&self.full.judgement, step) != passes(&self.quick.judgement, step)
        };
        let steps: Vec<StepKey> = critical(&self.quick.judgement);
        let reasons: Vec<String> = steps
            .iter()
            .filter(differing)
            .map(|step| self.why_step_differs(step))
            .collect();
        if reasons.is_empty() {
            "the steps that only full mode asks about decided".into()
        } else {
            reasons.join("; ")
        }
    }

    fn why_step_differs(&self, step: &StepKey) -> String {
        let row = self
            .full
            .judgement
            .steps
            .iter()
            .find(|row| &row.step == step);
        let decided = row.and_then(|row| row.photo.as_deref()).unwrap_or_default();
        if self.quick.asked().any(|(name, _)| name == decided) || decided.is_empty() {
            format!("{step}: asked about other steps, the model scored a photo differently")
        } else {
            format!("{step}: quick mode did not look at {decided}")
        }
    }
}

impl Tally {
    /// The critical steps, in catalogue order.
    pub(crate) fn critical(&self) -> Vec<StepKey> {
        self.way
            .catalogue
            .steps
            .iter()
            .filter(|step| step.critical)
            .map(|step| step.key.clone())
            .collect()
    }

    /// Verdicts alike in both modes.
    pub(crate) fn agreement(&self) -> Share {
        Share::of(self.cases.iter().map(Case::agrees))
    }

    /// The same for one step, of the DRs in which quick mode says something about it: does it pass?
    pub(crate) fn step_agreement(&self, step: &StepKey) -> Share {
        let says = |case: &&Case| !is_open(&case.quick.judgement, step);
        let alike =
            |case: &Case| passes(&case.full.judgement, step) == passes(&case.quick.judgement, step);
        Share::of(self.cases.iter().filter(says).map(alike))
    }

    /// Verdicts that are right.
    pub(crate) fn accuracy(&self, mode: Mode) -> Share {
        Share::of(self.cases.iter().filter_map(|case| case.is_right(mode)))
    }

    /// How far a PASS of the whole DR can be trusted.
    pub(crate) fn verdict_quality(&self, mode: Mode) -> Quality {
        let pass = |verdict: Verdict| verdict == Verdict::Pass;
        self.quality(|case| Some((pass(case.verdict(mode)), pass(case.true_verdict()?))))
    }

    /// How far a step's pass can be trusted.
    pub(crate) fn step_quality(&self, mode: Mode, step: &StepKey) -> Quality {
        self.quality(|case| {
            Some((
                passes(&case.in_mode(mode).judgement, step),
                case.truly_passes(step)?,
            ))
        })
    }

    fn quality(&self, said_and_true: impl Fn(&Case) -> Option<(bool, bool)>) -> Quality {
        let pairs: Vec<(bool, bool)> = self.cases.iter().filter_map(said_and_true).collect();
        Quality {
            precision: Share::of(
                pairs
                    .iter()
                    .filter(|(said, _)| *said)
                    .map(|(_, truth)| *truth),
            ),
            recall: Share::of(
                pairs
                    .iter()
                    .filter(|(_, truth)| *truth)
                    .map(|(said, _)| *said),
            ),
        }
    }

    /// The mean cost of a DR.
    pub(crate) fn cost(&self, mode: Mode) -> Cost {
        let drs = self.cases.len().max(1) as f64;
        let looks = || {
            self.cases
                .iter()
                .flat_map(|case| case.in_mode(mode).asked())
        };
        let seconds = |case: &Case| {
            let [full, quick] = case.seconds;
            if mode == Mode::Full { full } else { quick }
        };
        Cost {
            photos: looks().count() as f64 / drs,
            requests: looks().map(|(_, seen)| f64::from(seen.looks)).sum::<f64>() / drs,
            prompt_tokens: looks()
                .map(|(_, seen)| seen.usage.prompt_tokens)
                .sum::<u64>() as f64
                / drs,
            completion_tokens: looks()
                .map(|(_, seen)| seen.usage.completion_tokens)
                .sum::<u64>() as f64
                / drs,
            seconds: self.cases.iter().map(seconds).sum::<f64>() / drs,
        }
    }

    /// The share of full mode's photos that quick mode asks, of these DRs.
    pub(crate) fn photos_asked(&self, of: impl Fn(&Case) -> bool) -> Share {
        let count = |mode| {
            self.cases
                .iter()
                .filter(|case| of(case))
                .map(|case| case.in_mode(mode).asked().count())
                .sum()
        };
        Share {
            hits: count(Mode::Quick),
            of: count(Mode::Full),
        }
    }

    /// The share of full mode's photos that its verdict on the critical steps rests on. Who knew beforehand which
    /// these are would ask no fewer.
    pub(crate) fn photos_it_rests_on(&self) -> Share {
        let hits = self
            .cases
            .iter()
            .map(|case| case.rests_on().first().map_or(0, BTreeSet::len))
            .sum();
        Share {
            hits,
            of: self.cases.iter().map(Case::photos).sum(),
        }
    }

    /// The same with quick mode's first round, which asks about a photo of each critical step at once: who then knew
    /// all would ask no fewer.
    pub(crate) fn photos_from_a_first_round_on(&self) -> Share {
        let with_first = |case: &Case| {
            let first: BTreeSet<&str> = case
                .quick
                .waves
                .first()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            case.rests_on()
                .iter()
                .map(|photos| photos.union(&first).count())
                .min()
                .unwrap_or(first.len())
        };
        Share {
            hits: self.cases.iter().map(with_first).sum(),
            of: self.cases.iter().map(Case::photos).sum(),
        }
    }

    /// The same by what decides it: whether quick mode may end early, and how many photos there are.
    pub(crate) fn photos_asked_by(&self) -> Vec<(&'static str, usize, Share)> {
        type Group = (&'static str, fn(&Case) -> bool);
        let groups: [Group; 6] = [
            ("all", |_| true),
            ("quick mode passes it", |case| {
                case.verdict(Mode::Quick) == Verdict::Pass
            }),
            ("quick mode fails it", |case| {
                case.verdict(Mode::Quick) != Verdict::Pass
            }),
            ("7 to 11 photos", |case| case.photos() < 12),
            ("12 to 15 photos", |case| (12..16).contains(&case.photos())),
            ("16 photos and more", |case| case.photos() >= 16),
        ];
        let of = |(what, group): Group| {
            (
                what,
                self.cases.iter().filter(|case| group(case)).count(),
                self.photos_asked(group),
            )
        };
        groups.into_iter().map(of).collect()
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let step = |step: &StepKey| {
            json!({
                "step": step,
                "agreement": self.step_agreement(step).json(),
                "full": self.step_quality(Mode::Full, step).json(),
                "quick": self.step_quality(Mode::Quick, step).json(),
            })
        };
        let mode = |mode: Mode| json!({"accuracy": self.accuracy(mode).json(), "pass": self.verdict_quality(mode).json(), "cost_per_dr": self.cost(mode).json()});
        let group = |(what, drs, share): (&str, usize, Share)| json!({"drs_of": what, "drs": drs, "quick": share.hits, "full": share.of, "percent": share.percent()});
        let differing = self.cases.iter().filter(|case| !case.agrees());
        let differing =
            differing.map(|case| json!({"dr_number": case.dr_number, "why": case.why_differing()}));
        json!({
            "catalogue": self.way.catalogue.version,
            "size_policy": self.way.size_policy.version,
            "model": self.way.model,
            "drs": self.cases.len(),
            "photos_it_rests_on_percent": self.photos_it_rests_on().percent(),
            "photos_from_a_first_round_on_percent": self.photos_from_a_first_round_on().percent(),
            "photos_asked": self.photos_asked_by().into_iter().map(group).collect::<Vec<_>>(),
            "agreement": self.agreement().json(),
            "steps": self.critical().iter().map(step).collect::<Vec<_>>(),
            "full": mode(Mode::Full),
            "quick": mode(Mode::Quick),
            "differing": differing.collect::<Vec<_>>(),
        })
    }
}

impl Cost {
    fn json(self) -> Value {
        let Self {
            photos,
            requests,
            prompt_tokens,
            completion_tokens,
            seconds,
        } = self;
        json!({"photos": photos, "requests": requests, "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "vlm_seconds_estimated": seconds})
    }
}

impl Quality {
    fn json(self) -> Value {
        json!({"precision": self.precision.json(), "recall": self.recall.json()})
    }
}

/// Whether nothing is said of a step.
fn is_open(judgement: &Judgement, step: &StepKey) -> bool {
    judgement
        .steps
        .iter()
        .any(|row| &row.step == step && row.outcome == StepOutcome::NotEvaluated)
}

/// Whether a step passes.
pub(crate) fn passes(judgement: &Judgement, step: &StepKey) -> bool {
    judgement
        .steps
        .iter()
        .any(|row| &row.step == step && row.outcome == StepOutcome::Pass)
}

fn critical(judgement: &Judgement) -> Vec<StepKey> {
    judgement
        .steps
        .iter()
        .filter(|row| row.critical)
        .map(|row| row.step.clone())
        .collect()
}
