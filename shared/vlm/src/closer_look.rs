//! Asking about a photo, and once more from closer if its name did not promise the small print that it shows.
//!
//! # Invariants
//! - What was seen first stays where nothing better can be had, and is not asked again where the closer look must wait.
//! - The closer look asks about the unread steps alone, at the larger size.

use std::sync::{Mutex, PoisonError};

use evaluation::domain::catalogue::{Catalogue, Step};
use evaluation::domain::ids::StepKey;
use evaluation::domain::outcome::{Finding, ImageFigures, PhotoOutcome, Reason};
use evaluation::domain::photo_rules::{closer_look, long_edge_for, seen_closer};
use evaluation::domain::report::Report;
use evaluation::run::batch::AttemptResult;
use photos::size_policy::SizePolicy;

/// What is asked of the model about a photo, and how large the photo is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizedQuestion<'a> {
    /// The photo's long edge in pixels.
    pub long_edge: u32,
    /// The steps asked.
    pub steps: &'a [StepKey],
    /// Whether this is the closer look.
    pub closer: bool,
}

/// What the model said about a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// A finding per step shown.
    pub findings: Vec<Finding>,
    /// What was sent.
    pub image: ImageFigures,
}

/// Who asks the model about one photo. Production fetches, prepares and sends it; a benchmark may know what it shows.
#[allow(
    async_fn_in_trait,
    reason = "asked where it is made; nothing is spawned"
)]
pub trait AskAboutPhoto {
    /// Why the photo has no outcome yet.
    type Stopped;

    /// Asks; the inner error is the reason why this photo will never be answered.
    async fn ask(
        &mut self,
        question: SizedQuestion<'_>,
    ) -> Result<Result<Seen, Reason>, Self::Stopped>;

    /// What was seen of the photo before, when the closer look had to wait.
    fn seen_before(&self) -> Option<Seen> {
        None
    }

    /// The photo is about to be looked at from closer, this having been seen: should that have to wait, keep it.
    fn keep(&mut self, _findings: &[Finding]) {}
}

/// The first look at a photo, while it is looked at from closer: whoever ends that takes it along.
#[derive(Debug, Default)]
pub struct FirstLook(Mutex<Option<Box<Report>>>);

impl FirstLook {
    /// As a message brought it.
    pub fn of(seen: Option<Box<Report>>) -> Self {
        Self(Mutex::new(seen))
    }

    /// Keeps it.
    pub fn note(&self, report: Report) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(report));
    }

    /// What was seen, if anything.
    pub fn seen(&self) -> Option<Box<Report>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The result of an attempt, with the first look where the photo must wait.
    pub fn with(&self, result: AttemptResult) -> AttemptResult {
        match result {
            AttemptResult::Deferred {
                why, retry_after, ..
            } => AttemptResult::Deferred {
                why,
                retry_after,
                seen: self.seen(),
            },
            other => other,
        }
    }
}

/// The outcome of a photo whose name hints at this step: asked about these steps, and from closer where small print
/// that it shows was not read.
pub async fn outcome<A: AskAboutPhoto>(
    photo: &mut A,
    hint: Option<&Step>,
    steps: &[StepKey],
    catalogue: &Catalogue,
    policy: &SizePolicy,
) -> Result<PhotoOutcome, A::Stopped> {
    let first = SizedQuestion {
        long_edge: long_edge_for(policy, hint),
        steps,
        closer: false,
    };
    let seen = match photo.seen_before() {
        Some(seen) => Ok(seen),
        None => photo.ask(first).await?,
    };
    let Seen { findings, image } = match seen {
        Ok(seen) => seen,
        Err(reason) => return Ok(PhotoOutcome::NotEvaluated { reason }),
    };
    let unread = closer_look(policy, catalogue, &image, &findings);
    if unread.is_empty() {
        return Ok(PhotoOutcome::Evaluated { findings });
    }
    tracing::info!(steps = ?unread, "small print was not read; looking closer");
    photo.keep(&findings);
    let closer = SizedQuestion {
        long_edge: policy.small_print_long_edge,
        steps: &unread,
        closer: true,
    };
    let findings = match photo.ask(closer).await? {
        Ok(closer) => seen_closer(findings, closer.findings),
        Err(reason) => {
            tracing::warn!(reason = ?reason.code, "the closer look failed; the first one stands");
            findings
        }
    };
    Ok(PhotoOutcome::Evaluated { findings })
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use evaluation::decide::message::DeferralCause;
    use evaluation::domain::ids::Score;
    use evaluation::domain::outcome::ReasonCode;
    use photos::size_policy::CURRENT_VERSION;

    use super::*;

    /// What is answered, one question after another, and what was asked.
    struct Script {
        answers: VecDeque<Result<Seen, Reason>>,
        asked: Vec<(u32, Vec<StepKey>, bool)>,
        kept: Option<Vec<Finding>>,
    }

    impl AskAboutPhoto for Script {
        type Stopped = ();

        async fn ask(
            &mut self,
            question: SizedQuestion<'_>,
        ) -> Result<Result<Seen, Reason>, Self::Stopped> {
            let SizedQuestion {
                long_edge,
                steps,
                closer,
            } = question;
            self.asked.push((long_edge, steps.to_vec(), closer));
            self.answers.pop_front().ok_or(())
        }

        fn seen_before(&self) -> Option<Seen> {
            self.kept.clone().and_then(|findings| seen(findings).ok())
        }

        fn keep(&mut self, findings: &[Finding]) {
            self.kept = Some(findings.to_vec());
        }
    }

    fn key(step: &str) -> StepKey {
        StepKey::parse(step).unwrap()
    }

    fn found(step: &str, score: u8, reading: Option<&str>) -> Finding {
        Finding {
            step: key(step),
            score: Score::try_from(score).unwrap(),
            comment: String::new(),
            reading: reading.map(String::from),
            fail_code: None,
            certainty: None,
            code: None,
        }
    }

    fn seen(findings: Vec<Finding>) -> Result<Seen, Reason> {
        let image = ImageFigures {
            original_bytes: 3_000_000,
            sent_bytes: 80_000,
            width: 600,
            height: 800,
            image_tokens: 475,
        };
        Ok(Seen { findings, image })
    }

    type Asked = Vec<(u32, Vec<StepKey>, bool)>;

    /// A photo of a power meter under the slot of the house.
    async fn misfiled(answers: Vec<Result<Seen, Reason>>) -> (Result<PhotoOutcome, ()>, Asked) {
        let mut script = Script {
            answers: answers.into(),
            asked: Vec::new(),
            kept: None,
        };
        (ask(&mut script).await, script.asked)
    }

    async fn ask(script: &mut Script) -> Result<PhotoOutcome, ()> {
        let catalogue = Catalogue::shipped("v3").unwrap();
        let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
        let (house, steps) = (catalogue.step(&key("house_photo")), [key("power_meter")]);
        outcome(script, house, &steps, catalogue, policy).await
    }

    #[tokio::test]
    async fn small_print_that_was_not_read_is_asked_about_from_closer() {
        let first = found("power_meter", 4, None);
        let closer = found("power_meter", 9, Some("-18.4 dBm"));
        let answers = vec![seen(vec![first]), seen(vec![closer.clone()])];
        let (outcome, asked) = misfiled(answers).await;
        let findings = vec![closer];
        assert_eq!(outcome, Ok(PhotoOutcome::Evaluated { findings }));
        let steps = || vec![key("power_meter")];
        assert_eq!(asked, [(800, steps(), false), (1280, steps(), true)]);
    }

    #[tokio::test]
    async fn what_was_seen_first_stays_if_the_closer_look_fails_for_good() {
        let first = vec![found("power_meter", 4, None)];
        let reason = Reason {
            code: ReasonCode::PhotoGone,
            message: "gone".into(),
        };
        let (outcome, _) = misfiled(vec![seen(first.clone()), Err(reason)]).await;
        assert_eq!(outcome, Ok(PhotoOutcome::Evaluated { findings: first }));
    }

    #[tokio::test]
    async fn a_closer_look_that_must_wait_has_the_photo_wait_and_only_that_is_asked_later() {
        let first = found("power_meter", 4, None);
        let mut script = Script {
            answers: [seen(vec![first.clone()])].into(),
            asked: Vec::new(),
            kept: None,
        };
        assert_eq!(ask(&mut script).await, Err(()));
        assert_eq!(script.kept.as_deref(), Some(&[first][..]));
        let closer = found("power_meter", 9, Some("-18.4 dBm"));
        script.answers.push_back(seen(vec![closer.clone()]));
        script.asked.clear();
        let findings = vec![closer];
        assert_eq!(
            ask(&mut script).await,
            Ok(PhotoOutcome::Evaluated { findings })
        );
        assert_eq!(script.asked, [(1280, vec![key("power_meter")], true)]);
    }

    #[test]
    fn the_first_look_goes_along_with_what_must_wait_and_with_nothing_else() {
        let report = Report::bare(
            PhotoOutcome::Evaluated { findings: vec![] },
            Default::default(),
        );
        let first = FirstLook::default();
        first.note(report.clone());
        let waits = |seen| AttemptResult::Deferred {
            why: (DeferralCause::OutOfTime, "slow".into()),
            retry_after: None,
            seen,
        };
        let kept = Some(Box::new(report.clone()));
        assert_eq!(first.with(waits(None)), waits(kept));
        let reported = AttemptResult::Reported(Box::new(report));
        assert_eq!(first.with(reported.clone()), reported);
    }

    #[tokio::test]
    async fn small_print_that_was_read_is_not_asked_about_again() {
        let read = vec![found("power_meter", 9, Some("-18.4 dBm"))];
        assert_eq!(misfiled(vec![seen(read)]).await.1.len(), 1);
    }
}
