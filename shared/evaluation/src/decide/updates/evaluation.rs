//! Writes of an evaluation: it begins, comes further, waits and ends.

use serde::Serialize;
use serde_json::{Value, json};

use super::{known, value};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::record::{Carried, Finalisation};
use crate::decide::start::NewEvaluation;
use crate::decide::unfinished;
use crate::decide::update::Condition::{Absent, AtMost, Is};
use crate::decide::update::GuardName::{
    DispatchedKnown, FingerprintUnmoved, NotNeededKnown, OneSender, PendingKnown, PromotedOnce,
    ReleasedKnown, RevisionAsJudged, RoundAsSeen, RoundKnown, StartedKnown, SupersededKnown,
    SupersededNotEnded, WaitingKnown, WaitingNotEnded,
};
use crate::decide::update::UpdateAction::{DeleteMembers, Increment, Remove, Set, SetIfAbsent};
use crate::decide::update::{Guard, Key, Members, Part, Put, Update};
use crate::domain::ids::{EvaluationId, PhotoId};
use crate::domain::time::Timestamp;

/// An item of a new evaluation, with the time after which it may be deleted.
fn item(new: &NewEvaluation, of: &impl Serialize, more: &[(&str, Value)]) -> Value {
    let mut item = value(of);
    if let Some(fields) = item.as_object_mut() {
        let deleted_after = new.evaluation.created_at.after(new.kept_for);
        fields.insert("ttl".into(), json!(deleted_after.as_seconds()));
        fields.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
    }
    item
}

/// The photos of a new evaluation. Nobody looks for them before the evaluation itself stands, so they need no guard.
pub fn photos(new: &NewEvaluation) -> Vec<Put> {
    let id = &new.evaluation.evaluation_id;
    let put = |record: &PhotoRecord| Put {
        key: Key::Photo(id.clone(), record.photo.photo_id.clone()),
        guards: Vec::new(),
        item: item(new, record, &[]),
    };
    new.photos.iter().map(put).collect()
}

/// Puts a new evaluation in place, on the condition that its fingerprint points where it was seen to point.
pub fn open(
    new: &NewEvaluation,
    seen: Option<&EvaluationId>,
    supersedes: Option<&EvaluationId>,
) -> Vec<Part> {
    let Evaluation {
        evaluation_id,
        fingerprint,
        dr_number,
        deadline_at,
        ..
    } = &new.evaluation;
    let indexed = [
        ("gsi_dr", value(dr_number)),
        ("gsi_created", value(evaluation_id)),
        (
            "gsi_active",
            json!(unfinished::key_of(unfinished::part_of(evaluation_id))),
        ),
        ("gsi_due", json!(deadline_at.to_string())),
    ];
    let evaluation = Put {
        key: Key::Evaluation(evaluation_id.clone()),
        guards: Vec::new(),
        item: item(new, &new.evaluation, &indexed),
    };
    let unmoved = match seen {
        None => Absent("pk"),
        Some(seen) => Is("evaluation_id", value(seen)),
    };
    let pointer = Put {
        key: Key::Fingerprint(fingerprint.clone()),
        guards: vec![Guard::one(FingerprintUnmoved, unmoved)],
        item: item(new, &json!({"evaluation_id": evaluation_id}), &[]),
    };
    let last = Put {
        key: Key::LastAsked(dr_number.clone(), new.evaluation.mode),
        guards: Vec::new(),
        item: item(new, &new.asked, &[]),
    };
    let supersede = supersedes.map(|old| superseded(old, evaluation_id));
    [Part::Put(evaluation), Part::Put(pointer), Part::Put(last)]
        .into_iter()
        .chain(supersede.map(Part::Update))
        .collect()
}

/// Notes that an evaluation that runs has its place taken by another one.
pub fn superseded(old: &EvaluationId, by: &EvaluationId) -> Update {
    let guards = vec![
        known(SupersededKnown),
        Guard::one(SupersededNotEnded, Absent("completed_at")),
    ];
    Update {
        key: Key::Evaluation(old.clone()),
        guards,
        actions: vec![Set("superseded_by", value(by))],
    }
}

/// The photos of an evaluation that was not to be, since another one was faster.
pub fn orphans(new: &NewEvaluation) -> Vec<Key> {
    let id = &new.evaluation.evaluation_id;
    let key = |record: &PhotoRecord| Key::Photo(id.clone(), record.photo.photo_id.clone());
    new.photos.iter().map(key).collect()
}

/// Notes that all batches stand in the queue.
pub fn dispatched(id: &EvaluationId, at: Timestamp) -> Update {
    let guards = vec![known(DispatchedKnown)];
    Update {
        key: Key::Evaluation(id.clone()),
        guards,
        actions: vec![SetIfAbsent("dispatched_at", value(&at))],
    }
}

/// Notes that a batch function has begun.
pub fn started(id: &EvaluationId, at: Timestamp) -> Update {
    let guards = vec![known(StartedKnown)];
    Update {
        key: Key::Evaluation(id.clone()),
        guards,
        actions: vec![SetIfAbsent("started_at", value(&at))],
    }
}

/// What an outcome says beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Nothing: the model was not asked.
    Nothing,
    /// The model answers: nothing waits for it. Somebody may have said so before.
    Answers,
    /// The model has just answered: somebody knows the evaluation's versions, too.
    Answered,
}

/// Takes a photo off the pending set; again, harmlessly. `waited_until`: when the model is back, if it waited for it.
pub fn removed_from_pending(
    id: &EvaluationId,
    photo: &PhotoId,
    news: News,
    waited_until: Option<Timestamp>,
) -> Update {
    let past: &[&str] = match news {
        News::Nothing => &[],
        News::Answers => &["waiting_since", "waiting_reason"],
        News::Answered => &["waiting_since", "waiting_reason", "unknown_since"],
    };
    let members = DeleteMembers("pending", Members::one(photo));
    let past = past.iter().map(|name| Remove(name));
    let back = waited_until.map(|at| Set("waited_until", value(&at)));
    Update {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(PendingKnown)],
        actions: [members].into_iter().chain(past).chain(back).collect(),
    }
}

/// Claims the sending of quick mode's next round, until `until`: of two who see at the same time that it is due, one
/// sends it. `seen` is the number of rounds that the sender has seen.
pub fn round_claimed(id: &EvaluationId, seen: u32, until: Timestamp, now: Timestamp) -> Update {
    let as_seen = Is("round", value(&seen));
    let as_seen = match seen {
        0 => Guard::either(RoundAsSeen, Absent("round"), as_seen),
        _ => Guard::one(RoundAsSeen, as_seen),
    };
    let unclaimed = Guard::either(
        OneSender,
        Absent("round_until"),
        AtMost("round_until", now.as_millis()),
    );
    Update {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(RoundKnown), as_seen, unclaimed],
        actions: vec![Set("round_until", value(&until))],
    }
}

/// These photos are not held back any more: they have been sent, as the next round.
pub fn released(id: &EvaluationId, photos: Members) -> Update {
    let actions = vec![
        DeleteMembers("held", photos),
        Increment("round"),
        Remove("round_until"),
    ];
    Update {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(ReleasedKnown)],
        actions,
    }
}

/// Takes photos that are not needed off the pending set: their outcomes say so.
pub fn not_needed(id: &EvaluationId, photos: Members) -> Update {
    let actions = vec![DeleteMembers("pending", photos)];
    Update {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(NotNeededKnown)],
        actions,
    }
}

/// Notes since when and why an evaluation waits; the first time stays until the model answers. `unknown`: whoever put
/// the photo off does not know the evaluation's versions.
pub fn waiting(id: &EvaluationId, since: Timestamp, reason: &str, unknown: bool) -> Update {
    let guards = vec![
        known(WaitingKnown),
        Guard::one(WaitingNotEnded, Absent("completed_at")),
    ];
    let unknown = if unknown {
        SetIfAbsent("unknown_since", value(&since))
    } else {
        Remove("unknown_since")
    };
    let actions = vec![
        SetIfAbsent("waiting_since", value(&since)),
        Set("waiting_reason", json!(reason)),
        unknown,
    ];
    Update {
        key: Key::Evaluation(id.clone()),
        guards,
        actions,
    }
}

/// Brings bulk work forward: a person waits for it now.
pub fn promoted(id: &EvaluationId, at: Timestamp) -> Update {
    Update {
        key: Key::Evaluation(id.clone()),
        guards: vec![Guard::one(PromotedOnce, Is("bulk", json!(true)))],
        actions: vec![Remove("bulk"), Set("promoted_at", value(&at))],
    }
}

/// Puts a verdict in place of the one (or none) that was there when it was judged. Whoever judges has seen nothing
/// pending, and the pending set only shrinks; a final verdict is not judged again: so one guard is enough.
pub fn finalised(id: &EvaluationId, verdict: &Finalisation) -> Update {
    let guards = vec![Guard::one(
        RevisionAsJudged,
        Is("revision", value(&verdict.expected_revision)),
    )];
    let revision = verdict.expected_revision.saturating_add(1);
    let carried = |verdict| Set("carried", value(&Carried { revision, verdict }));
    let mut actions = vec![
        Set("judgement", value(&verdict.judgement)),
        // Once more by themselves, for the index that the history is read from.
        Set("verdict", value(&verdict.judgement.verdict)),
        Set("average_score", value(&verdict.judgement.average_score)),
        Set("timings", value(&verdict.timings)),
        Set("completed_at", value(&verdict.completed_at)),
        Set("expires_at", value(&verdict.expires_at)),
        Set("usage", value(&verdict.usage)),
        Set("revision", value(&revision)),
        Remove("gsi_active"),
        Remove("gsi_due"),
        Remove("waiting_since"),
        Remove("waiting_reason"),
        Remove("unknown_since"),
    ];
    actions.extend(verdict.carried.map(carried));
    Update {
        key: Key::Evaluation(id.clone()),
        guards,
        actions,
    }
}
