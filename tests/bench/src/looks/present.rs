//! What was measured, for people and programs.

use std::time::Duration;

use serde_json::{Value, json};

use super::measure::{Crowd, Phone};
use super::options::Options;
use crate::report::percentile::percentile;
use crate::report::table::Table;

/// What uploads start comes so much after the last of them.
const QUIET: Duration = Duration::from_secs(60);

/// From the last photo, or from the end of the quiet period, to the verdict.
fn seconds(phone: &Phone) -> f64 {
    let quiet = if phone.asked { Duration::ZERO } else { QUIET };
    phone.verdict.as_secs_f64() - quiet.as_secs_f64()
}

/// Requests with looks, as a multiple of those without.
fn requests(phones: &[Phone], asked: bool) -> Option<f64> {
    let of = |looks| {
        let found = phones
            .iter()
            .find(|phone| phone.looks == looks && phone.asked == asked);
        found.map(|phone| phone.requests as f64)
    };
    Some(of(true)? / of(false)?)
}

fn median(times: &[Duration]) -> f64 {
    percentile(times, 50.0).as_secs_f64()
}

fn delay(crowd: &Crowd) -> f64 {
    median(&crowd.among_others) / median(&crowd.alone).max(f64::MIN_POSITIVE)
}

/// For people.
pub(crate) fn text(options: &Options, phones: &[Phone], crowd: &Crowd) -> String {
    let mut table = Table::new([
        "",
        "with looks (s)",
        "without (s)",
        "requests, with : without",
    ]);
    for (asked, name) in [
        (
            true,
            "asked for at once: from the last photo to the verdict",
        ),
        (
            false,
            "left to the uploads: from the end of the quiet period to the verdict",
        ),
    ] {
        let of = |looks| {
            let found = phones
                .iter()
                .find(|phone| phone.looks == looks && phone.asked == asked);
            found.map_or("–".into(), |phone| format!("{:.2}", seconds(phone)))
        };
        let ratio = requests(phones, asked);
        let ratio = ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
        table.row([name.into(), of(true), of(false), ratio]);
    }
    format!(
        "{} photos over {} s, a simulated VLM of 3 s an answer\n\n{}\n\n\
         Somebody who waits, among {} DRs that are uploaded: {:.2} s, alone {:.2} s (medians of {}): {:.2} times; {} \
         looks and other bulk work waited",
        options.photos,
        options.over,
        table.render(),
        options.crowd,
        median(&crowd.among_others),
        median(&crowd.alone),
        crowd.alone.len(),
        delay(crowd),
        crowd.bulk,
    )
}

/// For programs.
pub(crate) fn json(options: &Options, phones: &[Phone], crowd: &Crowd) -> Value {
    let phone = |phone: &Phone| {
        json!({"looks": phone.looks, "asked_at_once": phone.asked, "verdict_after_s": seconds(phone),
            "requests": phone.requests})
    };
    json!({
        "photos": options.photos, "over_s": options.over, "phones": phones.iter().map(phone).collect::<Vec<_>>(),
        "crowd": {"drs": options.crowd, "alone_s": median(&crowd.alone), "among_others_s": median(&crowd.among_others),
            "ratio": delay(crowd), "bulk_waiting": crowd.bulk},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_begin_when_the_app_may_expect_something() {
        let phone = |asked, seconds| Phone {
            looks: true,
            asked,
            verdict: Duration::from_secs(seconds),
            requests: 16,
        };
        assert_eq!(
            (seconds(&phone(true, 4)), seconds(&phone(false, 61))),
            (4.0, 1.0)
        );
        let less = Phone {
            looks: false,
            requests: 8,
            ..phone(true, 9)
        };
        assert_eq!(requests(&[phone(true, 4), less], true), Some(2.0));
        assert_eq!(requests(&[phone(true, 4)], true), None);
    }
}
