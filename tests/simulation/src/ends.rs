//! What must hold of every evaluation at the end of all days.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evaluation::decide::card::{ByPeople, Card, Image, State};
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::note;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::update::Key;
use evaluation::domain::judge::{StepOutcome, StepVerdict, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::day::SAMPLE;
use crate::invariants::{Violation, ended_for_another_release, misjudged, photos_of};
use crate::world::World;

/// An evaluation ends at its deadline and this much later at most: as promised under any single fault; and under
/// many, of which each may cost the sweeper's next round.
const GRACE: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(900));

/// How evaluations ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ends {
    /// Evaluations in all.
    pub evaluations: u64,
    /// Passed.
    pub pass: u64,
    /// Failed.
    pub fail: u64,
    /// Incomplete.
    pub incomplete: u64,
    /// Judged more than once: late answers upgraded them.
    pub upgraded: u64,
    /// Replaced by a newer one.
    pub superseded: u64,
}

/// Photos of an evaluation that never stood: what lost a race for it clears them away, unless it could not.
fn orphans(world: &World) -> usize {
    let kept_from_it = ["crash", "throttle", "purged"];
    if kept_from_it
        .iter()
        .any(|kind| world.faults.contains_key(kind))
    {
        return 0;
    }
    let stands = |item: &&Map<String, Value>| {
        let id = item.get("pk").and_then(Value::as_str);
        id.is_some_and(|id| !world.table.query(id, "META").is_empty())
    };
    let photos = world.table.having("key");
    photos.filter(|item| !stands(item)).count()
}

/// Checks every evaluation at the end of all days.
pub fn at_the_end(world: &mut World) -> Ends {
    let mut ends = Ends::default();
    let items: Vec<Value> = world
        .table
        .having("photos_total")
        .cloned()
        .map(Value::Object)
        .collect();
    for item in items {
        match serde_json::from_value::<Evaluation>(item) {
            Ok(evaluation) => ended(world, &evaluation, &mut ends),
            Err(cause) => world.violation(format!("an evaluation can't be read: {cause}")),
        }
    }
    if let Some(violation) = world.telling.wrong_at_the_end() {
        world.violations.push(violation);
    }
    if let Some(violation) = miscounted(world) {
        world.violations.push(violation);
    }
    if orphans(world) > 0 {
        world.violation("photos are left of an evaluation that never stood");
    }
    for (about, asked) in world.asked.clone() {
        if asked > world.deliveries.get(&about).copied().unwrap_or(0) {
            world.violation("4: the VLM was asked more often than the photo was delivered");
        }
    }
    ends
}

/// What is wrong with the cards: each is as its evaluation says, whatever befell the stream's records, and the counts are
/// those of the cards.
fn miscounted(world: &World) -> Option<Violation> {
    if world.telling.silent {
        return None;
    }
    let violation = |what: &str| Some(Violation(format!("14: {what}")));
    for item in world.table.having("photos_total") {
        let item = Value::Object(item.clone());
        let Ok(Some(image)) = Image::of(None, Some(&item)) else {
            return violation("an evaluation can't be put on a card");
        };
        let kept = world.table.get(&image.key());
        let kept = kept.and_then(|card| Card::deserialize(&*card).ok());
        let version = kept.as_ref().map_or(0, |card| card.version);
        let notes = world.table.get(&Key::Notes(image.dr_number().clone()));
        let by_people = ByPeople {
            notes: notes.map_or(0, |item| note::of_item(&item).len() as u32),
            ..ByPeople::default()
        };
        let made = Card::made(None, &image, by_people, SAMPLE).map(|card| Card { version, ..card });
        if kept != made {
            return violation("a card is another than its evaluation says");
        }
    }
    let mut counted: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for card in world
        .table
        .having("made_from")
        .filter(|card| is_first(card))
    {
        let Ok(card) = Card::deserialize(&Value::Object(card.clone())) else {
            return violation("a card can't be read");
        };
        let state = card.state();
        let contested = (card.notes > 0).then(|| state.contested_name());
        for name in [Some(state.name()), contested].into_iter().flatten() {
            *counted.entry((card.day(), name)).or_default() += 1;
        }
    }
    let days: BTreeSet<String> = counted.keys().map(|(day, _)| day.clone()).collect();
    let names = State::ALL.map(|state| [state.name(), state.contested_name()]);
    let names = names.as_flattened();
    for (day, name) in days
        .iter()
        .flat_map(|day| names.iter().map(move |name| (day, *name)))
    {
        let count = world.table.get(&Key::Counts(day.clone()));
        let count = count.and_then(|item| item.get(name)?.as_i64());
        let cards = counted.get(&(day.clone(), name)).copied();
        if count.unwrap_or(0) != cards.unwrap_or(0) {
            return violation("the counts of a day are not those of its cards");
        }
    }
    None
}

/// A card with a verdict is there twice.
fn is_first(card: &Map<String, Value>) -> bool {
    let sk = card.get("sk").and_then(Value::as_str);
    sk.is_some_and(|sk| sk.starts_with("CARD#"))
}

fn grace(world: &World) -> Duration {
    let delaying = [
        "crash",
        "throttle",
        "partial_send",
        "duplicate",
        "delivered_twice",
        "repeated_write",
    ];
    let happened: u64 = delaying
        .iter()
        .filter_map(|kind| world.faults.get(kind))
        .sum();
    if happened <= 1 { GRACE.0 } else { GRACE.1 }
}

fn ended(world: &mut World, evaluation: &Evaluation, ends: &mut Ends) {
    ends.evaluations += 1;
    ends.upgraded += u64::from(evaluation.revision > 1);
    ends.superseded += u64::from(evaluation.superseded_by.is_some());
    let (Some(judgement), Some(completed_at)) = (&evaluation.judgement, evaluation.completed_at)
    else {
        return world.violation(format!(
            "3: {} never ended, {} photos pending",
            evaluation.evaluation_id,
            evaluation.pending.len()
        ));
    };
    let skew = Duration::from_millis(world.skew_ms.unsigned_abs() * 2);
    if evaluation.revision == 1 && completed_at > evaluation.deadline_at.after(grace(world) + skew)
    {
        world.violation(format!(
            "3: ended {} s after the deadline",
            completed_at.since(evaluation.deadline_at).as_secs()
        ));
    }
    match judgement.verdict {
        Verdict::Pass => ends.pass += 1,
        Verdict::Fail => ends.fail += 1,
        Verdict::Incomplete => ends.incomplete += 1,
    }
    let not_needed = |photo: &PhotoRecord| {
        photo
            .report
            .as_ref()
            .is_some_and(|report| report.outcome.is_not_needed())
    };
    let unseen = |step: &StepVerdict| step.outcome == StepOutcome::Missing;
    if judgement.verdict != Verdict::Pass
        && photos_of(&world.table, evaluation).iter().any(not_needed)
        && judgement.steps.iter().any(unseen)
    {
        world.violation("a step is said to be missing although a photo was not looked at");
    }
    if let Some(violation) = misjudged(&world.table, evaluation) {
        world.violations.push(violation);
    }
    if let Some(violation) = ended_for_another_release(&world.table, evaluation) {
        world.violations.push(violation);
    }
}
