//! The table for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Tally;

pub(super) fn table(tallies: &BTreeMap<String, Tally>) -> String {
    let mut text = String::from(
        "| pictures of | pictures | read | wrong | missed | ms, median | ms, most |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (group, tally) in tallies {
        let (wrong, missed) = (tally.wrong.len(), tally.missed.len());
        let (median, most) = tally.ms;
        let _ = writeln!(
            text,
            "| {group} | {} | {} | {wrong} | {missed} | {median:.0} | {most:.0} |",
            tally.pictures, tally.read
        );
    }
    if let Some(all) = tallies.get("all") {
        for wrong in &all.wrong {
            let _ = writeln!(text, "wrong: {wrong}");
        }
        for missed in &all.missed {
            let _ = writeln!(text, "missed: {missed}");
        }
    }
    text
}
