//! What is measured: every metric, with its unit and what it says. The steps note figures through
//! [`crate::run::ports::Ports::note`]; who stands behind it writes them down.
//!
//! # Invariants
//! - A metric is named here or nowhere: the table in `infra/OPERATING.md` is printed from it, alarms and dashboard are
//!   checked against it.
//! - A figure that is a rate is noted as 0 or 1 for each case, so that its mean is the rate.
//! - Few divisions, each with few values: every one of them is a metric that is paid for.

mod noted;

use std::fmt::Write;

pub use noted::{of_accuracy, of_deferral, of_look, of_outcome, of_round, of_telling, of_verdict};

/// A metric's unit, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things; or, as 0 or 1 for each case, how many of all.
    Count,
    /// A span.
    Milliseconds,
    /// A longer span.
    Seconds,
    /// Of 100.
    Percent,
}

/// What a metric is divided by, besides the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Division {
    /// Nothing.
    Whole,
    /// `full` or `quick`.
    Mode,
    /// Why something was put off.
    Cause,
    /// What became of a request to the VLM.
    Class,
    /// Which function.
    Function,
    /// Why an earlier answer was not enough.
    MissedBecause,
}

impl Division {
    /// The dimension's name in CloudWatch, if there is one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::Mode => Some("Mode"),
            Self::Cause => Some("Cause"),
            Self::Class => Some("Class"),
            Self::Function => Some("Function"),
            Self::MissedBecause => Some("MissedBecause"),
        }
    }

    /// How many values it has at most.
    pub fn values(self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Mode => 2,
            Self::Cause => 7,
            Self::Class => 8,
            Self::Function => 6,
            Self::MissedBecause => 10,
        }
    }
}

macro_rules! metrics {
    ($($name:ident, $unit:ident, $division:ident, $from:literal, $says:literal;)*) => {
        /// A metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = $says] $name,)*
        }

        impl Metric {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in CloudWatch.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Its unit.
            pub fn unit(self) -> Unit {
                match self { $(Self::$name => Unit::$unit,)* }
            }

            /// What it is divided by.
            pub fn division(self) -> Division {
                match self { $(Self::$name => Division::$division,)* }
            }

            /// The function that notes it.
            pub fn from(self) -> &'static str {
                match self { $(Self::$name => $from,)* }
            }

            /// What it says.
            pub fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)* }
            }
        }
    };
}

metrics! {
    EvaluationTime, Milliseconds, Mode, "aggregator", "From request to first verdict, of evaluations that people asked for and that never waited for the VLM";
    BulkEvaluationTime, Milliseconds, Mode, "aggregator", "The same, of those that uploads started and nobody asked for";
    WaitedEvaluationTime, Milliseconds, Mode, "aggregator", "The same, of all that waited for a VLM that was away or overloaded";
    EvaluationIncomplete, Count, Mode, "aggregator", "1 if the first verdict is incomplete, else 0: the mean is the rate";
    EvaluationFlagged, Count, Whole, "aggregator", "1 if the first verdict has flags for people, else 0";
    PhotoFailed, Count, Whole, "aggregator", "1 if a photo got no answer for a technical reason, else 0: the mean is the error rate";
    PhotoDeferred, Count, Cause, "aggregator", "Photos put off, to be asked about later: the retries";
    QueueWait, Milliseconds, Whole, "aggregator", "From the time a photo's message was due until a function had it";
    FetchTime, Milliseconds, Whole, "aggregator", "Reading a photo from S3";
    CompressTime, Milliseconds, Whole, "aggregator", "Decoding, turning, scaling and encoding a photo";
    FirstTokenTime, Milliseconds, Whole, "aggregator", "From the question about a photo to the answer's first token";
    VlmTime, Milliseconds, Whole, "aggregator", "From the question about a photo to its whole answer";
    PromptTokens, Count, Whole, "aggregator", "Tokens that the VLM read for a photo";
    CompletionTokens, Count, Whole, "aggregator", "Tokens that the VLM wrote for a photo";
    LookAnswered, Count, Whole, "aggregator", "1 if a look at an uploaded photo was answered, 0 if it was passed over or the photo can't be looked at";
    BatchTime, Milliseconds, Whole, "batch", "An invocation of the batch function, from message to last word";
    VlmResponses, Count, Class, "batch", "Requests to the VLM, by what became of them; `Overloaded` is HTTP 429 and its like";
    VlmFailed, Count, Whole, "batch", "1 if a request to the VLM failed, else 0: the mean is the VLM's error rate";
    BreakerOpen, Count, Whole, "sweeper", "1 while the VLM is taken to be away, else 0; each minute";
    PhotosPending, Count, Whole, "sweeper", "Photos without an outcome, in all evaluations looked at; each minute";
    UnfinishedEvaluations, Count, Whole, "sweeper", "Evaluations without a verdict; each minute";
    OldestUnfinished, Seconds, Whole, "sweeper", "The age of the oldest evaluation without a verdict that does not wait for the VLM, since it was back if it did; each minute";
    SweeperRun, Count, Whole, "sweeper", "1 for each round of the sweeper that came to its end";
    PhotosResent, Count, Whole, "sweeper", "Photos that were not heard of and sent again";
    CacheHit, Count, Mode, "splitter", "1 if a request was answered by an earlier or running evaluation, else 0: the mean is the hit rate";
    CacheMissReasons, Count, MissedBecause, "splitter", "Why an earlier evaluation did not answer";
    PhotosReused, Count, Whole, "splitter", "Photos whose earlier answer was used again";
    TokensSaved, Count, Whole, "splitter", "Tokens that the VLM did not have to read or write again";
    TimeSaved, Milliseconds, Whole, "splitter", "What a finished evaluation had taken that answered a request";
    VlmTimeSaved, Milliseconds, Whole, "splitter", "What earlier answers about single photos had taken";
    ApiTime, Milliseconds, Function, "api, splitter", "A request to the API, within its function";
    ApiFailed, Count, Whole, "api, splitter", "1 if a request to the API ended with 5xx, else 0";
    TellTime, Milliseconds, Whole, "notifier", "From an evaluation's verdict until the topic of completions had it";
    Agreement, Percent, Whole, "sweeper", "Of all evaluations of the last 30 days, the share on whose verdict people would agree, as far as they decided; once a day";
    FalsePasses, Percent, Whole, "sweeper", "Of all passes of the last 30 days, the share that people would not let pass, as far as they decided; once a day";
    ReviewChanged, Count, Whole, "notifier, api", "What a person decided was changed or deleted, or does not fit to what was decided before";
    MemoryUsed, Percent, Function, "all", "The most memory that a function's process ever had, of what it may have";
    CpuUsed, Percent, Function, "all", "The CPU time of an invocation, of what its memory buys";
    ColdStart, Count, Function, "all", "1 if an invocation was its process's first, else 0";
}

/// One value of a metric.
///
/// ```
/// use evaluation::figures::{Figure, Metric};
///
/// let hit = Figure::of(Metric::CacheHit, 1).by("full");
/// assert_eq!((hit.value, hit.divided.as_deref()), (1.0, Some("full")));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Of which metric.
    pub metric: Metric,
    /// In the metric's unit.
    pub value: f64,
    /// The value of what the metric is divided by.
    pub divided: Option<String>,
}

impl Figure {
    /// A number of the metric's unit.
    pub fn of(metric: Metric, value: u64) -> Self {
        Self::exactly(metric, value as f64)
    }

    /// 1 or 0.
    pub fn whether(metric: Metric, is: bool) -> Self {
        Self::of(metric, u64::from(is))
    }

    /// A value that is no whole number.
    pub fn exactly(metric: Metric, value: f64) -> Self {
        Self {
            metric,
            value,
            divided: None,
        }
    }

    /// For the whole, and for this value of what the metric is divided by.
    pub fn by(mut self, value: impl Into<String>) -> Self {
        self.divided = Some(value.into());
        self
    }
}

/// The table of all metrics, as the documents show it.
pub fn table() -> String {
    let mut lines = String::from(
        "| metric | unit | also by | from | what it says |\n| --- | --- | --- | --- | --- |\n",
    );
    for metric in Metric::ALL {
        let by = metric
            .division()
            .name()
            .map_or(String::new(), |name| format!("`{name}`"));
        // Writing to a string can't fail.
        let _ = writeln!(
            lines,
            "| `{}` | {:?} | {by} | {} | {} |",
            metric.name(),
            metric.unit(),
            metric.from(),
            metric.says()
        );
    }
    lines
}

/// How many of CloudWatch's metrics a stack has at most: each value of a division is one more.
pub fn paid_for() -> usize {
    let of = |metric: &Metric| 1 + metric.division().values();
    Metric::ALL.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_show_the_table_and_say_how_many_metrics_are_paid_for() {
        let documents = include_str!("../../../../infra/OPERATING.md");
        assert!(
            documents.contains(&table()),
            "infra/OPERATING.md should hold this table:\n{}",
            table()
        );
        let most = format!("{} metrics", paid_for());
        assert!(
            documents.contains(&most),
            "infra/OPERATING.md should say {most}"
        );
    }
}
