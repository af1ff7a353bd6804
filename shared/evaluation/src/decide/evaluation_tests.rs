//! What is read off an evaluation.

use super::*;
use crate::decide::fixtures::evaluation_of;

#[test]
fn never_again_a_result_never_computed_looks_like_a_fail() {
    let evaluation = evaluation_of(&["a.jpg"]);
    assert_eq!(
        (evaluation.verdict(), evaluation.status()),
        (None, Status::Queued)
    );
}

#[test]
fn never_again_users_wait_with_no_updates() {
    let mut evaluation = evaluation_of(&["a.jpg", "b.jpg", "c.jpg"]);
    let mut seen = vec![evaluation.photos_done()];
    while let Some(photo) = evaluation.pending.pop_first() {
        seen.push(evaluation.photos_done());
        drop(photo);
    }
    assert_eq!(seen, [0, 1, 2, 3]);
}

#[test]
fn the_status_follows_what_is_known() {
    let mut evaluation = evaluation_of(&["a.jpg", "b.jpg"]);
    assert_eq!(evaluation.status(), Status::Queued);
    evaluation.started_at = Some(Timestamp::from_millis(1));
    assert_eq!(evaluation.status(), Status::Running);
    evaluation.waiting_since = Some(Timestamp::from_millis(2));
    assert_eq!(evaluation.status(), Status::Waiting);
    evaluation.completed_at = Some(Timestamp::from_millis(3));
    assert_eq!(evaluation.status(), Status::Completed);
}
