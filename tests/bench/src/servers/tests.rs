//! The fit against an engine whose parameters are known, in virtual time; and a real, simulated server's answers.

use simulated_vlm::engine::{Engine, Prefix, Work};
use simulated_vlm::latency::{Latency, Rates};

use super::measure::{Answered, Wave};
use super::*;

const PREFIX_TOKENS: u32 = 1300;
const BESIDE_S: f64 = 0.025;
const KNOWN: Rates = Rates {
    prefill_ms_per_token: 0.21,
    decode_ms_per_token: 14.0,
    decode_ms_per_token_and_other_request: 0.6,
    kv_tokens: u32::MAX,
    prefix_block_tokens: 128,
};

/// What somebody would measure of a server with these rates, each time off by at most this share.
fn measured(rates: Rates, off: f64) -> Vec<Wave> {
    let mut chance = fastrand::Rng::with_seed(7);
    let mut waves = Vec::new();
    for (long_edge, image_tokens) in [(800, 475.0), (1600, 1900.0)] {
        for photos in [1, 2] {
            for at_once in [1, 2, 4, 8, 16] {
                let tokens = 30.0 + f64::from(PREFIX_TOKENS) + image_tokens * photos as f64;
                let answers: Vec<f64> = (0..at_once)
                    .map(|_| f64::from(chance.u32(25..60)))
                    .collect();
                let mut blur = |s: f64| s * (1.0 + off * (chance.f64() * 2.0 - 1.0));
                let answered = run(rates, tokens, &answers).into_iter().zip(&answers);
                let answered = answered.map(|((first, end), answer_tokens)| Answered {
                    prompt_tokens: tokens,
                    answer_tokens: *answer_tokens,
                    first_s: Some(blur(first + BESIDE_S)),
                    end_s: blur(end + BESIDE_S),
                });
                let (answered, failed) = (answered.collect(), Vec::new());
                waves.push(Wave {
                    photos,
                    long_edge,
                    at_once,
                    answered,
                    failed,
                    prefix_tokens: PREFIX_TOKENS,
                });
            }
        }
    }
    waves
}

/// First tokens and ends of requests that arrive together, looked for in small steps: not as the fit works them out.
fn run(rates: Rates, prompt_tokens: f64, answers: &[f64]) -> Vec<(f64, f64)> {
    const STEP_S: f64 = 0.000_5;
    let mut engine = Engine::new(rates, usize::MAX);
    let prefix = Some(Prefix {
        id: 1,
        tokens: PREFIX_TOKENS,
    });
    let work = |prompt_tokens, answer_tokens| Work {
        prompt_tokens,
        answer_tokens,
        prefix,
        ends: true,
    };
    engine.submit(99, work(f64::from(PREFIX_TOKENS), 0.0));
    engine.advance(10.0);
    let mut times = vec![(0.0, 0.0); answers.len()];
    for (request, answer) in (0..).zip(answers) {
        engine.submit(request, work(prompt_tokens, *answer));
    }
    let mut now = 0.0;
    while times.iter().any(|(_, end)| *end == 0.0) {
        now += STEP_S;
        for finished in engine.advance(10.0 + now) {
            times[finished.request as usize].1 = finished.at_s - 10.0;
        }
        for (request, time) in (0..).zip(&mut times) {
            if time.0 == 0.0
                && engine
                    .written(request)
                    .is_some_and(|written| written >= 1.0)
            {
                time.0 = now;
            }
        }
    }
    times
}

fn near(name: &str, found: f64, known: f64, within: f64) {
    assert!(
        (found / known - 1.0).abs() <= within,
        "{name}: {found}, not {known}"
    );
}

#[test]
fn known_parameters_are_found_again_within_three_percent() {
    let fit = fit::fit(&measured(KNOWN, 0.0)).unwrap().unwrap();
    let found = fit.rates;
    near(
        "reading",
        found.prefill_ms_per_token,
        KNOWN.prefill_ms_per_token,
        0.03,
    );
    near(
        "writing",
        found.decode_ms_per_token,
        KNOWN.decode_ms_per_token,
        0.03,
    );
    let other = found.decode_ms_per_token_and_other_request;
    near(
        "slowing",
        other,
        KNOWN.decode_ms_per_token_and_other_request,
        0.03,
    );
    near("beside", fit.beside_s, BESIDE_S, 0.1);
    assert_eq!(found.prefix_block_tokens, 128);
    assert!(fit.mean_off_percent() < 1.0, "{}", fit.mean_off_percent());
}

#[test]
fn times_that_are_off_by_a_tenth_each_give_parameters_within_a_tenth() {
    let fit = fit::fit(&measured(KNOWN, 0.1)).unwrap().unwrap();
    let found = fit.rates;
    near(
        "reading",
        found.prefill_ms_per_token,
        KNOWN.prefill_ms_per_token,
        0.1,
    );
    near(
        "writing",
        found.decode_ms_per_token,
        KNOWN.decode_ms_per_token,
        0.1,
    );
    let other = found.decode_ms_per_token_and_other_request;
    near(
        "slowing",
        other,
        KNOWN.decode_ms_per_token_and_other_request,
        0.1,
    );
}

#[test]
fn a_server_that_keeps_no_beginnings_is_told_from_one_that_does() {
    let forgetful = Rates {
        prefix_block_tokens: 0,
        ..KNOWN
    };
    let fit = fit::fit(&measured(forgetful, 0.0)).unwrap().unwrap();
    assert_eq!(fit.rates.prefix_block_tokens, 0);
    near(
        "reading",
        fit.rates.prefill_ms_per_token,
        KNOWN.prefill_ms_per_token,
        0.03,
    );
    let file = fit.latency_file();
    assert!(
        file["sources"][0]
            .as_str()
            .unwrap()
            .contains("bench servers")
    );
}

#[test]
fn nothing_is_fitted_to_answers_without_a_count() {
    let mut waves = measured(KNOWN, 0.0);
    waves.truncate(1);
    waves[0].answered[0].prompt_tokens = 0.0;
    assert!(fit::fit(&waves).unwrap().is_none());
}

#[tokio::test]
async fn a_server_is_measured_and_its_refusals_are_counted() {
    let options = simulated_vlm::Options {
        model: "m".into(),
        api_key: None,
        latency: Latency::parse("none").unwrap(),
        max_running: 4,
        max_queued: None,
        personality: "mistral".into(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(simulated_vlm::serve(listener, options));
    let mut asked = Options {
        vlm_url: vec![url.clone()],
        vlm_model: "m".into(),
        at_once: vec![1, 2],
        photos: vec![1, 2],
        sizes: vec![800],
        rounds: 1,
        latency_file: None,
        json: true,
    };
    let waves = measure::of(&url, &asked).await.unwrap();
    assert_eq!(waves.len(), 4);
    for wave in &waves {
        assert_eq!((wave.answered.len(), wave.failed.len()), (wave.at_once, 0));
        let counted = wave
            .answered
            .iter()
            .all(|one| one.prompt_tokens > 1000.0 && one.first_s.is_some());
        assert!(counted, "{wave:?}");
    }
    let points = present::points(&waves);
    assert!(
        points
            .iter()
            .all(|point| point["images_per_s"].as_f64().unwrap() > 0.0)
    );
    asked.vlm_model = "another".into();
    let waves = measure::of(&url, &asked).await.unwrap();
    assert!(waves.iter().all(|wave| {
        wave.failed
            .iter()
            .all(|words| words.contains("the model's name"))
    }));
    assert!(fit::fit(&waves).unwrap().is_none());
    let all = [Found {
        url,
        waves,
        fit: None,
    }];
    assert!(present::text(&all).contains("failed: the model's name"));
}
