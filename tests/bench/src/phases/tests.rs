//! What the model must come to. Time is virtual here, so the same program gives the same figures on any machine.

use super::*;

fn setting() -> Setting {
    Setting::new(Rates::realistic().unwrap()).unwrap()
}

/// Seconds of each system: phases 0, 1, 2, full, quick, cached.
fn seconds(setting: &Setting, drs: &[&Dr], limit: usize) -> [f64; 6] {
    System::ALL.map(|system| setting.cost(system, drs, limit).unwrap().last_s)
}

#[test]
fn the_shipped_rates_are_those_that_the_published_times_give() {
    let (shipped, fitted) = (Rates::realistic().unwrap(), fit::fit().unwrap().rates);
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 0.01;
    assert!(
        close(shipped.prefill_ms_per_token, fitted.prefill_ms_per_token),
        "{fitted:?}"
    );
    assert!(
        close(shipped.decode_ms_per_token, fitted.decode_ms_per_token),
        "{fitted:?}"
    );
    let others = |rates: Rates| rates.decode_ms_per_token_and_other_request;
    assert!(close(others(shipped), others(fitted)), "{fitted:?}");
    assert_eq!(shipped.kv_tokens, fitted.kv_tokens);
}

#[test]
fn the_model_keeps_to_what_was_measured_on_the_predecessors_server() {
    let left = fit::residuals(&fit::fit().unwrap()).unwrap();
    assert!(
        left.iter().take(8).all(|left| left.off_percent.abs() < 6.0),
        "{left:?}"
    );
}

#[test]
fn sixteen_photos_are_nine_times_as_fast_as_one_batch_after_another() {
    let setting = setting();
    let [baseline, .., full, _, _] = seconds(&setting, &[&setting.workload.drs[0]], 16);
    assert!(baseline / full >= 9.0, "{baseline} {full}");
    let talkative = Setting {
        answer_tokens: Some(2000),
        ..setting
    };
    let [baseline, .., full, _, _] = seconds(&talkative, &[&talkative.workload.drs[0]], 16);
    assert!(
        baseline / full < 9.0,
        "with answers of 2,000 tokens it can't be: {baseline} {full}"
    );
}

#[test]
fn this_system_is_ahead_of_every_phase_at_every_limit() {
    let setting = setting();
    for (name, drs) in sets(&setting) {
        for limit in LIMITS {
            let [phase_0, phase_1, phase_2, full, quick, cached] = seconds(&setting, &drs, limit);
            for ours in [full, quick, cached] {
                assert!(
                    ours < phase_0 && ours < phase_1 && ours < phase_2,
                    "{name} {limit}: {ours}"
                );
            }
            assert!(cached < quick, "{name} {limit}: {cached} {quick}");
        }
    }
}

/// Also where a critical step has no photo, so that quick mode asks about all of them: DR1733758.
#[test]
fn quick_mode_is_ahead_of_full_at_every_limit() {
    let setting = setting();
    for (name, drs) in sets(&setting) {
        for limit in LIMITS {
            let [.., full, quick, _] = seconds(&setting, &drs, limit);
            let requests = |system| setting.cost(system, &drs, limit).unwrap().requests;
            assert!(quick < full, "{name} {limit}: {quick} {full}");
            assert_eq!(
                requests(System::Quick) < requests(System::Full),
                name != "DR1733758"
            );
        }
    }
}

#[test]
fn answers_about_the_sample_photos_are_short() {
    let workload = setting().workload;
    let all = workload.drs.iter().map(|dr| {
        workload
            .selected(dr, evaluation::domain::plan::Mode::Full)
            .unwrap()
    });
    let mut tokens: Vec<u32> = all
        .flat_map(|dr| dr.waves)
        .flatten()
        .map(|photo| photo.answer_tokens)
        .collect();
    tokens.sort_unstable();
    assert!(tokens[tokens.len() / 2] <= 120, "{tokens:?}");
}

#[test]
fn the_baseline_is_near_what_was_published_of_each_sample_dr() {
    let setting = setting();
    for (dr, published_s) in setting.workload.drs.iter().zip([180.0, 90.0, 150.0]) {
        let [baseline, ..] = seconds(&setting, &[dr], 16);
        assert!(
            (baseline / published_s - 1.0_f64).abs() < 0.12,
            "{} {baseline}",
            dr.dr_number
        );
    }
}
