//! What the cache did for a request: in the log, and as metrics.

use aws::telemetry::{self, Metric, Unit};
use evaluation::decide::evaluation::Evaluation;
use evaluation::run::start::StartResult;

/// Says how a request was answered, and what that saved.
pub(crate) fn say(answer: &StartResult) {
    let (StartResult::Started(evaluation)
    | StartResult::Joined(evaluation)
    | StartResult::Cached(evaluation)) = answer;
    let (result, metrics) = match answer {
        StartResult::Cached(_) => ("hit", hit(evaluation)),
        StartResult::Joined(_) => ("join", vec![Metric::new("CacheJoins", Unit::Count, 1.0)]),
        StartResult::Started(_) => ("miss", miss(evaluation)),
    };
    let reasons: Vec<String> = evaluation
        .cache
        .missed_because
        .iter()
        .map(ToString::to_string)
        .collect();
    tracing::info!(
        evaluation.id = %evaluation.evaluation_id, dr.number = %evaluation.dr_number, cache.result = result,
        cache.missed_because = if result == "miss" { reasons.join(",") } else { String::new() },
        cache.photos_reused = evaluation.cache.photos_reused, "the cache was asked"
    );
    telemetry::emit(&[("Mode", evaluation.mode.as_str())], &metrics);
    if result == "miss" {
        reasons.iter().for_each(|reason| {
            telemetry::emit(
                &[("MissedBecause", reason)],
                &[Metric::new("CacheMissReasons", Unit::Count, 1.0)],
            );
        });
    }
}

/// A finished evaluation was returned: all that it had cost is saved.
fn hit(evaluation: &Evaluation) -> Vec<Metric> {
    let tokens = evaluation
        .usage
        .map_or(0, |usage| usage.prompt_tokens + usage.completion_tokens);
    vec![
        Metric::new("CacheHits", Unit::Count, 1.0),
        Metric::new("PhotosReused", Unit::Count, evaluation.photos_total as f64),
        Metric::new(
            "TokensSaved",
            Unit::Count,
            (tokens + evaluation.cache.tokens_saved) as f64,
        ),
        Metric::new(
            "TimeSaved",
            Unit::Milliseconds,
            evaluation.timings.map_or(0, |timings| timings.total_ms) as f64,
        ),
    ]
}

/// An evaluation was started: what it uses again is saved.
fn miss(evaluation: &Evaluation) -> Vec<Metric> {
    vec![
        Metric::new("CacheMisses", Unit::Count, 1.0),
        Metric::new(
            "PhotosReused",
            Unit::Count,
            evaluation.cache.photos_reused as f64,
        ),
        Metric::new(
            "TokensSaved",
            Unit::Count,
            evaluation.cache.tokens_saved as f64,
        ),
        Metric::new(
            "VlmTimeSaved",
            Unit::Milliseconds,
            evaluation.cache.vlm_ms_saved as f64,
        ),
    ]
}
