//! What the cache did for a request: in the log, and as metrics.

use aws::telemetry;
use evaluation::decide::evaluation::Evaluation;
use evaluation::figures::{Figure, Metric};
use evaluation::run::start::StartResult;

/// Says how a request was answered, and what that saved.
pub(crate) fn say(answer: &StartResult) {
    let evaluation = answer.evaluation();
    let (result, saved) = match answer {
        StartResult::Cached(_) => ("hit", hit(evaluation)),
        StartResult::Joined(_) => ("join", Vec::new()),
        StartResult::Started(_) => ("miss", miss(evaluation)),
    };
    let is_miss = matches!(answer, StartResult::Started(_));
    let missed_because = &evaluation.cache.missed_because;
    let reasons = missed_because.iter().map(ToString::to_string);
    let reasons: Vec<String> = reasons.filter(|_| is_miss).collect();
    let span = tracing::Span::current();
    span.record("evaluation.id", evaluation.evaluation_id.as_str());
    span.record("dr_number", evaluation.dr_number.as_str());
    tracing::info!(
        evaluation.id = %evaluation.evaluation_id, dr.number = %evaluation.dr_number, cache.result = result,
        cache.missed_because = reasons.join(","),
        cache.photos_reused = evaluation.cache.photos_reused, "the cache was asked"
    );
    let hit = Figure::whether(Metric::CacheHit, !is_miss).by(evaluation.mode.as_str());
    let missed = |reason| Figure::of(Metric::CacheMissReasons, 1).by(reason);
    let figures: Vec<Figure> = [hit]
        .into_iter()
        .chain(saved)
        .chain(reasons.into_iter().map(missed))
        .collect();
    telemetry::emit(&figures);
}

/// A finished evaluation was returned: all that it had cost is saved.
fn hit(evaluation: &Evaluation) -> Vec<Figure> {
    let tokens = evaluation
        .usage
        .map_or(0, |usage| usage.prompt_tokens + usage.completion_tokens);
    let photos = u64::try_from(evaluation.photos_total).unwrap_or(u64::MAX);
    let total = evaluation.timings.map_or(0, |timings| timings.total_ms);
    vec![
        Figure::of(Metric::PhotosReused, photos),
        Figure::of(Metric::TokensSaved, tokens + evaluation.cache.tokens_saved),
        Figure::of(Metric::TimeSaved, total),
    ]
}

/// An evaluation was started: what it uses again is saved.
fn miss(evaluation: &Evaluation) -> Vec<Figure> {
    let cache = &evaluation.cache;
    let photos = u64::try_from(cache.photos_reused).unwrap_or(u64::MAX);
    vec![
        Figure::of(Metric::PhotosReused, photos),
        Figure::of(Metric::TokensSaved, cache.tokens_saved),
        Figure::of(Metric::VlmTimeSaved, cache.vlm_ms_saved),
    ]
}
