//! What is noted of an outcome, a deferral and a verdict.

use super::{Figure, Metric};
use crate::decide::accuracy::Group;
use crate::decide::breaker::Breaker;
use crate::decide::evaluation::Evaluation;
use crate::decide::look::LookRecord;
use crate::decide::message::DeferralCause;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::record::Finalisation;
use crate::decide::tell::Event;
use crate::domain::agreement::Estimate;
use crate::domain::judge::Verdict;
use crate::domain::outcome::{PhotoOutcome, ReasonCode, Usage};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;
use crate::run::sweep::Swept;

/// Of an outcome that was recorded. Nothing of a photo that nobody was to be asked about.
pub fn of_outcome(report: &Report) -> Vec<Figure> {
    let Some(failed) = failed(&report.outcome) else {
        return Vec::new();
    };
    let mut figures = vec![Figure::whether(Metric::PhotoFailed, failed)];
    let answered = matches!(report.outcome, PhotoOutcome::Evaluated { .. });
    let answered = answered && report.answered_for.is_none();
    if let Some(timings) = report.timings.filter(|_| answered) {
        let first_token = timings
            .first_token_ms
            .map(|ms| (Metric::FirstTokenTime, ms));
        let spans = [
            (Metric::QueueWait, timings.queue_ms),
            (Metric::FetchTime, timings.fetch_ms),
            (Metric::CompressTime, timings.compress_ms),
            (Metric::VlmTime, timings.vlm_ms),
        ];
        figures.extend(spans.into_iter().chain(first_token).map(of));
    }
    figures.extend(report.usage.into_iter().flat_map(of_usage));
    figures
}

fn of((metric, value): (Metric, u64)) -> Figure {
    Figure::of(metric, value)
}

/// Whether a photo got no answer for a reason that lies with us or the VLM; nothing if it was not to be asked about.
fn failed(outcome: &PhotoOutcome) -> Option<bool> {
    let PhotoOutcome::NotEvaluated { reason } = outcome else {
        return Some(false);
    };
    match reason.code {
        ReasonCode::InvalidAnswer
        | ReasonCode::Refused
        | ReasonCode::Deadline
        | ReasonCode::DeadLettered
        // All photos are, where the function's own rights are wrong.
        | ReasonCode::NoAccess => Some(true),
        ReasonCode::Superseded
        | ReasonCode::NotNeeded
        | ReasonCode::SamePhoto
        | ReasonCode::NotAPhoto => None,
        _ => Some(false),
    }
}

/// Of a look that ended. Its tokens are what the VLM read and wrote, whoever asked.
pub fn of_look(look: &LookRecord, report: Option<&Report>) -> Vec<Figure> {
    let answered = Figure::whether(Metric::LookAnswered, look.shows.is_some());
    let usage = report.and_then(|report| report.usage);
    [answered]
        .into_iter()
        .chain(usage.into_iter().flat_map(of_usage))
        .collect()
}

fn of_usage(usage: Usage) -> [Figure; 2] {
    [
        Figure::of(Metric::PromptTokens, usage.prompt_tokens),
        Figure::of(Metric::CompletionTokens, usage.completion_tokens),
    ]
}

/// Of photos that were put off together.
pub fn of_deferral(cause: DeferralCause, photos: u64) -> Vec<Figure> {
    vec![Figure::of(Metric::PhotoDeferred, photos).by(format!("{cause:?}"))]
}

/// Of a verdict. Only of an evaluation's first: what late answers change is no other evaluation.
pub fn of_verdict(
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    verdict: &Finalisation,
) -> Vec<Figure> {
    if verdict.expected_revision > 0 {
        return Vec::new();
    }
    // Until when it was put off is forgotten with the outcome; how often it was tried is not.
    let waited = photos.iter().any(|photo| photo.attempt > 0);
    let time = match (waited, evaluation.bulk) {
        (true, _) => Metric::WaitedEvaluationTime,
        (false, true) => Metric::BulkEvaluationTime,
        (false, false) => Metric::EvaluationTime,
    };
    // What uploads had started is somebody's from when they asked.
    let promoted_at = evaluation.promoted_at.unwrap_or(evaluation.created_at);
    let unasked_ms = promoted_at.millis_since(evaluation.created_at);
    let total_ms = verdict.timings.total_ms.saturating_sub(unasked_ms);
    let mode = evaluation.mode.as_str();
    let judgement = &verdict.judgement;
    let incomplete = judgement.verdict == Verdict::Incomplete;
    let flagged = !judgement.flags.is_empty();
    vec![
        Figure::of(time, total_ms).by(mode),
        Figure::whether(Metric::EvaluationIncomplete, incomplete).by(mode),
        Figure::whether(Metric::EvaluationFlagged, flagged),
    ]
}

/// Of a completion that was told now.
pub fn of_telling(event: &Event, now: Timestamp) -> Vec<Figure> {
    vec![Figure::of(Metric::TellTime, now.millis_since(event.time))]
}

/// Of a round of the sweeper that came to its end, and of how it found the VLM.
pub fn of_round(swept: &Swept, breaker: &Breaker) -> Vec<Figure> {
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    vec![
        Figure::of(Metric::SweeperRun, 1),
        Figure::whether(Metric::BreakerOpen, breaker.is_open()),
        Figure::of(Metric::PhotosPending, number(swept.pending)),
        Figure::of(Metric::UnfinishedEvaluations, number(swept.unfinished)),
        Figure::of(Metric::OldestUnfinished, swept.oldest_s),
        Figure::of(Metric::PhotosResent, number(swept.resent)),
    ]
}

/// Of how right whole verdicts are; nothing where nobody decided anything that stands for others.
pub fn of_accuracy(verdicts: &Group) -> Vec<Figure> {
    let percent = |metric, found: Option<Estimate>| {
        found.map(|found| Figure::exactly(metric, 100.0 * found.share))
    };
    let figures = [
        percent(Metric::Agreement, verdicts.agreement),
        percent(Metric::FalsePasses, verdicts.falsely_passed),
    ];
    figures.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{evaluation_of, photo};
    use crate::decide::record::finalise;
    use crate::decide::update::UpdateAction::{Remove, Set};
    use crate::decide::updates;
    use crate::domain::catalogue::Catalogue;
    use crate::domain::ids::EvaluationId;
    use crate::domain::outcome::PhotoTimings;

    fn values(figures: &[Figure], metric: Metric) -> Vec<f64> {
        let of = figures.iter().filter(|figure| figure.metric == metric);
        of.map(|figure| figure.value).collect()
    }

    fn without_answer(code: ReasonCode) -> Report {
        Report::bare(
            PhotoOutcome::not_evaluated(code, "why"),
            Timestamp::default(),
        )
    }

    fn answered() -> Report {
        let findings = Vec::new();
        let outcome = PhotoOutcome::Evaluated { findings };
        Report {
            timings: Some(PhotoTimings {
                queue_ms: 1,
                fetch_ms: 2,
                compress_ms: 3,
                vlm_ms: 4,
                first_token_ms: Some(5),
                generation_ms: None,
            }),
            usage: Some(Usage {
                prompt_tokens: 6,
                completion_tokens: 7,
            }),
            ..Report::bare(outcome, Timestamp::default())
        }
    }

    #[test]
    fn an_answer_is_no_failure_and_says_where_its_time_and_tokens_went() {
        let figures = of_outcome(&answered());
        let expected = [
            (Metric::PhotoFailed, 0.0),
            (Metric::QueueWait, 1.0),
            (Metric::FetchTime, 2.0),
            (Metric::CompressTime, 3.0),
            (Metric::VlmTime, 4.0),
            (Metric::FirstTokenTime, 5.0),
            (Metric::PromptTokens, 6.0),
            (Metric::CompletionTokens, 7.0),
        ];
        for (metric, value) in expected {
            assert_eq!(values(&figures, metric), [value], "{metric:?}");
        }
        assert_eq!(figures.len(), expected.len());
    }

    #[test]
    fn what_lies_with_the_photo_is_no_failure_and_what_nobody_was_asked_about_counts_nowhere() {
        let failed = |code| values(&of_outcome(&without_answer(code)), Metric::PhotoFailed);
        for code in [
            ReasonCode::Deadline,
            ReasonCode::DeadLettered,
            ReasonCode::InvalidAnswer,
        ] {
            assert_eq!(failed(code), [1.0], "{code:?}");
        }
        assert_eq!(failed(ReasonCode::NotAnImage), [0.0]);
        assert_eq!(failed(ReasonCode::NoAccess), [1.0]);
        assert!(failed(ReasonCode::SamePhoto).is_empty());
        assert!(failed(ReasonCode::NotAPhoto).is_empty());
    }

    #[test]
    fn agreement_is_noted_in_percent_and_only_where_something_is_known() {
        use crate::decide::accuracy::verdicts;
        use crate::decide::card::Counts;

        let mut known = verdicts(&[], &Counts::default());
        assert_eq!(of_accuracy(&known), []);
        known.agreement = Some(Estimate {
            share: 0.975,
            low: 0.9,
            high: 1.0,
            covered: 1.0,
        });
        let expected = Figure::exactly(Metric::Agreement, 97.5);
        assert_eq!(of_accuracy(&known), [expected]);
    }

    /// The record of a photo that was put off and then answered, as these updates write it.
    fn written(record: PhotoRecord, report: &Report) -> PhotoRecord {
        let (id, photo) = (
            EvaluationId::from_parts(Timestamp::from_millis(1), [1; 10]),
            &record.photo.photo_id,
        );
        let updates = [
            updates::deferred(&id, photo, 1, Timestamp::from_millis(5)),
            updates::outcome(&id, photo, report, None),
        ];
        let mut item = serde_json::to_value(PhotoRecord {
            report: None,
            ..record.clone()
        })
        .unwrap();
        for action in updates.into_iter().flat_map(|update| update.actions) {
            match action {
                Set(name, value) => item[name] = value,
                Remove(name) => drop(item.as_object_mut().unwrap().remove(name)),
                other => panic!("{other:?}"),
            }
        }
        serde_json::from_value(item).unwrap()
    }

    #[test]
    fn bulk_work_and_waits_for_the_vlm_are_told_apart_and_only_the_first_verdict_counts() {
        let mut evaluation = evaluation_of(&["a.jpg"]);
        let mut record = PhotoRecord::new(photo("a.jpg"));
        record.report = Some(answered());
        let catalogue = Catalogue::shipped(&evaluation.versions.catalogue).ok();
        let verdict = |evaluation: &Evaluation, record: &PhotoRecord| {
            let photos = std::slice::from_ref(record);
            finalise(evaluation, photos, catalogue, Timestamp::from_millis(9))
                .map(|verdict| of_verdict(evaluation, photos, &verdict))
        };
        let prompt = verdict(&evaluation, &record).unwrap();
        assert_eq!(values(&prompt, Metric::EvaluationTime).len(), 1);
        assert_eq!(values(&prompt, Metric::EvaluationIncomplete).len(), 1);
        evaluation.bulk = true;
        let bulk = verdict(&evaluation, &record).unwrap();
        assert_eq!(values(&bulk, Metric::BulkEvaluationTime).len(), 1);
        assert!(values(&bulk, Metric::EvaluationTime).is_empty());
        evaluation.bulk = false;
        evaluation.promoted_at = Some(Timestamp::from_millis(7));
        let promoted = verdict(&evaluation, &record).unwrap();
        assert_eq!(values(&promoted, Metric::EvaluationTime), [2.0]);
        evaluation.bulk = true;
        record = written(record, &answered());
        let waited = verdict(&evaluation, &record).unwrap();
        assert_eq!(values(&waited, Metric::WaitedEvaluationTime).len(), 1);
        assert!(values(&waited, Metric::EvaluationTime).is_empty());
        assert!(values(&waited, Metric::BulkEvaluationTime).is_empty());
        evaluation.revision = 1;
        assert!(verdict(&evaluation, &record).unwrap().is_empty());
    }
}
