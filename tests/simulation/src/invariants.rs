//! What must always hold, and what must hold at the end. The numbers are those of the architecture.

use std::collections::{BTreeMap, BTreeSet};

use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::update::{Key, Part};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{EvaluationId, PhotoId};
use evaluation::domain::judge::{Judgement, Verdict};
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};
use evaluation::domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::oracle::{against_its_rows, against_the_photos, as_it_is_written};
use crate::release::Release;
use crate::table::Table;

/// DynamoDB's largest item.
const MOST_BYTES: usize = 400 * 1024;

/// What can't be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

/// What the checks look at, and where they say what they found.
#[derive(Debug)]
pub struct Sight<'a> {
    /// The table.
    pub table: &'a Table,
    /// The time.
    pub now: Timestamp,
    /// How far each process's clock may be off, in milliseconds.
    pub skew_ms: i64,
    /// What the model would say of a photo.
    pub truth: &'a BTreeMap<PhotoId, PhotoOutcome>,
    /// Photos that were deleted.
    pub gone: &'a BTreeSet<PhotoId>,
    /// Photos that the VLM answered about.
    pub answered: &'a BTreeSet<(EvaluationId, PhotoId)>,
    /// What can't be true and was.
    pub violations: &'a mut Vec<Violation>,
}

impl Sight<'_> {
    fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(Violation(what.into()));
    }
}

/// Checks that DynamoDB would have taken an item: it refuses empty sets, and what is larger than 400 KB. Its JSON is no
/// smaller than what DynamoDB counts.
pub fn lawful(sight: &mut Sight<'_>, key: &Key) {
    let Some(item) = sight.table.get(key) else {
        return;
    };
    let is_empty = |name: &str| {
        let set = item.get(name).and_then(Value::as_array);
        set.is_some_and(Vec::is_empty)
    };
    if ["pending", "held"].iter().any(|name| is_empty(name)) {
        sight.violation("DynamoDB refuses an empty set");
    }
    if item.to_string().len() > MOST_BYTES {
        sight.violation("DynamoDB refuses an item of more than 400 KB");
    }
}

/// Checks what a write did.
pub fn after_write(sight: &mut Sight<'_>, key: &Key, before: Option<&Value>) {
    lawful(sight, key);
    let after = sight.table.get(key);
    let after = after.as_deref();
    match key {
        Key::Evaluation(_) => evaluation_changed(sight, before, after),
        Key::Photo(..) => photo_changed(sight, key, before, after),
        Key::Uploads(_) => uploads_changed(sight, before, after),
        Key::Breaker => breaker_changed(sight, before, after),
        Key::Answer(_) if number(after, "answered_at") < number(before, "answered_at") => {
            sight.violation("6: an answer was replaced by an earlier one");
        }
        Key::Cache(_) if number(after, "valid_from") < number(before, "valid_from") => {
            sight.violation("6: what was invalidated is valid again");
        }
        Key::Claim(_) => claim_changed(sight, before, after),
        Key::Progress(_) if number(after, "due_at") < number(before, "due_at") => {
            sight.violation("what is noted of how far a queue has come went back");
        }
        Key::Review(..) if before.is_some() && before != after => {
            sight.violation("what a person decided was changed");
        }
        Key::Fingerprint(_)
        | Key::Review(..)
        | Key::Look(..)
        | Key::Card(..)
        | Key::CardByCertainty(..)
        | Key::CardContested(..)
        | Key::CardContestedByCertainty(..)
        | Key::Counts(_)
        | Key::Progress(_)
        | Key::SweptTo(_)
        | Key::LastAsked(..)
        | Key::Answer(_)
        | Key::Cache(_)
        | Key::Catalogue(_)
        | Key::Request(_)
        | Key::Sighting(_)
        | Key::Serial(_)
        | Key::SerialAgain(_)
        | Key::Camera(_)
        | Key::CameraAgain(_)
        | Key::Notes(_)
        | Key::Place(_)
        | Key::Known(_)
        | Key::Accuracy => (),
    }
}

/// A claim that holds stays until it is given back.
fn claim_changed(sight: &mut Sight<'_>, before: Option<&Value>, after: Option<&Value>) {
    let by = |item: Option<&Value>| item?.get("by")?.as_str().map(str::to_owned);
    let (was, is) = (by(before), by(after));
    let over = sight.now.as_millis() + sight.skew_ms;
    let held = number(before, "until").is_some_and(|until| until > over);
    if held && was.is_some() && is.is_some() && was != is {
        sight.violation("a DR is claimed by two people at once");
    }
}

/// Checks what a transaction is about to do, if nothing is against it: a question must not be answered twice at once.
pub fn before_transaction(sight: &mut Sight<'_>, parts: &[Part]) {
    let admitted = sight.table.would_admit(parts);
    let replaced = parts.iter().find_map(|part| match part {
        Part::Update(write) => Some(write.key.parts().0),
        Part::Put(_) => None,
    });
    let opened = parts.iter().find_map(|part| match part {
        Part::Put(put) if matches!(put.key, Key::Evaluation(_)) => put.item.get("fingerprint"),
        _ => None,
    });
    let running = sight.table.unfinished();
    let running = running
        .filter(|item| item.get("fingerprint") == opened && item.get("superseded_by").is_none());
    let others = running
        .filter(|item| item.get("pk").and_then(Value::as_str) != replaced.as_deref())
        .count();
    if admitted && others > 0 {
        sight.violation("a question is answered twice at once");
    }
    if let Some(Part::Update(write)) = parts.iter().find(|part| matches!(part, Part::Update(_)))
        && admitted
        && sight
            .table
            .get(&write.key)
            .is_some_and(|item| item.get("completed_at").is_some())
    {
        sight.violation("an evaluation that has ended is superseded");
    }
}

fn members(item: Option<&Value>) -> BTreeSet<&str> {
    let pending = item
        .and_then(|item| item.get("pending"))
        .and_then(Value::as_array);
    pending
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn verdict(item: Option<&Value>) -> Option<&Value> {
    item.and_then(|item| item.get("judgement"))
}

fn number(item: Option<&Value>, name: &str) -> Option<i64> {
    item.and_then(|item| item.get(name)).and_then(Value::as_i64)
}

fn uploads_changed(sight: &mut Sight<'_>, before: Option<&Value>, after: Option<&Value>) {
    if number(after, "uploaded_at") < number(before, "uploaded_at") {
        sight.violation("the time of the last upload went back");
    }
    if number(after, "changed_at") < number(before, "changed_at") {
        sight.violation("6: the time of the last change went back");
    }
}

fn breaker_changed(sight: &mut Sight<'_>, before: Option<&Value>, after: Option<&Value>) {
    let (old, new) = (number(before, "probe_until"), number(after, "probe_until"));
    let surely_running = old.is_some_and(|old| old > sight.now.as_millis() + 2 * sight.skew_ms);
    let text = |item: Option<&Value>| item.and_then(|item| item.get("probe_of")).cloned();
    // Whoever claimed it before may not have sent it.
    let anew = text(before).is_some() && text(before) == text(after);
    if surely_running && new.is_some() && old != new && !anew {
        sight.violation("two probes at once");
    }
}

fn evaluation_changed(sight: &mut Sight<'_>, before: Option<&Value>, after: Option<&Value>) {
    if before == after {
        return;
    }
    if before.is_none() {
        return sight.violation("an evaluation came into being by an update");
    }
    if number(after, "completed_at").is_some() && number(after, "waiting_since").is_some() {
        sight.violation("an evaluation waits although it has ended");
    }
    if !members(after).is_subset(&members(before)) {
        sight.violation("8: progress went back");
    }
    if members(before)
        .difference(&members(after))
        .any(|photo| !has_outcome(sight.table, after, photo))
    {
        sight.violation("1: a photo is no longer pending although its outcome does not stand");
    }
    let (old, new) = (verdict(before).cloned(), verdict(after).cloned());
    let is_final = old
        .as_ref()
        .and_then(|old| old.get("verdict"))
        .is_some_and(|v| v == "pass" || v == "fail");
    if is_final && old != new {
        sight.violation("2: a pass or fail changed");
    }
    if old != new {
        finalised(sight, after);
    }
}

fn has_outcome(table: &Table, evaluation: Option<&Value>, photo: &str) -> bool {
    let id = evaluation
        .and_then(|item| item.get("evaluation_id"))
        .and_then(Value::as_str);
    let (Some(Ok(id)), Ok(photo)) = (id.map(EvaluationId::parse), PhotoId::parse(photo)) else {
        return false;
    };
    table
        .get(&Key::Photo(id, photo))
        .is_some_and(|item| item.get("report").is_some())
}

fn finalised(sight: &mut Sight<'_>, item: Option<&Value>) {
    let Some(evaluation) =
        item.and_then(|item| serde_json::from_value::<Evaluation>(item.clone()).ok())
    else {
        return sight.violation("an evaluation can't be read");
    };
    let photos = photos_of(sight.table, &evaluation);
    if !evaluation.pending.is_empty() || photos.iter().any(|photo| photo.report.is_none()) {
        sight.violation("1: final although a photo has no outcome");
    }
    if photos.len() != evaluation.photos_total {
        sight.violation("1: final with another number of photos than there are");
    }
    if let Some(wrong) = contradicts_itself(&evaluation, &photos, as_it_is_written) {
        sight.violation(wrong);
    }
}

/// What is wrong with a verdict, given the photos' outcomes and the catalogue.
type Check = fn(&Judgement, &[&PhotoOutcome], &Catalogue) -> Option<String>;

/// What is wrong with a verdict by its own rows, if anything.
fn contradicts_itself(
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    check: Check,
) -> Option<String> {
    let judgement = evaluation.judgement.as_ref()?;
    let catalogue = Catalogue::shipped(&evaluation.versions.catalogue).ok()?;
    check(judgement, &outcomes(photos), catalogue)
}

fn outcomes(photos: &[PhotoRecord]) -> Vec<&PhotoOutcome> {
    let reports = photos.iter().filter_map(|photo| photo.report.as_ref());
    reports.map(|report| &report.outcome).collect()
}

fn photo_changed(sight: &mut Sight<'_>, key: &Key, before: Option<&Value>, after: Option<&Value>) {
    if before == after {
        return;
    }
    let record = |item: Option<&Value>| {
        item.and_then(|item| serde_json::from_value::<PhotoRecord>(item.clone()).ok())
    };
    let (Some(before), Some(after), Key::Photo(id, photo)) = (record(before), record(after), key)
    else {
        return sight.violation("a photo came into being by an update");
    };
    if after.attempt < before.attempt {
        sight.violation("a photo was put back to an earlier attempt");
    }
    if before.report == after.report {
        if before.report.is_some() {
            sight.violation("4: a photo with an outcome was touched");
        }
        return;
    }
    if before
        .report
        .as_ref()
        .is_some_and(|old| !old.outcome.is_provisional())
    {
        sight.violation("4: an outcome was replaced");
    }
    let answered_for = after.report.as_ref();
    let answered_for = answered_for.and_then(|report| report.answered_for.clone());
    match after.report.map(|report| report.outcome) {
        Some(outcome @ PhotoOutcome::Evaluated { .. }) => {
            let is_answered = match &answered_for {
                // The same bytes may have been asked about under another name.
                Some(by) => sight.answered.iter().any(|(id, _)| id == by),
                None => sight.answered.contains(&(id.clone(), photo.clone())),
            };
            if !is_answered {
                sight.violation("9: a score without an answer of the model");
            }
            let is_true = |truth: &PhotoOutcome| match (&answered_for, truth, &outcome) {
                // An earlier answer may say more than was asked now.
                (
                    Some(_),
                    PhotoOutcome::Evaluated { findings: all },
                    PhotoOutcome::Evaluated { findings: some },
                ) => some.iter().all(|finding| all.contains(finding)),
                _ => *truth == outcome,
            };
            if !sight.truth.get(photo).is_none_or(is_true) {
                sight.violation("5: a photo has another one's outcome");
            }
        }
        Some(PhotoOutcome::NotEvaluated { reason })
            if reason.code == ReasonCode::PhotoGone && !sight.gone.contains(photo) =>
        {
            sight.violation("5: a photo that is there is said to be gone");
        }
        _ => (),
    }
}

/// Checks that whoever asks for an evaluation is of a release that knows its versions.
pub fn on_asking(sight: &mut Sight<'_>, id: &EvaluationId, release: Release) {
    let item = sight.table.get(&Key::Evaluation(id.clone()));
    let evaluation = item.and_then(|item| Evaluation::deserialize(&*item).ok());
    if evaluation.is_some_and(|evaluation| !release.knows(&evaluation.versions)) {
        sight.violation("12: a photo is asked about by a release that does not know its versions");
    }
}

/// Whether an evaluation ended, before its time was up, because a release did not know it, and none took its place.
pub fn ended_for_another_release(table: &Table, evaluation: &Evaluation) -> Option<Violation> {
    let judgement = evaluation.judgement.as_ref()?;
    let in_time = evaluation.completed_at? < evaluation.deadline_at;
    let given_up = |photo: &PhotoRecord| {
        let outcome = photo.report.as_ref().map(|report| &report.outcome);
        matches!(outcome, Some(PhotoOutcome::NotEvaluated { reason }) if reason.code == ReasonCode::Superseded)
    };
    let given_up = photos_of(table, evaluation).iter().any(given_up);
    let ended = given_up || (judgement.steps.is_empty() && in_time);
    let violation = || Violation("12: an evaluation ended for another release's sake".into());
    (ended && evaluation.superseded_by.is_none()).then(violation)
}

/// The photos of an evaluation, as they stand.
pub fn photos_of(table: &Table, evaluation: &Evaluation) -> Vec<PhotoRecord> {
    let items = table.query(
        &Key::Evaluation(evaluation.evaluation_id.clone()).parts().0,
        "PHOTO#",
    );
    items
        .into_iter()
        .filter_map(|item| PhotoRecord::deserialize(item.as_ref()).ok())
        .collect()
}

/// Whether a verdict is another one than that of its photos.
pub fn misjudged(table: &Table, evaluation: &Evaluation) -> Option<Violation> {
    let judgement = evaluation.judgement.as_ref()?;
    let photos = photos_of(table, evaluation);
    // Nobody knew its catalogue: that is looked at elsewhere. A pass stands whatever comes later.
    if judgement.steps.is_empty() || judgement.verdict == Verdict::Pass {
        return None;
    }
    let catalogue = Catalogue::shipped(&evaluation.versions.catalogue).ok()?;
    let outcomes = outcomes(&photos);
    let rows = judgement.steps.iter();
    let wrong = rows
        .filter_map(|row| against_the_photos(row, &outcomes, catalogue))
        .next();
    let asked = judgement.steps.iter().map(|row| &row.step);
    let unlike =
        || (!asked.eq(&evaluation.steps_asked)).then(|| "10: other rows than steps asked".into());
    wrong
        .or_else(|| contradicts_itself(evaluation, &photos, against_its_rows))
        .or_else(unlike)
        .map(Violation)
}
