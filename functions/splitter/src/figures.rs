//! What the cache did for a request: in the log, and as metrics.

use shared::flow::split::Answer;
use shared::protocol::evaluation::Evaluation;
use shared::telemetry::{self, Metric, Unit};

/// Says how a request was answered, and what that saved.
pub(crate) fn say(answer: &Answer) {
    let (Answer::Started(evaluation) | Answer::Joined(evaluation) | Answer::Cached(evaluation)) =
        answer;
    let (result, metrics) = match answer {
        Answer::Cached(_) => ("hit", hit(evaluation)),
        Answer::Joined(_) => ("join", vec![Metric::new("CacheJoins", Unit::Count, 1.0)]),
        Answer::Started(_) => ("miss", miss(evaluation)),
    };
    let reasons: Vec<String> = evaluation
        .cache
        .missed_because
        .iter()
        .map(|miss| format!("{miss:?}"))
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
