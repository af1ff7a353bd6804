//! A request that may be sent again under its key, and is carried out once (`Idempotency-Key`).
//!
//! # Invariants
//! - Whoever holds a lease works on the request, and nobody else. A lease lasts as long as its function may run, so that
//!   one that ended in the midst of it holds up nobody.
//! - The evaluation that was started and that it answers the request come to stand in one transaction.
//! - Leases are places that are filled in order, each for good, so that of two who lease at once one is first.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::start::{Request, Reuse};
use crate::domain::hash::hex_of;
use crate::domain::ids::EvaluationId;
use crate::domain::time::Timestamp;

/// So long a key leads to the same answer, at least.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The places of leases: attributes of one item. So often a request may be refused, or its function end in the midst.
pub const SLOTS: [&str; 16] = [
    "lease_01", "lease_02", "lease_03", "lease_04", "lease_05", "lease_06", "lease_07", "lease_08",
    "lease_09", "lease_10", "lease_11", "lease_12", "lease_13", "lease_14", "lease_15", "lease_16",
];

/// Which request: whose it is, to which route, and the key that its sender gave it. What is kept is a hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(String);

impl RequestKey {
    /// The request that this caller sends under this key to a route.
    ///
    /// ```
    /// use evaluation::decide::once::RequestKey;
    ///
    /// let key = |caller, key| RequestKey::of(caller, "POST /evaluations", key);
    /// assert_eq!(key("a", "k"), key("a", "k"));
    /// assert_ne!(key("a", "k"), key("b", "k"));
    /// ```
    pub fn of(caller: &str, route: &str, key: &str) -> Self {
        Self(hex_of(&[caller, route, key]))
    }

    /// The hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is asked, as a hash: under one key nothing else may be.
pub fn question(request: &Request) -> String {
    let reuse = match request.reuse {
        Reuse::Final => "final",
        Reuse::Nothing => "nothing",
        Reuse::AskedSince(_) => "asked_since",
    };
    let catalogue = request.catalogue.as_deref();
    hex_of(&[
        request.dr_number.as_str(),
        request.mode.as_str(),
        reuse,
        catalogue.map_or("rules", |_| "named"),
        catalogue.unwrap_or_default(),
    ])
}

/// That somebody works on a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Whose it is, by an id of its own.
    pub by: EvaluationId,
    /// Until when that may take.
    pub until: Timestamp,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By a new evaluation.
    Started,
    /// By one that ran.
    Joined,
    /// By one from before, or in a way that a later release knows.
    #[serde(other)]
    Cached,
}

/// What a request was answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// How.
    pub how: How,
}

/// What to do about a request, given what is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Something else was asked under its key, or this too often.
    Refuse,
    /// It was answered so.
    Answer(Answered),
    /// Somebody works on it.
    Wait,
    /// Nobody does: lease this place.
    Lease(&'static str),
}

/// Decides, given the item of a request.
pub fn next(item: &Value, question: &str, now: Timestamp) -> Next {
    let asked = item.get("question").and_then(Value::as_str);
    if asked.is_some_and(|asked| asked != question) {
        return Next::Refuse;
    }
    if let Some(answered) = read(item, "answered") {
        return Next::Answer(answered);
    }
    for slot in SLOTS {
        match read::<Lease>(item, slot) {
            None => return Next::Lease(slot),
            Some(lease) if now < lease.until => return Next::Wait,
            Some(_) => (),
        }
    }
    Next::Refuse
}

/// An attribute, if it can be read.
pub fn read<T: serde::de::DeserializeOwned>(item: &Value, name: &str) -> Option<T> {
    T::deserialize(item.get(name)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decide::fixtures::id;
    use crate::domain::ids::DrNumber;
    use crate::domain::plan::Mode;

    const NOW: Timestamp = Timestamp::MIN;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn lease(until: i64) -> Value {
        json!({"by": id(1), "until": until})
    }

    #[test]
    fn a_request_is_worked_on_by_one_at_a_time_and_answered_once() {
        let next = |item: Value, now| next(&item, "q", at(now));
        assert_eq!(next(Value::Null, 0), Next::Lease("lease_01"));
        let leased = json!({"question": "q", "lease_01": lease(10)});
        assert_eq!(next(leased.clone(), 9), Next::Wait);
        assert_eq!(next(leased, 10), Next::Lease("lease_02"));
        let answered = json!({"evaluation_id": id(2), "how": "started"});
        let item = json!({"question": "q", "lease_01": lease(10), "answered": answered});
        let expected = Answered {
            evaluation_id: id(2),
            how: How::Started,
        };
        assert_eq!(next(item, 0), Next::Answer(expected));
        let other = json!({"question": "another", "lease_01": lease(0)});
        assert_eq!(next(other, 5), Next::Refuse);
        let full: serde_json::Map<_, _> = SLOTS
            .map(|slot| (slot.to_owned(), lease(0)))
            .into_iter()
            .collect();
        assert_eq!(next(full.into(), 5), Next::Refuse);
    }

    #[test]
    fn a_way_of_a_later_release_is_read() {
        let answered = json!({"evaluation_id": id(2), "how": "guessed"});
        let item = json!({"answered": answered});
        assert!(matches!(
            next(&item, "q", NOW),
            Next::Answer(Answered {
                how: How::Cached,
                ..
            })
        ));
    }

    #[test]
    fn each_part_of_a_question_tells_it_from_others() {
        let request = Request {
            dr_number: DrNumber::parse("DR1").unwrap(),
            mode: Mode::Full,
            reuse: Reuse::Final,
            catalogue: None,
        };
        let others = [
            Request {
                dr_number: DrNumber::parse("DR2").unwrap(),
                ..request.clone()
            },
            Request {
                mode: Mode::Quick,
                ..request.clone()
            },
            Request {
                reuse: Reuse::Nothing,
                ..request.clone()
            },
            Request {
                catalogue: Some(String::new()),
                ..request.clone()
            },
            Request {
                catalogue: Some("v4".into()),
                ..request.clone()
            },
        ];
        for other in &others {
            assert_ne!(question(other), question(&request), "{other:?}");
        }
        assert_eq!(question(&request), question(&request.clone()));
    }
}
