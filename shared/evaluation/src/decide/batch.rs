//! Which photos of a batch are still to be asked about, and whether they may be now.

use super::breaker::Breaker;
use super::evaluation::Evaluation;
use super::message::Batch;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::plan::Photo;

/// Why nobody is asked whose release does not know an evaluation's versions.
pub const ANOTHER_RELEASE: &str = "Another release is being deployed";

/// The photos of a batch that have no outcome yet. Of bulk work that a person joined there are none: they were sent
/// again through the queue of what people wait for. A probe asks all the same, for the sake of all others.
pub fn wanted<'a>(evaluation: &Evaluation, batch: &'a Batch) -> Vec<&'a Photo> {
    let overtaken = batch.bulk && !evaluation.bulk && !batch.probe;
    let pending = |photo: &&Photo| !overtaken && evaluation.pending.contains(&photo.photo_id);
    batch.photos.iter().filter(pending).collect()
}

/// The outcome of photos whose evaluation had its place taken.
pub fn superseded() -> PhotoOutcome {
    let message = "A newer evaluation took this one's place.";
    PhotoOutcome::not_evaluated(ReasonCode::Superseded, message)
}

/// Why nobody may be asked now, if so: the VLM is taken to be away, and this is no probe.
pub fn held_off(breaker: Breaker, batch: &Batch) -> Option<String> {
    let away = breaker.is_open() && !batch.probe;
    away.then(|| breaker.reason.unwrap_or_else(|| "The VLM is away".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{evaluation_of, photo};
    use crate::domain::time::Timestamp;

    #[test]
    fn bulk_messages_of_what_a_person_joined_are_passed_over_but_for_a_probe() {
        let waited_for = evaluation_of(&["a.jpg"]);
        let bulk = Evaluation {
            bulk: true,
            ..waited_for.clone()
        };
        let (id, dr) = (&bulk.evaluation_id, &bulk.dr_number);
        let batch = Batch::new(id, dr, vec![photo("a.jpg")], Timestamp::default());
        let message = |bulk, probe| Batch {
            bulk,
            probe,
            ..batch.clone()
        };
        let asked = |evaluation, bulk, probe| wanted(evaluation, &message(bulk, probe)).len();
        assert_eq!(asked(&bulk, true, false), 1);
        assert_eq!(asked(&waited_for, true, false), 0);
        assert_eq!(asked(&waited_for, true, true), 1);
        assert_eq!(asked(&waited_for, false, false), 1);
    }
}
