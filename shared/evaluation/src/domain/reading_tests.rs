//! The checks of the domain as values.

use proptest::prelude::*;

use super::*;
use crate::domain::catalogue::{Catalogue, Step};

fn step(key: &str) -> Step {
    Catalogue::shipped("v3")
        .unwrap()
        .step(&StepKey::parse(key).unwrap())
        .unwrap()
        .clone()
}

fn checked(key: &str, reading: &str) -> Option<(FlagCode, bool)> {
    let reads = step(key).reads.unwrap();
    let dr = DrNumber::parse("DR1730550").unwrap();
    check(&reads, reading, &dr).map(|(code, _, fails)| (code, fails))
}

#[test]
fn power_passes_warns_and_fails_by_its_band() {
    use FlagCode::*;
    for (reading, expected) in [
        ("-10 dBm", None),
        ("-18.4 dBm", None),
        ("\u{2212}18,4dBm", None),
        ("- 24", None),
        ("-24.9 dBm", None),
        ("-25 dBm", Some((PowerWeak, false))),
        ("-28.9 dBm", Some((PowerWeak, false))),
        ("-29 dBm", Some((PowerTooWeak, true))),
        ("-35.0 DBM", Some((PowerTooWeak, true))),
        ("-9.9 dBm", Some((PowerImplausible, false))),
        ("18.4 dBm", Some((PowerImplausible, false))),
        ("-1730", Some((PowerImplausible, false))),
        ("LO", Some((PowerImplausible, false))),
        ("nan", Some((PowerImplausible, false))),
        ("--18", Some((PowerImplausible, false))),
    ] {
        assert_eq!(checked("power_meter", reading), expected, "{reading}");
    }
}

#[test]
fn another_drs_number_fails_and_a_misreading_does_not() {
    use FlagCode::*;
    for (reading, expected) in [
        ("DR1730550", None),
        (" dr 1730-550", None),
        ("1730550", None),
        ("DR173O55O", None),
        ("DR1730551", Some((OtherDrNumber, true))),
        ("DR1733758", Some((OtherDrNumber, true))),
        ("DR17305", Some((NotADrNumber, false))),
        ("ALCLF4A1B2C3", Some((NotADrNumber, false))),
        ("?", Some((NotADrNumber, false))),
    ] {
        assert_eq!(
            checked("ont_lights_and_dr_label", reading),
            expected,
            "{reading}"
        );
    }
}

#[test]
fn an_ont_serial_begins_with_alcl_and_a_ups_serial_with_anything() {
    assert_eq!(checked("ont_back_and_barcode", "alcl f4a1:b2c3"), None);
    assert_eq!(
        checked("ont_back_and_barcode", "HWTC1234"),
        Some((FlagCode::SerialUnexpected, false))
    );
    assert_eq!(checked("ups_serial", "UPS77120A"), None);
}

#[test]
fn readings_become_values() {
    let of = |key: &str, reading| extract(step(key).reads.as_ref().unwrap(), reading);
    assert_eq!(
        of("power_meter", "-18.4 dBm"),
        Some(Extracted::PowerDbm(-18.4))
    );
    assert_eq!(
        of("ont_back_and_barcode", "alcl f4a1"),
        Some(Extracted::Serial("ALCLF4A1".into()))
    );
    assert_eq!(
        of("ont_lights_and_dr_label", "dr1730550"),
        Some(Extracted::DrNumber("DR1730550".into()))
    );
    assert_eq!(
        of("house_photo", "rdp"),
        Some(Extracted::HousingType("RDP".into()))
    );
    assert_eq!(of("house_photo", "castle"), None);
}

proptest! {
    #[test]
    fn any_reading_is_checked_without_a_panic(reading in ".{0,40}", key in prop::sample::select(vec!["power_meter", "ups_serial", "house_photo", "ont_back_and_barcode", "ont_lights_and_dr_label"])) {
        let _ = checked(key, &reading);
    }

    #[test]
    fn every_power_in_tenths_is_in_exactly_one_band(tenths in -600i32..=-100) {
        let found = checked("power_meter", &format!("{:.1} dBm", f64::from(tenths) / 10.0));
        let expected = match tenths {
            ..=-290 => Some((FlagCode::PowerTooWeak, true)),
            -289..=-250 => Some((FlagCode::PowerWeak, false)),
            _ => None,
        };
        prop_assert_eq!(found, expected);
    }
}
