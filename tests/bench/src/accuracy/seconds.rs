//! How long the VLM would take: the engine of the simulated VLM, in virtual time, on a server that is else idle.

use simulated_vlm::engine::{Engine, Work};
use simulated_vlm::latency::Rates;

use super::evaluate::Evaluated;

/// Requests that the server runs at once, by the template's defaults (`VlmMaxConcurrency` × `PhotosInFlight` of both
/// lanes).
const AT_ONCE: usize = 16;

/// Seconds of an evaluation: one wave after the other. A closer look counts as part of its photo's request.
pub(crate) fn seconds(rates: Rates, evaluated: &Evaluated) -> f64 {
    let mut engine = Engine::new(rates, AT_ONCE);
    let mut end_s = 0.0;
    for wave in &evaluated.waves {
        for (at, (_, seen)) in wave.iter().enumerate() {
            let (prompt_tokens, answer_tokens) = (
                seen.usage.prompt_tokens as f64,
                seen.usage.completion_tokens as f64,
            );
            engine.submit(
                at as u64,
                Work {
                    prompt_tokens,
                    answer_tokens,
                    prefix: None,
                    ends: true,
                },
            );
        }
        while let Some(next_s) = engine.next_s() {
            engine.advance(next_s);
            end_s = next_s;
        }
    }
    end_s
}

#[cfg(test)]
mod tests {
    use evaluation::domain::judge::{Judgement, Verdict};
    use evaluation::domain::outcome::{ImageFigures, PhotoOutcome, Usage};

    use super::super::model::Seen;
    use super::*;

    #[test]
    fn waves_follow_each_other_and_photos_of_a_wave_share_the_time() {
        let usage = Usage {
            prompt_tokens: 1500,
            completion_tokens: 80,
        };
        let image = ImageFigures {
            original_bytes: 0,
            sent_bytes: 0,
            width: 800,
            height: 600,
            image_tokens: 475,
        };
        let seen = Seen {
            outcome: PhotoOutcome::Evaluated { findings: vec![] },
            usage,
            image,
            looks: 1,
        };
        let photo = (String::from("a.jpg"), seen);
        let judgement = Judgement {
            verdict: Verdict::Pass,
            average_score: None,
            steps: vec![],
            flags: vec![],
            flags_left_out: 0,
            gaps: None,
        };
        let of = |waves: Vec<Vec<_>>| {
            seconds(
                Rates::realistic().unwrap(),
                &Evaluated {
                    judgement: judgement.clone(),
                    waves,
                },
            )
        };
        let one = of(vec![vec![photo.clone()]]);
        let after_another = of(vec![vec![photo.clone()], vec![photo.clone()]]);
        let together = of(vec![vec![photo.clone(), photo]]);
        assert!((after_another - 2.0 * one).abs() < 1e-9);
        assert!(
            one < together && together < after_another,
            "{one} {together} {after_another}"
        );
    }
}
