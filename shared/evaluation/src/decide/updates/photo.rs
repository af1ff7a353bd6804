//! Writes of an evaluation's photos, and of the answers about them that are kept.

use serde_json::json;

use super::{known, moved_forward, value};
use crate::decide::cache::CachedAnswer;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::sighting::Elsewhere;
use crate::decide::update::Condition::{Absent, Below, Is};
use crate::decide::update::GuardName::{
    DeferredWithoutOutcome, FirstOutcomeStays, LaterAnswerStays, LaterAttemptStays,
    LaterInvalidationStays, OutcomeKnown, ResentKnown, ResentWithoutOutcome, UpgradedAsSeen,
};
use crate::decide::update::UpdateAction::{Remove, Set};
use crate::decide::update::{Guard, Key, Update};
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::key::KeyParts;
use crate::domain::report::Report;
use crate::domain::time::Timestamp;

/// Notes that the sweeper sends a photo again.
pub fn resent(id: &EvaluationId, record: &PhotoRecord, at: Timestamp) -> Update {
    let guards = vec![
        known(ResentKnown),
        Guard::one(ResentWithoutOutcome, Absent("report")),
    ];
    Update {
        key: Key::Photo(id.clone(), record.photo.photo_id.clone()),
        guards,
        actions: vec![Set("resent_at", value(&at))],
    }
}

/// A photo's outcome, and where else the photo was used if that is known now.
pub fn outcome(
    id: &EvaluationId,
    photo: &PhotoId,
    report: &Report,
    also_in: Option<&Elsewhere>,
) -> Update {
    let guards = vec![
        known(OutcomeKnown),
        Guard::one(FirstOutcomeStays, Absent("report")),
    ];
    let also_in = also_in.map(|elsewhere| Set("also_in", value(elsewhere)));
    let actions = [Set("report", value(report)), Remove("deferred_until")]
        .into_iter()
        .chain(also_in)
        .collect();
    Update {
        key: Key::Photo(id.clone(), photo.clone()),
        guards,
        actions,
    }
}

/// Writes a photo's outcome in place of the provisional one that was seen.
pub fn upgrade(
    id: &EvaluationId,
    photo: &PhotoId,
    seen: &Report,
    report: &Report,
    also_in: Option<&Elsewhere>,
) -> Update {
    let guards = vec![Guard::one(UpgradedAsSeen, Is("report", value(seen)))];
    let also_in = also_in.map(|elsewhere| Set("also_in", value(elsewhere)));
    let actions = [Set("report", value(report))]
        .into_iter()
        .chain(also_in)
        .collect();
    Update {
        key: Key::Photo(id.clone(), photo.clone()),
        guards,
        actions,
    }
}

/// Notes that a photo waits, and until when.
pub fn deferred(id: &EvaluationId, photo: &PhotoId, attempt: u32, until: Timestamp) -> Update {
    let guards = vec![
        Guard::one(DeferredWithoutOutcome, Absent("report")),
        Guard::one(LaterAttemptStays, Below("attempt", i64::from(attempt))),
    ];
    let actions = vec![
        Set("attempt", value(&attempt)),
        Set("deferred_until", value(&until)),
    ];
    Update {
        key: Key::Photo(id.clone(), photo.clone()),
        guards,
        actions,
    }
}

/// Keeps the model's answer to a question about a photo, unless a later one is kept.
pub fn cached_answer(key: KeyParts, answer: &CachedAnswer) -> Update {
    let earlier = Below("answered_at", answer.answered_at.as_millis());
    let guards = vec![Guard::either(
        LaterAnswerStays,
        Absent("answered_at"),
        earlier,
    )];
    let content = answer.content.iter();
    let content = content.map(|content| Set("content", value(content)));
    let metadata = (!answer.metadata.is_empty()).then(|| Set("metadata", value(&answer.metadata)));
    let quality = answer.quality.iter();
    let quality = quality.map(|quality| Set("quality", value(quality)));
    // Absent as well, or it would stay that of the answer before.
    let asked_in = match &answer.asked_in {
        Some(dr) => Set("asked_in", value(dr)),
        None => Remove("asked_in"),
    };
    let by_look = if answer.by_look {
        Set("by_look", json!(true))
    } else {
        Remove("by_look")
    };
    let actions = [
        Set("evaluation_id", value(&answer.evaluation_id)),
        Set("asked_at", value(&answer.asked_at)),
        Set("answered_at", value(&answer.answered_at)),
        Set("expires_at", value(&answer.expires_at)),
        Set("findings", value(&answer.findings)),
        Set("usage", value(&answer.usage)),
        Set("vlm_ms", value(&answer.vlm_ms)),
        Set("ttl", json!(answer.expires_at.as_seconds())),
    ];
    let actions = actions.into_iter().chain(content).chain(metadata);
    let actions = actions.chain(quality).chain([asked_in, by_look]).collect();
    Update {
        key: Key::Answer(key),
        guards,
        actions,
    }
}

/// From now on no earlier answer is used: about this DR, or about any without one.
pub fn invalidated(dr: Option<&DrNumber>, at: Timestamp) -> Update {
    let key = Key::Cache(dr.cloned());
    moved_forward(key, LaterInvalidationStays, "valid_from", at)
}
