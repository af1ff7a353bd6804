//! Labels, seen from a DR.

use proptest::prelude::*;

use super::*;

fn dr(text: &str) -> DrNumber {
    DrNumber::parse(text).unwrap()
}

fn other(text: &str) -> Label {
    Label::Other(text.into())
}

#[test]
fn labels_are_this_drs_another_ones_or_none() {
    for (reading, expected) in [
        ("DR1730550", Label::Own),
        (" dr 1730-550", Label::Own),
        ("DR No. 1730550", Label::Own),
        ("1730550", Label::Own),
        ("DR173O55O", Label::Own),
        ("0R1730550", Label::Own),
        ("I73O5SO", Label::Own),
        ("The label says DR1730550", Label::Own),
        ("DR1730550 12/05/2025", Label::Own),
        ("1733758", other("1733758")),
        ("17337581", other("17337581")),
        ("173375", other("173375")),
        ("17305", other("17305")),
        ("730550", other("730550")),
        ("DR17305", other("DR17305")),
        ("DR17305500", other("DR17305500")),
        ("DR1733758", other("DR1733758")),
        ("DR17337S8", other("DR17337S8")),
        ("DR 1733 758", other("DR1733758")),
        ("label: DR1733758 (blurred)", other("DR1733758")),
        // This one's, of which a part was not read; or another one's, whatever was not read of it.
        ("DR17305?0", Label::NoNumber),
        ("DR1730?550", Label::NoNumber),
        ("DR17305\u{2026}", Label::NoNumber),
        ("DR1730...", Label::NoNumber),
        ("...30550", Label::NoNumber),
        ("17305??", Label::NoNumber),
        ("DR ?73O5SO", Label::NoNumber),
        ("DR1?3?550", Label::NoNumber),
        ("not legible, DR1730", Label::NoNumber),
        ("DR1730550?", Label::Own),
        ("DR1730550 (blurred)", Label::Own),
        ("DR173375?", other("DR173375")),
        ("DR1733?58", other("DR173358")),
        ("DR17305?1", other("DR173051")),
        ("DR1733758?", other("DR1733758")),
        ("DR17305505?", other("DR17305505")),
        ("DR1730550 DR1733?58", other("DR173358")),
        ("DR1730550 / DR1733758", other("DR1733758")),
        ("DR1730550 DR 1733758", other("DR1733758")),
        ("DR1730550, 1733758", other("1733758")),
        ("ALCLF4A1B2C3", Label::NoNumber),
        ("1733", Label::NoNumber),
        ("SOLID GOLD", Label::NoNumber),
        ("UNREADABLE", Label::NoNumber),
        ("?", Label::NoNumber),
        ("", Label::NoNumber),
    ] {
        assert_eq!(label(reading, &dr("DR1730550")), expected, "{reading}");
    }
}

#[test]
fn a_dr_without_letters_and_one_with_letters_within_have_labels_too() {
    for (own, reading, expected) in [
        ("1730550", "1730550", Label::Own),
        ("1730550", "1733758", other("1733758")),
        ("1730550", "DR1733758", other("DR1733758")),
        ("AB12CD34", "AB12-CD34", Label::Own),
        ("AB12CD34", "XY12CD35", other("XY12CD35")),
        ("ABC", "ONT", Label::NoNumber),
    ] {
        assert_eq!(label(reading, &dr(own)), expected, "{own}: {reading}");
    }
}

#[test]
fn a_number_is_read_without_knowing_whose_it_is() {
    for (reading, expected) in [
        ("dr1730550", Some("DR1730550")),
        ("1733 758", Some("1733758")),
        ("AB12CD34", Some("AB12CD34")),
        ("not visible", None),
        ("the label is on wall 2", None),
        ("DR17305?0", None),
        ("DR1730...", None),
    ] {
        assert_eq!(number(reading).as_deref(), expected, "{reading}");
    }
}

/// The digits with some of them printed as letters, at most every third, and separated anyhow.
fn printed(text: &str, choices: &[(bool, usize)]) -> String {
    let look_alike = |c: char| match c {
        '0' => 'O',
        '1' => 'I',
        '2' => 'Z',
        '5' => 'S',
        '8' => 'B',
        other => other,
    };
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        let (as_letter, separator) = choices[at % choices.len()];
        if at > 0 {
            out.push_str(["", "", "", " ", "-", ".", " / ", "#"][separator]);
        }
        out.push(if as_letter && at % 3 == 2 {
            look_alike(c)
        } else {
            c
        });
    }
    out
}

fn choices() -> impl Strategy<Value = Vec<(bool, usize)>> {
    proptest::collection::vec((any::<bool>(), 0usize..8), 1..12)
}

proptest! {
    #[test]
    fn the_drs_own_number_is_its_own_however_it_is_printed(digits in "[0-9]{5,12}", choices in choices(), letters: bool) {
        let text = if letters { format!("DR{digits}") } else { digits.clone() };
        let printed = printed(&text, &choices);
        prop_assert_eq!(label(&printed, &dr(&format!("DR{digits}"))), Label::Own, "{}", printed);
    }

    #[test]
    fn another_number_never_passes_however_long_it_is_and_however_it_is_printed(
        own in "[0-9]{5,12}", other in "[0-9]{5,12}", choices in choices(), letters: bool,
    ) {
        prop_assume!(own != other && !other.contains(&own));
        let text = if letters { format!("DR{other}") } else { other };
        let printed = printed(&text, &choices);
        let label = label(&printed, &dr(&format!("DR{own}")));
        prop_assert!(matches!(label, Label::Other(_)), "{} {:?}", printed, label);
    }

    #[test]
    fn another_number_beside_the_own_one_is_seen(own in "[0-9]{7}", other in "[0-9]{5,9}", first: bool) {
        prop_assume!(own != other);
        let (own_label, other) = (format!("DR{own}"), format!("DR{other}"));
        let text = if first { format!("{other} {own_label}") } else { format!("{own_label} {other}") };
        prop_assert_eq!(label(&text, &dr(&own_label)), Label::Other(other));
    }

    #[test]
    fn its_own_number_of_which_a_part_was_not_read_is_neither_its_own_nor_another_ones(
        digits in "[0-9]{7,10}", from in 0usize..10, count in 1usize..6, sign in 0usize..3, letters: bool,
    ) {
        let (from, count) = (from % digits.len(), count.min(digits.len() - 1));
        let to = (from + count).min(digits.len());
        let sign = ["?", "\u{2026}", "..."][sign];
        let text = format!("{}{}{sign}{}", if letters { "DR" } else { "" }, &digits[..from], &digits[to..]);
        prop_assert_eq!(label(&text, &dr(&format!("DR{digits}"))), Label::NoNumber, "{}", text);
    }

    #[test]
    fn another_number_is_another_one_s_whatever_was_not_read_behind_it(own in "[0-9]{7}", other in "[0-9]{5,7}") {
        prop_assume!(!own.starts_with(&other));
        let label = label(&format!("DR{other}?"), &dr(&format!("DR{own}")));
        prop_assert!(matches!(label, Label::Other(_)), "{:?}", label);
    }

    #[test]
    fn any_label_is_read_without_a_panic(reading in ".{0,100}", own in "[A-Z0-9]{3,20}") {
        let _ = (label(&reading, &dr(&own)), number(&reading));
    }
}
