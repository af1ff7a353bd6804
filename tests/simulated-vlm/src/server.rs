//! The server: what is in flight, running and waiting, and the way of a request through it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::engine::{Engine, Prefix, Work};
use crate::faults::{Fault, Faults, Kind};
use crate::latency::Latency;
use crate::look::Seen;

/// Requests whose record is kept.
const KEPT: usize = 2000;

/// A request that nothing is due for looks again after this long; what changes meanwhile wakes it.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);

/// What the server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The model's name.
    pub model: String,
    /// The key that it wants, if any.
    pub api_key: Option<String>,
    /// How fast it is.
    pub latency: Latency,
    /// Requests that run at once.
    pub max_running: usize,
    /// Requests that wait, before others are refused.
    pub max_queued: Option<usize>,
}

/// The server's state.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: Options,
    state: Mutex<State>,
    /// Told when requests come and go.
    changed: Notify,
    begun: Instant,
}

#[derive(Debug)]
pub(crate) struct State {
    latency: Latency,
    /// The key that requests must bring.
    api_key: Option<String>,
    engine: Engine,
    pub(crate) faults: Faults,
    counts: Counts,
    submitted: u64,
    records: VecDeque<Value>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    requests: u64,
    answered: u64,
    in_flight: usize,
    max_in_flight: usize,
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
    /// The prompt's beginning, the same for every photo.
    pub(crate) prefix: Prefix,
}

impl Tokens {
    fn work(&self) -> Work {
        let (prompt_tokens, answer_tokens) = (f64::from(self.prompt), f64::from(self.completion));
        Work {
            prompt_tokens,
            answer_tokens,
            prefix: Some(self.prefix),
            ends: true,
        }
    }
}

/// Counts a request as in flight until it is dropped: answered, or given up by its client.
pub(crate) struct InFlight(Arc<Server>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.state().counts.in_flight -= 1;
    }
}

/// A request that waits or runs, until it is dropped.
struct Held<'a>(&'a Server, u64);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.now().engine.withdraw(self.1);
        self.0.changed.notify_waiters();
    }
}

impl Server {
    pub(crate) fn new(options: Options) -> Self {
        let state = State {
            latency: options.latency,
            api_key: options.api_key.clone(),
            engine: Engine::new(options.latency.rates(), options.max_running),
            faults: Faults::default(),
            counts: Counts::default(),
            submitted: 0,
            records: VecDeque::new(),
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
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

    /// The state, with the engine at the present time.
    fn now(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let _ = state.engine.advance(self.begun.elapsed().as_secs_f64());
        state
    }

    /// From now on requests must bring this key.
    pub(crate) fn set_key(&self, api_key: Option<String>) {
        self.state().api_key = api_key;
    }

    /// Whether a request that brings this may be answered.
    pub(crate) fn admits(&self, authorization: Option<&str>) -> bool {
        let wanted = self.state().api_key.clone();
        wanted.is_none_or(|key| authorization == Some(format!("Bearer {key}").as_str()))
    }

    /// From now on this fast.
    pub(crate) fn set_latency(&self, latency: Latency) {
        let mut state = self.now();
        state.latency = latency;
        state.engine.set_rates(latency.rates());
    }

    /// Lets the time of an answer pass: waiting for a place, reading the prompt, writing the answer.
    pub(crate) async fn spend(&self, tokens: Tokens, fault: Option<&Fault>) {
        let held = self.submit(tokens, fault.map(|fault| fault.kind));
        loop {
            let changed = self.changed.notified();
            let next_s = {
                let state = self.now();
                if !state.engine.holds(held.1) {
                    return;
                }
                state.engine.next_s()
            };
            let next = next_s.and_then(|next_s| Duration::try_from_secs_f64(next_s).ok());
            let until = next.map_or_else(|| Instant::now() + LOOKS_AGAIN, |next| self.begun + next);
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => (),
                () = changed => (),
            }
        }
    }

    fn submit(&self, tokens: Tokens, fault: Option<Kind>) -> Held<'_> {
        let mut state = self.now();
        state.submitted += 1;
        let request = state.submitted;
        let work = state.latency.work(tokens.work());
        let factor = if fault == Some(Kind::Slow) { 10.0 } else { 1.0 };
        let work = Work {
            answer_tokens: work.answer_tokens * factor,
            ends: fault != Some(Kind::Hang),
            ..work
        };
        state.engine.submit(request, work);
        self.changed.notify_waiters();
        Held(self, request)
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
            "photo": seen.photo(),
            "asked": asked,
            "unreadable": seen.unreadable,
            "width": seen.width,
            "height": seen.height,
            "metadata": seen.metadata,
            "image_tokens": seen.image_tokens,
            "fault": fault,
            "arrived_ms": millis(arrived),
            "finished_ms": millis(Instant::now()),
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
        let state = self.now();
        let Counts {
            requests,
            answered,
            in_flight,
            max_in_flight,
            image_tokens,
            prompt_tokens,
            completion_tokens,
        } = state.counts;
        let (running, most_running) = (state.engine.running(), state.engine.most_running());
        json!({
            "simulation": true,
            "requests": requests,
            "answered": answered,
            "in_flight": in_flight,
            "max_in_flight": max_in_flight,
            "running": running,
            "waiting": in_flight.saturating_sub(running),
            "max_running_seen": most_running,
            "max_running": self.options.max_running,
            "faults": state.faults.happened(),
            "image_tokens": image_tokens,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "recent": state.records,
        })
    }

    /// Forgets what was counted, the faults to come, and what was set since the start.
    pub(crate) fn reset(&self) {
        self.set_latency(self.options.latency);
        self.set_key(self.options.api_key.clone());
        let mut state = self.now();
        let Counts { in_flight, .. } = state.counts;
        state.counts = Counts {
            in_flight,
            max_in_flight: in_flight,
            ..Counts::default()
        };
        state.engine.forget();
        state.faults = Faults::default();
        state.records.clear();
    }
}
