//! How much of a text was read.

/// A text of which less than this share was read counts as not read: some characters of it are in any other text.
const LEAST: f64 = 0.5;

/// What was read of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// Characters that are right.
    pub(super) right: usize,
    /// Characters of the text, spaces aside.
    pub(super) of: usize,
    /// Whether all of it stands in what was read, as it is.
    pub(super) whole: bool,
}

/// Looks for a text in the lines that were read: wherever most of it is.
pub(super) fn read(text: &str, lines: &[String]) -> Read {
    let text = plain(text);
    let all = plain(&lines.concat());
    let right = text.len() - distance(&text, &all);
    let counts = right as f64 >= LEAST * text.len() as f64;
    Read {
        right: if counts { right } else { 0 },
        of: text.len(),
        whole: text.is_empty() || all.windows(text.len()).any(|part| part == text),
    }
}

/// Characters without spaces, in capitals, with one kind of dash: an engine that puts another one is not wrong.
fn plain(text: &str) -> Vec<char> {
    let characters = text.chars().flat_map(char::to_uppercase);
    let dash = |character| match character {
        '−' | '–' | '—' | '－' => '-',
        '．' | '。' => '.',
        '：' => ':',
        '／' => '/',
        other => other,
    };
    let characters = characters.filter(|character| !character.is_whitespace());
    characters.map(dash).collect()
}

/// The fewest characters to be changed, added or taken out that make the text a part of what was read.
fn distance(text: &[char], read: &[char]) -> usize {
    // A part may begin anywhere.
    let mut row = vec![0; read.len() + 1];
    for (number, wanted) in (1..).zip(text) {
        let mut before = number;
        let mut next = vec![number];
        for (seen, pair) in read.iter().zip(row.windows(2)) {
            let [diagonal, above] = pair else { continue };
            before = (diagonal + usize::from(seen != wanted))
                .min(above + 1)
                .min(before + 1);
            next.push(before);
        }
        row = next;
    }
    // And end anywhere.
    row.into_iter().min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, lines: &[&str]) -> Read {
        let lines: Vec<String> = lines.iter().map(|line| (*line).into()).collect();
        read(text, &lines)
    }

    #[test]
    fn a_text_is_found_among_others_and_its_mistakes_are_counted() {
        let lines = ["dBm 1490", "-18.42dBm", "S/N ALCLB2FO91C", "DR17"];
        let whole = of("-18.42", &lines);
        assert_eq!((whole.right, whole.of, whole.whole), (6, 6, true));
        // One character is another one, one is missing.
        let near = of("S/N ALCLB2F0A91C", &lines);
        assert_eq!((near.right, near.of, near.whole), (13, 15, false));
    }

    #[test]
    fn what_hardly_resembles_it_is_not_read() {
        assert_eq!(of("DR1730550", &["ALCL1F"]).right, 0);
        assert_eq!(of("DR1730550", &[]).right, 0);
        assert!(!of("DR1730550", &[]).whole);
    }

    #[test]
    fn spaces_capitals_and_kinds_of_dashes_do_not_matter() {
        let read = of("SN 12-AB", &["sn12", "−ab"]);
        assert_eq!((read.right, read.whole), (7, true));
    }
}
