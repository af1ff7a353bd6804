//! The simulation's parameters, fitted to what was measured by least squares, and what is left of each point.
//!
//! Requests of a wave arrive together at an engine that holds the shared prompt already, if it keeps such. What the
//! engine says of first tokens and ends, with a time beside it (network, preparing pictures), is set beside the
//! measured ones. How much the KV cache holds shows only where it is full: it is not fitted.

use serde_json::{Value, json};
use simulated_vlm::engine::{Engine, Prefix, Work};
use simulated_vlm::latency::Rates;

use super::measure::{Answered, Wave};

/// The search begins with steps of a fifth and ends with steps of a thousandth.
const STEPS: (f64, f64) = (0.2, 1e-3);
/// Nothing is faster than so many seconds; less is rounding.
const LEAST_S: f64 = 1e-6;
/// Parts of a token that are taken for nothing: rounding errors.
const NEARLY: f64 = 1e-6;
/// As large as any cache: it is not full in a measurement.
const ENDLESS: u32 = u32::MAX;
/// vLLM keeps beginnings of prompts in blocks.
const BLOCK: u32 = 128;

/// What was fitted.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub(crate) rates: Rates,
    /// Spent beside reading and writing, on each request.
    pub(crate) beside_s: f64,
    pub(crate) residuals: Vec<Residual>,
}

/// A measured mean beside the model's.
#[derive(Debug, Clone)]
pub(crate) struct Residual {
    pub(crate) name: String,
    pub(crate) measured_s: f64,
    pub(crate) model_s: f64,
}

impl Residual {
    /// How far the model is off, in percent of what was measured.
    pub(crate) fn off_percent(&self) -> f64 {
        (self.model_s / self.measured_s - 1.0) * 100.0
    }
}

/// Fits; none where nothing was counted, or too little was answered.
pub(crate) fn fit(waves: &[Wave]) -> anyhow::Result<Option<Fit>> {
    let whole = |wave: &&Wave| wave.failed.is_empty() && wave.answered.iter().all(is_counted);
    let waves: Vec<&Wave> = waves
        .iter()
        .filter(whole)
        .filter(|wave| !wave.answered.is_empty())
        .collect();
    if waves.is_empty() {
        return Ok(None);
    }
    let begin = beginning(&waves, Rates::realistic()?);
    let tried = [BLOCK, 0].map(|block| search(&waves, Tried { block, ..begin }));
    let best = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    Ok(best.map(|(_, best)| Fit {
        rates: best.rates(Rates::realistic().map_or(ENDLESS, |rates| rates.kv_tokens)),
        beside_s: best.beside_s,
        residuals: residuals(&waves, best),
    }))
}

fn is_counted(answered: &Answered) -> bool {
    answered.first_s.is_some() && answered.prompt_tokens > 0.0 && answered.answer_tokens > 1.0
}

/// Parameters that are tried.
#[derive(Debug, Clone, Copy)]
struct Tried {
    prefill_ms: f64,
    decode_ms: f64,
    other_ms: f64,
    beside_s: f64,
    block: u32,
}

impl Tried {
    fn rates(self, kv_tokens: u32) -> Rates {
        Rates {
            prefill_ms_per_token: self.prefill_ms,
            decode_ms_per_token: self.decode_ms,
            decode_ms_per_token_and_other_request: self.other_ms,
            kv_tokens,
            prefix_block_tokens: self.block,
        }
    }
}

/// Near enough to begin with: writing as in the smallest waves, slowing as in the largest.
fn beginning(waves: &[&Wave], realistic: Rates) -> Tried {
    let token_ms = |wave: &Wave| {
        let each = wave.answered.iter().map(|one| {
            (one.end_s - one.first_s.unwrap_or(0.0)).max(LEAST_S) / (one.answer_tokens - 1.0)
                * 1000.0
        });
        each.sum::<f64>() / wave.answered.len() as f64
    };
    let smallest = waves.iter().min_by_key(|wave| wave.at_once);
    let largest = waves.iter().max_by_key(|wave| wave.at_once);
    let decode_ms = smallest.map_or(realistic.decode_ms_per_token, |wave| token_ms(wave));
    let other_ms = largest.map_or(0.0, |wave| {
        let others = (wave.at_once.saturating_sub(1)).max(1) as f64;
        (token_ms(wave) - decode_ms) / others
    });
    let first = smallest.and_then(|wave| wave.answered.first());
    let prefill_ms = first.map_or(realistic.prefill_ms_per_token, |one| {
        one.first_s.unwrap_or(0.0) / one.prompt_tokens * 500.0
    });
    Tried {
        prefill_ms: prefill_ms.max(1e-4),
        decode_ms: decode_ms.max(1e-3),
        other_ms: other_ms.max(decode_ms / 100.0),
        beside_s: 0.01,
        block: BLOCK,
    }
}

/// Coordinate by coordinate, up and down by a factor that shrinks when no step helps.
fn search(waves: &[&Wave], from: Tried) -> (f64, Tried) {
    let change: [fn(&mut Tried, f64); 4] = [
        |tried, by| tried.prefill_ms *= by,
        |tried, by| tried.decode_ms *= by,
        |tried, by| tried.other_ms *= by,
        |tried, by| tried.beside_s *= by,
    ];
    let (mut best, mut step) = ((loss(waves, from), from), STEPS.0);
    while step > STEPS.1 {
        let before = best.0;
        for change in &change {
            for by in [1.0 + step, 1.0 / (1.0 + step)] {
                let mut tried = best.1;
                change(&mut tried, by);
                let lost = loss(waves, tried);
                if lost < best.0 {
                    best = (lost, tried);
                }
            }
        }
        if best.0 >= before * (1.0 - 1e-4) {
            step /= 2.0;
        }
    }
    best
}

fn loss(waves: &[&Wave], tried: Tried) -> f64 {
    let left = residuals(waves, tried);
    left.iter()
        .map(|left| (left.model_s / left.measured_s).max(LEAST_S).ln().powi(2))
        .sum()
}

/// First tokens and ends of each wave, in the mean.
fn residuals(waves: &[&Wave], tried: Tried) -> Vec<Residual> {
    waves.iter().flat_map(|wave| of_wave(wave, tried)).collect()
}

fn of_wave(wave: &Wave, tried: Tried) -> [Residual; 2] {
    let model = modelled(wave, tried);
    let count = wave.answered.len() as f64;
    let mean = |sum: f64| (sum / count).max(LEAST_S);
    let measured = |of: fn(&Answered) -> f64| mean(wave.answered.iter().map(of).sum());
    let name = |what: &str| {
        let Wave {
            photos,
            long_edge,
            at_once,
            ..
        } = wave;
        format!("{what}, {at_once} at once, {photos} of {long_edge} px")
    };
    [
        Residual {
            name: name("first token"),
            measured_s: measured(|one| one.first_s.unwrap_or(0.0)),
            model_s: mean(model.iter().map(|(first, _)| first + tried.beside_s).sum()),
        },
        Residual {
            name: name("end"),
            measured_s: measured(|one| one.end_s),
            model_s: mean(model.iter().map(|(_, end)| end + tried.beside_s).sum()),
        },
    ]
}

/// When each request's first token and its end come, in seconds since all were sent.
fn modelled(wave: &Wave, tried: Tried) -> Vec<(f64, f64)> {
    let mut engine = Engine::new(tried.rates(ENDLESS), usize::MAX);
    let prefix = Prefix {
        id: 1,
        tokens: wave.prefix_tokens,
    };
    let work = |prompt_tokens, answer_tokens| Work {
        prompt_tokens,
        answer_tokens,
        prefix: Some(prefix),
        ends: true,
    };
    // The prompt that all share was read before.
    engine.submit(0, work(f64::from(prefix.tokens), 0.0));
    let mut begun_s = 0.0;
    while let Some(next_s) = engine.next_s() {
        engine.advance(next_s);
        begun_s = next_s;
    }
    let mut times: Vec<(Option<f64>, f64)> = vec![(None, 0.0); wave.answered.len()];
    for (request, one) in (1..).zip(&wave.answered) {
        engine.submit(request, work(one.prompt_tokens, one.answer_tokens));
    }
    while let Some(next) = next(&engine, &times) {
        for finished in engine.advance(next) {
            let at = usize::try_from(finished.request).unwrap_or(0);
            if let Some(time) = at.checked_sub(1).and_then(|at| times.get_mut(at)) {
                time.1 = finished.at_s - begun_s;
            }
        }
        for (request, time) in (1..).zip(&mut times) {
            let written = engine
                .written(request)
                .is_some_and(|written| written >= 1.0 - NEARLY);
            if time.0.is_none() && (written || time.1 > 0.0) {
                time.0 = Some(next - begun_s);
            }
        }
    }
    times
        .into_iter()
        .map(|(first, end)| (first.unwrap_or(end), end))
        .collect()
}

/// When a first token is written, or anything else happens.
fn next(engine: &Engine, times: &[(Option<f64>, f64)]) -> Option<f64> {
    let firsts = (1..).zip(times).filter(|(_, (first, _))| first.is_none());
    let firsts = firsts.filter_map(|(request, _)| engine.written_at_s(request, 1.0));
    firsts.chain(engine.next_s()).min_by(f64::total_cmp)
}

impl Fit {
    /// In the mean, how far the model is off, in percent.
    pub(crate) fn mean_off_percent(&self) -> f64 {
        let off = self.residuals.iter().map(|left| left.off_percent().abs());
        off.sum::<f64>() / self.residuals.len().max(1) as f64
    }

    /// As a latency file of the simulated server.
    pub(crate) fn latency_file(&self) -> Value {
        let mut file = self.parameters();
        if let Some(fields) = file.as_object_mut() {
            let words = format!(
                "fitted by `bench servers` to {} measured means, off by {:.1} % in the mean; kv_tokens is assumed",
                self.residuals.len(),
                self.mean_off_percent()
            );
            fields.insert("sources".into(), json!([words]));
        }
        file
    }

    fn parameters(&self) -> Value {
        json!({
            "prefill_ms_per_token": self.rates.prefill_ms_per_token,
            "decode_ms_per_token": self.rates.decode_ms_per_token,
            "decode_ms_per_token_and_other_request": self.rates.decode_ms_per_token_and_other_request,
            "kv_tokens": self.rates.kv_tokens,
            "prefix_block_tokens": self.rates.prefix_block_tokens,
        })
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let residuals = self.residuals.iter().map(|left| {
            json!({"name": left.name, "measured_s": left.measured_s, "model_s": left.model_s, "off_percent": left.off_percent()})
        });
        json!({
            "rates": self.parameters(), "beside_ms": self.beside_s * 1000.0,
            "mean_off_percent": self.mean_off_percent(), "residuals": residuals.collect::<Vec<_>>(),
        })
    }
}
