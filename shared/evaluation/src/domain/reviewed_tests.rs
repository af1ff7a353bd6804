use proptest::prelude::*;

use super::*;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{DrNumber, Score};
use crate::domain::judge::{PhotoResult, judge};
use crate::domain::outcome::{Finding, PhotoOutcome, ReasonCode};
use crate::domain::review::Before;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

fn catalogue() -> &'static Catalogue {
    Catalogue::shipped("v1").unwrap()
}

fn steps() -> Vec<StepKey> {
    Scope::All.steps(catalogue())
}

fn id(number: u8) -> EvaluationId {
    EvaluationId::from_parts(Timestamp::from_millis(i64::from(number)), [number; 10])
}

fn shows(name: &str, scores: &[(usize, u8)]) -> PhotoResult {
    let finding = |(step, score): &(usize, u8)| Finding {
        step: steps()[*step].clone(),
        score: Score::try_from(*score).unwrap(),
        comment: String::new(),
        reading: None,
        fail_code: None,
        certainty: None,
        code: None,
    };
    PhotoResult {
        name: name.into(),
        outcome: PhotoOutcome::Evaluated {
            findings: scores.iter().map(finding).collect(),
        },
    }
}

fn gap() -> PhotoResult {
    PhotoResult {
        name: "gap.jpg".into(),
        outcome: PhotoOutcome::not_evaluated(ReasonCode::Deadline, "late"),
    }
}

/// Every step passes, but for those.
fn all_but(failing: &[usize]) -> PhotoResult {
    let score = |step| (step, if failing.contains(&step) { 3 } else { 8 });
    shows("a.jpg", &(0..steps().len()).map(score).collect::<Vec<_>>())
}

fn judged(photos: &[PhotoResult]) -> Judgement {
    judge(catalogue(), &steps(), photos)
}

fn contents(photos: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, content): &(&str, &str)| ((*name).to_owned(), (*content).to_owned());
    photos.iter().map(own).collect()
}

/// A DR whose one photo passes every step but those.
struct World {
    judgement: Judgement,
    contents: BTreeMap<String, String>,
    id: EvaluationId,
    mode: Mode,
}

impl World {
    fn new(failing: &[usize]) -> Self {
        Self {
            judgement: judged(&[all_but(failing)]),
            contents: contents(&[("a.jpg", "1")]),
            id: id(1),
            mode: Mode::Full,
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            evaluation_id: Some(&self.id),
            mode: self.mode,
            judgement: &self.judgement,
            contents: &self.contents,
        }
    }

    /// A decision of this world.
    fn said(&self, number: u32, step: Option<usize>, decision: Decision) -> ReviewRecord {
        let (subject, step) = (self.subject(), step.map(|step| steps()[step].clone()));
        let rests = step.as_ref().filter(|_| decision != Decision::Missing);
        let photo = rests.and_then(|step| subject.deciding(step));
        let seen = subject.seen(step.is_none());
        let decided = Decided {
            step,
            decision,
            photo,
            reading: None,
            seen,
        };
        self.record(number, Said::Decision(decided))
    }

    fn record(&self, number: u32, said: Said) -> ReviewRecord {
        ReviewRecord {
            number,
            previous: None,
            dr_number: DrNumber::parse("DR1").unwrap(),
            evaluation_id: self.id.clone(),
            revision: 1,
            mode: self.mode,
            said,
            reason: None,
            by: None,
            at: Timestamp::default(),
            before: Before {
                verdict: self.judgement.verdict,
                outcome: None,
                score: None,
                reviewed_verdict: None,
                reading: None,
                review: None,
            },
            reviewed_verdict: None,
            kept_until: 0,
            trace_id: None,
            request: None,
        }
    }

    fn verdict(&self, records: &[ReviewRecord]) -> Option<Verdict> {
        let standing = standing(records, &self.subject());
        reviewed_verdict(&self.judgement, Some(catalogue().pass_percent), &standing)
    }

    fn states(&self, records: &[ReviewRecord]) -> Vec<State> {
        let standing = standing(records, &self.subject());
        standing.states.into_values().collect()
    }

    /// Asked again with these photos, of which these show steps.
    fn again(&self, photos: &[(&str, &str)], results: &[PhotoResult]) -> Self {
        Self {
            judgement: judged(results),
            contents: contents(photos),
            id: id(2),
            mode: self.mode,
        }
    }
}

const CRITICAL: usize = 0;
const OTHER: usize = 1;

fn lapsed_because(because: Lapse) -> [State; 1] {
    [State::Lapsed { because }]
}

#[test]
fn nobody_s_decision_is_no_verdict_and_one_is_put_into_the_rows() {
    let passes = World::new(&[]);
    assert_eq!(passes.verdict(&[]), None);
    let fails = passes.said(1, Some(CRITICAL), Decision::Fail);
    assert_eq!(
        passes.verdict(std::slice::from_ref(&fails)),
        Some(Verdict::Fail)
    );
    let missing = passes.said(1, Some(CRITICAL), Decision::Missing);
    assert_eq!(passes.verdict(&[missing]), Some(Verdict::Fail));
    let other = passes.said(1, Some(OTHER), Decision::Fail);
    assert_eq!(
        passes.verdict(&[other]),
        Some(Verdict::Pass),
        "9 of 10 are enough"
    );
    let fails = World::new(&[CRITICAL]);
    let mended = fails.said(1, Some(CRITICAL), Decision::Pass);
    assert_eq!(fails.verdict(&[mended]), Some(Verdict::Pass));
    let same = fails.said(1, Some(CRITICAL), Decision::Fail);
    assert_eq!(fails.verdict(&[same]), Some(Verdict::Fail));
}

#[test]
fn a_later_decision_stands_before_an_earlier_one_and_a_withdrawal_uncovers_it() {
    let world = World::new(&[]);
    let mut records = vec![
        world.said(1, Some(CRITICAL), Decision::Fail),
        world.said(2, Some(CRITICAL), Decision::Pass),
    ];
    assert_eq!(world.verdict(&records), Some(Verdict::Pass));
    assert_eq!(
        world.states(&records),
        [State::Covered { by: 2 }, State::Stands]
    );
    records.push(world.record(3, Said::Withdrawal { withdraws: 2 }));
    assert_eq!(world.verdict(&records), Some(Verdict::Fail));
    let withdrawn = [State::Stands, State::Withdrawn { by: 3 }, State::Withdraws];
    assert_eq!(world.states(&records), withdrawn);
    // Said twice it is withdrawn once, by the first; a withdrawal can't be withdrawn.
    records.push(world.record(4, Said::Withdrawal { withdraws: 2 }));
    records.push(world.record(5, Said::Withdrawal { withdraws: 3 }));
    assert_eq!(world.states(&records)[..2], withdrawn[..2]);
    records.push(world.record(6, Said::Withdrawal { withdraws: 1 }));
    assert_eq!(world.verdict(&records), None);
}

#[test]
fn nothing_is_withdrawn_that_was_not_said_yet() {
    let world = World::new(&[]);
    let records = [
        world.record(1, Said::Withdrawal { withdraws: 2 }),
        world.said(2, Some(CRITICAL), Decision::Fail),
    ];
    assert_eq!(world.verdict(&records), Some(Verdict::Fail));
}

#[test]
fn a_decision_of_the_whole_stands_over_the_rows() {
    let world = World::new(&[CRITICAL]);
    let mut records = vec![
        world.said(1, None, Decision::Pass),
        world.said(2, Some(CRITICAL), Decision::Fail),
    ];
    assert_eq!(world.verdict(&records), Some(Verdict::Pass));
    let rules_unknown = standing(&records, &world.subject());
    let verdict = reviewed_verdict(&world.judgement, None, &rules_unknown);
    assert_eq!(verdict, Some(Verdict::Pass));
    records.push(world.record(3, Said::Withdrawal { withdraws: 1 }));
    assert_eq!(world.verdict(&records), Some(Verdict::Fail));
    let rules_unknown = standing(&records, &world.subject());
    assert_eq!(
        reviewed_verdict(&world.judgement, None, &rules_unknown),
        None
    );
}

#[test]
fn a_gap_leaves_open_what_no_person_decided() {
    let mut world = World::new(&[]);
    world.judgement = judged(&[all_but(&[CRITICAL]), gap()]);
    assert_eq!(world.judgement.verdict, Verdict::Incomplete);
    let fail = world.said(1, Some(CRITICAL), Decision::Fail);
    assert_eq!(
        world.verdict(&[fail]),
        Some(Verdict::Fail),
        "a person has seen the photos"
    );
    let other = world.said(1, Some(OTHER), Decision::Fail);
    assert_eq!(world.verdict(&[other]), Some(Verdict::Incomplete));
    let pass = world.said(1, Some(CRITICAL), Decision::Pass);
    assert_eq!(world.verdict(&[pass]), Some(Verdict::Pass));
}

#[test]
fn what_an_earlier_release_judged_is_taken_to_have_gaps_unless_a_row_says_otherwise() {
    let four = &[1, 3, 4, 7];
    let fails_a_fourth = |gaps| {
        let mut world = World::new(&four[..3]);
        world.judgement.gaps = gaps;
        assert_eq!(world.judgement.verdict, Verdict::Pass);
        world.verdict(&[world.said(1, Some(four[3]), Decision::Fail)])
    };
    assert_eq!(fails_a_fourth(Some(0)), Some(Verdict::Fail));
    assert_eq!(fails_a_fourth(Some(1)), Some(Verdict::Incomplete));
    assert_eq!(fails_a_fourth(None), Some(Verdict::Incomplete));
    let mut missing = World::new(&four[..2]);
    let seen: Vec<_> = (0..steps().len()).filter(|step| *step != four[2]).collect();
    let score = |step: &usize| (*step, if four[..2].contains(step) { 3 } else { 8 });
    let scores: Vec<_> = seen.iter().map(score).collect();
    missing.judgement = judged(&[shows("a.jpg", &scores)]);
    missing.judgement.gaps = None;
    let fourth = missing.said(1, Some(four[3]), Decision::Fail);
    assert_eq!(missing.verdict(&[fourth]), Some(Verdict::Fail));
}

#[test]
fn a_pass_holds_while_its_photo_is_there_whatever_it_is_called() {
    let world = World::new(&[CRITICAL]);
    let pass = [world.said(1, Some(CRITICAL), Decision::Pass)];
    let renamed = world.again(&[("b.jpg", "1"), ("a.jpg", "2")], &[all_but(&[CRITICAL])]);
    assert_eq!(renamed.verdict(&pass), Some(Verdict::Pass));
    let replaced = world.again(&[("a.jpg", "2")], &[all_but(&[CRITICAL])]);
    assert_eq!(replaced.verdict(&pass), None);
    assert_eq!(replaced.states(&pass), lapsed_because(Lapse::PhotoGone));
}

#[test]
fn a_fail_holds_while_the_model_decides_by_its_photo_or_there_is_nothing_else_to_see() {
    let world = World::new(&[]);
    let fail = [world.said(1, Some(CRITICAL), Decision::Fail)];
    let more = [("a.jpg", "1"), ("b.jpg", "2")];
    let still = world.again(&more, &[all_but(&[]), shows("b.jpg", &[(CRITICAL, 8)])]);
    assert_eq!(still.verdict(&fail), Some(Verdict::Fail));
    let better = world.again(&more, &[all_but(&[]), shows("b.jpg", &[(CRITICAL, 9)])]);
    assert_eq!(
        better.states(&fail),
        lapsed_because(Lapse::AnotherPhotoDecides)
    );
    // The same two photos, of which the model prefers the other one now: the person had seen both.
    let both = better.said(2, Some(CRITICAL), Decision::Fail);
    let mut other = world.again(&more, &[all_but(&[]), shows("b.jpg", &[(CRITICAL, 2)])]);
    other.id = id(3);
    assert_eq!(other.verdict(&[both]), Some(Verdict::Fail));
}

#[test]
fn what_rests_on_all_photos_holds_while_they_are_the_same() {
    let world = World::new(&[CRITICAL]);
    let missing = [world.said(1, Some(CRITICAL), Decision::Missing)];
    let whole = [world.said(1, None, Decision::Pass)];
    let same = world.again(&[("b.jpg", "1")], &[shows("b.jpg", &[(CRITICAL, 9)])]);
    let more = world.again(&[("a.jpg", "1"), ("b.jpg", "2")], &[all_but(&[])]);
    for said in [&missing, &whole] {
        assert_eq!(same.states(said), [State::Stands]);
        assert_eq!(more.states(said), lapsed_because(Lapse::PhotosChanged));
    }
    let quick = World {
        mode: Mode::Quick,
        ..world.again(&[("a.jpg", "1")], &[all_but(&[])])
    };
    assert_eq!(quick.states(&missing), [State::Stands]);
    assert_eq!(quick.states(&whole), lapsed_because(Lapse::PhotosChanged));
}

#[test]
fn a_decision_is_of_its_own_evaluation_and_of_later_ones_that_ask_the_step() {
    let mut world = World::new(&[]);
    let fail = [world.said(1, Some(CRITICAL), Decision::Fail)];
    // Its own, although its photos came to be known better.
    world.contents = contents(&[("a.jpg", "md5")]);
    assert_eq!(world.states(&fail), [State::Stands]);
    world.contents = contents(&[("a.jpg", "1")]);
    world.id = id(0);
    assert_eq!(
        world.states(&fail),
        lapsed_because(Lapse::OfALaterEvaluation)
    );
    world.id = id(2);
    world.judgement.steps.remove(CRITICAL);
    assert_eq!(world.states(&fail), lapsed_because(Lapse::StepNotAsked));
    let odd = world.record(1, Said::Unknown);
    assert_eq!(world.states(&[odd]), lapsed_because(Lapse::Unknown));
}

proptest! {
    /// Whatever the photos and gaps: rows that people decide as the model did leave the verdict, and what all rows are
    /// decided to be is what it follows from.
    #[test]
    fn the_same_rules_judge(scores in prop::collection::vec(0u8..=10, 10), gaps in 0usize..2, decided in prop::collection::vec(prop::option::of(0..3usize), 10)) {
        let seen: Vec<_> = scores.iter().enumerate().filter(|(_, score)| **score > 0).map(|(step, score)| (step, *score)).collect();
        let mut photos = vec![shows("a.jpg", &seen)];
        photos.extend((0..gaps).map(|_| gap()));
        let mut world = World::new(&[]);
        world.judgement = judged(&photos);
        let outcome = |step: usize| world.judgement.steps[step].outcome;
        let as_judged = |step: usize| match outcome(step) {
            StepOutcome::Pass => Decision::Pass,
            StepOutcome::Fail => Decision::Fail,
            StepOutcome::Missing | StepOutcome::NotEvaluated => Decision::Missing,
        };
        let same: Vec<_> = (0..10).map(|step| world.said(step as u32 + 1, Some(step), as_judged(step))).collect();
        if world.judgement.verdict != Verdict::Incomplete {
            prop_assert_eq!(world.verdict(&same), Some(world.judgement.verdict));
        }
        let decisions = [Decision::Pass, Decision::Fail, Decision::Missing];
        let said: Vec<_> = decided.iter().enumerate().filter_map(|(step, decision)| Some(world.said(step as u32 + 1, Some(step), decisions[(*decision)?]))).collect();
        // A person's pass or fail of every row is what a model would have said that had seen them so.
        let rows: Vec<_> = (0..10).map(|step| (step, match decided[step] {
            Some(0) => 8,
            Some(1) => 3,
            Some(_) => 0,
            None => match outcome(step) { StepOutcome::Pass => 8, StepOutcome::Fail => 3, _ => 0 },
        })).filter(|(_, score)| *score > 0).collect();
        let without_gaps = judged(&[shows("a.jpg", &rows)]).verdict;
        match world.verdict(&said) {
            None => prop_assert!(said.is_empty()),
            Some(Verdict::Incomplete) => prop_assert!(gaps > 0),
            Some(verdict) => prop_assert_eq!(verdict, without_gaps),
        }
        if gaps == 0 && !said.is_empty() {
            prop_assert_eq!(world.verdict(&said), Some(without_gaps));
        }
    }
}
