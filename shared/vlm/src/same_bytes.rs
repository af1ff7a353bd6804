//! Photos of one message that have the same bytes though their ETags differ: one is asked about, the others wait.
//!
//! # Invariants
//! - Of photos with the same bytes one asks at a time; who comes after an answer asks nobody.
//! - Whoever leaves without an answer, in whatever way, frees the place.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};
use evaluation::domain::plan::Photo;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The photo that was answered about, if one was.
type Answered = Option<Photo>;

/// The contents that the photos of one message have.
#[derive(Debug, Default)]
pub struct SameBytes(std::sync::Mutex<HashMap<String, Arc<Mutex<Answered>>>>);

/// Those with the same bytes.
pub(crate) struct Same(Arc<Mutex<Answered>>);

/// The one of them that may ask.
pub(crate) struct First(OwnedMutexGuard<Answered>);

impl SameBytes {
    /// Those with this content, which are now one more.
    pub(crate) fn enter(&self, content: &str) -> Same {
        let mut contents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Same(Arc::clone(contents.entry(content.to_owned()).or_default()))
    }
}

impl Same {
    /// The right to ask, if nobody has it or had it with success.
    pub(crate) fn first(&self) -> Option<First> {
        let place = Arc::clone(&self.0).try_lock_owned().ok();
        place.filter(|answered| answered.is_none()).map(First)
    }

    /// Waits until nobody asks any more.
    pub(crate) async fn wait(self) -> First {
        First(self.0.lock_owned().await)
    }
}

impl First {
    /// Notes what came of asking.
    pub(crate) fn ended(&mut self, photo: &Photo, outcome: &PhotoOutcome) {
        if matches!(outcome, PhotoOutcome::Evaluated { .. }) {
            *self.0 = Some(photo.clone());
        }
    }

    /// The outcome of another photo with the same bytes, if one was answered about.
    pub(crate) fn copy_of(&self, photo: &Photo) -> Option<PhotoOutcome> {
        let other = self.0.as_ref();
        let other = other.filter(|other| other.photo_id != photo.photo_id)?;
        let message = format!(
            "The same photo as {}, which was asked about instead.",
            other.name
        );
        Some(PhotoOutcome::not_evaluated(ReasonCode::SamePhoto, message))
    }
}

#[cfg(test)]
mod tests {
    use evaluation::domain::catalogue::Catalogue;

    use super::*;

    fn photo(name: &str) -> Photo {
        let catalogue = Catalogue::shipped("v1").unwrap();
        Photo::new(&format!("photos/DR1/{name}"), name, name, catalogue)
    }

    fn answered() -> PhotoOutcome {
        PhotoOutcome::Evaluated { findings: vec![] }
    }

    #[tokio::test]
    async fn who_comes_after_an_answer_is_a_copy_and_asks_nobody() {
        let all = SameBytes::default();
        let mut first = all.enter("x").first().unwrap();
        assert!(all.enter("x").first().is_none(), "somebody asks");
        assert!(all.enter("y").first().is_some(), "other bytes");
        let waiting = tokio::spawn(all.enter("x").wait());
        first.ended(&photo("a.jpg"), &answered());
        drop(first);
        let outcome = waiting.await.unwrap().copy_of(&photo("b.jpg")).unwrap();
        assert!(outcome.is_copy());
        let late = all.enter("x");
        assert!(late.first().is_none(), "it was answered");
        let late = late.wait().await;
        assert!(late.copy_of(&photo("b.jpg")).is_some());
        assert_eq!(
            late.copy_of(&photo("a.jpg")),
            None,
            "its own message came twice"
        );
    }

    #[tokio::test]
    async fn who_got_no_answer_leaves_the_place_to_the_next() {
        let all = SameBytes::default();
        let mut first = all.enter("x").first().unwrap();
        first.ended(
            &photo("a.jpg"),
            &PhotoOutcome::not_evaluated(ReasonCode::Refused, "no"),
        );
        drop(first);
        let next = all.enter("x").wait().await;
        assert_eq!(next.copy_of(&photo("b.jpg")), None);
        drop(next);
        drop(all.enter("x").first().unwrap());
        assert!(
            all.enter("x").first().is_some(),
            "whoever is dropped frees it"
        );
    }
}
