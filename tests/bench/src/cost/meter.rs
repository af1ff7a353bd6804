//! What the local stack's strict layer counts: AWS calls by what they cost, and how long functions ran.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything since the last reset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Meter {
    pub(crate) calls: Vec<Calls>,
    pub(crate) functions: Vec<Runs>,
}

/// Calls of one kind, by one caller.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Calls {
    pub(crate) service: String,
    pub(crate) operation: String,
    /// A function; empty for who is none.
    pub(crate) caller: String,
    pub(crate) count: f64,
    /// Bytes of all answers' bodies.
    #[serde(default)]
    pub(crate) response_bytes: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) read_units: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) write_units: f64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) index_write_units: BTreeMap<String, f64>,
    /// Of a queue: requests of 64 KB each.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) billed_requests: f64,
    /// Of S3: `put`, `get` or `free`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) tier: String,
}

/// What a function did for one source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Runs {
    pub(crate) function: String,
    /// A queue's name, `execute-api`, `schedule` or `invoke`.
    pub(crate) source: String,
    pub(crate) invocations: f64,
    /// Messages; none if the source is no queue.
    pub(crate) records: f64,
    pub(crate) init_ms: f64,
    pub(crate) duration_ms: f64,
    pub(crate) memory_mb: f64,
    pub(crate) log_bytes: f64,
}

/// The function that runs by the clock, whatever is evaluated.
const SWEEPER: &str = "sweeper";

impl Meter {
    /// What evaluations caused, and apart from it what runs every minute anyway.
    pub(crate) fn without_sweeps(self) -> (Self, Self) {
        let (sweeps, calls) = self
            .calls
            .into_iter()
            .partition(|calls| calls.caller.ends_with(SWEEPER));
        let (runs, functions) = self
            .functions
            .into_iter()
            .partition(|runs| runs.function.ends_with(SWEEPER));
        let sweeps = Self {
            calls: sweeps,
            functions: runs,
        };
        (Self { calls, functions }, sweeps)
    }

    /// Both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.calls.extend(other.calls);
        self.functions.extend(other.functions);
        self
    }

    /// The calls of a service.
    pub(crate) fn of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Calls> {
        self.calls
            .iter()
            .filter(move |calls| calls.service == service)
    }
}

impl Runs {
    /// Gigabytes (2^30 bytes) times seconds. Starts are charged as well, but those of an optimised build take 9 ms, and
    /// those of this one half a second: they are left out.
    pub(crate) fn gb_seconds(&self) -> f64 {
        self.memory_mb / 1024.0 * self.duration_ms / 1000.0
    }

    /// Whether an event source reads a queue for it.
    pub(crate) fn reads_a_queue(&self) -> bool {
        self.records > 0.0
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
