//! The server: what is in flight, running and waiting, and the way of a request through it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::engine::{Engine, Prefix, Work};
use crate::faults::{Faults, Kind};
use crate::latency::Latency;
use crate::look::Seen;
use crate::odds::USUAL_SHARPNESS;
use crate::personality::{Personality, Setting};
use crate::sigv4::{ALGORITHM, Signer};

/// Requests whose record is kept.
const KEPT: usize = 2000;

/// Parts of a token that are taken for nothing: rounding errors.
const NEARLY: f64 = 1e-6;

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
    /// Whose words and forms it takes on: a name of `personality::names`.
    pub personality: String,
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
    /// The model's name.
    model: String,
    /// Whose words and forms it takes on.
    personality: Arc<Personality>,
    /// Settings that are wrong, of requests about photos whose name contains this.
    wrong: Vec<(Setting, String)>,
    /// How sure the model is of its scores, of requests about photos whose name contains this.
    sharpness: Vec<(f64, String)>,
    /// Who may sign requests instead of bringing a key.
    signer: Option<Signer>,
    /// How often each field was refused.
    refused: BTreeMap<String, u64>,
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
pub(crate) struct Held {
    server: Arc<Server>,
    request: u64,
    answer_tokens: f64,
}

impl Held {
    /// Lets time pass until this share of the answer is written: 0 is when its prompt is read, 1 when it is complete.
    pub(crate) async fn until_written(&self, share: f64) {
        let server = &self.server;
        loop {
            let changed = server.changed.notified();
            let next = {
                let state = server.now();
                let tokens = share * self.answer_tokens;
                let written = state.engine.written(self.request);
                let enough =
                    written.is_some_and(|written| share < 1.0 && written >= tokens - NEARLY);
                if enough || !state.engine.holds(self.request) {
                    return;
                }
                let at_s = state.engine.written_at_s(self.request, tokens);
                [at_s, state.engine.next_s()]
                    .into_iter()
                    .flatten()
                    .min_by(f64::total_cmp)
            };
            let next = next.and_then(|next_s| Duration::try_from_secs_f64(next_s).ok());
            let until =
                next.map_or_else(|| Instant::now() + LOOKS_AGAIN, |next| server.begun + next);
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => (),
                () = changed => (),
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.server.now().engine.withdraw(self.request);
        self.server.changed.notify_waiters();
    }
}

impl Server {
    /// # Errors
    /// If nobody is called as the options say.
    pub(crate) fn new(options: Options) -> anyhow::Result<Self> {
        let state = State {
            latency: options.latency,
            api_key: options.api_key.clone(),
            model: options.model.clone(),
            personality: Arc::new(Personality::called(&options.personality)?),
            wrong: Vec::new(),
            sharpness: Vec::new(),
            signer: None,
            refused: BTreeMap::new(),
            engine: Engine::new(options.latency.rates(), options.max_running),
            faults: Faults::default(),
            counts: Counts::default(),
            submitted: 0,
            records: VecDeque::new(),
        };
        Ok(Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            begun: Instant::now(),
            options,
        })
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

    /// From now on the model is called so.
    pub(crate) fn set_model(&self, model: String) {
        self.state().model = model;
    }

    /// From now on it takes on these words and forms.
    ///
    /// # Errors
    /// If nobody is called so.
    pub(crate) fn set_personality(&self, name: &str) -> anyhow::Result<()> {
        let personality = Arc::new(Personality::called(name)?);
        self.state().personality = personality;
        Ok(())
    }

    /// From now on only requests with this signer's signature do without a key.
    pub(crate) fn set_signer(&self, signer: Option<Signer>) {
        self.state().signer = signer;
    }

    /// From now on this setting is wrong for requests about photos whose name contains `photo`; none puts all right.
    pub(crate) fn set_wrong(&self, wrong: Option<(Setting, String)>) {
        let mut state = self.state();
        match wrong {
            Some(wrong) => state.wrong.push(wrong),
            None => state.wrong.clear(),
        }
    }

    /// The setting that is wrong for a request about these photos, if any.
    pub(crate) fn wrong_for(&self, photo: &str) -> Option<Setting> {
        let state = self.state();
        let mut wrong = state.wrong.iter();
        wrong.find_map(|(setting, part)| photo.contains(part.as_str()).then_some(*setting))
    }

    /// From now on the model is so sure of its scores for photos whose name contains `photo`.
    pub(crate) fn set_sharpness(&self, sharpness: f64, photo: String) {
        self.state().sharpness.push((sharpness, photo));
    }

    /// How sure the model is of what these photos show.
    pub(crate) fn sharpness_of(&self, photo: &str) -> f64 {
        let state = self.state();
        let mut set = state.sharpness.iter().rev();
        set.find(|(_, part)| photo.contains(part.as_str()))
            .map_or(USUAL_SHARPNESS, |(sharpness, _)| *sharpness)
    }

    /// Whose words and forms it takes on, and the model's name.
    pub(crate) fn persona(&self) -> (Arc<Personality>, String) {
        let state = self.state();
        (Arc::clone(&state.personality), state.model.clone())
    }

    /// Counts a field that was refused.
    pub(crate) fn note_refused(&self, field: &str) {
        *self.state().refused.entry(field.to_owned()).or_default() += 1;
    }

    /// What is wrong with how a request says who sends it, if anything.
    pub(crate) fn turns_away(&self, request: &Parts, body: &[u8]) -> Option<Setting> {
        let state = self.state();
        let given = |name: &str| {
            request
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let signed = given("authorization").is_some_and(|given| given.starts_with(ALGORITHM));
        if let (true, true, Some(signer)) = (state.personality.signed, signed, &state.signer) {
            return (!signer.signed(request, body)).then_some(Setting::Signature);
        }
        let key = state.api_key.as_ref()?;
        let (name, before) = state.personality.key_header();
        (given(name) != Some(format!("{before}{key}").as_str())).then_some(Setting::Key)
    }

    /// From now on this fast.
    pub(crate) fn set_latency(&self, latency: Latency) {
        let mut state = self.now();
        state.latency = latency;
        state.engine.set_rates(latency.rates());
    }

    /// Takes a request in: it waits for a place, its prompt is read, its answer is written.
    pub(crate) fn submit(self: &Arc<Self>, tokens: Tokens, fault: Option<Kind>) -> Held {
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
        Held {
            server: Arc::clone(self),
            request,
            answer_tokens: work.answer_tokens,
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
            "refused": state.refused,
            "words_from": state.personality.sources,
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
        self.set_model(self.options.model.clone());
        self.set_signer(None);
        self.set_wrong(None);
        self.state().sharpness.clear();
        // It was there when the server started.
        let _ = self.set_personality(&self.options.personality);
        let mut state = self.now();
        state.refused.clear();
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
