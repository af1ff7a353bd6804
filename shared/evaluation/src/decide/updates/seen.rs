//! Writes of what was seen where first: photos, serials, cameras.

use serde_json::json;

use super::value;
use crate::decide::cameras::CameraSeen;
use crate::decide::serials::SerialSeen;
use crate::decide::sighting::{Mark, Sighting};
use crate::decide::update::UpdateAction::SetIfAbsent;
use crate::decide::update::{Key, Update};
use crate::domain::time::Timestamp;

/// Where a photo was seen first is forgotten after this many days.
const KEPT_FOR_SECONDS: i64 = 90 * 24 * 60 * 60;

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
