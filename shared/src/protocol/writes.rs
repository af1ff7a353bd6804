//! Every conditional write of the system.

use serde::Serialize;
use serde_json::{Value, json};

use super::evaluation::{Evaluation, PhotoRecord};
use super::message::Report;
use super::record::Finalisation;
use super::sighting::{Elsewhere, Mark, Sighting};
use super::start::NewEvaluation;
use super::verdict::PhotoVerdict;
use super::write::Change::{Count, Remove, Set, SetOnce, TakeOut};
use super::write::Condition::{Absent, AtMost, Below, Exists, Is};
use super::write::GuardName::{
    DeferredWithoutOutcome, DispatchedKnown, FingerprintUnmoved, FirstOutcomeStays,
    LaterAttemptStays, LaterChangeStays, LaterInvalidationStays, LaterUploadStays,
    LaterVerdictStays, LetGoKnown, OneProbe, OutcomeKnown, ResentKnown, ResentWithoutOutcome,
    RevisionAsJudged, SettledKnown, StartedKnown, SupersededNotEnded, UnheldKnown, UpgradedAsSeen,
    WaitingKnown, WaitingNotEnded,
};
use super::write::{Guard, GuardName, Key, Part, Put, Write};
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::key::KeyParts;
use crate::domain::time::Timestamp;

/// Items are deleted some time after this many days.
const KEPT_FOR_SECONDS: i64 = 90 * 24 * 60 * 60;

fn value(of: &impl Serialize) -> Value {
    json!(of)
}

/// An item with the time after which it may be deleted.
fn item(of: &impl Serialize, now: Timestamp, more: &[(&str, Value)]) -> Value {
    let mut item = value(of);
    if let Some(fields) = item.as_object_mut() {
        fields.insert(
            "ttl".into(),
            json!(now.as_seconds().saturating_add(KEPT_FOR_SECONDS)),
        );
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
        item: item(record, new.evaluation.created_at, &[]),
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
        created_at,
        dr_number,
        deadline_at,
        ..
    } = &new.evaluation;
    let indexed = [
        ("gsi_dr", value(dr_number)),
        ("gsi_created", value(evaluation_id)),
        ("gsi_active", json!("active")),
        ("gsi_due", json!(deadline_at.to_string())),
    ];
    let evaluation = Put {
        key: Key::Evaluation(evaluation_id.clone()),
        guards: Vec::new(),
        item: item(&new.evaluation, *created_at, &indexed),
    };
    let unmoved = match seen {
        None => Absent("pk"),
        Some(seen) => Is("evaluation_id", value(seen)),
    };
    let pointer = Put {
        key: Key::Fingerprint(fingerprint.clone()),
        guards: vec![Guard::one(FingerprintUnmoved, unmoved)],
        item: item(&json!({"evaluation_id": evaluation_id}), *created_at, &[]),
    };
    let last = Put {
        key: Key::LastAsked(dr_number.clone(), new.evaluation.mode),
        guards: Vec::new(),
        item: item(&new.asked, *created_at, &[]),
    };
    let supersede = supersedes.map(|old| Write {
        key: Key::Evaluation(old.clone()),
        guards: vec![Guard::one(SupersededNotEnded, Absent("completed_at"))],
        changes: vec![Set("superseded_by", value(evaluation_id))],
    });
    [Part::Put(evaluation), Part::Put(pointer), Part::Put(last)]
        .into_iter()
        .chain(supersede.map(Part::Write))
        .collect()
}

fn known(name: GuardName) -> Guard {
    Guard::one(name, Exists("pk"))
}

/// Notes that all batches stand in the queue.
pub fn dispatched(id: &EvaluationId, at: Timestamp) -> Write {
    let guards = vec![known(DispatchedKnown)];
    Write {
        key: Key::Evaluation(id.clone()),
        guards,
        changes: vec![SetOnce("dispatched_at", value(&at))],
    }
}

/// Notes that a batch function has begun.
pub fn started(id: &EvaluationId, at: Timestamp) -> Write {
    let guards = vec![known(StartedKnown)];
    Write {
        key: Key::Evaluation(id.clone()),
        guards,
        changes: vec![SetOnce("started_at", value(&at))],
    }
}

/// Notes that the sweeper sends a photo again.
pub fn resent(id: &EvaluationId, record: &PhotoRecord, at: Timestamp) -> Write {
    let guards = vec![
        known(ResentKnown),
        Guard::one(ResentWithoutOutcome, Absent("report")),
    ];
    Write {
        key: Key::Photo(id.clone(), record.photo.photo_id.clone()),
        guards,
        changes: vec![Set("resent_at", value(&at))],
    }
}
/// A photo's outcome, and where else the photo was used if that is known now.
pub fn outcome(
    id: &EvaluationId,
    photo: &PhotoId,
    report: &Report,
    also_in: Option<&Elsewhere>,
) -> Write {
    let guards = vec![
        known(OutcomeKnown),
        Guard::one(FirstOutcomeStays, Absent("report")),
    ];
    let also_in = also_in.map(|elsewhere| Set("also_in", value(elsewhere)));
    let changes = [Set("report", value(report)), Remove("deferred_until")]
        .into_iter()
        .chain(also_in)
        .collect();
    Write {
        key: Key::Photo(id.clone(), photo.clone()),
        guards,
        changes,
    }
}

/// A photo with this mark was seen. Whoever was first stays, and is what the write returns.
pub fn sighted(mark: Mark, sighting: &Sighting, at: Timestamp) -> Write {
    let changes = vec![
        SetOnce("dr_number", value(&sighting.dr_number)),
        SetOnce("photo", value(&sighting.photo)),
        SetOnce("etag", value(&sighting.etag)),
        SetOnce("quality", value(&sighting.quality)),
        SetOnce(
            "ttl",
            json!(at.as_seconds().saturating_add(KEPT_FOR_SECONDS)),
        ),
    ];
    Write {
        key: Key::Sighting(mark),
        guards: Vec::new(),
        changes,
    }
}

/// Writes a photo's outcome in place of the provisional one that was seen.
pub fn upgrade(
    id: &EvaluationId,
    photo: &PhotoId,
    seen: &Report,
    report: &Report,
    also_in: Option<&Elsewhere>,
) -> Write {
    let guards = vec![Guard::one(UpgradedAsSeen, Is("report", value(seen)))];
    let also_in = also_in.map(|elsewhere| Set("also_in", value(elsewhere)));
    let changes = [Set("report", value(report))]
        .into_iter()
        .chain(also_in)
        .collect();
    Write {
        key: Key::Photo(id.clone(), photo.clone()),
        guards,
        changes,
    }
}

/// Takes a photo off the pending set; again, harmlessly. `answered`: the model answered, so nothing waits for it.
pub fn settled(id: &EvaluationId, photo: &PhotoId, answered: bool) -> Write {
    let mut changes = vec![TakeOut("pending", vec![photo.to_string()])];
    if answered {
        changes.extend([Remove("waiting_since"), Remove("waiting_reason")]);
    }
    Write {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(SettledKnown)],
        changes,
    }
}

fn members(photos: &[PhotoId]) -> Vec<String> {
    photos.iter().map(ToString::to_string).collect()
}

/// These photos are not held back any more: they have been sent.
pub fn unheld(id: &EvaluationId, photos: &[PhotoId]) -> Write {
    let changes = vec![TakeOut("held", members(photos))];
    Write {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(UnheldKnown)],
        changes,
    }
}

/// Takes photos that are not needed off the pending set: their outcomes say so.
pub fn let_go(id: &EvaluationId, photos: &[PhotoId]) -> Write {
    let changes = vec![TakeOut("pending", members(photos))];
    Write {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(LetGoKnown)],
        changes,
    }
}

/// Notes that a photo waits, and until when.
pub fn deferred(id: &EvaluationId, photo: &PhotoId, attempt: u32, until: Timestamp) -> Write {
    let guards = vec![
        Guard::one(DeferredWithoutOutcome, Absent("report")),
        Guard::one(LaterAttemptStays, Below("attempt", i64::from(attempt))),
    ];
    let changes = vec![
        Set("attempt", value(&attempt)),
        Set("deferred_until", value(&until)),
    ];
    Write {
        key: Key::Photo(id.clone(), photo.clone()),
        guards,
        changes,
    }
}

/// Notes since when and why an evaluation waits; the first time stays until the model answers.
pub fn waiting(id: &EvaluationId, since: Timestamp, reason: &str) -> Write {
    let guards = vec![
        known(WaitingKnown),
        Guard::one(WaitingNotEnded, Absent("completed_at")),
    ];
    let changes = vec![
        SetOnce("waiting_since", value(&since)),
        Set("waiting_reason", json!(reason)),
    ];
    Write {
        key: Key::Evaluation(id.clone()),
        guards,
        changes,
    }
}

/// Puts a verdict in place of the one (or none) that was there when it was judged. Whoever judges has seen nothing pending,
/// and the pending set only shrinks; a settled verdict is not judged again: so one guard is enough.
pub fn finalised(id: &EvaluationId, verdict: &Finalisation) -> Write {
    let guards = vec![Guard::one(
        RevisionAsJudged,
        Is("revision", value(&verdict.expected_revision)),
    )];
    let changes = vec![
        Set("judgement", value(&verdict.judgement)),
        Set("timings", value(&verdict.timings)),
        Set("completed_at", value(&verdict.completed_at)),
        Set("expires_at", value(&verdict.expires_at)),
        Set("usage", value(&verdict.usage)),
        Set(
            "revision",
            value(&verdict.expected_revision.saturating_add(1)),
        ),
        Remove("gsi_active"),
        Remove("gsi_due"),
        Remove("waiting_since"),
        Remove("waiting_reason"),
    ];
    Write {
        key: Key::Evaluation(id.clone()),
        guards,
        changes,
    }
}

/// Counts a failure of the VLM.
pub fn failure(reason: &str, at: Timestamp) -> Write {
    let changes = vec![
        Set("reason", json!(reason)),
        SetOnce("since", value(&at)),
        Count("failures"),
    ];
    Write {
        key: Key::Breaker,
        guards: Vec::new(),
        changes,
    }
}

/// Notes that the VLM answered: nothing is held against it any more.
pub fn answered() -> Write {
    let changes = ["failures", "since", "reason", "probe_until"]
        .map(Remove)
        .into();
    Write {
        key: Key::Breaker,
        guards: Vec::new(),
        changes,
    }
}

/// Claims the probe until `until`.
pub fn probe(until: Timestamp, now: Timestamp) -> Write {
    let guards = vec![Guard::either(
        OneProbe,
        Absent("probe_until"),
        AtMost("probe_until", now.as_millis()),
    )];
    Write {
        key: Key::Breaker,
        guards,
        changes: vec![Set("probe_until", value(&until))],
    }
}

/// Notes that the probe came back without an answer, so that another may be sent.
pub fn probe_ended() -> Write {
    Write {
        key: Key::Breaker,
        guards: Vec::new(),
        changes: vec![Remove("probe_until")],
    }
}

/// Notes an upload.
pub fn uploaded(dr: &DrNumber, at: Timestamp) -> Write {
    let guards = vec![Guard::either(
        LaterUploadStays,
        Absent("uploaded_at"),
        Below("uploaded_at", at.as_millis()),
    )];
    let changes = vec![
        Set("uploaded_at", value(&at)),
        Set(
            "ttl",
            json!(at.as_seconds().saturating_add(KEPT_FOR_SECONDS)),
        ),
    ];
    Write {
        key: Key::Uploads(dr.clone()),
        guards,
        changes,
    }
}

/// Notes a change of a DR's photos: when it was made, which is not when it became known.
pub fn changed(dr: &DrNumber, at: Timestamp) -> Write {
    let guards = vec![Guard::either(
        LaterChangeStays,
        Absent("changed_at"),
        Below("changed_at", at.as_millis()),
    )];
    let changes = vec![
        Set("changed_at", value(&at)),
        Set(
            "ttl",
            json!(at.as_seconds().saturating_add(KEPT_FOR_SECONDS)),
        ),
    ];
    Write {
        key: Key::Uploads(dr.clone()),
        guards,
        changes,
    }
}

/// Keeps the model's answer to a question about a photo, unless a later one is kept.
pub fn verdict(key: KeyParts, verdict: &PhotoVerdict) -> Write {
    let earlier = Below("answered_at", verdict.answered_at.as_millis());
    let guards = vec![Guard::either(
        LaterVerdictStays,
        Absent("answered_at"),
        earlier,
    )];
    let changes = vec![
        Set("evaluation_id", value(&verdict.evaluation_id)),
        Set("asked_at", value(&verdict.asked_at)),
        Set("answered_at", value(&verdict.answered_at)),
        Set("expires_at", value(&verdict.expires_at)),
        Set("findings", value(&verdict.findings)),
        Set("usage", value(&verdict.usage)),
        Set("vlm_ms", value(&verdict.vlm_ms)),
        Set("ttl", json!(verdict.expires_at.as_seconds())),
    ];
    Write {
        key: Key::Verdict(key),
        guards,
        changes,
    }
}

/// From now on no earlier answer is used: about this DR, or about any without one.
pub fn invalidated(dr: Option<&DrNumber>, at: Timestamp) -> Write {
    let guards = vec![Guard::either(
        LaterInvalidationStays,
        Absent("valid_from"),
        Below("valid_from", at.as_millis()),
    )];
    let changes = vec![Set("valid_from", value(&at))];
    Write {
        key: Key::Cache(dr.cloned()),
        guards,
        changes,
    }
}
