//! What lies beside photos and is none: known by its content where that can be had, else by its name.

use photos::FORMATS;

use super::outcome::{Reason, ReasonCode};

/// The types of names that photos never have, and what has them.
const BY_TYPE: [(&str, &[&str]); 8] = [
    (
        "a video",
        &[
            "mov", "mp4", "m4v", "3gp", "3g2", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "mts",
        ],
    ),
    ("what a phone notes beside an edited photo (AAE)", &["aae"]),
    ("a PDF", &["pdf"]),
    ("a text", &["txt", "md", "log", "csv", "ini", "rtf"]),
    (
        "an Office document",
        &[
            "doc", "docx", "odt", "xls", "xlsx", "ods", "ppt", "pptx", "msg",
        ],
    ),
    (
        "data of a program",
        &[
            "db", "json", "xml", "plist", "xmp", "html", "htm", "kml", "gpx", "lnk", "thm",
        ],
    ),
    ("an archive", &["zip", "rar", "7z", "gz", "tgz", "tar"]),
    (
        "a sound",
        &["mp3", "m4a", "wav", "ogg", "opus", "amr", "aac", "flac"],
    ),
];

/// What a file is that is no photo, by its name.
///
/// ```
/// use evaluation::domain::no_photo::by_name;
///
/// assert_eq!(by_name("IMG_0042.MOV"), Some("a video"));
/// assert_eq!(by_name("DR1730550_ph_powm1_88121.jpg"), None);
/// ```
pub fn by_name(name: &str) -> Option<&'static str> {
    let file = name.rsplit('/').next()?;
    let (_, kind) = file.rsplit_once('.')?;
    let has = |known: &&str| known.eq_ignore_ascii_case(kind);
    let of = |(_, kinds): &&(&str, &[&str])| kinds.iter().any(has);
    BY_TYPE.iter().find(of).map(|(what, _)| *what)
}

/// The reason to show of a file that is this instead of a photo.
pub fn reason(what: &str) -> Reason {
    let message = format!(
        "The file is {what}, not a photo. Upload one of {}.",
        FORMATS.join(", ")
    );
    Reason::new(ReasonCode::NotAPhoto, message)
}

/// The reason why a photo can't be had, unless its name says that it is no photo: then nothing is missed.
pub fn unless_by_name(name: &str, why: Reason) -> Reason {
    by_name(name).map_or(why, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_phones_and_computers_put_beside_photos_is_known_by_its_name() {
        for (name, what) in [
            ("IMG_0042.MOV", "a video"),
            ("sub/IMG_0042.mov", "a video"),
            (
                "IMG_E0042.aae",
                "what a phone notes beside an edited photo (AAE)",
            ),
            ("Thumbs.db", "data of a program"),
            ("notes.txt", "a text"),
            ("plan.v2.pdf", "a PDF"),
        ] {
            assert_eq!(by_name(name), Some(what), "{name}");
        }
    }

    #[test]
    fn a_name_that_a_photo_may_have_says_nothing() {
        for name in [
            "IMG_0042.HEIC",
            "a.jpg",
            "a.jpeg",
            "a.png",
            "a.webp",
            "a.tiff",
            "a.dng",
            "mov",
            "",
            "a.",
            "a.mov/photo",
            "a.mov.jpg",
            "IMG_1",
            "a.bin",
            "WhatsApp Image 2026-01-14 at 10.15.00",
        ] {
            assert_eq!(by_name(name), None, "{name}");
        }
    }

    #[test]
    fn only_a_name_that_no_photo_has_takes_a_reasons_place() {
        let gone = Reason::new(ReasonCode::Archived, "archived");
        assert_eq!(unless_by_name("a.jpg", gone.clone()), gone);
        assert_eq!(unless_by_name("a.mov", gone).code, ReasonCode::NotAPhoto);
    }
}
