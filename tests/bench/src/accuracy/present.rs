//! The report for people.

use evaluation::domain::ids::StepKey;
use evaluation::domain::plan::Mode;

use super::certainty::Worth;
use super::compare::Difference;
use super::tally::{Case, Tally};
use crate::report::chart::{bars, shares};
use crate::report::interval::Share;
use crate::report::paired::Paired;
use crate::report::table::{row, table};

/// DRs with another verdict that are listed; `--json` has them all.
const LISTED: usize = 8;

/// Quick mode beside full mode.
pub(crate) fn quick_against_full(tally: &Tally) -> String {
    [
        cost(tally),
        agreement(tally),
        chart(tally),
        truth(tally),
        Worth::of_tally(tally).text(),
        differing(tally),
    ]
    .join("\n\n")
}

fn cost(tally: &Tally) -> String {
    let (full, quick) = (tally.cost(Mode::Full), tally.cost(Mode::Quick));
    let line = |what: &str, full: f64, quick: f64| {
        let share = format!("{:.0} %", 100.0 * quick / full.max(f64::MIN_POSITIVE));
        vec![
            what.into(),
            format!("{full:.1}"),
            format!("{quick:.1}"),
            share,
        ]
    };
    let rows = [
        row(["per DR", "full", "quick", "quick/full"]),
        line("photos asked", full.photos, quick.photos),
        line(
            "requests, closer looks included",
            full.requests,
            quick.requests,
        ),
        line("tokens read", full.prompt_tokens, quick.prompt_tokens),
        line(
            "tokens written",
            full.completion_tokens,
            quick.completion_tokens,
        ),
        line("VLM seconds (estimated)", full.seconds, quick.seconds),
    ];
    let mut asked = vec![row([
        "photos asked, of DRs:",
        "DRs",
        "full",
        "quick",
        "quick/full",
    ])];
    let drs = tally.cases.len();
    let least = [
        (
            "what full's verdict rests on",
            drs,
            tally.photos_it_rests_on(),
        ),
        (
            "… and quick's first round",
            drs,
            tally.photos_from_a_first_round_on(),
        ),
    ];
    asked.extend(
        tally
            .photos_asked_by()
            .into_iter()
            .chain(least)
            .map(|(what, drs, share)| {
                let counts = [drs, share.of, share.hits].map(|count| count.to_string());
                [what.to_owned()]
                    .into_iter()
                    .chain(counts)
                    .chain([format!("{:.0} %", share.percent())])
                    .collect()
            }),
    );
    let bar = |mode: &str, photos: f64| (mode.to_owned(), photos, format!("{photos:.1} photos"));
    let chart = bars(&[bar("full", full.photos), bar("quick", quick.photos)]);
    format!("{}\n\n{chart}\n\n{}", table(&rows), table(&asked))
}

fn agreement(tally: &Tally) -> String {
    let line = |(what, share): (String, Share)| {
        vec![
            what,
            format!("{} of {}", share.hits, share.of),
            share.text(),
        ]
    };
    let mut rows = vec![row([
        "quick agrees with full",
        "DRs",
        "share (95 % interval)",
    ])];
    rows.extend(agreements(tally).into_iter().map(line));
    table(&rows)
}

fn chart(tally: &Tally) -> String {
    shares(&agreements(tally))
}

fn agreements(tally: &Tally) -> Vec<(String, Share)> {
    let step = |step: StepKey| (step.to_string(), tally.step_agreement(&step));
    [("verdict".to_owned(), tally.agreement())]
        .into_iter()
        .chain(tally.critical().into_iter().map(step))
        .collect()
}

fn truth(tally: &Tally) -> String {
    let percent = |share: Share| format!("{:.1} %", share.percent());
    let mut rows = vec![row([
        "against the labels",
        "full prec.",
        "full recall",
        "quick prec.",
        "quick recall",
    ])];
    let mut line = |what: String, qualities: [super::tally::Quality; 2]| {
        let cells = qualities
            .into_iter()
            .flat_map(|q| [percent(q.precision), percent(q.recall)]);
        rows.push([what].into_iter().chain(cells).collect());
    };
    line(
        "DR passes".into(),
        [Mode::Full, Mode::Quick].map(|mode| tally.verdict_quality(mode)),
    );
    for step in tally.critical() {
        line(
            step.to_string(),
            [Mode::Full, Mode::Quick].map(|mode| tally.step_quality(mode, &step)),
        );
    }
    let right = Paired::of(
        tally
            .cases
            .iter()
            .filter_map(|case| case.is_right(Mode::Full).zip(case.is_right(Mode::Quick))),
    );
    format!(
        "{}\n\nVerdicts as the labels demand: full {}, quick {}. Only full right: {}, only quick right: {} (McNemar exact p = {:.3}).",
        table(&rows),
        tally.accuracy(Mode::Full).text(),
        tally.accuracy(Mode::Quick).text(),
        right.only_first,
        right.only_second,
        right.p_value()
    )
}

fn differing(tally: &Tally) -> String {
    let cases: Vec<&Case> = tally.cases.iter().filter(|case| !case.agrees()).collect();
    let line = |case: &&Case| {
        let (full, quick) = (case.full.judgement.verdict, case.quick.judgement.verdict);
        format!(
            "  {}  full {full:?}, quick {quick:?}: {}",
            case.dr_number,
            case.why_differing()
        )
    };
    let listed: Vec<String> = cases.iter().take(LISTED).map(line).collect();
    format!(
        "Other verdicts ({} DRs, the first {} listed):\n{}",
        cases.len(),
        listed.len(),
        listed.join("\n")
    )
}

/// Two ways beside each other.
pub(crate) fn compared(names: &[String; 2], differences: &[Difference]) -> String {
    let [first, second] = names;
    let mut rows = vec![row([
        "right by the labels",
        first,
        second,
        "only 1st",
        "only 2nd",
        "p",
        "significant",
    ])];
    for difference in differences {
        let [a, b] = difference.right;
        rows.push(vec![
            difference.what.clone(),
            format!("{a:.1} %"),
            format!("{b:.1} %"),
            difference.paired.only_first.to_string(),
            difference.paired.only_second.to_string(),
            if difference.p_value < 0.0001 {
                "< 0.0001".into()
            } else {
                format!("{:.4}", difference.p_value)
            },
            if difference.significant { "yes" } else { "no" }.into(),
        ]);
    }
    let named: Vec<&str> = differences
        .iter()
        .filter(|d| d.significant)
        .map(|d| d.what.as_str())
        .collect();
    let said = if named.is_empty() {
        "none".to_owned()
    } else {
        named.join(", ")
    };
    format!(
        "{}\n\nSignificant differences (McNemar exact, 5 % for all measures together by Holm): {said}.",
        table(&rows)
    )
}
