//! Every conditional write of the system.

use std::time::Duration;

use photos::metadata::Position;
use serde::Serialize;
use serde_json::{Value, json};

use super::accuracy::kept::Kept;
use super::cache::{CACHED_FOR, CachedAnswer};
use super::cameras::CameraSeen;
use super::evaluation::Evaluation;
use super::look::LookRecord;
use super::note::Note;
use super::once::{self, Answered, Lease, RequestKey};
use super::photo_record::PhotoRecord;
use super::queue::Queue;
use super::record::{Carried, Finalisation};
use super::serials::SerialSeen;
use super::sighting::{Elsewhere, Mark, Sighting};
use super::start::NewEvaluation;
use super::unfinished::{self, Unfinished};
use crate::domain::report::Report;
use crate::domain::review::ReviewRecord;

use super::update::Condition::{Absent, AtMost, Below, Exists, Is};
use super::update::GuardName::{
    DeferredWithoutOutcome, DispatchedKnown, FingerprintUnmoved, FirstOutcomeStays,
    LaterAnswerStays, LaterAttemptStays, LaterChangeStays, LaterInvalidationStays,
    LaterProgressStays, LaterUploadStays, LookedAtOnce, NotNeededKnown, OneProbe, OneSender,
    OutcomeKnown, PendingKnown, PromotedOnce, ReleasedKnown, ResentKnown, ResentWithoutOutcome,
    ReviewStays, RevisionAsJudged, RoundAsSeen, RoundKnown, StartedKnown, SupersededKnown,
    SupersededNotEnded, UpgradedAsSeen, WaitingKnown, WaitingNotEnded,
};
use super::update::UpdateAction::{DeleteMembers, Increment, Remove, Set, SetIfAbsent};
use super::update::{Guard, GuardName, Key, Members, Part, Put, Update};
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::key::KeyParts;
use crate::domain::time::Timestamp;

/// Items that belong to no evaluation are deleted some time after this many days.
const KEPT_FOR_SECONDS: i64 = 90 * 24 * 60 * 60;

fn value(of: &impl Serialize) -> Value {
    json!(of)
}

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

fn known(name: GuardName) -> Guard {
    Guard::one(name, Exists("pk"))
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

/// A photo with this mark was seen. Whoever was first stays, and is what the write returns.
pub fn sighted(mark: Mark, sighting: &Sighting, at: Timestamp) -> Update {
    let actions = vec![
        SetIfAbsent("dr_number", value(&sighting.dr_number)),
        SetIfAbsent("photo", value(&sighting.photo)),
        SetIfAbsent("etag", value(&sighting.etag)),
        SetIfAbsent("quality", value(&sighting.quality)),
        SetIfAbsent(
            "ttl",
            json!(at.as_seconds().saturating_add(KEPT_FOR_SECONDS)),
        ),
    ];
    Update {
        key: Key::Sighting(mark),
        guards: Vec::new(),
        actions,
    }
}

/// A serial was seen. Whoever was first stays, for ever, and is what the write returns.
pub fn serial_seen(key: Key, seen: &SerialSeen) -> Update {
    let actions = vec![
        SetIfAbsent("dr_number", value(&seen.dr_number)),
        SetIfAbsent("photo", value(&seen.photo)),
        SetIfAbsent("proven_by", value(&seen.proven_by)),
    ];
    Update {
        key,
        guards: Vec::new(),
        actions,
    }
}

/// A camera was seen in an hour. Whoever was first stays, and is what the write returns.
pub fn camera_seen(key: Key, seen: &CameraSeen, deleted_after: i64) -> Update {
    let actions = vec![
        SetIfAbsent("dr_number", value(&seen.dr_number)),
        SetIfAbsent("photo", value(&seen.photo)),
        SetIfAbsent("was", value(&seen.was)),
        SetIfAbsent("ttl", json!(deleted_after)),
    ];
    Update {
        key,
        guards: Vec::new(),
        actions,
    }
}

/// Where a DR is expected to be; none forgets it.
pub fn placed(
    dr: &DrNumber,
    position: Option<Position>,
    at: Timestamp,
    kept_for: Duration,
) -> Update {
    let position = match position {
        Some(position) => Set("expected_position", value(&position)),
        None => Remove("expected_position"),
    };
    let actions = vec![
        position,
        Set("set_at", value(&at)),
        Set("ttl", json!(at.after(kept_for).as_seconds())),
    ];
    Update {
        key: Key::Place(dr.clone()),
        guards: Vec::new(),
        actions,
    }
}

/// What a technician says of a step is put into this slot of the DR's notes. Whoever was first stays, and is in what the
/// write returns.
pub fn noted(
    dr: &DrNumber,
    slot: &'static str,
    note: &Note,
    at: Timestamp,
    kept_for: Duration,
) -> Update {
    let actions = vec![
        SetIfAbsent(slot, value(note)),
        Set("ttl", json!(at.after(kept_for).as_seconds())),
    ];
    Update {
        key: Key::Notes(dr.clone()),
        guards: Vec::new(),
        actions,
    }
}

/// Leases a request, if this place is free; nothing is asked under its key but this.
pub fn request_leased(
    key: &RequestKey,
    slot: &'static str,
    lease: &Lease,
    question: &str,
    at: Timestamp,
) -> Update {
    let deleted_after = at.after(once::KEPT_FOR);
    Update {
        key: Key::Request(key.clone()),
        guards: Vec::new(),
        actions: vec![
            SetIfAbsent("question", value(&question)),
            SetIfAbsent(slot, value(lease)),
            SetIfAbsent("ttl", json!(deleted_after.as_seconds())),
        ],
    }
}

/// Notes what a request is answered with, unless it was.
pub fn request_answered(key: &RequestKey, answered: &Answered) -> Update {
    Update {
        key: Key::Request(key.clone()),
        guards: Vec::new(),
        actions: vec![SetIfAbsent("answered", value(answered))],
    }
}

/// Ends a lease, which only who holds it does.
pub fn request_released(key: &RequestKey, slot: &'static str, over: &Lease) -> Update {
    Update {
        key: Key::Request(key.clone()),
        guards: Vec::new(),
        actions: vec![Set(slot, value(over))],
    }
}

/// A DR's notes are kept as long as this new evaluation of it.
pub fn notes_kept(new: &NewEvaluation) -> Update {
    let deleted_after = new.evaluation.created_at.after(new.kept_for);
    Update {
        key: Key::Notes(new.evaluation.dr_number.clone()),
        guards: Vec::new(),
        actions: vec![Set("ttl", json!(deleted_after.as_seconds()))],
    }
}

/// What a person decided is put in its place, which must be free: it is a put, since whoever may only put can't change a
/// part of what stands.
pub fn reviewed(record: &ReviewRecord) -> Put {
    let mut item = value(record);
    if let Some(fields) = item.as_object_mut() {
        fields.insert("ttl".into(), json!(record.kept_until));
    }
    Put {
        key: Key::Review(record.dr_number.clone(), record.number),
        guards: vec![Guard::one(ReviewStays, Absent("pk"))],
        item,
    }
}

/// Where a DR is expected to be is known as long as this new evaluation of it is kept.
pub fn place_kept(new: &NewEvaluation) -> Update {
    let deleted_after = new.evaluation.created_at.after(new.kept_for);
    Update {
        key: Key::Place(new.evaluation.dr_number.clone()),
        guards: Vec::new(),
        actions: vec![Set("ttl", json!(deleted_after.as_seconds()))],
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

/// Takes a photo off the pending set; again, harmlessly.
pub fn removed_from_pending(id: &EvaluationId, photo: &PhotoId, news: News) -> Update {
    let past: &[&str] = match news {
        News::Nothing => &[],
        News::Answers => &["waiting_since", "waiting_reason"],
        News::Answered => &["waiting_since", "waiting_reason", "unknown_since"],
    };
    let members = DeleteMembers("pending", Members::one(photo));
    let past = past.iter().map(|name| Remove(name));
    Update {
        key: Key::Evaluation(id.clone()),
        guards: vec![known(PendingKnown)],
        actions: [members].into_iter().chain(past).collect(),
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

/// Counts a failure of the VLM.
pub fn failure(reason: &str, at: Timestamp) -> Update {
    let actions = vec![
        Set("reason", json!(reason)),
        SetIfAbsent("since", value(&at)),
        Increment("failures"),
    ];
    Update {
        key: Key::Breaker,
        guards: Vec::new(),
        actions,
    }
}

/// Notes that the VLM answered: nothing is held against it any more.
pub fn answered() -> Update {
    let actions = ["failures", "since", "reason", "probe_until"]
        .map(Remove)
        .into();
    Update {
        key: Key::Breaker,
        guards: Vec::new(),
        actions,
    }
}

/// Claims the probe until `until`.
pub fn probe(until: Timestamp, now: Timestamp) -> Update {
    let guards = vec![Guard::either(
        OneProbe,
        Absent("probe_until"),
        AtMost("probe_until", now.as_millis()),
    )];
    Update {
        key: Key::Breaker,
        guards,
        actions: vec![Set("probe_until", value(&until))],
    }
}

/// Notes that the probe came back without an answer, so that another may be sent.
pub fn probe_ended() -> Update {
    Update {
        key: Key::Breaker,
        guards: Vec::new(),
        actions: vec![Remove("probe_until")],
    }
}

/// A time that only moves forward: of two, whichever comes first, the later one stays.
fn moved_forward(key: Key, guard: GuardName, name: &'static str, at: Timestamp) -> Update {
    let earlier = Below(name, at.as_millis());
    Update {
        key,
        guards: vec![Guard::either(guard, Absent(name), earlier)],
        actions: vec![Set(name, value(&at))],
    }
}

/// Notes how far a queue has come: messages are received that were due at `due_at`.
pub fn progress(queue: Queue, due_at: Timestamp, now: Timestamp) -> Update {
    let key = Key::Progress(queue);
    let mut update = moved_forward(key, LaterProgressStays, "due_at", due_at);
    update.actions.push(Set("seen_at", value(&now)));
    update
}

/// Notes where the sweeper goes on with a part of the unfinished evaluations; nothing if it came to the end.
pub fn swept_to(part: u8, at: Option<&Unfinished>) -> Update {
    let actions = match at {
        Some(at) => vec![
            Set("due_at", value(&at.due_at)),
            Set("evaluation_id", value(&at.evaluation_id)),
        ],
        None => vec![Remove("due_at"), Remove("evaluation_id")],
    };
    Update {
        key: Key::SweptTo(part),
        guards: Vec::new(),
        actions,
    }
}

/// Keeps what was worked out of how right verdicts are.
pub fn accuracy_kept(kept: &Kept) -> Update {
    Update {
        key: Key::Accuracy,
        guards: Vec::new(),
        actions: vec![
            Set("worked_out_at", value(&kept.worked_out_at)),
            Set("days", json!(kept.days)),
            Set("certainty", value(&kept.certainty)),
        ],
    }
}

/// The same change, with the time after which the item may be deleted.
fn kept_from(mut update: Update, at: Timestamp) -> Update {
    let ttl = at.as_seconds().saturating_add(KEPT_FOR_SECONDS);
    update.actions.push(Set("ttl", json!(ttl)));
    update
}

/// Notes an upload.
pub fn uploaded(dr: &DrNumber, at: Timestamp) -> Update {
    let key = Key::Uploads(dr.clone());
    kept_from(moved_forward(key, LaterUploadStays, "uploaded_at", at), at)
}

/// Notes a change of a DR's photos: when it was made, which is not when it became known.
pub fn changed(dr: &DrNumber, at: Timestamp) -> Update {
    let key = Key::Uploads(dr.clone());
    kept_from(moved_forward(key, LaterChangeStays, "changed_at", at), at)
}

/// Notes that a look at a photo is sent: once, until its answer is too old to be used.
pub fn look_sent(dr: &DrNumber, look: &LookRecord) -> Update {
    let long_ago = look.sent_at.before(CACHED_FOR);
    let guards = vec![Guard::either(
        LookedAtOnce,
        Absent("sent_at"),
        AtMost("sent_at", long_ago.as_millis()),
    )];
    let mut update = look_noted(dr, look, guards);
    let past = ["ended_at", "shows", "reason"].map(Remove);
    update.actions.extend(past);
    update
}

/// Notes how a look at a photo ended.
pub fn look_ended(dr: &DrNumber, look: &LookRecord) -> Update {
    let mut update = look_noted(dr, look, Vec::new());
    let ended = [
        Some(Set("ended_at", value(&look.ended_at))),
        look.shows.as_ref().map(|shows| Set("shows", value(shows))),
        look.reason
            .as_ref()
            .map(|reason| Set("reason", value(reason))),
    ];
    update.actions.extend(ended.into_iter().flatten());
    update
}

fn look_noted(dr: &DrNumber, look: &LookRecord, guards: Vec<Guard>) -> Update {
    let deleted_after = look.sent_at.after(CACHED_FOR).as_seconds();
    let actions = vec![
        Set("photo_id", value(&look.photo_id)),
        Set("dr_number", value(dr)),
        Set("name", value(&look.name)),
        Set("sent_at", value(&look.sent_at)),
        Set("ttl", json!(deleted_after)),
    ];
    Update {
        key: Key::Look(dr.clone(), look.photo_id.clone()),
        guards,
        actions,
    }
}

/// Notes that a photo of this DR came into another folder than its own.
pub fn misplaced(dr: &DrNumber, at: Timestamp) -> Update {
    let update = Update {
        key: Key::Uploads(dr.clone()),
        guards: Vec::new(),
        actions: vec![Set("misplaced", json!(true))],
    };
    kept_from(update, at)
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
    let actions = actions.chain(quality).chain([by_look]).collect();
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
