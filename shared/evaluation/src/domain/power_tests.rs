//! Meters' displays, as people and models write them down.

use proptest::prelude::*;

use super::*;

/// What is written down of a display, and the power that decides; none if there is none.
const DISPLAYS: &[(&str, Option<f64>)] = &[
    // A plain meter: the power large, the wavelength small beside or below it.
    ("-18.4 dBm", Some(-18.4)),
    ("-18.40dBm 1490nm", Some(-18.4)),
    ("1490nm -31.2dBm", Some(-31.2)),
    ("-31.2 dBm (1490 nm)", Some(-31.2)),
    ("1490-31.2dBm", Some(-31.2)),
    ("1490 -31.2", Some(-31.2)),
    ("\u{3bb}=1490 P=-31.2", Some(-31.2)),
    ("1.49 \u{b5}m: -31.2 dBm", Some(-31.2)),
    ("-31.2 dBm @1490nm", Some(-31.2)),
    ("-31.2 DBM", Some(-31.2)),
    ("-31.2 dBrn", Some(-31.2)),
    ("-31.2 dB", Some(-31.2)),
    ("- 31.2", Some(-31.2)),
    ("\u{2212}19,8dBm", Some(-19.8)),
    ("\u{2013}19.8 dBm", Some(-19.8)),
    ("The meter shows -31.2 dBm.", Some(-31.2)),
    // With names, states and what else stands on the display.
    ("RX: -31.2 dBm", Some(-31.2)),
    ("RX-31.2dBm", Some(-31.2)),
    ("Rx power = -31.2", Some(-31.2)),
    ("OPM-20 -18.4 dBm", Some(-18.4)),
    ("-18.4 dBm PASS", Some(-18.4)),
    ("-18.4 dBm 270Hz 1310nm", Some(-18.4)),
    ("-18.4 dBm 2024-05-17 12:45", Some(-18.4)),
    ("-18.4 dBm 23C 87%", Some(-18.4)),
    ("REF: -30.00 dBm / -18.4 dBm", Some(-18.4)),
    ("-18.4 dBm, limit -27.0 dBm", Some(-18.4)),
    // Several channels, as meters for passive networks show them.
    ("1490: -19.8 / 1550: -20.1", Some(-20.1)),
    ("1490nm -19.8dBm\n1550nm -31.5dBm", Some(-31.5)),
    ("1490:-19.8,1550:-31.5", Some(-31.5)),
    ("1310 LO  1490 -19.8  1550 LO", Some(-19.8)),
    ("1310: N/A, 1490: -31.2 dBm", Some(-31.2)),
    ("TX: 2.3 dBm / RX: -31.2 dBm", Some(-31.2)),
    ("Min -28.9 Max -18.4 Avg -19.0", Some(-28.9)),
    // In watts.
    ("-18.4 dBm 14.5uW", Some(-18.4)),
    ("-18.4 dBm 0.00 mW", Some(-18.4)),
    ("1.00 \u{b5}W", Some(-30.0)),
    ("0.00 mW", None),
    // No light, or not there.
    ("LO", None),
    ("Lo dBm", None),
    ("----", None),
    ("--.-- dBm", None),
    ("OL", None),
    ("-\u{221e} dBm", None),
    ("1310 LO 1490 LO", None),
    ("1490 nm", None),
    ("LO 2024-05-17", None),
    ("FPM-30", None),
    ("-5 \u{b0}C", None),
    ("12:45", None),
    // Without a sign it is not guessed at; what no light has is no power.
    ("18.4", None),
    ("18.4 dBm", None),
    ("-1730", None),
    ("nan", None),
    // Of which a part was not read.
    ("-1?.4 dBm", None),
    ("-l8.4 dBm", None),
    ("-2O.5 dBm", None),
    ("-18.A dBm", None),
    ("-2 8.9 dBm", None),
    ("-3 1.2", None),
    ("-3 1.2 1490nm", None),
    ("1490 -1 9.8dBm", None),
    ("--18", None),
    ("-18.4.2", None),
    ("- dBm", None),
];

#[test]
fn the_weakest_power_on_a_display_is_read_and_nothing_else_is_taken_for_one() {
    for (display, expected) in DISPLAYS {
        assert_eq!(shown(display).weakest, *expected, "{display}");
    }
}

#[test]
fn no_light_and_decibels_without_a_milliwatt_are_noticed() {
    let noticed = |display| (shown(display).dark, shown(display).relative);
    assert_eq!(noticed("1310 LO 1490 -19.8"), (true, false));
    assert_eq!(noticed("----"), (true, false));
    assert_eq!(noticed("-18.4 dB"), (false, true));
    assert_eq!(noticed("1490nm -18.4 dBm"), (false, false));
}

/// What stands beside a channel that was read, of which the power was not.
const UNREAD: [&str; 9] = [
    "1550nm 31.5dBm",
    "1550: -3l.5 dBm",
    "1550 -3O.5",
    "1550: -3O dBm",
    "1550: -l8.4",
    "1550 -30.5.1",
    "1550 -3 1.5 dBm",
    "1550: 3l.5 dBm",
    "1550: --31.5",
];

#[test]
fn a_channel_that_was_not_read_does_not_vanish_beside_one_that_was() {
    for other in UNREAD {
        for display in [
            format!("1490: -19.8 / {other}"),
            format!("{other} 1490nm -19.8dBm"),
        ] {
            let shown = shown(&display);
            assert_eq!(
                (shown.weakest, shown.unread),
                (Some(-19.8), true),
                "{display}"
            );
        }
    }
    for display in DISPLAYS.iter().filter(|(_, power)| power.is_some()) {
        assert!(!shown(display.0).unread, "{}", display.0);
    }
}

#[test]
fn a_power_far_below_any_is_no_light() {
    let noticed = |display| (shown(display).weakest, shown(display).dark);
    assert_eq!(
        noticed("1310: -70.00 dBm 1490: -19.8 dBm"),
        (Some(-19.8), true)
    );
    assert_eq!(noticed("-70.00"), (None, true));
    assert_eq!(noticed("-99.99dBm"), (None, true));
    assert_eq!(noticed("-1730"), (None, false));
}

const WAVES: [&str; 5] = ["", "1310", "1490nm", "1550 nm", "1577:"];
const UNITS: [&str; 4] = ["", "dBm", " dBm", " DBM"];
const MINUS: [&str; 4] = ["-", "\u{2212}", "\u{2013}", "- "];
const BETWEEN: [&str; 5] = [" ", " / ", "\n", "; ", " | "];

proptest! {
    #[test]
    fn of_any_channels_the_weakest_is_read_however_they_are_written(
        channels in proptest::collection::vec((0usize..5, 0usize..4, 100u32..600, any::<bool>(), 0usize..4), 1..5),
        between in 0usize..5,
    ) {
        let write = |&(wave, minus, tenths, comma, unit): &(usize, usize, u32, bool, usize)| {
            let point = if comma { ',' } else { '.' };
            format!("{} {}{}{point}{}{}", WAVES[wave], MINUS[minus], tenths / 10, tenths % 10, UNITS[unit])
        };
        let display = channels.iter().map(write).collect::<Vec<_>>().join(BETWEEN[between]);
        let weakest = channels.iter().map(|channel| channel.2).max().unwrap();
        prop_assert_eq!(shown(&display).weakest, Some(-f64::from(weakest) / 10.0), "{}", display);
    }

    #[test]
    fn a_channel_that_was_not_read_is_noticed_among_any_others(
        tenths in proptest::collection::vec(100u32..600, 1..4), unread in 0usize..9, at in 0usize..4, between in 0usize..5,
    ) {
        let mut channels: Vec<String> = tenths.iter().map(|tenths| format!("1490nm -{}.{} dBm", tenths / 10, tenths % 10)).collect();
        channels.insert(at.min(channels.len()), UNREAD[unread].to_owned());
        let display = channels.join(BETWEEN[between]);
        prop_assert!(shown(&display).unread, "{}", display);
    }

    #[test]
    fn whatever_is_read_is_a_possible_power(display in ".{0,60}") {
        prop_assert!(shown(&display).weakest.is_none_or(|dbm| POSSIBLE_DBM.contains(&dbm)));
    }
}
