//! How long a server asks us to wait: in headers, as seconds, thousandths or a date, and within bodies.
//!
//! # Invariants
//! - No wait is longer than what a queue can delay a message, whatever a server says.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::refusal::Refusal;

/// SQS delays a message no longer.
pub(super) const LONGEST: Duration = Duration::from_secs(900);
/// Headers with thousandths of a second: OpenAI, Azure.
const IN_MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];
/// How words go on behind which a wait stands: `Please try again in 7.2s`, `retry after 6 seconds`.
const BEFORE_A_WAIT: [&str; 4] = [
    "try again in ",
    "retry after ",
    "retry in ",
    "try again after ",
];

/// The wait that is asked for, in whole seconds, rounded up.
pub(super) fn asked(headers: &HeaderMap, refusal: &Refusal) -> Option<Duration> {
    let thousandths = IN_MILLISECONDS
        .iter()
        .find_map(|name| number(text(headers, name)?))
        .map(|wait| wait / 1000.0);
    let wait = thousandths
        .or_else(|| retry_after(headers))
        .or(refusal.wait_s)
        .or_else(|| in_words(&refusal.words));
    wait.and_then(bounded)
}

fn bounded(seconds: f64) -> Option<Duration> {
    let fine = seconds.is_finite() && seconds > 0.0;
    let most = LONGEST.as_secs_f64();
    fine.then(|| Duration::from_secs_f64(seconds.min(most).ceil()))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// Seconds, or a date by the server's own clock, which need not be ours.
fn retry_after(headers: &HeaderMap) -> Option<f64> {
    let value = text(headers, RETRY_AFTER.as_str())?;
    number(value).or_else(|| {
        let (now, then) = (date(text(headers, DATE.as_str())?)?, date(value)?);
        Some(then.saturating_sub(now) as f64)
    })
}

fn in_words(words: &str) -> Option<f64> {
    let words = words.to_lowercase();
    let rest = BEFORE_A_WAIT
        .iter()
        .find_map(|before| Some(words.split_once(before)?.1))?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (wait, unit) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    let wait: f64 = wait.trim_end_matches('.').parse().ok()?;
    let unit = unit.trim_start();
    if unit.starts_with("ms") || unit.starts_with("milli") {
        Some(wait / 1000.0)
    } else if unit.starts_with('m') {
        Some(wait * 60.0)
    } else {
        Some(wait)
    }
}

/// Seconds since 1970 of `Tue, 03 Mar 2026 00:00:15 GMT` (RFC 9110, IMF-fixdate).
fn date(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut parts = text.trim().split_once(", ")?.1.split(' ');
    let day: i64 = parts.next()?.parse().ok()?;
    let month = parts.next().filter(|month| month.len() == 3)?;
    let month = i64::try_from(MONTHS.find(month)? / 3).ok()?;
    let year: i64 = parts.next()?.parse().ok()?;
    let mut clock = parts
        .next()?
        .split(':')
        .map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days since 1970, with the year taken to begin in March, so that a leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,469 days lie between the first of March of the year 0, counted as day 1, and 1970.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(pairs: &[(&'static str, &str)], words: &str) -> Option<u64> {
        let headers = pairs.iter().map(|(name, value)| {
            let name = reqwest::header::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        let refusal = Refusal {
            words: words.into(),
            ..Refusal::default()
        };
        asked(&headers.collect(), &refusal).map(|wait| wait.as_secs())
    }

    #[test]
    fn every_form_of_a_wait_is_read_and_none_is_longer_than_a_queue_can_delay() {
        for (value, expected) in [
            ("7", Some(7)),
            ("0.337", Some(1)),
            ("0", None),
            ("-3", None),
            ("nan", None),
            ("soon", None),
            ("86400", Some(900)),
            ("18446744073709551615", Some(900)),
            ("1e400", None),
        ] {
            assert_eq!(with(&[("retry-after", value)], ""), expected, "{value}");
        }
        assert_eq!(with(&[("retry-after-ms", "2100")], ""), Some(3));
        assert_eq!(with(&[("x-ms-retry-after-ms", "45000")], ""), Some(45));
        assert_eq!(with(&[], "Please retry after 6 seconds."), Some(6));
        assert_eq!(with(&[], "Try again in 1m30s"), Some(60));
        assert_eq!(with(&[], "try again in 20ms"), Some(1));
        assert_eq!(with(&[], "try again in a while"), None);
    }

    #[test]
    fn a_date_is_read_against_the_servers_own_clock() {
        let later = ("retry-after", "Thu, 01 Mar 2029 00:00:30 GMT");
        let date = ("date", "Wed, 28 Feb 2029 23:59:50 GMT");
        assert_eq!(with(&[later, date], ""), Some(40));
        assert_eq!(
            with(&[later], ""),
            None,
            "without its clock it says nothing"
        );
        let leap = ("date", "Thu, 29 Feb 2024 23:59:59 GMT");
        assert_eq!(
            with(
                &[("retry-after", "Fri, 01 Mar 2024 00:00:00 GMT"), leap],
                ""
            ),
            Some(1)
        );
        assert_eq!(super::date("Thu, 01 Jan 1970 00:00:07 GMT"), Some(7));
    }

    proptest! {
        #[test]
        fn whatever_a_header_says_the_wait_is_bounded(value in "[ -~]{0,40}", words in ".*") {
            let wait = with(&[("retry-after", &value), ("date", &value)], &words);
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST.as_secs()));
        }
    }
}
