//! Where photos lie in the bucket: `photos/{dr_number}/{name}`, and what else is taken for that.
//!
//! # Invariants
//! - A key belongs to one DR at most, and is in one of the folders that are listed for that DR.
//! - Names are compared as people read them: in Unicode's composed form (NFC).

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::ids::DrNumber;

/// The folder of all photos.
const PHOTOS: &str = "photos/";

/// Where an object lies.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// It is taken for a photo of this DR, under this name.
    Photo(DrNumber, String),
    /// A DR's hidden file or folder marker: no photo.
    Hidden,
    /// It belongs to no DR.
    Elsewhere,
}

/// The folder of a DR's photos.
pub fn folder(dr: &DrNumber) -> String {
    format!("{PHOTOS}{dr}/")
}

/// Whether an object of this key lies in another folder than its DR's own.
pub fn is_misplaced(key: &str, dr: &DrNumber) -> bool {
    !key.starts_with(&folder(dr))
}

/// All folders in which a DR's photos are looked for, its own first: apps write its number in small letters, phones with
/// one capital, and some begin keys with a slash.
///
/// ```
/// use evaluation::domain::ids::DrNumber;
/// use evaluation::domain::photo_key::folders;
///
/// let folders = folders(&DrNumber::parse("DR7").unwrap());
/// assert_eq!(folders, ["photos/DR7/", "photos/dr7/", "photos/Dr7/", "/photos/DR7/"]);
/// ```
pub fn folders(dr: &DrNumber) -> Vec<String> {
    let small = dr.as_str().to_ascii_lowercase();
    let mut folders = vec![
        folder(dr),
        format!("{PHOTOS}{small}/"),
        format!("{PHOTOS}{}/", with_capital(&small)),
        format!("/{PHOTOS}{dr}/"),
    ];
    let mut seen = std::collections::BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

fn with_capital(small: &str) -> String {
    let mut letters = small.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Where the object of this key lies.
pub fn place_of(key: &str) -> Place {
    let inside = key.strip_prefix('/').unwrap_or(key).strip_prefix(PHOTOS);
    let dr = inside
        .and_then(|inside| inside.split_once('/'))
        .and_then(|(dr, _)| DrNumber::parse(dr).ok());
    let Some(dr) = dr else {
        return Place::Elsewhere;
    };
    let name = folders(&dr)
        .iter()
        .find_map(|folder| Some((folder.starts_with('/'), key.strip_prefix(folder.as_str())?)));
    match name {
        None => Place::Elsewhere,
        Some((_, name)) if !is_photo(name) => Place::Hidden,
        // The whole key is shown, with the slash that it must not have.
        Some((true, _)) => Place::Photo(dr, composed(key)),
        Some((false, name)) => Place::Photo(dr, composed(name)),
    }
}

/// Whether a name below the DR's folder is taken for a photo. Anything visible is: a file that turns out not to be an
/// image gets an outcome that says so.
fn is_photo(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    !file.is_empty() && (!file.starts_with('.') || file == "..")
}

/// The name as it is compared and shown: a Mac writes `é` as two characters, a phone as one.
fn composed(name: &str) -> String {
    if is_nfc(name) {
        name.to_owned()
    } else {
        name.nfc().collect()
    }
}

/// What a photo is called whose name another one of its DR has: the key below the folder of all photos.
pub fn whole_name(key: &str) -> String {
    key.strip_prefix(PHOTOS).unwrap_or(key).to_owned()
}

/// Why a name is not taken, if so: programs on the photo's way read it in different ways.
pub fn refused(name: &str) -> Option<&'static str> {
    let segment = |what: &str| name.split('/').any(|segment| segment == what);
    if name.starts_with('/') {
        Some("begins with a slash")
    } else if name.contains("//") {
        Some("has two slashes in a row")
    } else if segment("..") || segment(".") {
        Some("has .. or . for a folder")
    } else if name.chars().any(char::is_control) {
        Some("has a control character in it")
    } else {
        None
    }
}

/// The name with its control characters as S3 shows them: `%0A`.
pub fn printable(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                shown.push_str(&format!("%{byte:02X}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dr(number: &str) -> DrNumber {
        DrNumber::parse(number).unwrap()
    }

    fn photo(number: &str, name: &str) -> Place {
        Place::Photo(dr(number), name.into())
    }

    #[test]
    fn a_dr_in_small_letters_or_with_one_capital_is_the_dr_that_it_means() {
        for key in [
            "photos/DR1730550/a.jpg",
            "photos/dr1730550/a.jpg",
            "photos/Dr1730550/a.jpg",
        ] {
            assert_eq!(place_of(key), photo("DR1730550", "a.jpg"), "{key}");
        }
        assert_eq!(folders(&dr("1730550")).len(), 2, "it has no letters");
    }

    #[test]
    fn keys_of_no_dr_are_elsewhere() {
        for key in [
            "a.jpg",
            "photos/a.jpg",
            "photos/dR1730550/a.jpg",
            "photos/ DR1730550/a.jpg",
            "photos/D-1/a.jpg",
            "other/DR1/a.jpg",
            "//photos/DR1/a.jpg",
            "/photos/dr1/a.jpg",
        ] {
            assert_eq!(place_of(key), Place::Elsewhere, "{key}");
        }
    }

    #[test]
    fn folder_markers_and_hidden_files_are_no_photos() {
        for name in ["", "sub/", ".DS_Store", "sub/.thumb", "/", "."] {
            assert_eq!(
                place_of(&format!("photos/DR1/{name}")),
                Place::Hidden,
                "{name}"
            );
        }
        for name in ["a.jpg", "b", "sub/c.jpg", "..", "../.."] {
            assert_eq!(place_of(&format!("photos/DR1/{name}")), photo("DR1", name));
        }
    }

    #[test]
    fn a_name_that_programs_read_in_different_ways_is_refused_and_belongs_to_its_dr() {
        for (key, name, why) in [
            (
                "photos/DR1/../DR2/a.jpg",
                "../DR2/a.jpg",
                "has .. or . for a folder",
            ),
            ("photos/DR1/./a.jpg", "./a.jpg", "has .. or . for a folder"),
            ("photos/DR1/..", "..", "has .. or . for a folder"),
            ("photos/DR1//a.jpg", "/a.jpg", "begins with a slash"),
            (
                "photos/DR1/sub//a.jpg",
                "sub//a.jpg",
                "has two slashes in a row",
            ),
            (
                "photos/DR1/a\n.jpg",
                "a\n.jpg",
                "has a control character in it",
            ),
            (
                "photos/DR1/a\u{7f}.jpg",
                "a\u{7f}.jpg",
                "has a control character in it",
            ),
            (
                "/photos/DR1/a.jpg",
                "/photos/DR1/a.jpg",
                "begins with a slash",
            ),
        ] {
            assert_eq!(place_of(key), photo("DR1", name), "{key}");
            assert_eq!(refused(name), Some(why), "{key}");
        }
        for name in [
            "a..jpg",
            "a...",
            "..a.jpg",
            "sub/a.jpg",
            "Jürgen 1.jpg",
            "a+b%20c&d.jpg",
        ] {
            assert_eq!(refused(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_compared_as_they_are_read() {
        let (one, two) = ("photos/DR1/Caf\u{e9}.jpg", "photos/DR1/Cafe\u{301}.jpg");
        assert_eq!(place_of(one), place_of(two));
        assert_eq!(whole_name(two), "DR1/Cafe\u{301}.jpg");
    }

    #[test]
    fn control_characters_are_shown_as_s3_shows_them() {
        assert_eq!(printable("a\n\u{7f}é\u{85}.jpg"), "a%0A%7Fé%C2%85.jpg");
    }

    proptest! {
        #[test]
        fn whatever_belongs_to_a_dr_lies_in_a_folder_that_is_listed_for_it(
            key in "/?(photos|photo)/(DR|dr|Dr|dR|)[0-9a-zA-Z]{0,4}/{0,2}[a.\u{e9}/]{0,4}"
        ) {
            if let Place::Photo(dr, name) = place_of(&key) {
                let listed = folders(&dr).into_iter().filter(|folder| key.starts_with(folder));
                prop_assert_eq!(listed.count(), 1);
                prop_assert!(!name.is_empty() && key.contains(name.as_str()));
                prop_assert_eq!(refused(&printable(&name)), refused(&name));
            }
        }
    }
}
