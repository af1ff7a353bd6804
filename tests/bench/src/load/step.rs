//! What a rate of arrivals came to, and whether the stack kept up with it.

use std::time::Duration;

use super::arrivals::Wish;
use super::people::Seen;
use super::watch::Second;

const TEMPLATE: &str = include_str!("../../../../template.yaml");
/// What uploads start comes so much later: the quiet period.
const QUIET: Duration = Duration::from_secs(60);
/// From here on something counts as used up.
const USED_UP: f64 = 0.85;

/// One rate of arrivals.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) drs_per_minute: f64,
    /// How long they came.
    pub(crate) span: Duration,
    /// Photos of all of them.
    pub(crate) photos: usize,
    pub(crate) seen: Vec<Seen>,
    pub(crate) api: Vec<(&'static str, Duration)>,
    pub(crate) seconds: Vec<Second>,
    pub(crate) most_in_flight: u64,
}

/// A queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// What people wait for.
    Batches,
    /// What uploads started.
    Bulk,
}

impl Queue {
    pub(crate) const ALL: [Self; 2] = [Self::Batches, Self::Bulk];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Batches => "what people wait for",
            Self::Bulk => "what uploads started",
        }
    }

    fn of(self, counts: [u64; 2]) -> u64 {
        let [batches, bulk] = counts;
        match self {
            Self::Batches => batches,
            Self::Bulk => bulk,
        }
    }

    /// Invocations that may work on it at once.
    fn places(self) -> u64 {
        parameter(match self {
            Self::Batches => "VlmMaxConcurrency",
            Self::Bulk => "BulkMaxConcurrency",
        })
    }

    /// When what is in it comes, beside the arrivals.
    fn later(self) -> Duration {
        match self {
            Self::Batches => Duration::ZERO,
            Self::Bulk => QUIET,
        }
    }
}

/// Whether a queue was worked off as fast as it filled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pace {
    pub(crate) keeps_up: bool,
    /// Messages that waited when the last had come, and the most that ever did.
    pub(crate) left: u64,
    pub(crate) most: u64,
    /// From the last arrival until none waited.
    pub(crate) emptied_after: Option<Duration>,
    /// What was used up, if it did not keep up.
    pub(crate) because: Option<String>,
}

impl Step {
    /// The times of those with this wish until their verdict.
    pub(crate) fn verdicts(&self, wanted: impl Fn(&Wish) -> bool) -> Vec<Duration> {
        let seen = self.seen.iter().filter(|seen| wanted(&seen.wish));
        seen.filter_map(|seen| seen.verdict).collect()
    }

    /// How long messages of photos waited.
    pub(crate) fn queued(&self, wanted: impl Fn(&Wish) -> bool) -> Vec<Duration> {
        let seen = self.seen.iter().filter(|seen| wanted(&seen.wish));
        seen.flat_map(|seen| seen.queued.iter().copied()).collect()
    }

    /// Why some got no verdict, or one with gaps.
    pub(crate) fn failures(&self) -> Vec<&str> {
        self.seen
            .iter()
            .filter_map(|seen| seen.failed.as_deref())
            .collect()
    }

    /// Repeats that were answered by what was known.
    pub(crate) fn known(&self) -> (usize, usize) {
        let repeats = || {
            self.seen
                .iter()
                .filter(|seen| matches!(seen.wish, Wish::Repeat(_)))
        };
        (
            repeats().filter(|seen| seen.is_known).count(),
            repeats().count(),
        )
    }

    /// Whether a queue keeps up: in the last quarter no more waits than in the second, but for a message a place.
    pub(crate) fn pace(&self, queue: Queue) -> Pace {
        let end = self.span + queue.later();
        let part = |from: f64, to: f64| -> Vec<&Second> {
            let within = |second: &&Second| {
                let at =
                    second.at.saturating_sub(queue.later()).as_secs_f64() / self.span.as_secs_f64();
                second.at > queue.later() && (from..to).contains(&at)
            };
            self.seconds.iter().filter(within).collect()
        };
        let waiting = |seconds: &[&Second]| {
            mean(seconds.iter().map(|second| queue.of(second.waiting) as f64))
        };
        let (early, late) = (part(0.25, 0.5), part(0.75, 1.0));
        let places = queue.places() as f64;
        let keeps_up = waiting(&late) <= waiting(&early) + places;
        let left = self.seconds.iter().rev().find(|second| second.at <= end);
        let after = self.seconds.iter().filter(|second| second.at >= end);
        let emptied = after.clone().find(|second| queue.of(second.waiting) == 0);
        Pace {
            keeps_up,
            left: left.map_or(0, |second| queue.of(second.waiting)),
            most: self
                .seconds
                .iter()
                .map(|second| queue.of(second.waiting))
                .max()
                .unwrap_or(0),
            emptied_after: emptied.map(|second| second.at.saturating_sub(end)),
            because: (!keeps_up).then(|| self.used_up(queue, &late)),
        }
    }

    fn used_up(&self, queue: Queue, late: &[&Second]) -> String {
        let taken = mean(late.iter().map(|second| queue.of(second.taken) as f64));
        let busy = mean(late.iter().map(|second| second.busy));
        let places = queue.places();
        let mut reasons = Vec::new();
        if taken >= USED_UP * places as f64 {
            reasons.push(format!("all its {places} places are taken"));
        }
        if busy >= USED_UP {
            reasons.push(format!(
                "this machine's processors are {:.0} % busy",
                busy * 100.0
            ));
        }
        if reasons.is_empty() {
            reasons.push("neither its places nor the processors are used up".into());
        }
        reasons.join(", and ")
    }

    /// How busy the machine was while they came.
    pub(crate) fn busy(&self) -> f64 {
        let while_they_came = self.seconds.iter().filter(|second| second.at <= self.span);
        mean(while_they_came.map(|second| second.busy))
    }
}

/// The most requests that the VLM may have at once.
pub(crate) fn bound() -> u64 {
    let places = |concurrency, each| parameter(concurrency) * parameter(each);
    places("VlmMaxConcurrency", "PhotosInFlight")
        + places("BulkMaxConcurrency", "BulkPhotosInFlight")
}

/// A parameter's default in the template.
fn parameter(name: &str) -> u64 {
    let found = || {
        let (_, declared) = TEMPLATE.split_once(&format!("\n  {name}:\n"))?;
        let (_, value) = declared.split_once("\n    Default: ")?;
        value.lines().next()?.trim().parse().ok()
    };
    found().unwrap_or(0)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step of 100 seconds in which so many messages wait at each.
    fn step(waiting: impl Fn(u64) -> u64, busy: f64) -> Step {
        let second = |at| Second {
            at: Duration::from_secs(at),
            waiting: [waiting(at), 0],
            taken: [4, 0],
            in_flight: 16,
            busy,
        };
        Step {
            drs_per_minute: 1.0,
            span: Duration::from_secs(100),
            photos: 1,
            seen: Vec::new(),
            api: Vec::new(),
            seconds: (1..300).map(second).collect(),
            most_in_flight: 16,
        }
    }

    #[test]
    fn a_queue_that_empties_between_bursts_keeps_up() {
        let pace = step(|at| if at % 20 < 5 { 9 } else { 0 }, 0.5).pace(Queue::Batches);
        assert_eq!((pace.keeps_up, pace.most, pace.because), (true, 9, None));
        assert_eq!(pace.emptied_after, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_queue_that_grows_does_not_and_says_what_is_used_up() {
        let pace = step(|at| at.min(200 - at.min(200)), 0.97).pace(Queue::Batches);
        assert!(!pace.keeps_up);
        assert_eq!(
            (pace.left, pace.emptied_after),
            (100, Some(Duration::from_secs(100)))
        );
        let because = pace.because.unwrap();
        assert!(
            because.contains("all its 4 places") && because.contains("97 % busy"),
            "{because}"
        );
    }

    #[test]
    fn the_bound_is_the_template_s() {
        assert_eq!(bound(), 18);
    }
}
