//! The engine against figures worked out by hand, and its laws for any requests.

use proptest::prelude::*;

use super::*;

/// 1 ms to read a token, 10 ms to write one and 5 more for each other answer; room for 1,000 tokens.
const RATES: Rates = Rates {
    prefill_ms_per_token: 1.0,
    decode_ms_per_token: 10.0,
    decode_ms_per_token_and_other_request: 5.0,
    kv_tokens: 1000,
    prefix_block_tokens: 128,
};

fn work(prompt_tokens: f64, answer_tokens: f64) -> Work {
    Work {
        prompt_tokens,
        answer_tokens,
        prefix: None,
        ends: true,
    }
}

/// When each answer is complete, of requests that arrive together.
fn times(rates: Rates, max_running: usize, all: &[Work]) -> Vec<f64> {
    let mut engine = Engine::new(rates, max_running);
    (0..)
        .zip(all)
        .for_each(|(request, work)| engine.submit(request, *work));
    let mut finished = engine.advance(1e9);
    finished.sort_by_key(|finished| finished.request);
    finished.into_iter().map(|finished| finished.at_s).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    let near = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near, "{found:?}, not {expected:?}");
}

#[test]
fn alone_a_request_is_read_then_written() {
    close(
        &times(RATES, 4, &[work(100.0, 20.0)]),
        &[0.1 + 20.0 * 0.010],
    );
}

#[test]
fn two_are_read_one_after_another_and_written_together_until_one_is_done() {
    // Read until 0.2; ten tokens each at 15 ms until 0.35; then ten more at 10 ms.
    close(
        &times(RATES, 4, &[work(100.0, 10.0), work(100.0, 20.0)]),
        &[0.35, 0.45],
    );
}

#[test]
fn the_limit_makes_the_rest_wait_in_order() {
    close(
        &times(
            RATES,
            1,
            &[work(100.0, 10.0), work(50.0, 10.0), work(50.0, 10.0)],
        ),
        &[0.2, 0.35, 0.5],
    );
}

#[test]
fn a_full_cache_makes_requests_wait_and_nobody_overtakes() {
    // The second does not fit beside the first; the third would, and waits its turn.
    close(
        &times(
            RATES,
            4,
            &[work(600.0, 10.0), work(500.0, 10.0), work(10.0, 10.0)],
        ),
        &[0.7, 1.36, 1.36],
    );
    close(&times(RATES, 4, &[work(5000.0, 10.0)]), &[5.1]);
}

#[test]
fn while_a_prompt_is_read_no_answer_goes_on() {
    let mut engine = Engine::new(RATES, 4);
    engine.submit(1, work(0.0, 20.0));
    assert!(engine.advance(0.1).is_empty());
    assert_eq!(engine.written(1), Some(10.0));
    engine.submit(2, work(300.0, 1.0));
    let finished: Vec<_> = engine
        .advance(10.0)
        .iter()
        .map(|finished| finished.at_s)
        .collect();
    close(
        &finished,
        &[0.1 + 0.3 + 0.015, 0.1 + 0.3 + 0.015 + 9.0 * 0.010],
    );
}

#[test]
fn it_is_known_when_a_token_will_be_written() {
    let mut engine = Engine::new(RATES, 4);
    engine.submit(1, work(100.0, 20.0));
    assert_eq!(
        engine.written_at_s(1, 0.0),
        None,
        "its prompt is being read"
    );
    engine.advance(0.1);
    close(&[engine.written_at_s(1, 7.0).unwrap()], &[0.17]);
    engine.submit(2, work(100.0, 20.0));
    assert_eq!(
        engine.written_at_s(1, 7.0),
        None,
        "another prompt is being read"
    );
    engine.advance(0.2);
    close(
        &[engine.written_at_s(1, 2.0).unwrap()],
        &[0.2 + 2.0 * 0.015],
    );
}

#[test]
fn a_known_beginning_is_read_once_in_whole_blocks() {
    let with = |id| Work {
        prefix: Some(Prefix { id, tokens: 300 }),
        ..work(400.0, 0.0)
    };
    close(
        &times(
            Rates {
                kv_tokens: 9000,
                ..RATES
            },
            4,
            &[with(1), with(1), with(2)],
        ),
        &[0.944, 0.944, 0.944],
    );
    let none = Rates {
        prefix_block_tokens: 0,
        kv_tokens: 9000,
        ..RATES
    };
    close(&times(none, 4, &[with(1), with(1)]), &[0.8, 0.8]);
}

#[test]
fn a_client_that_goes_makes_room() {
    let mut engine = Engine::new(RATES, 1);
    engine.submit(
        1,
        Work {
            ends: false,
            ..work(0.0, 10.0)
        },
    );
    engine.submit(2, work(100.0, 10.0));
    engine.advance(1.0);
    engine.withdraw(1);
    assert_eq!(engine.running(), 1);
    close(&[engine.advance(9.0)[0].at_s], &[1.2]);
}

proptest! {
    #[test]
    fn every_request_is_answered_within_the_limits_and_more_room_never_harms(
        sizes in prop::collection::vec((1.0..900.0, 1.0..90.0), 1..20),
        max_running in 1_usize..9,
    ) {
        let all: Vec<_> = sizes.into_iter().map(|(prompt, answer)| work(prompt, answer)).collect();
        let mut engine = Engine::new(RATES, max_running);
        (0..).zip(&all).for_each(|(request, work)| engine.submit(request, *work));
        let mut answered = 0;
        while let Some(next_s) = engine.next_s() {
            answered += engine.advance(next_s).len();
            let held = engine.reading.iter().chain(&engine.writing);
            let tokens: f64 = held.map(|held| held.work.prompt_tokens + held.work.answer_tokens).sum();
            prop_assert!(engine.running() <= max_running && tokens <= 1000.0);
        }
        prop_assert_eq!(answered, all.len());
        prop_assert!(engine.most_running() <= max_running);
        let least: f64 = all.iter().map(|w| w.prompt_tokens * 0.001).sum();
        let last = times(RATES, max_running, &all).into_iter().fold(0.0, f64::max);
        let one_by_one: f64 = all.iter().map(|w| w.prompt_tokens * 0.001 + w.answer_tokens * 0.010).sum();
        prop_assert!(last >= least && last <= one_by_one + 1e-6, "{} {} {}", least, last, one_by_one);
    }
}
