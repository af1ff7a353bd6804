//! The server's work in virtual time: continuous batching. The HTTP server drives it by its clock, the benchmark by
//! phase from event to event; nothing here sleeps.
//!
//! Requests wait in the order of their arrival. One is admitted while fewer than `max_running` run and the KV cache
//! holds its prompt and its answer. Prompts are read one after another, and while one is read nobody's answer goes
//! on. All answers are written at once: a token of each takes longer the more there are. An identical beginning that
//! was read before is not read again.
//!
//! # Invariants
//! - No more than `max_running` requests run, nor more tokens than the KV cache holds; a request that alone exceeds the
//!   cache runs alone.
//! - Nobody overtakes: requests are admitted in the order of their arrival.

use std::collections::{BTreeSet, VecDeque};

use crate::latency::Rates;
pub use crate::work::{Prefix, Work};

/// Tokens, or parts of one, that are taken for nothing: rounding errors.
const NOTHING: f64 = 1e-9;

/// An answer that is complete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// The request, as it was submitted.
    pub request: u64,
    /// When, in seconds since the engine began.
    pub at_s: f64,
}

/// A server, from its beginning.
#[derive(Debug, Clone)]
pub struct Engine {
    rates: Rates,
    max_running: usize,
    now_s: f64,
    waiting: VecDeque<Held>,
    reading: VecDeque<Held>,
    writing: Vec<Held>,
    prefixes: BTreeSet<u64>,
    most_running: usize,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    request: u64,
    work: Work,
    /// Tokens left to read, then to write.
    left: f64,
}

impl Engine {
    /// An idle server that runs at most `max_running` requests.
    pub fn new(rates: Rates, max_running: usize) -> Self {
        Self {
            rates,
            max_running: max_running.max(1),
            now_s: 0.0,
            waiting: VecDeque::new(),
            reading: VecDeque::new(),
            writing: Vec::new(),
            prefixes: BTreeSet::new(),
            most_running: 0,
        }
    }

    /// From now on these rates.
    pub fn set_rates(&mut self, rates: Rates) {
        self.rates = rates;
        self.admit();
    }

    /// Takes a request at the present time.
    pub fn submit(&mut self, request: u64, work: Work) {
        self.waiting.push_back(Held {
            request,
            work,
            left: 0.0,
        });
        self.admit();
    }

    /// Forgets a request whose client has gone.
    pub fn withdraw(&mut self, request: u64) {
        let stays = |held: &Held| held.request != request;
        self.waiting.retain(stays);
        self.reading.retain(stays);
        self.writing.retain(stays);
        self.admit();
    }

    /// Requests that run.
    pub fn running(&self) -> usize {
        self.reading.len() + self.writing.len()
    }

    /// The most that ever ran.
    pub fn most_running(&self) -> usize {
        self.most_running
    }

    /// Forgets the most that ever ran, and the beginnings that were read.
    pub fn forget(&mut self) {
        self.most_running = self.running();
        self.prefixes.clear();
    }

    /// Whether a request waits or runs.
    pub fn holds(&self, request: u64) -> bool {
        self.waiting
            .iter()
            .chain(&self.reading)
            .chain(&self.writing)
            .any(|held| held.request == request)
    }

    /// How much of a request's answer is written, in tokens; `None` before it begins and once it is finished.
    pub fn written(&self, request: u64) -> Option<f64> {
        let held = self.writing.iter().find(|held| held.request == request)?;
        Some((held.work.answer_tokens - held.left).max(0.0))
    }

    /// When so many tokens of a request's answer are written if nothing else happens before, in seconds since the
    /// beginning; `None` as long as its prompt is not read.
    pub fn written_at_s(&self, request: u64, tokens: f64) -> Option<f64> {
        let held = self.writing.iter().find(|held| held.request == request)?;
        let left = held.left - (held.work.answer_tokens - tokens);
        let idle = self.reading.is_empty() && left.is_finite();
        let span = left.max(0.0) * self.rates.token_s(self.writing.len());
        idle.then_some(self.now_s + span)
    }

    /// When something happens next if nothing else arrives, in seconds since the beginning.
    pub fn next_s(&self) -> Option<f64> {
        self.due().map(|span| self.now_s + span)
    }

    /// Lets time pass until `until_s`; answers that are complete by then, in order.
    pub fn advance(&mut self, until_s: f64) -> Vec<Finished> {
        let mut finished = Vec::new();
        while let Some(due) = self.due().filter(|due| self.now_s + due <= until_s) {
            self.pass(due);
            finished.extend(self.turn());
            self.admit();
        }
        self.pass((until_s - self.now_s).max(0.0));
        finished
    }

    /// How long until a prompt is read or an answer written.
    fn due(&self) -> Option<f64> {
        if let Some(front) = self.reading.front() {
            return Some(front.left.max(0.0) * self.rates.prefill_s());
        }
        let least = self
            .writing
            .iter()
            .map(|held| held.left)
            .filter(|left| left.is_finite())
            .min_by(f64::total_cmp)?;
        Some(least.max(0.0) * self.rates.token_s(self.writing.len()))
    }

    fn pass(&mut self, span_s: f64) {
        self.now_s += span_s;
        let tokens = |token_s: f64| {
            if token_s > 0.0 {
                span_s / token_s
            } else {
                f64::INFINITY
            }
        };
        if let Some(front) = self.reading.front_mut() {
            front.left -= tokens(self.rates.prefill_s());
        } else {
            let written = tokens(self.rates.token_s(self.writing.len()));
            self.writing
                .iter_mut()
                .filter(|held| held.work.ends)
                .for_each(|held| held.left -= written);
        }
    }

    /// Moves what is read on to being written, and takes out what is written.
    fn turn(&mut self) -> Vec<Finished> {
        if let Some(held) = self.reading.pop_front_if(|held| held.left <= NOTHING) {
            self.prefixes
                .extend(held.work.prefix.map(|prefix| prefix.id));
            let left = if held.work.ends {
                held.work.answer_tokens
            } else {
                f64::INFINITY
            };
            self.writing.push(Held { left, ..held });
            return Vec::new();
        }
        let at_s = self.now_s;
        let is_written = |held: &mut Held| held.left <= NOTHING;
        self.writing
            .extract_if(.., is_written)
            .map(|held| Finished {
                request: held.request,
                at_s,
            })
            .collect()
    }

    fn admit(&mut self) {
        while let Some(next) = self.waiting.front()
            && self.has_room(next.work)
            && let Some(next) = self.waiting.pop_front()
        {
            let left = next.work.prompt_tokens - self.cached(next.work.prefix);
            self.reading.push_back(Held { left, ..next });
            self.most_running = self.most_running.max(self.running());
        }
    }

    fn has_room(&self, work: Work) -> bool {
        let size = |work: Work| work.prompt_tokens + work.answer_tokens;
        let held: f64 = self
            .reading
            .iter()
            .chain(&self.writing)
            .map(|held| size(held.work))
            .sum();
        let fits = held == 0.0 || held + size(work) <= f64::from(self.rates.kv_tokens);
        self.running() < self.max_running && fits
    }

    /// Tokens of a beginning that need not be read again: whole blocks of one that was read, or is to be read before.
    fn cached(&self, prefix: Option<Prefix>) -> f64 {
        let known = |id: u64| {
            let to_be_read = self.reading.iter().filter_map(|held| held.work.prefix);
            self.prefixes.contains(&id) || to_be_read.into_iter().any(|prefix| prefix.id == id)
        };
        let block = self.rates.prefix_block_tokens;
        let whole = |tokens: u32| tokens.checked_div(block).map_or(0, |blocks| blocks * block);
        prefix
            .filter(|prefix| known(prefix.id))
            .map_or(0.0, |prefix| f64::from(whole(prefix.tokens)))
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
