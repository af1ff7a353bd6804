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
    check(&reads, Some(reading), true, &dr).map(|(code, _, fails)| (code, fails))
}

fn unread(key: &str, reading: Option<&str>, passes: bool) -> Option<(FlagCode, bool)> {
    let reads = step(key).reads.unwrap();
    let dr = DrNumber::parse("DR1730550").unwrap();
    check(&reads, reading, passes, &dr).map(|(code, _, fails)| (code, fails))
}

/// What says that nothing was read.
const NOTHING: [&str; 10] = [
    "",
    "unreadable",
    "UNREADABLE",
    "not visible",
    "???",
    "N/A",
    "n.a.",
    "null",
    "ALCLF4A1??C3",
    "The serial can't be read in this photo 1",
];

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
        ("5.0 dBm", Some((PowerImplausible, false))),
        ("-18.4 dB", Some((PowerImplausible, false))),
        ("1310: LO, 1490: -19.8", Some((PowerImplausible, false))),
        (
            "1310: -70 dBm, 1490: -19.8 dBm",
            Some((PowerImplausible, false)),
        ),
        (
            "1490: -19.8 dBm, 1550: 31.5 dBm",
            Some((PowerImplausible, true)),
        ),
        (
            "1490: -25 dBm, 1550: -3l.5 dBm",
            Some((PowerImplausible, true)),
        ),
        (
            "1490: -31.2 dBm, 1550: -3l.5 dBm",
            Some((PowerTooWeak, true)),
        ),
        ("1490nm -31.2dBm", Some((PowerTooWeak, true))),
        ("1490: -19.8 / 1550: -20.1", None),
        ("18.4 dBm", Some((PowerImplausible, true))),
        ("-1730", Some((PowerImplausible, true))),
        ("LO", Some((PowerImplausible, true))),
        ("----", Some((PowerImplausible, true))),
        ("nan", Some((PowerImplausible, true))),
        ("--18", Some((PowerImplausible, true))),
        ("unclear, perhaps -18 dBm", Some((PowerImplausible, true))),
    ] {
        assert_eq!(checked("power_meter", reading), expected, "{reading}");
    }
}

#[test]
fn another_drs_number_fails_and_what_is_no_number_does_not() {
    use FlagCode::*;
    for (reading, expected) in [
        ("DR1730550", None),
        (" dr 1730-550", None),
        ("1730550", None),
        ("DR173O55O", None),
        ("DR1730551", Some((OtherDrNumber, true))),
        ("DR1733758", Some((OtherDrNumber, true))),
        ("1733758", Some((OtherDrNumber, true))),
        ("17337", Some((OtherDrNumber, true))),
        ("DR17305", Some((OtherDrNumber, true))),
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
    assert_eq!(checked("ont_back_and_barcode", "S/N: ALCLF4A1B2C3"), None);
    assert_eq!(checked("ups_serial", "UPS77120A"), None);
}

#[test]
fn what_says_that_nothing_was_read_is_no_reading_of_any_kind() {
    for nothing in NOTHING {
        for key in [
            "ont_back_and_barcode",
            "ups_serial",
            "power_meter",
            "ont_lights_and_dr_label",
        ] {
            let value = extract(step(key).reads.as_ref().unwrap(), nothing);
            assert_eq!(value, None, "{key}: {nothing}");
        }
    }
}

#[test]
fn a_step_that_asks_for_a_power_does_not_pass_without_one_and_a_label_is_flagged() {
    use FlagCode::*;
    for reading in NOTHING.map(Some).into_iter().chain([None]) {
        let of = |key, passes| unread(key, reading, passes);
        let (power, label) = ("power_meter", "ont_lights_and_dr_label");
        assert_eq!(
            of(power, true),
            Some((PowerImplausible, true)),
            "{reading:?}"
        );
        assert_eq!(of(label, true), Some((NotADrNumber, false)), "{reading:?}");
        assert_eq!(of(power, false), None, "it fails by itself: {reading:?}");
        assert_eq!(of(label, false), None, "it fails by itself: {reading:?}");
    }
}

#[test]
fn a_flag_of_a_later_release_can_be_read() {
    let later = r#"{"photo": "a.jpg", "code": "seen_from_orbit", "message": "m", "fails": false}"#;
    let flag: Flag = serde_json::from_str(later).unwrap();
    assert_eq!((flag.code, flag.message.as_str()), (FlagCode::Unknown, "m"));
}

#[test]
fn words_are_no_serial() {
    let of = |reading| extract(&Reads::Serial(SerialFormat::default()), reading);
    assert_eq!(of("on the back of unit 4"), None);
    assert_eq!(of("barcode"), None);
    assert_eq!(of("S/N 77120A"), Some(Extracted::Serial("77120A".into())));
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

#[test]
fn a_flag_that_names_other_drs_says_to_everybody_only_that_it_is_so() {
    let flag = |code| Flag {
        photo: "a.jpg".into(),
        step: None,
        code,
        message: "It is b.jpg in DR2".into(),
        fails: false,
    };
    for code in [
        FlagCode::UsedInAnotherDr,
        FlagCode::SerialInAnotherDr,
        FlagCode::CameraInTwoPlaces,
        FlagCode::Unknown,
    ] {
        let shown = flag(code).for_everybody();
        assert!(!shown.message.is_empty() && !shown.message.contains("DR2"));
        assert_eq!((shown.code, shown.photo.as_str()), (code, "a.jpg"));
    }
    let own = flag(FlagCode::OtherDrNumber);
    assert_eq!(own.clone().for_everybody(), own, "what its own label says");
}
