//! How long the texts are that others give us: names of photos, words of the model. Each is bounded where it comes in,
//! so that an evaluation with the most photos that there may be fits into one item of the table, and into one answer.

use super::hash::hex_of;

/// Bytes of a photo's name at most: no phone and no file system gives longer ones. S3 takes 1,024. A control character
/// counts as the six bytes that JSON writes for it.
pub const LONGEST_NAME: usize = 255;
/// Bytes of the model's remark about one step on one photo that are kept.
pub const LONGEST_COMMENT: usize = 300;
/// Bytes of small print that are kept: a serial, a power, a DR number are far shorter.
pub const LONGEST_READING: usize = 100;
/// Bytes of a reason or of a flag's words that are kept.
pub const LONGEST_MESSAGE: usize = 600;
/// Flags of an evaluation that are kept; how many more there were is said.
pub const MOST_FLAGS: usize = 200;
/// Bytes of a name that is too long that are shown.
const SHOWN_OF_NAME: usize = 120;

/// The text, or if it is longer its beginning of at most so many bytes, with the sign that something is left out.
///
/// ```
/// use evaluation::domain::bounds::cut;
///
/// assert_eq!(cut("Zählerkasten", 20), "Zählerkasten");
/// assert_eq!(cut("Zählerkasten", 6), "Zä…", "never within a character");
/// ```
pub fn cut(text: &str, bytes: usize) -> String {
    const LEFT_OUT: char = '…';
    if text.len() <= bytes {
        return text.into();
    }
    let mut kept = beginning(text, bytes.saturating_sub(LEFT_OUT.len_utf8())).to_owned();
    kept.push(LEFT_OUT);
    kept
}

/// The beginning of a text of at most so many bytes, of whole characters.
fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// How a name that is too long is shown: its beginning, what tells it from others that begin so, and how long it is.
/// None if it is not too long.
pub fn shortened_name(name: &str) -> Option<String> {
    let bytes = name_bytes(name);
    (bytes > LONGEST_NAME).then(|| {
        let hash: String = hex_of(&[name]).chars().take(8).collect();
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let begins: String = beginning(name, SHOWN_OF_NAME)
            .chars()
            .map(printable)
            .collect();
        format!("{begins}… ({hash}, {bytes} bytes)")
    })
}

/// How long a photo's name is.
pub fn name_bytes(name: &str) -> usize {
    let control = name.chars().filter(char::is_ascii_control).count();
    name.len().saturating_add(5 * control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_are_too_long_are_told_apart_and_say_how_long_they_are() {
        let long = |end: char| format!("{}{end}", "ä".repeat(150));
        assert_eq!(shortened_name(&"a".repeat(LONGEST_NAME)), None);
        let (one, other) = (shortened_name(&long('a')), shortened_name(&long('b')));
        assert!(one.is_some() && one != other);
        assert!(one.unwrap().ends_with(", 301 bytes)"));
        assert_eq!(shortened_name(&"\u{1}".repeat(42)), None);
        assert!(shortened_name(&"\u{1}".repeat(43)).is_some());
    }

    proptest! {
        #[test]
        fn what_is_cut_begins_as_it_did_and_fits(text in ".{0,60}", bytes in 3usize..80) {
            let kept = cut(&text, bytes);
            prop_assert!(kept.len() <= bytes);
            prop_assert!(kept == text || text.starts_with(kept.strip_suffix('…').unwrap()));
        }

        #[test]
        fn a_shortened_name_is_no_longer_than_a_name_may_be(name in "\\PC{0,400}") {
            prop_assert!(shortened_name(&name).is_none_or(|shown| shown.len() <= LONGEST_NAME));
        }
    }
}
