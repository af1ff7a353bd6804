//! Writes of uploads, and of looks at what was uploaded.

use serde_json::json;

use super::{moved_forward, value};
use crate::decide::cache::CACHED_FOR;
use crate::decide::look::LookRecord;
use crate::decide::update::Condition::{Absent, AtMost};
use crate::decide::update::GuardName::{LaterChangeStays, LaterUploadStays, LookedAtOnce};
use crate::decide::update::UpdateAction::{Remove, Set};
use crate::decide::update::{Guard, Key, Update};
use crate::domain::ids::DrNumber;
use crate::domain::time::Timestamp;

/// What is known of a DR's photos outlives them and all verdicts: the longest that the template's parameters allow for
/// both, 3650 days each, since a photo may be evaluated on its last day.
const KEPT_FOR_SECONDS: i64 = 2 * 3650 * 24 * 60 * 60;

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

/// Notes that a photo of this DR came into another folder than its own.
pub fn misplaced(dr: &DrNumber, at: Timestamp) -> Update {
    let update = Update {
        key: Key::Uploads(dr.clone()),
        guards: Vec::new(),
        actions: vec![Set("misplaced", json!(true))],
    };
    kept_from(update, at)
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

/// The same change, with the time after which the item may be deleted.
fn kept_from(mut update: Update, at: Timestamp) -> Update {
    let ttl = at.as_seconds().saturating_add(KEPT_FOR_SECONDS);
    update.actions.push(Set("ttl", json!(ttl)));
    update
}
