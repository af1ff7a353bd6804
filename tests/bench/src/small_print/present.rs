//! The report for people.

use super::measure::{Count, Found, OneWay, Way};
use crate::photos::attempt;
use crate::report::chart::{bars, shares};
use crate::report::table::{Table, row, table};

/// Tables and charts.
pub(super) fn report(found: &Found) -> String {
    let parts = [
        heading(found),
        costs(found),
        chart(found),
        heights(found),
        price(found),
        attempt::report(&found.left_out),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

fn heading(found: &Found) -> String {
    format!(
        "{} photos, size policy {}, read by an OCR engine (RapidOCR), which is not the model.",
        found.photos, found.size_policy
    )
}

fn name(way: &Way) -> String {
    let own = if way.is_the_policys { " *" } else { "" };
    format!("{} px, quality {}{own}", way.long_edge, way.quality)
}

fn percent(count: &Count) -> String {
    format!("{:.1} %", count.characters.percent())
}

fn costs(found: &Found) -> String {
    let kinds: Vec<&String> = found
        .ways
        .first()
        .map(|way| way.kinds.keys().collect())
        .unwrap_or_default();
    let mut head = row([
        "* the policy's",
        "tokens",
        "kB",
        "characters",
        "texts whole",
    ]);
    head.extend(kinds.iter().map(|kind| (*kind).clone()));
    let line = |one: &OneWay| {
        let mut cells = vec![
            name(&one.way),
            format!("{:.0}", one.image_tokens),
            format!("{:.0}", one.bytes / 1e3),
            percent(&one.all),
            format!("{:.1} %", one.all.texts.percent()),
        ];
        let of = |kind: &&String| one.kinds.get(*kind).map_or_else(String::new, percent);
        cells.extend(kinds.iter().map(of));
        cells
    };
    let lines = std::iter::once(head).chain(found.ways.iter().map(line));
    table(&lines.collect::<Vec<_>>())
}

fn chart(found: &Found) -> String {
    let rows = found.ways.iter();
    let rows = rows.map(|one| (name(&one.way), one.all.characters));
    format!("Characters right:\n{}", shares(&rows.collect::<Vec<_>>()))
}

/// Characters right by the height of letters, at the policy's quality.
fn heights(found: &Found) -> String {
    let Some(first) = found.ways.first().filter(|way| !way.heights.is_empty()) else {
        return String::new();
    };
    let sizes: Vec<&OneWay> = found
        .ways
        .iter()
        .filter(|one| one.way.quality == first.way.quality)
        .collect();
    let mut head = row(["height of letters, ‰ of the long edge"]);
    head.extend(sizes.iter().map(|one| format!("{} px", one.way.long_edge)));
    let line = |(number, thousandths): (usize, f64)| {
        let mut cells = vec![format!("{thousandths}")];
        cells.extend(sizes.iter().map(|one| {
            one.heights.get(number).map_or_else(String::new, |height| {
                let Count { characters, .. } = height.count;
                format!("{:.1} px: {:.0} %", height.pixels, characters.percent())
            })
        }));
        cells
    };
    let numbered = first.heights.iter().map(|height| height.thousandths);
    let lines = std::iter::once(head).chain(numbered.enumerate().map(line));
    table(&lines.collect::<Vec<_>>())
}

/// What a size costs for what it gives.
fn price(found: &Found) -> String {
    let mut table = Table::new([
        "from … to",
        "tokens more",
        "characters more",
        "tokens a percent",
    ]);
    let Some(first) = found.ways.first() else {
        return String::new();
    };
    let sizes: Vec<&OneWay> = found
        .ways
        .iter()
        .filter(|one| one.way.quality == first.way.quality)
        .collect();
    for pair in sizes.windows(2) {
        let [one, next] = pair else { continue };
        let tokens = next.image_tokens - one.image_tokens;
        let more = next.all.characters.percent() - one.all.characters.percent();
        let each = if more > 0.0 {
            format!("{:.0}", tokens / more)
        } else {
            "–".into()
        };
        table.row([
            format!("{} … {} px", one.way.long_edge, next.way.long_edge),
            format!("{tokens:.0}"),
            format!("{more:+.1}"),
            each,
        ]);
    }
    let tokens = sizes.iter().map(|one| {
        let text = format!("{:.0} tokens, {}", one.image_tokens, percent(&one.all));
        (format!("{} px", one.way.long_edge), one.image_tokens, text)
    });
    [table.render(), bars(&tokens.collect::<Vec<_>>())].join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::interval::Share;
    use crate::small_print::measure::Height;

    fn one(long_edge: u32, quality: u8, right: usize) -> OneWay {
        let count = Count {
            characters: Share {
                hits: right,
                of: 100,
            },
            texts: Share {
                hits: right / 10,
                of: 10,
            },
        };
        OneWay {
            way: Way {
                long_edge,
                quality,
                chroma_quality: quality,
                is_the_policys: long_edge == 800 && quality == 84,
            },
            bytes: 80_000.0,
            image_tokens: f64::from(long_edge),
            all: count,
            kinds: [("label".to_owned(), count)].into(),
            heights: vec![Height {
                thousandths: 5.0,
                pixels: f64::from(long_edge) * 5e-3,
                count,
            }],
        }
    }

    #[test]
    fn a_report_says_what_each_size_costs_and_gives() {
        let found = Found {
            size_policy: "s4".into(),
            photos: 3,
            ways: vec![one(800, 84, 60), one(1280, 84, 90), one(800, 70, 55)],
            left_out: vec![attempt::LeftOut {
                photo: "odd.jpg".into(),
                reason: "no photo".into(),
            }],
        };
        let text = report(&found);
        for part in [
            "not the model",
            "800 px, quality 84 *",
            "800 px, quality 70 ",
            "4.0 px: 60 %",
            "6.4 px: 90 %",
            "800 … 1280 px          480            +30.0",
            "odd.jpg is left out: no photo",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
