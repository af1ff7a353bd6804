//! Labels of ONTs and UPSs, by their codes.

use proptest::prelude::*;

use super::*;

fn ont() -> SerialFormat {
    SerialFormat {
        prefix: Some("ALCL".into()),
        length: Some(12),
        tail: Some(Tail::Hexadecimal),
        codes: true,
    }
}

fn ups() -> SerialFormat {
    SerialFormat {
        codes: true,
        ..SerialFormat::default()
    }
}

#[test]
fn of_a_labels_codes_the_serial_is_told_by_its_form() {
    for (codes, expected) in [
        (vec!["ALCLF4A1B2C3"], Some("ALCLF4A1B2C3")),
        (vec!["alclf4a1b2c3"], Some("ALCLF4A1B2C3")),
        (vec!["SALCLF4A1B2C3"], Some("ALCLF4A1B2C3")),
        (vec!["S/N:ALCLF4A1B2C3"], Some("ALCLF4A1B2C3")),
        (
            vec!["SN=ALCLF4A1B2C3;MAC=A4:FC:77:00:12:AB;PN=3FE45655AAAA"],
            Some("ALCLF4A1B2C3"),
        ),
        (
            vec!["A4FC770012AB", "3FE 45655 AAAA", "ALCLF4A1B2C3"],
            Some("ALCLF4A1B2C3"),
        ),
        (vec!["A4FC770012AB"], None),
        (vec!["3FE45655AAAA"], None),
        (vec!["ALCLF4A1B2C"], None),
        (vec!["ALCLF4A1B2CG"], None),
        (vec!["ALCLF4A1B2C3D"], None),
        (vec!["ALCLF4A1B2C3", "ALCLF4A1B2C4"], None),
        (vec![], None),
    ] {
        let found = ont().in_codes(codes.iter().copied(), None);
        assert_eq!(found.as_deref(), expected, "{codes:?}");
    }
}

#[test]
fn of_two_serials_the_one_that_was_read_is_meant() {
    let codes = ["ALCLF4A1B2C3", "ALCLF4A1B2C4"];
    let found = ont().in_codes(codes, Some("S/N ALCLF4A1B2C4"));
    assert_eq!(found.as_deref(), Some("ALCLF4A1B2C4"));
}

#[test]
fn where_a_form_is_known_nothing_else_is_a_serial_whatever_was_read() {
    for (codes, reading, expected) in [
        // An ONT of another make.
        (vec!["HWTC1234ABCD"], "HWTC1234ABCD", None),
        // The model read the MAC.
        (
            vec!["A4FC770012AB", "ALCLF4A1B2C3"],
            "A4FC770012AB",
            Some("ALCLF4A1B2C3"),
        ),
        (vec!["A4FC770012AB"], "A4FC770012AB", None),
    ] {
        let found = ont().in_codes(codes.iter().copied(), Some(reading));
        assert_eq!(found.as_deref(), expected, "{codes:?} {reading}");
    }
}

#[test]
fn where_no_form_is_known_a_code_counts_if_it_says_so_or_was_read() {
    for (code, reading, expected) in [
        ("UPS77120A", None, None),
        ("UPS77120A", Some("UPS77120A"), Some("UPS77120A")),
        ("SN:77120A", None, Some("77120A")),
        ("SN:77120A", Some("77128A"), Some("77120A")),
        ("BE700-GR", Some("77120A"), None),
        ("S77120A", Some("77120A"), Some("77120A")),
        ("S77120A", None, None),
    ] {
        let found = ups().in_codes([code], reading);
        assert_eq!(found.as_deref(), expected, "{code} {reading:?}");
    }
}

#[test]
fn a_code_is_right_whatever_was_read() {
    let of = proven;
    let serial = |text: &str, by| Some((text.to_owned(), by));
    assert_eq!(
        of(Some("ALCL01"), Some("alcl 01")),
        serial("ALCL01", ProvenBy::Both)
    );
    assert_eq!(
        of(Some("ALCL01"), Some("ALCL07")),
        serial("ALCL01", ProvenBy::Code)
    );
    assert_eq!(
        of(Some("ALCL01"), Some("unreadable")),
        serial("ALCL01", ProvenBy::Code)
    );
    assert_eq!(of(None, Some("ALCL07")), serial("ALCL07", ProvenBy::Model));
    assert_eq!(of(None, Some("unreadable")), None);
}

proptest! {
    #[test]
    fn a_serial_is_found_among_any_other_codes(tail in "[0-9A-F]{8}", mac in "[0-9A-F]{12}", part in "3FE[0-9]{5}[A-Z]{4}", at in 0usize..3) {
        let serial = format!("ALCL{tail}");
        let mut codes = vec![mac, part];
        codes.insert(at.min(codes.len()), serial.clone());
        prop_assert_eq!(ont().in_codes(codes.iter().map(String::as_str), None), Some(serial));
    }

    #[test]
    fn any_code_is_looked_at_without_a_panic(code in ".{0,60}", reading in ".{0,40}") {
        let _ = (ont().in_codes([code.as_str()], Some(&reading)), ups().in_codes([code.as_str()], Some(&reading)));
    }

    #[test]
    fn what_is_taken_for_a_serial_has_the_form(code in "[A-Z0-9:; /-]{0,40}", is_read: bool) {
        let reading = is_read.then_some(code.as_str());
        prop_assert!(ont().in_codes([code.as_str()], reading).is_none_or(|serial| ont().fits(&serial)));
    }
}
