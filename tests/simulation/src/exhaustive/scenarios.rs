//! The small worlds that are explored. Each allows what the others leave out; together they cover what is promised.

use evaluation::domain::catalogue::Catalogue;

use super::scenario::{Ask, DAY, DEADLINE_ONLY, End, Faults, Scenario};
use crate::release::Release;

/// The first photo fails a step, the second shows it and most others well, and the third, which quick mode holds back,
/// alone shows the house.
const QUICK: [(&str, &[(&str, u8)]); 5] = [
    ("DR1_ph_powm1_1.jpg", &[("power_meter", 3)]),
    (
        "DR1_ph_ont_1.jpg",
        &[
            ("cable_entry_outside", 8),
            ("ont_back_and_barcode", 8),
            ("power_meter", 8),
            ("final_installation", 8),
            ("ont_lights_and_dr_label", 8),
        ],
    ),
    ("DR1_ph_wall_1.jpg", &[("house_photo", 8)]),
    ("DR1_ph_wall_2.jpg", &[]),
    ("DR1_ph_wall_3.jpg", &[]),
];

/// All scenarios.
pub fn all(catalogue: &Catalogue) -> anyhow::Result<Vec<Scenario>> {
    let new = |name, photos, passes| Scenario::new(name, photos, passes, catalogue);
    let none = Faults::default();
    let mut one_gone = new(
        "three photos, one deleted, a crash and a duplicate",
        3,
        true,
    )?;
    one_gone.gone.extend(one_gone.truth.keys().next().cloned());
    Ok(vec![
        Scenario {
            faults: Faults {
                duplicates: 2,
                ..none
            },
            ..new("three photos, two duplicates of any message", 3, true)?
        },
        Scenario {
            faults: Faults { crashes: 2, ..none },
            times: DAY,
            ..new("three photos, two crashes anywhere", 3, false)?
        },
        Scenario {
            faults: Faults {
                crashes: 1,
                duplicates: 1,
                ..none
            },
            times: DAY,
            ..new("three photos, a crash and a duplicate", 3, true)?
        },
        Scenario {
            faults: Faults {
                crashes: 1,
                duplicates: 1,
                ..none
            },
            times: DAY,
            ends: vec![End::Incomplete],
            ..one_gone
        },
        Scenario {
            faults: Faults {
                repeats: 2,
                partial_sends: 1,
                ..none
            },
            times: DAY,
            ..new("three photos, lost replies and a partial send", 3, false)?
        },
        Scenario {
            faults: Faults { deaths: 1, ..none },
            times: DAY,
            ends: vec![End::Pass, End::Incomplete],
            ..new("three photos, a dead letter", 3, true)?
        },
        Scenario {
            faults: Faults { deaths: 2, ..none },
            times: DAY,
            slow: true,
            at_once: 2,
            ends: vec![End::Pass, End::Incomplete],
            ..new("one photo, two dead letters, slowly", 1, true)?
        },
        Scenario {
            faults: Faults {
                deaths: 1,
                duplicates: 1,
                ..none
            },
            at_once: 1,
            ends: vec![End::Pass, End::Incomplete, End::Upgraded],
            ..Scenario::quick(
                "quick mode, a dead letter and a late answer",
                &QUICK,
                catalogue,
            )?
        },
        Scenario {
            faults: Faults {
                deaths: 1,
                duplicates: 1,
                crashes: 1,
                untold: 1,
                ..none
            },
            tells: true,
            times: DAY,
            at_once: 2,
            ends: vec![End::Pass, End::Incomplete, End::Upgraded],
            ..new(
                "a photo, a dead letter and a late answer, both told",
                1,
                true,
            )?
        },
        Scenario {
            faults: Faults { sweeps: 1, ..none },
            times: DEADLINE_ONLY,
            slow: true,
            at_once: 2,
            ends: vec![End::Fail, End::Incomplete, End::Upgraded],
            ..new("two photos, answers after the deadline", 2, false)?
        },
        Scenario {
            faults: Faults { away: 2, ..none },
            failures: 4,
            times: DAY,
            ..new("two photos, the VLM away twice", 2, true)?
        },
        Scenario {
            faults: Faults {
                away: 1,
                crashes: 1,
                ..none
            },
            failures: 4,
            times: DAY,
            ..new("a photo, the VLM away, a crash", 1, true)?
        },
        Scenario {
            asks: vec![Ask::Post, Ask::Post, Ask::Force],
            ends: vec![End::Pass, End::Superseded],
            times: DAY,
            ..new("three questions at once", 1, true)?
        },
        Scenario {
            asks: vec![Ask::Post, Ask::Force],
            faults: Faults { crashes: 1, ..none },
            times: DAY,
            ends: vec![End::Fail, End::Superseded],
            ..new("two questions at once, a crash", 1, false)?
        },
        Scenario {
            asks: vec![Ask::Upload, Ask::Upload],
            times: DAY,
            slow: true,
            ..new("two uploads", 1, true)?
        },
        Scenario {
            asks: vec![Ask::Upload, Ask::Post],
            looks: true,
            faults: Faults { crashes: 1, ..none },
            times: DAY,
            at_once: 2,
            ..new("an upload, its look, a person, a crash", 1, true)?
        },
        Scenario {
            asks: vec![Ask::Upload, Ask::Post],
            times: DAY,
            ..new("an upload, and a person who joins it", 1, true)?
        },
        Scenario {
            asks: vec![Ask::Upload, Ask::Post],
            faults: Faults { away: 1, ..none },
            failures: 4,
            times: DAY,
            at_once: 2,
            ..new("an upload, a person who joins it, the VLM away", 1, true)?
        },
        Scenario {
            times: DAY,
            releases: &Release::ALL,
            often: 1,
            at_once: 2,
            ends: vec![End::Pass, End::Incomplete, End::Superseded],
            ..new("a photo, two releases in any mixture", 1, true)?
        },
    ])
}
