//! The server's rates, fitted once to the published times by least squares, and what is left of each.

use serde::{Deserialize, Serialize};
use simulated_vlm::engine::{Engine, Work};
use simulated_vlm::latency::Rates;

use super::world::{Evaluation, Round, run};

const PUBLISHED: &str = include_str!("published.json");
/// What the predecessor's server ran at once, at most.
const MAX_RUNNING: usize = 16;
/// The search begins with steps of a fifth and ends with steps of a ten-thousandth.
const STEPS: (f64, f64) = (0.2, 1e-4);
/// Sizes of the KV cache that are tried, in thousands of tokens.
const KV_THOUSANDS: std::ops::RangeInclusive<u32> = 20..=90;

#[derive(Debug, Clone, Deserialize)]
struct Published {
    prompt_tokens_per_photo: f64,
    long_answer_tokens: f64,
    measured: Vec<Measured>,
    spread_measured: f64,
    token_ms_with_48_running: Figure,
    throughput_200_to_5: Figure,
    spread_of_other_models: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Measured {
    name: String,
    batches: Vec<u32>,
    #[serde(default)]
    parallel: bool,
    #[serde(default)]
    one_prompt: bool,
    #[serde(default)]
    others_s: f64,
    low_s: f64,
    high_s: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Figure {
    name: String,
    value: f64,
}

/// A published figure beside the model's.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Residual {
    pub(crate) name: String,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) model: f64,
    /// The model's distance from the published figure or range, in percent of it.
    pub(crate) off_percent: f64,
    #[serde(skip)]
    spread: f64,
}

/// What was fitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit {
    pub(crate) rates: Rates,
    /// The tokens of the answer of "one prompt for all steps", which nobody published.
    pub(crate) one_prompt_tokens: f64,
    /// Sizes of the KV cache that explain the times as well.
    pub(crate) kv_range: (u32, u32),
}

/// Fits from fixed beginnings, so that the same points give the same rates.
pub(crate) fn fit() -> anyhow::Result<Fit> {
    let published: Published = serde_json::from_str(PUBLISHED)?;
    let kv_tokens = 1000 * (KV_THOUSANDS.start() + KV_THOUSANDS.end()) / 2;
    let begin = rates(
        [0.2, 20.0, 1.0],
        Rates {
            kv_tokens,
            ..Rates::realistic()?
        },
    );
    let mut fit = Fit {
        rates: begin,
        one_prompt_tokens: 500.0,
        kv_range: (0, 0),
    };
    for _ in 0..2 {
        fit = search(&published, fit);
        fit = choose_cache(&published, fit);
    }
    Ok(search(&published, fit))
}

/// What is left of each published figure with these rates.
pub(crate) fn residuals(fit: &Fit) -> anyhow::Result<Vec<Residual>> {
    Ok(of(&serde_json::from_str(PUBLISHED)?, fit))
}

fn rates([prefill, decode, other]: [f64; 3], rest: Rates) -> Rates {
    Rates {
        prefill_ms_per_token: prefill,
        decode_ms_per_token: decode,
        decode_ms_per_token_and_other_request: other,
        ..rest
    }
}

/// Coordinate by coordinate, up and down by a factor that shrinks when no step helps.
fn search(published: &Published, from: Fit) -> Fit {
    let change: [fn(&mut Fit, f64); 4] = [
        |fit, by| fit.rates.prefill_ms_per_token *= by,
        |fit, by| fit.rates.decode_ms_per_token *= by,
        |fit, by| fit.rates.decode_ms_per_token_and_other_request *= by,
        |fit, by| fit.one_prompt_tokens *= by,
    ];
    let (mut best, mut step) = ((loss(published, &from), from), STEPS.0);
    while step > STEPS.1 {
        let before = best.0;
        for (change, by) in change
            .iter()
            .flat_map(|change| [(change, 1.0 + step), (change, 1.0 / (1.0 + step))])
        {
            let mut tried = best.1;
            change(&mut tried, by);
            let lost = loss(published, &tried);
            if lost < best.0 {
                best = (lost, tried);
            }
        }
        if best.0 >= before - 1e-12 {
            step /= 2.0;
        }
    }
    best.1
}

/// The middle of the sizes that explain the times best: all of them do so alike.
fn choose_cache(published: &Published, fit: Fit) -> Fit {
    let with = |thousands: u32| Fit {
        rates: Rates {
            kv_tokens: thousands * 1000,
            ..fit.rates
        },
        ..fit
    };
    let tried: Vec<(u32, f64)> = KV_THOUSANDS
        .map(|size| (size, loss(published, &with(size))))
        .collect();
    let least = tried
        .iter()
        .map(|(_, lost)| *lost)
        .fold(f64::INFINITY, f64::min);
    let alike: Vec<u32> = tried
        .iter()
        .filter(|(_, lost)| *lost <= least + 1e-9)
        .map(|(size, _)| *size)
        .collect();
    let (low, high) = alike
        .first()
        .zip(alike.last())
        .map_or((0, 0), |(low, high)| (*low, *high));
    Fit {
        kv_range: (low * 1000, high * 1000),
        ..with((low + high) / 2)
    }
}

fn loss(published: &Published, fit: &Fit) -> f64 {
    of(published, fit)
        .iter()
        .map(|left| ((1.0 + left.off_percent / 100.0).max(1e-9).ln() / left.spread).powi(2))
        .sum()
}

fn of(published: &Published, fit: &Fit) -> Vec<Residual> {
    let rates = fit.rates;
    let throughput = |running: usize| running as f64 / rates.token_s(running);
    let others = [
        (
            &published.token_ms_with_48_running,
            rates.token_s(48) * 1000.0,
        ),
        (
            &published.throughput_200_to_5,
            throughput(200) / throughput(5),
        ),
    ];
    let measured = published.measured.iter().map(|point| {
        let model = seconds(published, point, fit);
        residual(
            &point.name,
            (point.low_s, point.high_s),
            model,
            published.spread_measured,
        )
    });
    let others = others.into_iter().map(|(figure, model)| {
        residual(
            &figure.name,
            (figure.value, figure.value),
            model,
            published.spread_of_other_models,
        )
    });
    measured.chain(others).collect()
}

fn residual(name: &str, (low, high): (f64, f64), model: f64, spread: f64) -> Residual {
    let nearest = model.clamp(low, high);
    Residual {
        name: name.into(),
        low,
        high,
        model,
        off_percent: (model / nearest - 1.0) * 100.0,
        spread,
    }
}

fn seconds(published: &Published, point: &Measured, fit: &Fit) -> f64 {
    let answer_tokens = if point.one_prompt {
        fit.one_prompt_tokens
    } else {
        published.long_answer_tokens
    };
    let round = |photos: &u32| {
        let prompt_tokens = f64::from(*photos) * published.prompt_tokens_per_photo;
        Round {
            before_s: 0.0,
            requests: vec![Work {
                prompt_tokens,
                answer_tokens,
                prefix: None,
                ends: true,
            }],
        }
    };
    let rounds = point.batches.iter().map(round);
    let waves = if point.parallel {
        [rounds.collect()].into()
    } else {
        rounds.map(|round| vec![round]).collect()
    };
    let evaluation = Evaluation {
        before_s: 0.0,
        between_s: 0.0,
        after_s: point.others_s,
        waves,
    };
    run(
        Engine::new(fit.rates, MAX_RUNNING),
        usize::MAX,
        vec![evaluation],
    )
    .into_iter()
    .fold(0.0, f64::max)
}
