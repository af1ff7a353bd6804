//! How right verdicts are, by what people decided: by step, catalogue, model or prompt.
//!
//! # Invariants
//! - Only what a person decided counts as known; the rest is estimated from it, by strata (`domain::agreement`).
//! - Of passes that nothing speaks against only those count in an estimate that chance drew, each for as many as the share
//!   with which it was drawn says: people choose the others, and choose the doubtful ones.
//! - A decision counts for the evaluation that was looked at, and for no other.
//! - What an evaluation's decisions have in common makes no interval narrower: all of them together count as one.

pub mod kept;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::card::{Card, Counts, State};
use super::evaluation::Evaluation;
use super::known::Known;
use crate::domain::agreement::{Estimate, Part, estimate};
use crate::domain::catalogue::Catalogue;
use crate::domain::certainty::Certainty;
use crate::domain::discrimination::{Discrimination, Judged};
use crate::domain::ids::{EvaluationId, StepKey};
use crate::domain::judge::{Judgement, StepOutcome, StepVerdict, Verdict};
use crate::domain::reading::extract;
use crate::domain::review::{Decided, Decision, ReviewRecord, Said};
use crate::domain::reviewed::{Standing, Subject, is_settled, reviewed_verdict, standing};
use crate::domain::versions::Versions;

/// Evaluations that are named for each number: whoever wants more asks for a shorter span.
pub const MOST_NAMED: usize = 50;
/// What the group of whole verdicts is called.
const WHOLE: &str = "verdict";

/// Something on which a person decided, and what the model had said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The step; none if it is the whole.
    pub step: Option<StepKey>,
    /// Whether it passes by the model's answers.
    pub model_passes: bool,
    /// Whether it passes for the person.
    pub person_passes: bool,
    /// Where the person said what the small print says: whether the model had read the same.
    pub read_right: Option<bool>,
    /// How sure the model was, if its server says.
    pub certainty: Option<Certainty>,
    /// What the model's answers depend on beside the photos.
    pub versions: Versions,
    /// The evaluation's verdict.
    pub verdict: Verdict,
    /// Whether it has flags.
    pub flagged: bool,
    /// Of how many in a hundred passes without flags chance had drawn this one; none if it had not.
    pub sampled: Option<u8>,
}

/// By what cases are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The step, and the verdict as a whole.
    Step,
    /// The list of steps.
    Catalogue,
    /// The model.
    Model,
    /// The prompt.
    Prompt,
}

/// What a group is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Whole verdicts.
    Verdict,
    /// Steps.
    Steps,
}

/// How right the model was, of one group of cases.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = AccuracyGroup)]
pub struct Group {
    /// The step, `verdict`, or the version.
    #[schema(example = "power_meter")]
    pub key: String,
    /// What was decided: whole verdicts, or steps.
    pub about: About,
    /// Those on which people decided.
    pub cases: usize,
    /// Those of them on which they decided as the model had.
    pub agreed: usize,
    /// Those that the model let pass, and people didn't.
    pub false_passes: usize,
    /// Those that people let pass, and the model didn't.
    pub false_fails: usize,
    /// Those of which people said what the small print says.
    pub readings: usize,
    /// Those of them that the model had read otherwise, or not at all.
    pub readings_corrected: usize,
    /// The share of all, decided or not, on which people would agree; null where nobody decided anything that stands for
    /// others.
    pub agreement: Option<Estimate>,
    /// Of all that the model let pass, the share that people would not; null where that is not known.
    pub falsely_passed: Option<Estimate>,
    /// The evaluations behind these numbers.
    pub evaluations: Named,
}

/// Evaluations behind numbers, the newest first, 50 of each at most: `GET /evaluations/{evaluation_id}` shows each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AccuracyEvaluations)]
pub struct Named {
    /// With a case.
    pub cases: Vec<EvaluationId>,
    /// With a false pass.
    pub false_passes: Vec<EvaluationId>,
    /// With a false fail.
    pub false_fails: Vec<EvaluationId>,
    /// With a corrected reading.
    pub readings_corrected: Vec<EvaluationId>,
}

/// What people decided on an evaluation, as its card has it; its DR has these records.
pub fn cases(
    evaluation: &Evaluation,
    card: &Card,
    records: &[ReviewRecord],
    catalogue: Option<&Catalogue>,
) -> Vec<Case> {
    let (Some(judgement), Some(verdict)) = (&evaluation.judgement, card.verdict) else {
        return Vec::new();
    };
    let own = own(evaluation, records);
    let standing = standing_of(evaluation, judgement, &own);
    let case = |step, model_passes, person_passes, certainty| Case {
        evaluation_id: evaluation.evaluation_id.clone(),
        step,
        model_passes,
        person_passes,
        read_right: None,
        certainty,
        versions: evaluation.versions.clone(),
        verdict,
        flagged: card.flags > 0,
        sampled: card.sampled,
    };
    let percent = catalogue.map(|catalogue| catalogue.pass_percent);
    let whole = whole(judgement, percent, &standing)
        .map(|(model, person)| case(None, model, person, judgement.certainty()));
    let rows = judgement.steps.iter();
    let known = rows.filter(|row| row.outcome != StepOutcome::NotEvaluated);
    let steps = known.filter_map(|row| {
        let decided = standing.steps.get(&row.step)?.decided()?;
        let model = row.outcome == StepOutcome::Pass;
        Some(Case {
            read_right: read_right(row, decided, catalogue),
            ..case(
                Some(row.step.clone()),
                model,
                passes(decided)?,
                row.certainty,
            )
        })
    });
    whole.into_iter().chain(steps).collect()
}

/// What people said of this evaluation, and not of others of its DR.
fn own(evaluation: &Evaluation, records: &[ReviewRecord]) -> Vec<ReviewRecord> {
    let own = records.iter().filter(|it| is_of(it, evaluation));
    own.cloned().collect()
}

/// How it stands with what people said of this evaluation alone.
fn standing_of<'a>(
    evaluation: &Evaluation,
    judgement: &Judgement,
    own: &'a [ReviewRecord],
) -> Standing<'a> {
    let subject = Subject {
        evaluation_id: Some(&evaluation.evaluation_id),
        mode: evaluation.mode,
        judgement,
        // A decision of another evaluation is not carried over here.
        contents: &BTreeMap::new(),
    };
    standing(own, &subject)
}

/// Whether an evaluation passes with what people decided of it, if that is known.
pub fn passes_for_people(
    evaluation: &Evaluation,
    records: &[ReviewRecord],
    catalogue: Option<&Catalogue>,
) -> Option<bool> {
    let judgement = evaluation.judgement.as_ref()?;
    let own = own(evaluation, records);
    let standing = standing_of(evaluation, judgement, &own);
    let percent = catalogue.map(|catalogue| catalogue.pass_percent);
    match reviewed_verdict(judgement, percent, &standing)? {
        Verdict::Pass => Some(true),
        Verdict::Fail => Some(false),
        Verdict::Incomplete => None,
    }
}

/// What people made of known cases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = KnownCases)]
pub struct KnownFound {
    /// Cases whose truth an operator had said.
    pub cases: usize,
    /// Those that people decided.
    pub decided: usize,
    /// Those of them that they decided rightly.
    pub decided_rightly: usize,
    /// Those that they decided wrongly, the newest first.
    pub decided_wrongly: Vec<EvaluationId>,
    /// Those on which nobody decided yet, the newest first, 50 at most.
    pub undecided: Vec<EvaluationId>,
}

impl KnownFound {
    /// Of these, with what people decided of those on which they did.
    pub fn of(known: &[Known], decided: &BTreeMap<EvaluationId, bool>) -> Self {
        let of_people = |case: &&Known| decided.get(&case.evaluation_id).copied();
        let right = |case: &&Known| of_people(case) == Some(case.truly_passes);
        let ids = |cases: &mut dyn Iterator<Item = &Known>| -> Vec<EvaluationId> {
            let mut ids: Vec<_> = cases.map(|case| case.evaluation_id.clone()).collect();
            ids.sort_by(|one, other| other.cmp(one));
            ids.truncate(MOST_NAMED);
            ids
        };
        let wrong = |case: &&Known| of_people(case).is_some() && !right(case);
        Self {
            cases: known.len(),
            decided: known
                .iter()
                .filter(|case| of_people(case).is_some())
                .count(),
            decided_rightly: known.iter().filter(right).count(),
            decided_wrongly: ids(&mut known.iter().filter(wrong)),
            undecided: ids(&mut known.iter().filter(|case| of_people(case).is_none())),
        }
    }
}

/// Whether a record says something of this evaluation. A withdrawal may name one that does.
fn is_of(record: &ReviewRecord, evaluation: &Evaluation) -> bool {
    let is_withdrawal = matches!(record.said, Said::Withdrawal { .. });
    record.evaluation_id == evaluation.evaluation_id || is_withdrawal
}

fn passes(decided: &Decided) -> Option<bool> {
    (decided.decision != Decision::Unknown).then_some(decided.decision == Decision::Pass)
}

/// Whether the whole passes by the model and by people, if both are known. Who decided some steps only, so that the verdict
/// neither becomes another one nor follows from these alone, has not confirmed the whole.
///
/// Whether one counts must not depend on what was decided: who confirms the critical step by which a verdict fails
/// confirms that as much as who decides that it passes overrules it.
fn whole(
    judgement: &Judgement,
    percent: Option<u8>,
    standing: &Standing<'_>,
) -> Option<(bool, bool)> {
    let known = |verdict| match verdict {
        Verdict::Pass => Some(true),
        Verdict::Fail => Some(false),
        Verdict::Incomplete => None,
    };
    let model = known(judgement.verdict)?;
    let person = known(reviewed_verdict(judgement, percent, standing)?)?;
    let is_whole = is_settled(judgement, percent, standing);
    (is_whole || person != model).then_some((model, person))
}

/// Whether the model had read what the person read, if the person did: the same value, or, where it is none, the same
/// letters and digits.
fn read_right(row: &StepVerdict, decided: &Decided, catalogue: Option<&Catalogue>) -> Option<bool> {
    let person = decided.reading.as_deref()?;
    let Some(model) = row.reading.as_deref() else {
        return Some(false);
    };
    let reads = catalogue.and_then(|catalogue| catalogue.step(&row.step)?.reads.as_ref());
    let value = |reading| reads.and_then(|reads| extract(reads, reading));
    let bare = |reading: &str| -> String {
        let kept = reading.chars().filter(|c| !c.is_whitespace());
        kept.flat_map(char::to_lowercase).collect()
    };
    let is_same = match (value(person), value(model)) {
        (Some(person), Some(model)) => person == model,
        _ => bare(person) == bare(model),
    };
    Some(is_same)
}

/// How right the model was in these cases; `all` counts the evaluations of the same days.
///
/// Strata weigh as they do among all evaluations, also for a step, a model or a prompt: nothing is counted by those.
pub fn groups(cases: &[Case], by: By, all: &Counts) -> Vec<Group> {
    let mut groups: BTreeMap<(About, String), Vec<&Case>> = BTreeMap::new();
    for case in cases {
        groups
            .entry((case.about(), by.key(case)))
            .or_default()
            .push(case);
    }
    let group =
        |((about, key), cases): ((About, String), Vec<&Case>)| group(key, about, &cases, all);
    groups.into_iter().map(group).collect()
}

/// How right whole verdicts were, in all of these cases.
pub fn verdicts(cases: &[Case], all: &Counts) -> Group {
    let whole: Vec<&Case> = cases.iter().filter(|case| case.step.is_none()).collect();
    group(WHOLE.into(), About::Verdict, &whole, all)
}

fn group(key: String, about: About, cases: &[&Case], all: &Counts) -> Group {
    let of = |is: fn(&Case) -> bool| -> Vec<&Case> {
        cases.iter().copied().filter(|case| is(case)).collect()
    };
    let (false_passes, false_fails) = (of(Case::is_false_pass), of(Case::is_false_fail));
    let corrected = of(|case| case.read_right == Some(false));
    Group {
        key,
        about,
        cases: cases.len(),
        agreed: of(Case::agrees).len(),
        false_passes: false_passes.len(),
        false_fails: false_fails.len(),
        readings: of(|case| case.read_right.is_some()).len(),
        readings_corrected: corrected.len(),
        agreement: estimate(&parts(cases, about.verdicts(), all, Case::agrees)),
        // How many steps the model let pass is not counted.
        falsely_passed: match about {
            About::Verdict => estimate(&parts(cases, &[Verdict::Pass], all, Case::is_false_pass)),
            About::Steps => None,
        },
        evaluations: Named {
            cases: named(cases),
            false_passes: named(&false_passes),
            false_fails: named(&false_fails),
            readings_corrected: named(&corrected),
        },
    }
}

fn named(cases: &[&Case]) -> Vec<EvaluationId> {
    let ids: BTreeSet<&EvaluationId> = cases.iter().map(|case| &case.evaluation_id).collect();
    ids.into_iter().rev().take(MOST_NAMED).cloned().collect()
}

/// Whether certainty tells the model's errors from the rest, by what people decided on steps.
pub fn discrimination(cases: &[Case]) -> Discrimination {
    let of_steps = cases.iter().filter(|case| case.step.is_some());
    let judged = of_steps.filter_map(|case| {
        Some(Judged {
            certainty: case.certainty?.share(),
            right: case.agrees(),
        })
    });
    Discrimination::of(&judged.collect::<Vec<_>>())
}

/// The strata of these verdicts, by why people look: by verdict and flags.
fn parts(cases: &[&Case], of: &[Verdict], all: &Counts, hits: fn(&Case) -> bool) -> Vec<Part> {
    let strata = of
        .iter()
        .flat_map(|verdict| [(*verdict, false), (*verdict, true)]);
    let part = |(verdict, flagged): (Verdict, bool)| {
        let is_in = |state: State| state.verdict == Some(verdict) && state.flagged == flagged;
        let in_it = cases
            .iter()
            .filter(|case| case.verdict == verdict && case.flagged == flagged);
        let weighed = in_it.filter_map(|case| Some((*case, case.weight()?)));
        part(all.among(is_in), weighed, hits)
    };
    strata.map(part).collect()
}

/// A stratum of so many, of which these stand for the rest, each for so many.
fn part<'a>(
    all: u64,
    weighed: impl Iterator<Item = (&'a Case, f64)>,
    hits: fn(&Case) -> bool,
) -> Part {
    let (mut sum, mut hit) = (0.0, 0.0);
    let mut of_evaluation: BTreeMap<&EvaluationId, f64> = BTreeMap::new();
    for (case, weight) in weighed {
        sum += weight;
        hit += if hits(case) { weight } else { 0.0 };
        *of_evaluation.entry(&case.evaluation_id).or_default() += weight;
    }
    let squares: f64 = of_evaluation.values().map(|weight| weight * weight).sum();
    Part {
        all: all.max(of_evaluation.len() as u64) as f64,
        share: (sum > 0.0).then(|| hit / sum),
        // Kish's effective size: weights that differ, and evaluations with more cases than others, count for less.
        independent: if sum > 0.0 { sum * sum / squares } else { 0.0 },
    }
}

impl Case {
    fn about(&self) -> About {
        match self.step {
            None => About::Verdict,
            Some(_) => About::Steps,
        }
    }

    /// For how many it stands in its stratum; none if it stands for none but itself.
    fn weight(&self) -> Option<f64> {
        let is_plain = self.verdict == Verdict::Pass && !self.flagged;
        match (is_plain, self.sampled) {
            (false, _) => Some(1.0),
            (true, Some(percent)) if percent > 0 => Some(100.0 / f64::from(percent)),
            (true, _) => None,
        }
    }

    fn agrees(&self) -> bool {
        self.model_passes == self.person_passes
    }

    fn is_false_pass(&self) -> bool {
        self.model_passes && !self.person_passes
    }

    fn is_false_fail(&self) -> bool {
        !self.model_passes && self.person_passes
    }
}

impl About {
    /// The verdicts of which there is something to agree on.
    fn verdicts(self) -> &'static [Verdict] {
        match self {
            Self::Verdict => &[Verdict::Pass, Verdict::Fail],
            Self::Steps => &[Verdict::Pass, Verdict::Fail, Verdict::Incomplete],
        }
    }
}

impl By {
    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "step" => Some(Self::Step),
            "catalogue" => Some(Self::Catalogue),
            "model" => Some(Self::Model),
            "prompt" => Some(Self::Prompt),
            _ => None,
        }
    }

    fn key(self, case: &Case) -> String {
        match self {
            Self::Step => case.step.as_ref().map_or(WHOLE, StepKey::as_str).into(),
            Self::Catalogue => case.versions.catalogue.clone(),
            Self::Model => case.versions.model.clone(),
            Self::Prompt => case.versions.prompt.clone(),
        }
    }
}
