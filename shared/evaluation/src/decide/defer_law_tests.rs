//! The law of blame, over all orders of failures and answers: a photo is given up only while others are answered.

use proptest::prelude::*;

use super::*;
use crate::decide::fixtures::{evaluation_of, photo};
use crate::decide::message::Message;

const NAMES: [&str; 4] = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"];

/// What happens to a photo, or that some photo is answered.
#[derive(Debug, Clone, Copy)]
enum Event {
    Answer,
    Failure(usize, DeferralCause),
}

fn events() -> impl Strategy<Value = Event> {
    let cause = prop::sample::select(vec![
        DeferralCause::Failed,
        DeferralCause::Failed,
        DeferralCause::Failed,
        DeferralCause::Unavailable,
        DeferralCause::Overloaded,
        DeferralCause::OutOfTime,
    ]);
    prop_oneof![
        1 => Just(Event::Answer),
        4 => (0..NAMES.len(), cause).prop_map(|(photo, cause)| Event::Failure(photo, cause)),
    ]
}

/// How often a photo was put off, its faults, and the answers that others got since it failed first.
#[derive(Debug, Clone, Copy, Default)]
struct Photo {
    attempt: u32,
    faults: u32,
    answers: Option<u32>,
}

/// Whether the deferral of this photo gives it up; else it is sent again.
fn given_up(at: usize, photo: &mut Photo, cause: DeferralCause, failures: u32) -> bool {
    let (evaluation, now) = (evaluation_of(&NAMES), Timestamp::from_millis(9));
    let mut batch = Batch::new(
        &evaluation.evaluation_id,
        &evaluation.dr_number,
        vec![self::photo(NAMES[at])],
        now,
    );
    (batch.attempt, batch.faults) = (photo.attempt, photo.faults);
    let why = (cause, "why".to_owned());
    let Message::Deferral(note) = Message::deferral(&batch, &batch.photos[0], why, None, now)
    else {
        return false;
    };
    let record = PhotoRecord {
        attempt: photo.attempt,
        ..PhotoRecord::new(self::photo(NAMES[at]))
    };
    let breaker = Breaker {
        failures,
        ..Breaker::default()
    };
    let action = on_deferral(&evaluation, &record, &note, &breaker, now);
    if let DeferralAction::Resend(resend) = &action {
        (photo.attempt, photo.faults) = (resend.batch.attempt, resend.batch.faults);
    }
    matches!(action, DeferralAction::GiveUp(_))
}

proptest! {
    #[test]
    fn a_photo_is_given_up_only_while_others_are_answered(events in prop::collection::vec(events(), 1..60)) {
        let (mut photos, mut failures) = ([Photo::default(); NAMES.len()], 0);
        for event in events {
            match event {
                Event::Answer => {
                    failures = 0;
                    for photo in &mut photos {
                        photo.answers = photo.answers.map(|answers| answers + 1);
                    }
                }
                Event::Failure(at, cause) => {
                    let photo = &mut photos[at];
                    let answers = *photo.answers.get_or_insert(0);
                    if given_up(at, photo, cause, failures) {
                        prop_assert!(answers >= FAULTS_TO_GIVE_UP - 1, "{answers} answers between");
                        prop_assert_eq!(cause, DeferralCause::Failed);
                        *photo = Photo::default();
                    }
                    failures += u32::from(counts_as_failure(cause));
                }
            }
        }
    }
}
