//! Optical power as meters show it: one channel or several, with wavelengths, units and states beside it.
//!
//! # Invariants
//! - Only a number that can be nothing else counts as a power: it has its sign, or the unit dBm. A number of which a
//!   part was not read does not count.
//! - The weakest power decides: of several channels none may fail unseen.

/// Light that arrives at an ONT lies within these, in dBm; anything else was misread.
const POSSIBLE_DBM: std::ops::RangeInclusive<f64> = -60.0..=10.0;

/// How meters write that there is no light, where they write a power: below what can be, in dBm.
const DARK_DBM: std::ops::Range<f64> = -110.0..-60.0;

/// Letters that digits are taken for.
const LIKE_DIGITS: &[char] = &['o', 'q', 'i', 'l', 'z', 's', 'g', 'b'];

/// Wavelengths in nm, which meters show beside the power.
const WAVELENGTHS_NM: std::ops::RangeInclusive<f64> = 600.0..=1700.0;

/// What stands between two things that a meter shows.
const SEPARATORS: &[char] = &[
    '/', '|', ';', ':', '(', ')', '[', ']', '{', '}', '=', '<', '>', '~', '"', '@', '&', '\u{2248}',
];

/// Units of what is no power.
const OTHER_UNITS: &[&str] = &[
    "nm", "um", "mm", "m", "km", "hz", "khz", "mhz", "ghz", "v", "mv", "ma", "c", "f", "\u{b0}",
    "\u{b0}c", "\u{b0}f", "%", "s", "ms", "h",
];

/// What a number that follows one of these is: set by somebody, and not measured.
const NOT_MEASURED: &[&str] = &["ref", "reference", "limit", "lim", "threshold", "thr"];

/// What a number may be glued to.
const LABELS: &[&str] = &[
    "rx", "tx", "p", "pwr", "power", "avg", "min", "max", "olt", "ont",
];

/// How a meter says that there is no light.
const DARK: &[&str] = &[
    "lo",
    "low",
    "ol",
    "dark",
    "inf",
    "\u{221e}",
    "none",
    "underflow",
    "off",
];

/// What a meter shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shown {
    /// The weakest power in dBm, if there is one.
    pub(super) weakest: Option<f64>,
    /// Whether a power stands there in dB, which is not dBm.
    pub(super) relative: bool,
    /// Whether a channel shows no light: `LO`, `----`, or a power far below any that is light: `-70.00 dBm`.
    pub(super) dark: bool,
    /// Whether a power stands there of which a part was not read, or that none can be: `-3l.5`, `31.5 dBm`.
    pub(super) unread: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Word(String),
    Number(f64, bool),
    Minus,
    Plus,
    Dark,
    /// A power of which a part was not read.
    Unread,
}

/// An item, and whether it is glued to the one before it.
type Placed = (Item, bool);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Power {
    Dbm(f64),
    Db(f64),
    Watts(f64),
    /// None, said as a power far below any that is light.
    Dark,
    /// One of which a part was not read, or that none can be.
    Unread,
}

/// What a meter shows, by the text on its display.
pub(super) fn shown(reading: &str) -> Shown {
    let items = items(&normalised(reading));
    let powers: Vec<Power> = (0..items.len())
        .filter_map(|at| power(&items, at))
        .collect();
    let in_db = |power: &Power| match power {
        Power::Dbm(value) | Power::Db(value) => Some(*value),
        Power::Watts(_) | Power::Dark | Power::Unread => None,
    };
    let in_watts = |power: &Power| match power {
        Power::Watts(value) => Some(*value),
        _ => None,
    };
    let weakest = |values: &mut dyn Iterator<Item = f64>| values.min_by(f64::total_cmp);
    Shown {
        // In watts a weak power is rounded to few digits: it counts where nothing else is shown.
        weakest: weakest(&mut powers.iter().filter_map(in_db))
            .or_else(|| weakest(&mut powers.iter().filter_map(in_watts))),
        relative: powers.iter().any(|power| matches!(power, Power::Db(_))),
        dark: items.iter().any(|(item, _)| is_dark(item)) || powers.contains(&Power::Dark),
        unread: items.iter().any(|(item, _)| *item == Item::Unread)
            || powers.contains(&Power::Unread),
    }
}

fn is_dark(item: &Item) -> bool {
    match item {
        Item::Dark => true,
        Item::Word(word) => DARK.contains(&word.as_str()),
        _ => false,
    }
}

/// One kind of minus, one of micro, small letters, and units as they are meant.
fn normalised(reading: &str) -> String {
    let one_kind = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{b5}' | '\u{3bc}' => 'u',
        other => other,
    };
    let text: String = reading.to_lowercase().chars().map(one_kind).collect();
    text.replace("n/a", " none ")
        .replace("d8m", "dbm")
        .replace("dbrn", "dbm")
        .replace("db m", "dbm")
}

fn items(text: &str) -> Vec<Placed> {
    let chunks: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || SEPARATORS.contains(&c))
        .filter(|chunk| !chunk.is_empty())
        .collect();
    let of = |(at, chunk): (usize, &&str)| {
        let unit = chunks.get(at + 1).copied().unwrap_or_default();
        let unread = || match is_like_a_power(chunk, unit) {
            true => vec![(Item::Unread, false)],
            false => vec![],
        };
        chunk_items(chunk).unwrap_or_else(unread)
    };
    chunks.iter().enumerate().flat_map(of).collect()
}

/// Whether a power was meant by what was not read: it has digits, and its sign or the unit dBm.
fn is_like_a_power(chunk: &str, next: &str) -> bool {
    let has_unit = chunk.contains("dbm") || next.starts_with("dbm");
    chunk.contains(|c: char| c.is_ascii_digit()) && (chunk.starts_with(['-', '+']) || has_unit)
}

/// What stands together without a space; none if something in it was not read, as in `-1?.4` or `-18.2.3`.
fn chunk_items(chunk: &str) -> Option<Vec<Placed>> {
    if chunk.len() > 1 && chunk.bytes().all(|b| matches!(b, b'-' | b'.')) {
        return Some(vec![(Item::Dark, false)]);
    }
    let mut rest = chunk.trim_matches(['.', ',']);
    // A digit that was taken for a letter, as in `-l8.4`.
    let behind_sign = rest.strip_prefix(['-', '+']);
    let behind = behind_sign.and_then(|text| text.strip_prefix(LIKE_DIGITS));
    if behind.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
        return None;
    }
    let mut items: Vec<Placed> = Vec::new();
    let mut glued = false;
    while let Some(first) = rest.chars().next() {
        if first == ',' {
            (rest, glued) = (rest.get(1..)?, false);
            continue;
        }
        let (item, after) = item(first, rest)?;
        let repeated = glued && is_sign(&item) && items.last().is_some_and(|last| is_sign(&last.0));
        if repeated {
            return None;
        }
        items.push((item, glued));
        (rest, glued) = (after, true);
    }
    Some(items)
}

fn is_sign(item: &Item) -> bool {
    matches!(item, Item::Minus | Item::Plus)
}

/// The item that a text begins with, and what follows it.
fn item(first: char, rest: &str) -> Option<(Item, &str)> {
    let run = |within: fn(char) -> bool| {
        let end = rest.find(|c| !within(c)).unwrap_or(rest.len());
        rest.split_at_checked(end)
    };
    match first {
        '-' => Some((Item::Minus, rest.get(1..)?)),
        '+' => Some((Item::Plus, rest.get(1..)?)),
        '0'..='9' => number(rest),
        _ if is_letter(first) => {
            let (word, after) = run(is_letter)?;
            Some((Item::Word(word.to_owned()), after))
        }
        _ => None,
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '\u{b0}' | '%' | '\u{221e}')
}

/// `18`, `18.4` or `18,4`. A comma behind decimals, or before something else than a digit, separates.
fn number(text: &str) -> Option<(Item, &str)> {
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let (whole, after) = text.split_at_checked(digits(text))?;
    let decimals = after
        .strip_prefix(['.', ','])
        .map(|rest| (rest, digits(rest)));
    let (value, after) = match decimals {
        Some((rest, end)) if end > 0 => (format!("{whole}.{}", rest.get(..end)?), rest.get(end..)?),
        _ => (whole.to_owned(), after),
    };
    if after.starts_with('.') {
        return None;
    }
    let has_decimals = value.contains('.');
    Some((Item::Number(value.parse().ok()?, has_decimals), after))
}

/// The power that the number at this place is, if it is one.
fn power(items: &[Placed], at: usize) -> Option<Power> {
    let (Item::Number(value, has_decimals), glued) = items.get(at)? else {
        return None;
    };
    let sign = sign(items, at);
    let in_midst = sign.is_some() && items.get(at.checked_sub(1)?)?.1;
    let unit = match unit(items, at) {
        Unit::Of(unit) => unit,
        Unit::NoPower => return None,
        Unit::Letters => return (sign.is_some() && !in_midst).then_some(Power::Unread),
    };
    let label_at = at.checked_sub(if sign.is_some() { 2 } else { 1 });
    let label = label_at.and_then(|at| items.get(at)).map(|(item, _)| item);
    let is_label =
        |names: &[&str]| matches!(label, Some(Item::Word(word)) if names.contains(&word.as_str()));
    if is_label(NOT_MEASURED) {
        return None;
    }
    // A hyphen in the midst of something is a sign only before what looks like a power: not in `2024-05` or `FPM-30`.
    let wave = matches!(label, Some(Item::Number(nm, _)) if WAVELENGTHS_NM.contains(nm));
    let is_known = is_label(LABELS) || is_label(&["nm"]) || wave;
    if in_midst && !is_known && !has_decimals && unit.is_empty() {
        return None;
    }
    if sign.is_none() && *glued && !is_label(LABELS) {
        return None;
    }
    let value = if sign == Some(&Item::Minus) {
        -value
    } else {
        *value
    };
    match (unit, sign) {
        ("mw" | "uw" | "nw" | "pw" | "w", None) => watts(value, unit),
        (unit, _) if unit.starts_with("dbm") && is_split(items, at) => Some(Power::Unread),
        (unit, _) if unit.starts_with("dbm") => Some(dbm(value).unwrap_or(Power::Unread)),
        ("db", Some(_)) => possible(value).map(Power::Db),
        ("", Some(_)) if goes_on(items, at) => Some(Power::Unread),
        // Without a unit it may be anything else.
        ("", Some(_)) => dbm(value),
        _ => None,
    }
}

/// The power that this is, or that there is no light; none if it can be neither.
fn dbm(value: f64) -> Option<Power> {
    let dark = || DARK_DBM.contains(&value).then_some(Power::Dark);
    possible(value).map(Power::Dbm).or_else(dark)
}

fn possible(dbm: f64) -> Option<f64> {
    POSSIBLE_DBM.contains(&dbm).then_some(dbm)
}

fn watts(value: f64, unit: &str) -> Option<Power> {
    let milliwatts = match unit {
        "w" => value * 1e3,
        "mw" => value,
        "uw" => value / 1e3,
        "nw" => value / 1e6,
        _ => value / 1e9,
    };
    possible(10.0 * milliwatts.log10()).map(|dbm| Power::Watts((dbm * 100.0).round() / 100.0))
}

/// The sign before the number at this place: glued to it, or alone, as in `- 24`.
fn sign(items: &[Placed], at: usize) -> Option<&Item> {
    let before = items.get(at.checked_sub(1)?).map(|(item, _)| item)?;
    is_sign(before).then_some(before)
}

/// What stands behind a number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit<'a> {
    /// A power's unit; empty if there is none.
    Of(&'a str),
    /// The unit of something else.
    NoPower,
    /// Letters, glued to it: a digit that was taken for one, as in `-2O`.
    Letters,
}

/// What stands behind the number at this place.
fn unit(items: &[Placed], at: usize) -> Unit<'_> {
    let is_unit = |word: &str| {
        word.starts_with("dbm") || matches!(word, "db" | "w" | "mw" | "uw" | "nw" | "pw")
    };
    match items.get(at + 1) {
        Some((Item::Word(word), _)) if is_unit(word) => Unit::Of(word),
        Some((Item::Word(word), _)) if OTHER_UNITS.contains(&word.as_str()) => Unit::NoPower,
        Some((Item::Word(_), true)) => Unit::Letters,
        _ => Unit::Of(""),
    }
}

/// Whether the number at this place is the rest of a signed one that a space has split, as in `-2 8.9 dBm`.
fn is_split(items: &[Placed], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| items.get(at));
    let is_number = matches!(before, Some((Item::Number(..), _)));
    is_number
        && at
            .checked_sub(1)
            .is_some_and(|at| sign(items, at).is_some())
}

/// Whether the signed number at this place is the beginning of one that a space has split, as in `-2 8.9 dBm` or
/// `-3 1.2`.
fn goes_on(items: &[Placed], at: usize) -> bool {
    let has_decimals = |at: usize| matches!(items.get(at), Some((Item::Number(_, true), _)));
    let next = items.get(at + 1);
    matches!(next, Some((Item::Number(..), false)))
        && match unit(items, at + 1) {
            Unit::Of("") => has_decimals(at + 1) && !has_decimals(at),
            Unit::Of(unit) => unit.starts_with("db"),
            Unit::NoPower | Unit::Letters => false,
        }
}

#[cfg(test)]
#[path = "power_tests.rs"]
mod tests;
