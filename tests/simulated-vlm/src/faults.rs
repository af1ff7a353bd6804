//! Faults on request, in the order in which they were asked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// 429 with `Retry-After`.
    #[serde(rename = "status_429")]
    #[value(name = "status_429")]
    Status429,
    /// 500.
    #[serde(rename = "status_500")]
    #[value(name = "status_500")]
    Status500,
    /// 503 without `Retry-After`.
    #[serde(rename = "status_503")]
    #[value(name = "status_503")]
    Status503,
    /// Busy, in the words of whom it takes on; 429 where those are not known.
    Busy,
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Drop,
    /// 200 with JSON that breaks off, `finish_reason` "length".
    CutAtMaxTokens,
    /// The answer in Markdown fences.
    Fenced,
    /// The answer behind thoughts and prose.
    Prefixed,
    /// Scores as strings, steps as an object: what can be mended.
    WrongTypes,
    /// Scores in words: what can't be mended.
    Unmendable,
    /// A step that no catalogue has, beside the right ones.
    UnknownStep,
    /// 200 without any text.
    EmptyAnswer,
    /// A streamed answer falls silent half-way, for a time or for good; the connection stays open.
    Stall,
    /// A streamed answer breaks off half-way, with its connection.
    CutStream,
    /// A streamed answer ends half-way with an error event, as vLLM ends it when it is stopped.
    ErrorEvent,
    /// The model does what a photo tells it: passes everything, changes the rubric, adds fields.
    Obeys,
    /// Ten times as long.
    Slow,
    /// Every connection is closed, for a time or until the faults are cleared.
    Down,
}

/// Each kind of fault as a request names it, and what it does: a line each, for `--help`.
pub fn in_words() -> String {
    let values = Kind::value_variants().iter();
    values
        .filter_map(Kind::to_possible_value)
        .map(|kind| {
            let does = kind.get_help().map(ToString::to_string);
            format!("  {:<19}{}", kind.get_name(), does.unwrap_or_default())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A fault to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// What goes wrong.
    pub(crate) kind: Kind,
    /// How many requests it takes.
    #[serde(default = "once")]
    pub(crate) count: usize,
    /// Only requests whose photo, as `DR1730550/3`, contains this.
    #[serde(default, rename = "match")]
    pub(crate) photo: Option<String>,
    /// Seconds of the `Retry-After` header.
    #[serde(default = "two")]
    pub(crate) retry_after_s: u64,
    /// For `down` and `stall`: how long; without it, for good.
    #[serde(default)]
    pub(crate) for_ms: Option<u64>,
}

fn once() -> usize {
    1
}

fn two() -> u64 {
    2
}

/// Faults to come, and how often each kind happened.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    queue: Vec<Fault>,
    down_until: Option<Option<Instant>>,
    happened: BTreeMap<Kind, u64>,
}

impl Faults {
    /// Asks for a fault.
    pub(crate) fn add(&mut self, fault: Fault) {
        if fault.kind == Kind::Down {
            self.down_until = Some(
                fault
                    .for_ms
                    .map(|ms| Instant::now() + Duration::from_millis(ms)),
            );
        } else {
            self.queue.push(fault);
        }
    }

    /// Takes back what has not happened yet.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.down_until = None;
    }

    /// Whether the server is down now; counts it if so.
    pub(crate) fn is_down(&mut self) -> bool {
        let down = matches!(self.down_until, Some(until) if until.is_none_or(|until| Instant::now() < until));
        if down {
            *self.happened.entry(Kind::Down).or_default() += 1;
        }
        down
    }

    /// The fault that befalls a request about this photo, if any.
    pub(crate) fn take(&mut self, photo: &str) -> Option<Fault> {
        let fits = |fault: &Fault| {
            fault
                .photo
                .as_ref()
                .is_none_or(|part| photo.contains(part.as_str()))
        };
        let at = self.queue.iter().position(fits)?;
        let fault = self.queue.get_mut(at)?;
        fault.count = fault.count.saturating_sub(1);
        let taken = fault.clone();
        if taken.count == 0 {
            self.queue.remove(at);
        }
        *self.happened.entry(taken.kind).or_default() += 1;
        Some(taken)
    }

    /// How often each kind happened.
    pub(crate) fn happened(&self) -> &BTreeMap<Kind, u64> {
        &self.happened
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn faults_befall_matching_requests_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.add(fault(
            r#"{"kind": "status_500", "count": 2, "match": "DR1/3"}"#,
        ));
        faults.add(fault(r#"{"kind": "fenced"}"#));
        let kinds: Vec<_> = ["DR1/3", "DR1/4", "DR1/3", "DR1/3"]
            .map(|photo| faults.take(photo).map(|f| f.kind))
            .into();
        assert_eq!(
            kinds,
            [
                Some(Kind::Status500),
                Some(Kind::Fenced),
                Some(Kind::Status500),
                None
            ]
        );
        assert_eq!(faults.happened().get(&Kind::Status500), Some(&2));
    }

    #[test]
    fn the_help_names_each_kind_as_a_request_does() {
        for line in in_words().lines() {
            let (name, does) = line.trim().split_once("  ").unwrap();
            serde_json::from_value::<Kind>(name.into()).unwrap();
            assert!(!does.trim().is_empty(), "{line}");
        }
        assert!(in_words().contains("  status_429"));
    }

    #[test]
    fn it_is_down_until_it_is_not() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"kind": "down"}"#));
        assert!(faults.is_down());
        faults.clear();
        assert!(!faults.is_down());
        faults.add(fault(r#"{"kind": "down", "for_ms": 0}"#));
        assert!(!faults.is_down());
    }
}
