//! The table's stream and those who subscribed: what stands, what was told of it, and when.
//!
//! The stream hands changes over in their order, a batch at a time, to one notifier. A batch that fails comes again,
//! halved; one that is done may come again all the same; and all of it may come late.

use std::collections::BTreeMap;
use std::time::Duration;

use evaluation::decide::card::Image;
use evaluation::decide::note;
use evaluation::domain::time::Timestamp;
use evaluation::run::tell::Change;
use serde_json::Value;

use crate::invariants::Violation;

/// Changes of a batch: as in the template.
const BATCH: usize = 10;
/// After a failure Lambda waits before it hands a batch over again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// A verdict is told within this time of standing.
const WITHIN: Duration = Duration::from_secs(120);
/// The API that the evaluations belong to.
pub const SOURCE: &str = "https://api.example";

/// An evaluation and how many verdicts it had then.
type Verdict = (String, u64);

/// The stream, and what was told of it.
#[derive(Debug, Default)]
pub struct Telling {
    /// Whether the stream hands nothing over, and nobody is told.
    pub silent: bool,
    changes: Vec<(Change, Timestamp)>,
    done: usize,
    size: usize,
    free_at: Timestamp,
    is_read: bool,
    stands: BTreeMap<Verdict, (Value, Timestamp)>,
    told: BTreeMap<String, String>,
    told_of: BTreeMap<Verdict, Timestamp>,
}

impl Telling {
    /// An evaluation's item was written, or a DR's notes. What has neither a verdict nor news for its card is left out, since the notifier
    /// passes it over; the rest the stream hands on, perhaps late.
    pub fn written(
        &mut self,
        old: Option<&Value>,
        new: Option<&Value>,
        now: Timestamp,
        late: Duration,
    ) {
        let is_news = |new: &Value| {
            note::of_dr(new).is_some() || !matches!(Image::of(old, Some(new)), Ok(None))
        };
        let says = |new: &&Value| !self.silent && (new.get("verdict").is_some() || is_news(new));
        let Some(new) = new.filter(says) else {
            return;
        };
        if let (Some(verdict), Some(what)) = (verdict_of(new), new.get("verdict")) {
            self.stands.entry(verdict).or_insert((what.clone(), now));
        }
        let change = Change {
            old: old.cloned(),
            new: Some(new.clone()),
            by_ttl: false,
        };
        let before = self.changes.last().map_or(now, |(_, due)| *due);
        self.changes.push((change, before.max(now.after(late))));
    }

    /// When the notifier is to be called next, if there is something to tell and nobody is at it.
    pub fn next_at(&self) -> Option<Timestamp> {
        let (_, due) = self.changes.get(self.done)?;
        (!self.is_read).then_some(self.free_at.max(*due))
    }

    /// A batch for the notifier.
    pub fn hand_over(&mut self, now: Timestamp) -> Vec<Change> {
        self.is_read = true;
        let most = if self.size == 0 { BATCH } else { self.size };
        let due = self.changes.iter().skip(self.done).take(most);
        let due = due.take_while(|(_, due)| *due <= now);
        due.map(|(change, _)| change.clone()).collect()
    }

    /// The notifier is through with a batch, but for what failed: Lambda goes on at the first that did.
    pub fn is_through(&mut self, handed_over: usize, failed: Option<usize>, now: Timestamp) {
        self.done += failed.unwrap_or(handed_over);
        self.size = 0;
        self.rests(now, failed.is_some());
    }

    /// The batch will be handed over again: the notifier ended in the midst of it, or all was done and nobody knows.
    pub fn comes_again(&mut self, handed_over: usize, now: Timestamp) {
        self.size = (handed_over / 2).max(1);
        self.rests(now, true);
    }

    fn rests(&mut self, now: Timestamp, failed: bool) {
        self.is_read = false;
        self.free_at = if failed { now.after(AGAIN_AFTER) } else { now };
    }

    /// The topic takes an event; says what is wrong with it.
    pub fn published(&mut self, body: &str, now: Timestamp) -> Option<Violation> {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        let id = event.get("id").and_then(Value::as_str).unwrap_or_default();
        let data = event.get("data").unwrap_or(&Value::Null);
        let stands = |of: &Verdict| self.stands.get(of).map(|(verdict, _)| verdict);
        let of = verdict_of(data)
            .filter(|of| stands(of).is_some_and(|it| data.get("verdict") == Some(it)));
        let Some(of) = of else {
            return Some(Violation(
                "11: a completion is told that does not stand".into(),
            ));
        };
        self.told_of.entry(of).or_insert(now);
        let before = self.told.insert(id.to_owned(), body.to_owned());
        let other = before.is_some_and(|before| before != body);
        other.then(|| Violation("11: a completion is told twice with another content".into()))
    }

    /// What is wrong with what was told, at the end of all days.
    pub fn wrong_at_the_end(&self) -> Option<Violation> {
        self.stands.iter().find_map(|(of, (_, since))| {
            let why = match self.told_of.get(of) {
                None => "11: a completion was never told".to_owned(),
                Some(at) if at.since(*since) > WITHIN => {
                    format!(
                        "11: a completion was told after {} s",
                        at.since(*since).as_secs()
                    )
                }
                Some(_) => return None,
            };
            Some(Violation(why))
        })
    }
}

/// Which verdict of which evaluation an item or an event speaks of.
pub fn verdict_of(value: &Value) -> Option<Verdict> {
    let id = value.get("evaluation_id")?.as_str()?;
    Some((id.to_owned(), value.get("revision")?.as_u64()?))
}
