//! How far the queues of batches have come, so that a photo that merely queues is not taken to be lost.
//!
//! Behind a backlog of hours a photo is not heard of for hours. Were it sent again each time, the backlog would double.
//! So the aggregator notes now and then when the messages were due that are received at the moment.
//!
//! # Invariants
//! - What is noted of a queue only moves forward.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::hash::number_of;
use crate::domain::ids::PhotoId;
use crate::domain::time::Timestamp;

/// One of so many messages is noted: enough to see a queue move, and few writes to one item.
const ONE_OF: u64 = 4;

/// How far a queue has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// When the message was due that was received.
    pub due_at: Timestamp,
    /// When that became known.
    pub seen_at: Timestamp,
}

impl Progress {
    /// Whether a message that was due then has had its turn for so long that it is lost if nothing was heard of it. A
    /// queue of which nothing was heard for as long holds nothing.
    pub fn is_past(&self, due: Timestamp, lost_after: Duration, now: Timestamp) -> bool {
        now >= self.seen_at.after(lost_after) || self.due_at >= due.after(lost_after)
    }
}

/// Whether the receipt of this photo's message is noted.
pub fn is_sample(photo: &PhotoId, due_at: Timestamp) -> bool {
    number_of(&[photo.as_str(), &due_at.as_millis().to_string()]).is_multiple_of(ONE_OF)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST_AFTER: Duration = Duration::from_secs(900);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn what_queues_behind_a_backlog_is_not_lost_and_what_the_queue_has_come_past_is() {
        let backlog_of_an_hour = Progress {
            due_at: at(0),
            seen_at: at(3600),
        };
        let past = |due| backlog_of_an_hour.is_past(at(due), LOST_AFTER, at(3660));
        assert!(past(-900) && !past(-899) && !past(1800));
    }

    #[test]
    fn a_queue_that_is_not_heard_of_holds_nothing() {
        let long_ago = Progress {
            due_at: at(0),
            seen_at: at(10),
        };
        assert!(!long_ago.is_past(at(60), LOST_AFTER, at(909)));
        assert!(long_ago.is_past(at(60), LOST_AFTER, at(910)));
    }

    #[test]
    fn about_one_of_four_is_noted() {
        let noted = (0..1000)
            .filter(|n| is_sample(&PhotoId::of(&n.to_string(), "e"), at(0)))
            .count();
        assert!((200..300).contains(&noted), "{noted} of 1000");
    }
}
