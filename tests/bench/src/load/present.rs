//! The measurement as tables, lines over time, and JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::arrivals::Wish;
use super::step::{Queue, Step, bound};
use super::watch::Second;
use crate::report::percentile::percentile;
use crate::report::table::Table;

const WIDTH: usize = 60;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
type Rows = Vec<(&'static str, Vec<Duration>)>;

fn times(step: &Step) -> Rows {
    let mut rows: Rows = vec![
        (
            "verdict, asked for in full mode",
            step.verdicts(|wish| *wish == Wish::Ask),
        ),
        (
            "verdict, in a hurry (quick mode)",
            step.verdicts(|wish| *wish == Wish::Hurry),
        ),
        (
            "verdict, asked again",
            step.verdicts(|wish| matches!(wish, Wish::Repeat(_))),
        ),
        (
            "verdict after uploads, 60 s of quiet included",
            step.verdicts(|wish| *wish == Wish::Upload),
        ),
        (
            "wait in the queue, of what people wait for",
            step.queued(|wish| *wish != Wish::Upload),
        ),
        (
            "wait in the queue, of what uploads started",
            step.queued(|wish| *wish == Wish::Upload),
        ),
    ];
    for route in [
        "POST /evaluations",
        "GET /evaluations/…",
        "GET /drs/…/evaluations",
    ] {
        let took = step.api.iter().filter(|(asked, _)| *asked == route);
        rows.push((route, took.map(|(_, took)| *took).collect()));
    }
    rows
}

/// For people.
pub(crate) fn text(steps: &[Step]) -> String {
    let each = steps.iter().map(one).collect::<Vec<_>>();
    each.join("\n\n\n")
}

fn one(step: &Step) -> String {
    let mut spans = Table::new(["s", "P50", "P95", "P99", "cases"]);
    for (name, times) in times(step) {
        let shown = |percent| match times.is_empty() {
            true => "–".to_owned(),
            false => format!("{:.2}", percentile(&times, percent).as_secs_f64()),
        };
        spans.row([
            name.into(),
            shown(50.0),
            shown(95.0),
            shown(99.0),
            times.len().to_string(),
        ]);
    }
    [
        head(step),
        spans.render(),
        paces(step),
        courses(step),
        ends(step),
    ]
    .join("\n\n")
}

fn head(step: &Step) -> String {
    format!(
        "{} DRs a minute for {:.1} minutes: {} came, {} photos; processors {:.0} % busy (the emulator and this benchmark \
         included)",
        step.drs_per_minute,
        step.span.as_secs_f64() / 60.0,
        step.seen.len(),
        step.photos,
        step.busy() * 100.0
    )
}

fn paces(step: &Step) -> String {
    let mut table = Table::new([
        "the queue works faster than evaluations arrive",
        "",
        "left at the end",
        "most",
        "empty after (s)",
    ]);
    for queue in Queue::ALL {
        let pace = step.pace(queue);
        let emptied = pace
            .emptied_after
            .map_or("–".into(), |after| format!("{:.0}", after.as_secs_f64()));
        let keeps_up = if pace.keeps_up { "yes" } else { "no" };
        table.row([
            queue.name().into(),
            keeps_up.into(),
            pace.left.to_string(),
            pace.most.to_string(),
            emptied,
        ]);
    }
    table.render()
}

/// Over time, from the first arrival to the last verdict.
fn courses(step: &Step) -> String {
    let row = |name: &str, value: &dyn Fn(&Second) -> f64, most: f64| {
        format!(
            "{name:<30} {} {most:.0} at most",
            course(&step.seconds, value, most)
        )
    };
    let most = |value: &dyn Fn(&Second) -> f64| step.seconds.iter().map(value).fold(0.0, f64::max);
    let [batches, bulk]: [&dyn Fn(&Second) -> f64; 2] =
        [&|second| second.waiting[0] as f64, &|second| {
            second.waiting[1] as f64
        }];
    [
        row("messages that people wait for", batches, most(batches)),
        row("messages of uploads", bulk, most(bulk)),
        row(
            "requests at the VLM",
            &|second| second.in_flight as f64,
            step.most_in_flight as f64,
        ),
        row("processors (%)", &|second| second.busy * 100.0, 100.0),
    ]
    .join("\n")
}

fn course(seconds: &[Second], value: &dyn Fn(&Second) -> f64, most: f64) -> String {
    let bar = |column: usize| {
        let (from, to) = (
            column * seconds.len() / WIDTH,
            (column + 1) * seconds.len() / WIDTH,
        );
        let part = seconds.get(from..to.max(from + 1)).unwrap_or_default();
        let highest = part.iter().map(value).fold(0.0, f64::max);
        let at = (highest / most.max(f64::MIN_POSITIVE) * (BARS.len() - 1) as f64).round() as usize;
        BARS.get(at).copied().unwrap_or(' ')
    };
    (0..WIDTH).map(bar).collect()
}

fn ends(step: &Step) -> String {
    let (known, repeats) = step.known();
    let bounded = if step.most_in_flight <= bound() {
        "kept"
    } else {
        "BROKEN"
    };
    let mut lines = vec![
        format!(
            "requests at the VLM at once: {} of {} at most ({bounded})",
            step.most_in_flight,
            bound()
        ),
        format!("asked again: {known} of {repeats} answered by what was known or on its way"),
    ];
    for queue in Queue::ALL {
        if let Some(because) = step.pace(queue).because {
            lines.push(format!("IT BREAKS at {}: {because}", queue.name()));
        }
    }
    let failures = step.failures();
    lines.push(match failures.first() {
        None => "everybody got a verdict without gaps".into(),
        Some(first) => format!(
            "{} WITHOUT A VERDICT, or with gaps; the first: {first}",
            failures.len()
        ),
    });
    lines.join("\n")
}

/// For programs.
pub(crate) fn json(steps: &[Step]) -> Value {
    steps.iter().map(one_json).collect()
}

fn one_json(step: &Step) -> Value {
    let seconds = |times: &[Duration], percent| percentile(times, percent).as_secs_f64();
    let times: serde_json::Map<String, Value> = times(step)
        .into_iter()
        .map(|(name, times)| {
            let of = json!({"cases": times.len(), "p50_s": seconds(&times, 50.0), "p95_s": seconds(&times, 95.0),
                "p99_s": seconds(&times, 99.0)});
            (name.to_owned(), of)
        })
        .collect();
    let queues = Queue::ALL.map(|queue| {
        let pace = step.pace(queue);
        json!({"queue": queue.name(), "keeps_up": pace.keeps_up, "left": pace.left, "most": pace.most,
            "emptied_after_s": pace.emptied_after.map(|after| after.as_secs_f64()), "because": pace.because})
    });
    json!({
        "drs_per_minute": step.drs_per_minute, "minutes": step.span.as_secs_f64() / 60.0, "came": step.seen.len(),
        "photos": step.photos, "times": times, "queues": queues, "most_in_flight": step.most_in_flight,
        "bound": bound(), "busy": step.busy(), "repeats_known": step.known().0, "failures": step.failures(),
    })
}
