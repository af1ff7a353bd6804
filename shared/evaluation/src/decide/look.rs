//! A look at a photo that was just uploaded: it is asked about at once, and its answer is kept for whoever evaluates the
//! DR. A head start, and nothing rests on it.
//!
//! # Invariants
//! - A photo is looked at once: who notes first that a look is sent sends it.
//! - What a look asks is what a full evaluation would ask about the photo, so that its answer stands under the same key.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::breaker::Breaker;
use super::evaluation::Evaluation;
use super::message::Look;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{PhotoId, Score, StepKey};
use crate::domain::outcome::{PhotoOutcome, Reason};
use crate::domain::plan::{Mode, Photo, plan};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;

/// What has not been heard of for so long is not going on any more: an answer takes a minute at most, and a look waits
/// in its queue behind others.
const GOES_ON_FOR: Duration = Duration::from_secs(5 * 60);

/// What is kept of a look, beside its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookRecord {
    /// The photo.
    pub photo_id: PhotoId,
    /// Its name.
    pub name: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it ended; absent while it goes on, or if it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What the photo shows, if it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<Vec<Shown>>,
    /// Why the photo can't be looked at, if that is the photo's fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A step that a photo shows, and how well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The step.
    pub step: StepKey,
    /// The model's score.
    pub score: Score,
}

/// How things stand with a look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LookState<'a> {
    /// It goes on.
    GoingOn,
    /// It was answered, and shows these steps.
    Answered(&'a [Shown]),
    /// The photo can't be looked at, for this reason.
    Unreadable(&'a Reason),
    /// It was passed over or lost: an evaluation will ask.
    PassedOver,
}

impl LookRecord {
    /// A look that is sent now.
    pub fn sent(photo: &Photo, now: Timestamp) -> Self {
        Self {
            photo_id: photo.photo_id.clone(),
            name: photo.name.clone(),
            sent_at: now,
            ended_at: None,
            shows: None,
            reason: None,
        }
    }

    /// This look, ended with this report; without one it was passed over.
    pub fn ended(look: &Look, report: Option<&Report>, now: Timestamp) -> Self {
        let outcome = report.filter(|report| !report.partial);
        let (shows, reason) = match outcome.map(|report| &report.outcome) {
            Some(PhotoOutcome::Evaluated { findings }) => {
                let shown = findings.iter().map(|finding| Shown {
                    step: finding.step.clone(),
                    score: finding.score,
                });
                (Some(shown.collect()), None)
            }
            Some(PhotoOutcome::NotEvaluated { reason }) => (None, Some(reason.clone())),
            None => (None, None),
        };
        Self {
            ended_at: Some(now),
            shows,
            reason,
            ..Self::sent(&look.photo, look.sent_at)
        }
    }

    /// How things stand with it.
    pub fn state(&self, now: Timestamp) -> LookState<'_> {
        match (&self.shows, &self.reason, self.ended_at) {
            (Some(shows), ..) => LookState::Answered(shows),
            (None, Some(reason), _) => LookState::Unreadable(reason),
            (None, None, None) if now < self.sent_at.after(GOES_ON_FOR) => LookState::GoingOn,
            (None, None, _) => LookState::PassedOver,
        }
    }
}

/// The photo as a full evaluation would ask about it; none if it would not.
pub fn asked_about(photo: Photo, catalogue: &Catalogue, versions: &Versions) -> Option<Photo> {
    plan(vec![photo], Mode::Full, catalogue, versions)
        .selected
        .pop()
}

/// Whether a look is worth its while: the VLM is there, and no evaluation that runs asks about the photo.
pub fn is_worth_it(look: &Look, breaker: Breaker, running: Option<&Evaluation>) -> bool {
    let asks = |evaluation: &Evaluation| evaluation.pending.contains(&look.photo.photo_id);
    !breaker.is_open() && !running.is_some_and(asks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{evaluation_of, id, photo};
    use crate::decide::message::Message;
    use crate::domain::ids::DrNumber;
    use crate::domain::outcome::{Finding, ReasonCode};

    fn look() -> Look {
        let versions = Versions::from_fn(|part| format!("{part:?}-1"));
        let dr = DrNumber::parse("DR1").unwrap();
        let at = Timestamp::from_millis(7);
        match Message::look(id(1), &dr, photo("a.jpg"), versions, at) {
            Message::Look(look) => look,
            other => panic!("{other:?}"),
        }
    }

    fn finding(step: &str, score: u8) -> Finding {
        Finding {
            step: StepKey::parse(step).unwrap(),
            score: Score::try_from(score).unwrap(),
            comment: "as it should be".into(),
            reading: None,
            fail_code: None,
            certainty: None,
            code: None,
        }
    }

    #[test]
    fn a_look_goes_on_until_it_ends_or_is_not_heard_of_for_long() {
        let record = LookRecord::sent(&photo("a.jpg"), Timestamp::from_millis(7));
        let last = record.sent_at.after(GOES_ON_FOR).as_millis() - 1;
        let state = |at| record.state(Timestamp::from_millis(at));
        assert_eq!(state(7), LookState::GoingOn);
        assert_eq!(state(last), LookState::GoingOn);
        assert_eq!(state(last + 1), LookState::PassedOver);
    }

    #[test]
    fn a_look_that_ended_says_what_it_saw_or_why_not() {
        let now = Timestamp::from_millis(9);
        let findings = vec![finding("power_meter", 8)];
        let evaluated = PhotoOutcome::Evaluated { findings };
        let answered = Report::bare(evaluated, now);
        let ended = |report| LookRecord::ended(&look(), report, now);
        let shown = ended(Some(&answered));
        assert!(
            matches!(shown.state(now), LookState::Answered([one]) if one.score == Score::try_from(8).unwrap())
        );
        let broken = Report {
            partial: true,
            ..answered.clone()
        };
        assert_eq!(
            ended(Some(&broken)).state(now),
            LookState::PassedOver,
            "more may have been seen"
        );
        let outcome = PhotoOutcome::not_evaluated(ReasonCode::NotAnImage, "no photo");
        let report = Report::bare(outcome, now);
        let unreadable = ended(Some(&report));
        assert!(
            matches!(unreadable.state(now), LookState::Unreadable(reason) if reason.code == ReasonCode::NotAnImage)
        );
        assert_eq!(ended(None).state(now), LookState::PassedOver);
    }

    #[test]
    fn a_look_is_passed_over_while_the_vlm_is_away_and_where_an_evaluation_asks() {
        let (there, away) = (
            Breaker::default(),
            Breaker {
                failures: 9,
                ..Breaker::default()
            },
        );
        assert!(away.is_open());
        assert!(is_worth_it(&look(), there.clone(), None));
        assert!(!is_worth_it(&look(), away, None));
        let asks = evaluation_of(&["a.jpg"]);
        assert!(!is_worth_it(&look(), there.clone(), Some(&asks)));
        let others = evaluation_of(&["b.jpg"]);
        assert!(is_worth_it(&look(), there, Some(&others)));
    }

    #[test]
    fn a_look_asks_what_a_full_evaluation_asks_or_nothing() {
        let catalogue = Catalogue::shipped("v4").unwrap();
        let versions = Versions::from_fn(|part| format!("{part:?}-1"));
        let new = |name: &str| Photo::new(&format!("photos/DR1/{name}"), name, "\"e\"", catalogue);
        let one = new("DR1_ph_ups_1.jpg");
        let many = vec![one.clone(), new("DR1_ph_wall_1.jpg")];
        let planned = plan(many, Mode::Full, catalogue, &versions).selected;
        let looked_at = asked_about(one, catalogue, &versions).unwrap();
        assert!(planned.contains(&looked_at));
        let nameless = new(&"n".repeat(2000));
        assert_eq!(asked_about(nameless, catalogue, &versions), None);
    }
}
