//! The server: what is in flight, running and waiting, and the way of a request through it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::faults::{Fault, Faults, Kind};
use crate::latency::Latency;
use crate::look::Seen;

/// Requests whose record is kept.
const KEPT: usize = 2000;

/// How often a running answer looks how many others run.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// What the server was started with.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) api_key: Option<String>,
    pub(crate) latency: Latency,
    pub(crate) max_running: usize,
    pub(crate) max_queued: Option<usize>,
}

/// The server's state.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: Options,
    places: Arc<Semaphore>,
    prefill: AsyncMutex<()>,
    state: Mutex<State>,
    begun: Instant,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) latency: Latency,
    pub(crate) faults: Faults,
    counts: Counts,
    records: VecDeque<Value>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    requests: u64,
    answered: u64,
    in_flight: usize,
    max_in_flight: usize,
    running: usize,
    max_running: usize,
    image_tokens: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// Tokens of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    pub(crate) image: u32,
    pub(crate) prompt: u32,
    pub(crate) completion: u32,
}

/// Counts a request as in flight until it is dropped: answered, or given up by its client.
pub(crate) struct InFlight(Arc<Server>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.state().counts.in_flight -= 1;
    }
}

struct Running<'a>(&'a Server);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().counts.running -= 1;
    }
}

impl Server {
    pub(crate) fn new(options: Options) -> Self {
        let state = State {
            latency: options.latency,
            faults: Faults::default(),
            counts: Counts::default(),
            records: VecDeque::new(),
        };
        Self {
            places: Arc::new(Semaphore::new(options.max_running)),
            prefill: AsyncMutex::new(()),
            state: Mutex::new(state),
            begun: Instant::now(),
            options,
        }
    }

    /// The state; a panic elsewhere leaves it usable.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request that has arrived.
    pub(crate) fn arrive(self: &Arc<Self>) -> InFlight {
        let mut state = self.state();
        let counts = &mut state.counts;
        counts.requests += 1;
        counts.in_flight += 1;
        counts.max_in_flight = counts.max_in_flight.max(counts.in_flight);
        InFlight(Arc::clone(self))
    }

    /// Whether the queue takes no more.
    pub(crate) fn is_full(&self) -> bool {
        let counts = self.state().counts;
        let waiting = counts.in_flight.saturating_sub(self.options.max_running);
        self.options.max_queued.is_some_and(|most| waiting > most)
    }

    /// Lets the time of an answer pass: waiting for a place, prefill one after another, decode.
    pub(crate) async fn spend(&self, tokens: Tokens, fault: Option<&Fault>) {
        let _place = self.places.acquire().await;
        let latency = {
            let mut state = self.state();
            let counts = &mut state.counts;
            counts.running += 1;
            counts.max_running = counts.max_running.max(counts.running);
            state.latency
        };
        let _running = Running(self);
        let factor = if fault.is_some_and(|fault| fault.kind == Kind::Slow) { 10 } else { 1 };
        if fault.is_some_and(|fault| fault.kind == Kind::Hang) {
            std::future::pending::<()>().await;
        }
        {
            let _turn = self.prefill.lock().await;
            pass(latency.prefill(tokens.image)).await;
        }
        self.decode(latency, tokens.completion, factor).await;
    }

    /// Writes an answer, slower while more requests run: looks every now and then how many do.
    async fn decode(&self, latency: Latency, tokens: u32, factor: u32) {
        let mut left = 1.0;
        while left > 0.0 {
            let running = self.state().counts.running;
            let whole = latency.decode(tokens, running) * factor;
            if whole.is_zero() {
                return;
            }
            let began = Instant::now();
            pass(whole.mul_f64(left).min(LOOKS_EVERY)).await;
            left -= began.elapsed().as_secs_f64() / whole.as_secs_f64();
        }
    }

    /// Notes what became of a request.
    pub(crate) fn record(
        &self,
        seen: &Seen,
        asked: Option<&[String]>,
        arrived: Instant,
        tokens: Option<Tokens>,
        fault: Option<Kind>,
    ) {
        let millis = |moment: Instant| moment.duration_since(self.begun).as_millis() as u64;
        let record = json!({
            "photo": seen.photo(), "asked": asked, "unreadable": seen.unreadable, "width": seen.width, "height": seen.height,
            "metadata": seen.metadata, "image_tokens": seen.image_tokens, "fault": fault,
            "arrived_ms": millis(arrived), "finished_ms": millis(Instant::now()),
        });
        let mut state = self.state();
        if let Some(tokens) = tokens {
            let counts = &mut state.counts;
            counts.answered += 1;
            counts.image_tokens += u64::from(tokens.image);
            counts.prompt_tokens += u64::from(tokens.prompt);
            counts.completion_tokens += u64::from(tokens.completion);
        }
        state.records.push_back(record);
        if state.records.len() > KEPT {
            state.records.pop_front();
        }
    }

    /// Everything that was counted.
    pub(crate) fn stats(&self) -> Value {
        let state = self.state();
        let Counts {
            requests,
            answered,
            in_flight,
            max_in_flight,
            running,
            max_running,
            image_tokens,
            prompt_tokens,
            completion_tokens,
        } = state.counts;
        json!({
            "simulation": true, "requests": requests, "answered": answered, "in_flight": in_flight, "max_in_flight": max_in_flight,
            "running": running, "waiting": in_flight.saturating_sub(running), "max_running_seen": max_running,
            "max_running": self.options.max_running, "faults": state.faults.happened(), "image_tokens": image_tokens,
            "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "recent": state.records,
        })
    }

    /// Forgets what was counted, and the faults to come.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        let Counts { in_flight, running, .. } = state.counts;
        state.counts =
            Counts { in_flight, running, max_in_flight: in_flight, max_running: running, ..Counts::default() };
        state.faults = Faults::default();
        state.latency = self.options.latency;
        state.records.clear();
    }
}

async fn pass(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}
