//! Charts for a terminal.

use super::interval::Share;

/// Characters of a chart's width.
const WIDTH: usize = 50;

/// Shares with their intervals on one scale, which begins low enough to show them all.
pub(crate) fn shares(rows: &[(String, Share)]) -> String {
    let lowest = rows
        .iter()
        .map(|(_, share)| share.interval().0)
        .fold(100.0, f64::min);
    let from = (lowest / 10.0).floor() * 10.0;
    let name = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let at = |percent: f64| {
        (((percent - from) / (100.0 - from).max(1.0)) * (WIDTH - 1) as f64).round() as usize
    };
    let line = |(label, share): &(String, Share)| {
        let ((low, high), point) = (share.interval(), at(share.percent()));
        let mark = |column: usize| match column {
            column if column == point => '●',
            column if (at(low)..=at(high)).contains(&column) => '━',
            _ => '·',
        };
        format!(
            "{label:<name$}  {}  {:5.1} %",
            (0..WIDTH).map(mark).collect::<String>(),
            share.percent()
        )
    };
    let scale = format!(
        "{:name$}  {:<w$}{:>4}",
        "",
        format!("{from:.0} %"),
        "100",
        w = WIDTH - 4
    );
    rows.iter()
        .map(line)
        .chain([scale])
        .collect::<Vec<_>>()
        .join("\n")
}

/// A bar of `value`, where `most` is `width` characters long.
pub(crate) fn bar(value: f64, most: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths =
        (value.max(0.0) / most.max(f64::MIN_POSITIVE) * (width * 8) as f64).round() as usize;
    let eighths = eighths.min(width * 8);
    format!(
        "{}{}",
        "█".repeat(eighths / 8),
        PARTS.get(eighths % 8).unwrap_or(&"")
    )
}

/// Amounts as bars on one scale from zero, each with its text.
pub(crate) fn bars(rows: &[(String, f64, String)]) -> String {
    let most = rows
        .iter()
        .map(|(_, amount, _)| *amount)
        .fold(f64::MIN_POSITIVE, f64::max);
    let name = rows
        .iter()
        .map(|(name, ..)| name.chars().count())
        .max()
        .unwrap_or(0);
    let line = |(label, amount, text): &(String, f64, String)| {
        let bar = bar(*amount, most, WIDTH);
        format!("{label:<name$}  {bar:<WIDTH$}  {text}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lies_within_its_interval_on_the_scale() {
        let text = shares(&[
            ("verdict".into(), Share { hits: 95, of: 100 }),
            ("step".into(), Share { hits: 50, of: 100 }),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].contains("━●━") && lines[1].contains("━●━"),
            "{text}"
        );
        assert!(lines[2].contains("40 %") && lines[2].ends_with("100"));
        assert!(
            lines
                .iter()
                .take(2)
                .all(|line| line.chars().count() == lines[0].chars().count()),
            "{text}"
        );
    }

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        assert_eq!(
            (bar(10.0, 10.0, 4).as_str(), bar(5.0, 40.0, 4).as_str()),
            ("████", "▌")
        );
        assert_eq!(
            (bar(-1.0, 10.0, 4).as_str(), bar(99.0, 10.0, 2).as_str()),
            ("", "██")
        );
    }

    #[test]
    fn bars_keep_their_proportions() {
        let text = bars(&[
            ("full".into(), 12.0, "12".into()),
            ("quick".into(), 6.0, "6".into()),
        ]);
        let full = |line: &str| line.matches('█').count();
        assert_eq!(text.lines().map(full).collect::<Vec<_>>(), [50, 25]);
    }
}
