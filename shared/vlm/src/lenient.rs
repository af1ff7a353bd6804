//! JSON as servers and models write it: halves of characters, several values in a row.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// How a file in gzip's format begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A value; a half of a surrogate pair that stands alone is taken for a character that can't be shown.
pub(super) fn value(text: &str) -> Option<Value> {
    let strict = serde_json::from_str(text);
    strict
        .or_else(|_| serde_json::from_str(&with_whole_characters(text)))
        .ok()
}

/// One value, or several in a row with white space between.
pub(super) fn values(text: &str) -> Option<Vec<Value>> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(one) = value(text) {
        return Some(vec![one]);
    }
    let text = with_whole_characters(text);
    let all = serde_json::Deserializer::from_str(&text).into_iter();
    all.collect::<Result<Vec<Value>, _>>()
        .ok()
        .filter(|all| !all.is_empty())
}

/// The bytes as they were before they were packed, of at most `most`.
pub(super) fn unpacked(bytes: Vec<u8>, most: usize) -> Vec<u8> {
    if !bytes.starts_with(&GZIP) {
        return bytes;
    }
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    match MultiGzDecoder::new(bytes.as_slice())
        .take(most)
        .read_to_end(&mut plain)
    {
        Ok(_) => plain,
        Err(_) => bytes,
    }
}

/// With `\ufffd` in the place of each escaped half of a surrogate pair that stands alone.
fn with_whole_characters(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        kept.push_str(before);
        let (taken, as_it_is) = match half(escape) {
            Some(Half::First) if matches!(escape.get(6..).and_then(half), Some(Half::Second)) => {
                (12, true)
            }
            Some(_) => (6, false),
            None => (
                escape
                    .char_indices()
                    .nth(2)
                    .map_or(escape.len(), |(at, _)| at),
                true,
            ),
        };
        let (escape, after) = escape.split_at_checked(taken).unwrap_or((escape, ""));
        kept.push_str(if as_it_is { escape } else { "\\ufffd" });
        rest = after;
    }
    kept.push_str(rest);
    kept
}

enum Half {
    First,
    Second,
}

/// Which half of a pair the text begins with, if any: `\ud83d` or `\ude00`.
fn half(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u32::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_character_costs_itself_and_nothing_else() {
        for (text, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00b""#, "\u{fffd}b"),
            (r#""\ud83d\ude00\ud83d""#, "\u{1f600}\u{fffd}"),
            (r#""\\ud83d\ud83d""#, "\\ud83d\u{fffd}"),
        ] {
            assert_eq!(value(text), Some(json!(expected)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_right_stays_as_it_is(text in ".*") {
            let written = json!(text).to_string();
            prop_assert_eq!(with_whole_characters(&written), written);
        }

        #[test]
        fn any_text_is_looked_at(text in "[\\\\ud83e0f\"é]{0,40}") {
            let _ = values(&text);
        }
    }
}
