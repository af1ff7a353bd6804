//! Sixteen places at the VLM, spread over invocations of the batch function: many with few photos each, or few with many.
//!
//! Few cost less, since each waits for the VLM at a price. What they may lose: photos of one invocation share a core, and
//! an invocation is held until its last photo is answered, also by a round of one photo.

use serde_json::{Value, json};

use super::systems::{InFlight, Setting, System};
use super::{MANY, sets};
use crate::report::table::table;

/// Places.
const PLACES: usize = 16;
/// Photos in an invocation; the first is what the others are compared with.
const PHOTOS: [usize; 4] = [2, 4, 8, 16];

/// How long a way takes.
pub(crate) struct Found {
    photos: usize,
    system: System,
    drs: String,
    mean_s: f64,
    last_s: f64,
}

/// Full and quick mode, one DR and many at once, in every way.
pub(crate) fn of(mut setting: Setting) -> anyhow::Result<Vec<Found>> {
    setting.on_lambda = true;
    let mut found = Vec::new();
    for photos in PHOTOS {
        setting.overheads.in_flight = vec![InFlight {
            limit: PLACES,
            lanes: PLACES / photos,
            photos,
        }];
        for (name, drs) in sets(&setting) {
            for system in [System::Full, System::Quick] {
                let cost = setting.cost(system, &drs, PLACES)?;
                found.push(Found {
                    photos,
                    system,
                    drs: name.clone(),
                    mean_s: cost.mean_s,
                    last_s: cost.last_s,
                });
            }
        }
    }
    Ok(found)
}

/// A table; each time is beside what it is of the first way's.
pub(crate) fn text(found: &[Found]) -> String {
    let mut rows = vec![vec!["seconds, mean (last)".to_owned()]];
    for photos in PHOTOS {
        if let Some(head) = rows.first_mut() {
            head.push(format!("{} x {photos}", PLACES / photos));
        }
    }
    for one in found.iter().filter(|one| one.photos == PHOTOS[0]) {
        let mut row = vec![format!("{}, {}", one.drs, one.system.name())];
        let same =
            |other: &&Found| other.system.name() == one.system.name() && other.drs == one.drs;
        for other in found.iter().filter(same) {
            let ratio = other.mean_s / one.mean_s;
            row.push(format!(
                "{:.1} ({:.1}) {ratio:.2}",
                other.mean_s, other.last_s
            ));
        }
        rows.push(row);
    }
    format!(
        "{PLACES} places at the VLM as invocations x photos; simulated server in virtual time, {MANY} DRs of 12 photos\n\n{}",
        table(&rows)
    )
}

/// For programs.
pub(crate) fn json(found: &[Found]) -> Value {
    let row = |one: &Found| {
        json!({"invocations": PLACES / one.photos, "photos": one.photos, "system": one.system.name(),
            "drs": one.drs, "mean_seconds": one.mean_s, "last_seconds": one.last_s})
    };
    json!({"simulation": true, "ways": found.iter().map(row).collect::<Vec<_>>()})
}
