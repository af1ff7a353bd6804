//! Merging the photos' findings and judging: the program derives pass and fail, never the model.
//!
//! # Invariants
//! - One row per asked step, whatever the number of photos or batches.
//! - An evaluation with a gap is PASS (more photos can only raise a score) or INCOMPLETE, never FAIL.
//! - FAIL follows from rows that are known: whatever the others are, it can't pass. Else it is INCOMPLETE.
//! - A step has a score only if a photo named in the row was given that score by the model.
//! - The order of the photos' arrival changes nothing: the best score wins, ties go to the first name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::{Catalogue, Step};
use super::certainty::Certainty;
use super::ids::{Score, StepKey};
use super::outcome::{Finding, PhotoOutcome};
use super::reading::{Extracted, Flag, Reads, extract};
use super::serial::{ProvenBy, proven};

/// What became of one photo, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoResult {
    /// The photo's name within the DR.
    pub name: String,
    /// Its outcome.
    pub outcome: PhotoOutcome,
}

/// The overall verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Enough steps pass, and every critical one.
    Pass,
    /// Too few steps pass, or a critical one does not, and no photo that was not looked at may change that.
    Fail,
    /// Some photos were not looked at, and what was seen neither passes nor fails by itself.
    Incomplete,
}

impl Verdict {
    /// The verdict's name in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What is known of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// The best photo's score reaches the catalogue's threshold.
    Pass,
    /// The best photo's score does not.
    Fail,
    /// Every photo was looked at; none shows this step.
    Missing,
    /// No photo looked at shows this step, but some could not be looked at, or quick mode did not need to.
    NotEvaluated,
}

/// What a technician is to do: bad photos are told apart from bad work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Take a photo of it: none shows it.
    Take,
    /// Take the photo again: the work may be right.
    Retake,
    /// Mend the work, then take the photo again.
    Mend,
    /// One that a later release gives.
    #[serde(other)]
    Unknown,
}

/// One row of the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepVerdict {
    /// The step.
    pub step: StepKey,
    /// Its position in the list that people use.
    pub number: u8,
    /// Its name for people.
    pub label: String,
    /// Whether the evaluation can't pass without it.
    pub critical: bool,
    /// What is known of it.
    pub outcome: StepOutcome,
    /// The best score.
    pub score: Option<Score>,
    /// The model's remark on the deciding photo.
    pub comment: Option<String>,
    /// The small print read on the deciding photo.
    pub reading: Option<String>,
    /// The name of the photo that decided.
    pub photo: Option<String>,
    /// Why the step did not pass, and what to do.
    pub reason: Option<String>,
    /// What a technician is to do about a step that did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// How sure the model was of the score's side of the pass mark; absent where nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certainty: Option<Certainty>,
    /// What the reading says, as a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extracted: Option<Extracted>,
    /// What says so, if that is a serial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_by: Option<ProvenBy>,
}

/// The whole verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Pass, fail or incomplete.
    pub verdict: Verdict,
    /// The mean of the best scores over the asked steps, one decimal, a missing step counting 0.
    /// None while a step is not evaluated: the mean of what is not known is not known.
    pub average_score: Option<f64>,
    /// One row per asked step, in catalogue order.
    pub steps: Vec<StepVerdict>,
    /// What people should look at, by photo; flags never raise a score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// How many flags more there were than are kept. Those that fail a photo's step are kept before others.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flags_left_out: usize,
    /// How many photos could not be evaluated that may show a step better; none if a release before this one judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<usize>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Judgement {
    /// How sure the model was of the row that it was least sure of; none where it said so of no row.
    pub fn certainty(&self) -> Option<Certainty> {
        self.steps.iter().filter_map(|row| row.certainty).min()
    }

    /// Whether there are photos that could not be evaluated and may show a step better. Where nobody noted it, there
    /// are, unless a row says otherwise.
    pub fn has_gaps(&self) -> bool {
        let is_closed = || {
            let missing = |row: &StepVerdict| row.outcome == StepOutcome::Missing;
            self.verdict == Verdict::Fail || self.steps.iter().any(missing)
        };
        self.gaps.map_or_else(|| !is_closed(), |gaps| gaps > 0)
    }

    /// Of an evaluation that nobody can judge: its catalogue is of a release that is gone.
    pub fn impossible() -> Self {
        Self {
            verdict: Verdict::Incomplete,
            average_score: None,
            steps: Vec::new(),
            flags: Vec::new(),
            flags_left_out: 0,
            gaps: None,
        }
    }
}

/// Judges the asked steps by these photos.
///
/// ```
/// use evaluation::domain::catalogue::Catalogue;
/// use evaluation::domain::judge::{StepOutcome, Verdict, judge};
/// use evaluation::domain::scope::Scope;
///
/// let catalogue = Catalogue::shipped("v1").unwrap();
/// // No photo at all: every step is missing, and the verdict is a fail.
/// let judgement = judge(catalogue, &Scope::All.steps(catalogue), &[]);
/// assert_eq!(judgement.verdict, Verdict::Fail);
/// assert!(judgement.steps.iter().all(|row| row.outcome == StepOutcome::Missing));
/// ```
pub fn judge(catalogue: &Catalogue, asked: &[StepKey], photos: &[PhotoResult]) -> Judgement {
    let gaps = photos.iter().filter(|photo| photo.outcome.is_gap()).count();
    let skipped = photos
        .iter()
        .filter(|photo| photo.outcome.is_not_needed())
        .count();
    let mut steps: Vec<StepVerdict> = catalogue
        .steps
        .iter()
        .filter(|step| asked.contains(&step.key))
        .map(|step| step_verdict(step, catalogue, best(&step.key, photos), gaps, skipped))
        .collect();
    let verdict = verdict(&steps, catalogue.pass_percent, gaps);
    if verdict == Verdict::Incomplete && gaps == 0 {
        say_what_is_open(&mut steps, skipped);
    }
    Judgement {
        verdict,
        average_score: average(&steps),
        steps,
        flags: Vec::new(),
        flags_left_out: 0,
        gaps: Some(gaps),
    }
}

/// The best finding for a step; of equal ones, that of the first photo by name.
fn best<'a>(step: &StepKey, photos: &'a [PhotoResult]) -> Option<(&'a str, &'a Finding)> {
    let findings = photos.iter().filter_map(|photo| match &photo.outcome {
        PhotoOutcome::Evaluated { findings } => Some((photo.name.as_str(), findings)),
        PhotoOutcome::NotEvaluated { .. } => None,
    });
    findings
        .flat_map(|(name, findings)| {
            findings
                .iter()
                .filter(|f| &f.step == step)
                .map(move |f| (name, f))
        })
        .min_by_key(|(name, finding)| (std::cmp::Reverse(finding.score), *name))
}

fn step_verdict(
    step: &Step,
    catalogue: &Catalogue,
    best: Option<(&str, &Finding)>,
    gaps: usize,
    skipped: usize,
) -> StepVerdict {
    let outcome = match best {
        Some((_, finding)) if finding.score >= catalogue.pass_score => StepOutcome::Pass,
        Some(_) => StepOutcome::Fail,
        None if gaps > 0 || skipped > 0 => StepOutcome::NotEvaluated,
        None => StepOutcome::Missing,
    };
    let (extracted, proven_by) = value(step, best.map(|(_, finding)| finding));
    StepVerdict {
        step: step.key.clone(),
        number: step.number,
        label: step.label.clone(),
        critical: step.critical,
        outcome,
        score: best.map(|(_, finding)| finding.score),
        comment: best.map(|(_, finding)| finding.comment.clone()),
        reading: best.and_then(|(_, finding)| finding.reading.clone()),
        photo: best.map(|(name, _)| name.to_owned()),
        reason: reason(outcome, fail_words(catalogue, step, best), gaps, skipped),
        remedy: remedy(catalogue, outcome, best),
        certainty: best.and_then(|(_, finding)| finding.certainty),
        extracted,
        proven_by,
    }
}

/// What the deciding photo's small print says as a value, and, of a serial, what says so.
fn value(step: &Step, finding: Option<&Finding>) -> (Option<Extracted>, Option<ProvenBy>) {
    let (Some(reads), Some(finding)) = (&step.reads, finding) else {
        return (None, None);
    };
    let reading = finding.reading.as_deref();
    match reads {
        Reads::Serial(format) if format.codes => proven(finding.code.as_deref(), reading)
            .map(|(serial, by)| (Extracted::Serial(serial), by))
            .unzip(),
        _ => (reading.and_then(|reading| extract(reads, reading)), None),
    }
}

/// The reason that the model gave by its code, else the step's usual one.
fn fail_words<'a>(
    catalogue: &'a Catalogue,
    step: &'a Step,
    best: Option<(&str, &Finding)>,
) -> &'a str {
    let code = best.and_then(|(_, finding)| finding.fail_code.as_deref());
    code.and_then(|code| catalogue.fail_words(step, code))
        .unwrap_or(&step.fail_reason)
}

fn remedy(
    catalogue: &Catalogue,
    outcome: StepOutcome,
    best: Option<(&str, &Finding)>,
) -> Option<Remedy> {
    let code = best.and_then(|(_, finding)| finding.fail_code.as_ref());
    match outcome {
        StepOutcome::Pass | StepOutcome::NotEvaluated => None,
        StepOutcome::Missing => Some(Remedy::Take),
        StepOutcome::Fail if code.is_some_and(|code| catalogue.bad_work.contains(code)) => {
            Some(Remedy::Mend)
        }
        StepOutcome::Fail => Some(Remedy::Retake),
    }
}

fn reason(outcome: StepOutcome, fail: &str, gaps: usize, skipped: usize) -> Option<String> {
    let unseen = if skipped > 0 {
        format!("; {skipped} photos were not looked at in quick mode")
    } else {
        String::new()
    };
    match outcome {
        StepOutcome::Pass => None,
        StepOutcome::Fail if gaps > 0 => Some(format!(
            "{fail}; {gaps} photos could not be evaluated and may show it better{unseen}"
        )),
        StepOutcome::Fail => Some(format!("{fail}{unseen}")),
        StepOutcome::Missing => Some("No photo shows this step".into()),
        StepOutcome::NotEvaluated if gaps == 0 => Some(format!(
            "Not looked for any further: the verdict stood by another step{unseen}"
        )),
        StepOutcome::NotEvaluated => Some(format!(
            "Not known: {gaps} photos could not be evaluated, and no other shows this step{unseen}"
        )),
    }
}

/// Nothing that was seen decides: then it is not said that a verdict stood by another step.
fn say_what_is_open(steps: &mut [StepVerdict], skipped: usize) {
    let is_open = |row: &&mut StepVerdict| row.outcome == StepOutcome::NotEvaluated;
    for row in steps.iter_mut().filter(is_open) {
        row.reason = Some(format!(
            "Not known: {skipped} photos were not looked at in quick mode, and no other shows this step; ask again"
        ));
    }
}

fn verdict(steps: &[StepVerdict], pass_percent: u8, gaps: usize) -> Verdict {
    let rows = steps.iter().map(|row| KnownRow {
        critical: row.critical,
        outcome: row.outcome,
        may_be_better: gaps > 0,
    });
    drawn(&rows.collect::<Vec<_>>(), pass_percent)
}

/// What is known of a row when a verdict is drawn.
pub(super) struct KnownRow {
    pub(super) critical: bool,
    pub(super) outcome: StepOutcome,
    /// Whether something that nobody has seen may show it better.
    pub(super) may_be_better: bool,
}

impl KnownRow {
    fn passes(&self) -> bool {
        self.outcome == StepOutcome::Pass
    }

    fn may_pass(&self) -> bool {
        self.passes() || self.outcome == StepOutcome::NotEvaluated || self.may_be_better
    }
}

/// The verdict that these rows lead to.
pub(super) fn drawn(rows: &[KnownRow], pass_percent: u8) -> Verdict {
    let is_enough = |passing: usize| passing * 100 >= rows.len() * usize::from(pass_percent);
    let holds = |is: fn(&KnownRow) -> bool| {
        let count = rows.iter().filter(|row| is(row)).count();
        is_enough(count) && rows.iter().filter(|row| row.critical).all(is)
    };
    if holds(KnownRow::passes) && !rows.is_empty() {
        Verdict::Pass
    } else if holds(KnownRow::may_pass) {
        Verdict::Incomplete
    } else {
        Verdict::Fail
    }
}

fn average(steps: &[StepVerdict]) -> Option<f64> {
    if steps.is_empty()
        || steps
            .iter()
            .any(|step| step.outcome == StepOutcome::NotEvaluated)
    {
        return None;
    }
    let sum: u32 = steps
        .iter()
        .filter_map(|step| step.score)
        .map(|score| u32::from(score.value()))
        .sum();
    Some((f64::from(sum) * 10.0 / steps.len() as f64).round() / 10.0)
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
