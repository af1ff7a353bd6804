//! Starting, joining or returning, as values.

use super::*;
use crate::decide::cache::CACHED_FOR;
use crate::decide::fixtures::{evaluation_of, id, photo};
use crate::domain::catalogue::Catalogue;
use crate::domain::judge::Judgement;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::plan::plan;
use crate::domain::versions::VersionPart;

/// Nothing was invalidated by hand.
const NEVER: Timestamp = Timestamp::MIN;

fn completed(verdict: Verdict, at: i64) -> Evaluation {
    let mut evaluation = evaluation_of(&["a.jpg"]);
    let at = Timestamp::from_millis(at);
    evaluation.completed_at = Some(at);
    evaluation.expires_at = Some(at.after(CACHED_FOR));
    evaluation.judgement = Some(Judgement {
        verdict,
        average_score: None,
        steps: vec![],
        flags: vec![],
        flags_left_out: 0,
        gaps: None,
    });
    evaluation
}

#[test]
fn an_unknown_question_starts_and_a_running_one_is_joined() {
    let now = Timestamp::from_millis(0);
    assert_eq!(
        decide(&Pointer::Nowhere, Reuse::Final, NEVER, now),
        NextAction::Start {
            seen: None,
            supersedes: None
        }
    );
    assert!(matches!(
        decide(
            &Pointer::At(Box::new(evaluation_of(&["a.jpg"]))),
            Reuse::Final,
            NEVER,
            now
        ),
        NextAction::Join(_)
    ));
}

#[test]
fn a_pointer_to_an_evaluation_that_is_gone_is_moved_on() {
    let gone = evaluation_of(&["a.jpg"]).evaluation_id;
    for reuse in [Reuse::Final, Reuse::Nothing, Reuse::AskedSince(NEVER)] {
        let pointer = Pointer::Gone(gone.clone());
        assert_eq!(
            decide(&pointer, reuse, NEVER, Timestamp::from_millis(0)),
            NextAction::Start {
                seen: Some(gone.clone()),
                supersedes: None
            }
        );
    }
}

#[test]
fn a_final_verdict_is_served_for_24_hours_and_no_millisecond_longer() {
    let day = CACHED_FOR.as_millis() as i64;
    for verdict in [Verdict::Pass, Verdict::Fail] {
        let at = |now| {
            decide(
                &Pointer::At(Box::new(completed(verdict, 1000))),
                Reuse::Final,
                NEVER,
                Timestamp::from_millis(now),
            )
        };
        assert!(matches!(at(1000 + day - 1), NextAction::ReturnCached(_)));
        assert!(matches!(
            at(1000 + day),
            NextAction::Start {
                supersedes: None,
                ..
            }
        ));
    }
}

#[test]
fn what_does_not_say_how_old_it_is_is_not_served() {
    let ageless = Evaluation {
        expires_at: None,
        ..completed(Verdict::Pass, 0)
    };
    assert!(matches!(
        decide(
            &Pointer::At(Box::new(ageless)),
            Reuse::Final,
            NEVER,
            Timestamp::from_millis(1)
        ),
        NextAction::Start { .. }
    ));
}

#[test]
fn one_that_runs_is_joined_until_an_answer_that_it_began_with_is_too_old() {
    let running = Evaluation {
        expires_at: Some(Timestamp::from_millis(10)),
        ..evaluation_of(&["a.jpg"])
    };
    let at = |now| {
        let now = Timestamp::from_millis(now);
        decide(
            &Pointer::At(Box::new(running.clone())),
            Reuse::Final,
            NEVER,
            now,
        )
    };
    assert!(matches!(at(9), NextAction::Join(_)));
    let id = Some(running.evaluation_id.clone());
    let (seen, supersedes) = (id.clone(), id);
    assert_eq!(at(10), NextAction::Start { seen, supersedes });
}

#[test]
fn never_again_a_stale_fallback_result_is_served_as_if_it_were_real() {
    let incomplete = completed(Verdict::Incomplete, 0);
    assert!(matches!(
        decide(
            &Pointer::At(Box::new(incomplete)),
            Reuse::Final,
            NEVER,
            Timestamp::from_millis(1)
        ),
        NextAction::Start { seen: Some(_), .. }
    ));
}

#[test]
fn never_again_re_evaluate_returns_the_stored_result() {
    let now = Timestamp::from_millis(1);
    assert!(matches!(
        decide(
            &Pointer::At(Box::new(completed(Verdict::Pass, 0))),
            Reuse::Nothing,
            NEVER,
            now
        ),
        NextAction::Start {
            supersedes: None,
            ..
        }
    ));
    let running = evaluation_of(&["a.jpg"]);
    let id = running.evaluation_id.clone();
    assert_eq!(
        decide(&Pointer::At(Box::new(running)), Reuse::Nothing, NEVER, now),
        NextAction::Start {
            seen: Some(id.clone()),
            supersedes: Some(id)
        }
    );
}

#[test]
fn a_superseded_evaluation_is_not_joined() {
    let mut old = evaluation_of(&["a.jpg"]);
    old.superseded_by = Some(crate::decide::fixtures::id(7));
    assert!(matches!(
        decide(
            &Pointer::At(Box::new(old)),
            Reuse::Final,
            NEVER,
            Timestamp::from_millis(1)
        ),
        NextAction::Start {
            supersedes: None,
            ..
        }
    ));
}

#[test]
fn what_was_asked_before_the_cache_was_emptied_is_joined_while_it_runs_but_not_returned() {
    let now = Timestamp::from_millis(50);
    let of = |evaluation| {
        decide(
            &Pointer::At(Box::new(evaluation)),
            Reuse::Final,
            Timestamp::default(),
            now,
        )
    };
    assert!(matches!(
        of(completed(Verdict::Pass, 40)),
        NextAction::Start {
            supersedes: None,
            ..
        }
    ));
    assert!(matches!(of(evaluation_of(&["a.jpg"])), NextAction::Join(_)));
    let later = Evaluation {
        created_at: Timestamp::from_millis(1),
        ..completed(Verdict::Pass, 40)
    };
    assert!(matches!(of(later), NextAction::ReturnCached(_)));
}

#[test]
fn uploads_start_one_evaluation_even_if_it_ends_with_a_gap() {
    let now = Timestamp::from_millis(50);
    let since = |moment| {
        decide(
            &Pointer::At(Box::new(completed(Verdict::Incomplete, 40))),
            Reuse::AskedSince(Timestamp::from_millis(moment)),
            NEVER,
            now,
        )
    };
    assert!(
        matches!(since(0), NextAction::ReturnCached(_)),
        "asked at 0, uploaded at 0"
    );
    assert!(
        matches!(since(1), NextAction::Start { .. }),
        "uploaded after it was asked"
    );
}

fn asked(names: &[&str], versions: &Versions) -> QuestionDigest {
    let photos = names.iter().map(|name| photo(name)).collect();
    let plan = plan(
        photos,
        Mode::Full,
        Catalogue::shipped("v1").unwrap(),
        versions,
    );
    QuestionDigest::of(&plan, versions)
}

#[test]
fn what_changed_since_the_last_question_is_named() {
    let versions = evaluation_of(&["a.jpg"]).versions;
    let one = asked(&["a.jpg"], &versions);
    let after = |question: Option<QuestionDigest>| {
        let last = question.map(|question| LastAsked {
            last_evaluation_id: id(3),
            question,
        });
        missed_because(None, &one, last.as_ref(), Reuse::Final, Timestamp::MIN)
    };
    assert_eq!(after(None), [Miss::First]);
    let more = asked(&["a.jpg", "b.jpg"], &versions);
    assert_eq!(after(Some(more)), [Miss::Photos]);
    for part in VersionPart::ALL {
        let question = QuestionDigest {
            versions: versions.with(*part, "another"),
            ..one.clone()
        };
        assert_eq!(after(Some(question)), [Miss::Version(*part)]);
    }
}

#[test]
fn an_answer_that_is_there_and_not_used_says_missed_because() {
    let evaluation = evaluation_of(&["a.jpg"]);
    let one = asked(&["a.jpg"], &evaluation.versions);
    let verdict = |verdict| Evaluation {
        judgement: Some(Judgement {
            verdict,
            average_score: None,
            steps: vec![],
            flags: vec![],
            flags_left_out: 0,
            gaps: None,
        }),
        ..evaluation.clone()
    };
    let of = |current: &Evaluation, reuse, valid_from| {
        missed_because(Some(current), &one, None, reuse, valid_from)
    };
    assert_eq!(
        of(&verdict(Verdict::Pass), Reuse::Nothing, Timestamp::MIN),
        [Miss::Forced]
    );
    assert_eq!(
        of(&verdict(Verdict::Pass), Reuse::Final, Timestamp::MIN),
        [Miss::Expired]
    );
    assert_eq!(
        of(&verdict(Verdict::Pass), Reuse::Final, evaluation.created_at),
        [Miss::Emptied]
    );
    assert_eq!(
        of(&verdict(Verdict::Incomplete), Reuse::Final, Timestamp::MIN),
        [Miss::Incomplete]
    );
}

#[test]
fn a_photo_whose_name_is_too_long_gets_an_outcome_that_says_so_and_the_others_are_asked_about() {
    let long = "n".repeat(1000);
    let photos = [photo("a.jpg"), photo(&long)].to_vec();
    let versions = evaluation_of(&["a.jpg"]).versions;
    let catalogue = Catalogue::shipped("v1").unwrap();
    let request = Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode: Mode::Full,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 4,
        deadline: Duration::from_secs(60),
        kept_for: Duration::from_secs(90 * 24 * 3600),
    };
    let plan = plan(photos, Mode::Full, catalogue, &versions);
    let (known, now) = (FromCache::default(), Timestamp::default());
    let new = open(id(1), &request, plan, versions, &limits, known, now);
    let asked: Vec<&str> = new
        .batches
        .iter()
        .flat_map(|b| &b.photos)
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(asked, ["a.jpg"]);
    assert_eq!(
        (new.evaluation.photos_total, new.evaluation.pending.len()),
        (2, 1)
    );
    let misnamed = &new.photos[1];
    let Some(PhotoOutcome::NotEvaluated { reason }) = misnamed.report.as_ref().map(|r| &r.outcome)
    else {
        panic!("{misnamed:?}");
    };
    assert_eq!(reason.code, ReasonCode::NameTooLong);
    assert!(reason.message.contains("1000 bytes"), "{}", reason.message);
    assert!(misnamed.report.as_ref().unwrap().outcome.is_gap());
}
