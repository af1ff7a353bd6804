//! What a photo is called that an app uploads: its own name as far as that is safe, and one of its own.
//!
//! # Invariants
//! - A name is one that is taken for a photo of its DR: visible, in no folder, without control characters, and short
//!   enough for a key.
//! - It hints at the same step as the app's name does.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::catalogue::Catalogue;
use super::photo_name::hint;

/// Bytes of a name. Keys may have 1,024, names of photos 255.
const LONGEST: usize = 160;
/// What a photo is called whose name holds nothing.
const NAMELESS: &str = "photo";

/// The name under which a photo is stored, given those that are taken.
///
/// ```
/// use std::collections::BTreeSet;
/// use evaluation::domain::catalogue::Catalogue;
/// use evaluation::domain::upload_name::stored_name;
///
/// let catalogue = Catalogue::shipped("v3").unwrap();
/// let taken = BTreeSet::from(["DR1_ph_powm1_1.jpg".to_owned()]);
/// assert_eq!(stored_name("C:\\fakepath\\house.jpg", &taken, catalogue), "house.jpg");
/// assert_eq!(stored_name("DR1_ph_powm1_1.jpg", &taken, catalogue), "2_DR1_ph_powm1_1.jpg");
/// ```
pub fn stored_name(name: &str, taken: &BTreeSet<String>, catalogue: &Catalogue) -> String {
    let safe = safe(name);
    if !taken.contains(&safe) {
        return safe;
    }
    let (stem, extension) = parts(&safe);
    let wanted = hint(&safe, catalogue);
    let keeps_its_hint = |name: &String| hint(name, catalogue) == wanted;
    // Where the number stands that makes it another name depends on what hints: the app's slots stand behind the DR
    // number, steps' names come first.
    let numbered = (2_u32..).flat_map(|number| {
        [
            format!("{number}_{safe}"),
            format!("{stem}_{number}{extension}"),
        ]
    });
    let mut free = numbered.filter(|name| !taken.contains(name) && keeps_its_hint(name));
    // Of as many numbers as there are names and one more, one is free.
    free.next().unwrap_or(safe)
}

/// The last part of a path, without what programs read in different ways.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .nfc()
        .map(|c| if is_odd(c) { '_' } else { c })
        .collect();
    // Dots and blanks in whatever order: what lay behind a blank may be a dot.
    let hides = |c: char| c == '.' || c.is_whitespace();
    let visible = plain.trim_start_matches(hides).trim_end();
    let (stem, extension) = parts(visible);
    let stem = cut(stem, LONGEST.saturating_sub(extension.len() + NUMBER));
    match stem.trim() {
        "" => format!("{NAMELESS}{extension}"),
        stem => format!("{stem}{extension}"),
    }
}

/// Bytes of a number that makes a name another one.
const NUMBER: usize = 12;

fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '%' | '#' | '?' | '*' | ':' | '|' | '"' | '<' | '>' | '\u{fffd}'
        )
}

/// Stem and extension with its dot; what is too long for one is none.
fn parts(name: &str) -> (&str, &str) {
    let dot = name.rfind('.').filter(|dot| name.len() - dot <= 6);
    dot.and_then(|dot| name.split_at_checked(dot))
        .unwrap_or((name, ""))
}

fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::DrNumber;
    use crate::domain::photo_key::{Place, folder, place_of, refused};

    fn catalogue() -> &'static Catalogue {
        Catalogue::shipped("v3").unwrap()
    }

    #[test]
    fn paths_control_characters_and_endless_names_become_names() {
        let none = BTreeSet::new();
        for (name, expected) in [
            ("../../etc/passwd", "passwd"),
            ("/a/b.jpg", "b.jpg"),
            ("..", "photo"),
            ("", "photo"),
            (" .hidden.jpg", "hidden.jpg"),
            (". .hidden.jpg", "hidden.jpg"),
            (".\u{2003}. a.jpg", "a.jpg"),
            ("a\nb\0.jpg", "a_b_.jpg"),
            ("50% ready?.jpg", "50_ ready_.jpg"),
            ("e\u{301}.jpg", "é.jpg"),
            (".jpg", "jpg"),
        ] {
            assert_eq!(stored_name(name, &none, catalogue()), expected, "{name:?}");
        }
        let long = format!("DR1_ph_powm1_1{}.jpeg", "é".repeat(1000));
        let name = stored_name(&long, &none, catalogue());
        assert!(name.len() <= LONGEST && name.ends_with(".jpeg"), "{name}");
    }

    proptest! {
        #[test]
        fn whatever_an_app_says_its_photos_are_of_its_dr_each_under_a_name_of_its_own(
            names in prop::collection::vec(prop_oneof![
                ".*", "[. \u{2003}]{1,4}[a-b]{0,3}", "[./\\\\a-b \u{2003}]{0,6}", "(DR1_ph_(powm1|hm_ln|ups)_[0-9]{1,2}|step7_power_meter_[0-9]{1,2}|IMG)\\.jpg",
            ], 1..12),
        ) {
            let dr = DrNumber::parse("DR1").unwrap();
            let mut taken = BTreeSet::new();
            for name in &names {
                let stored = stored_name(name, &taken, catalogue());
                let key = format!("{}{stored}", folder(&dr));
                prop_assert_eq!(place_of(&key), Place::Photo(dr.clone(), stored.clone()));
                prop_assert_eq!(refused(&stored), None);
                prop_assert!(stored.len() <= LONGEST && !stored.contains('/'));
                prop_assert!(!taken.contains(&stored));
                if safe(name) == *name {
                    prop_assert_eq!(hint(&stored, catalogue()), hint(name, catalogue()));
                }
                taken.insert(stored);
            }
        }
    }
}
