//! What the server can do, found out once per process from its first answers: no request is made for it.
//!
//! What it lacks and cannot be done without (images, a context that is large enough, the model) is told in the
//! failure of the first request, for the operator (`failure`); what can be done without is remembered here.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};

use super::failure::{About, VlmFailure};
use super::fields::{ALL as FIELDS, Field, LeftOut};

/// What is known of a server.
#[derive(Debug)]
pub struct Capability {
    /// The most images of a request, as far as is known.
    images: AtomicUsize,
    /// Fields that it refused.
    left_out: AtomicU16,
    /// Whether it was seen that the server does not hold models to the schema.
    ignores_schema: AtomicBool,
}

impl Default for Capability {
    fn default() -> Self {
        Self {
            images: AtomicUsize::new(usize::MAX),
            left_out: AtomicU16::new(0),
            ignores_schema: AtomicBool::new(false),
        }
    }
}

impl Capability {
    /// The most images of a request, as far as is known.
    pub fn images(&self) -> usize {
        self.images.load(Ordering::Relaxed).max(1)
    }

    /// Whether models were seen to write what the schema forbids.
    pub fn ignores_schema(&self) -> bool {
        self.ignores_schema.load(Ordering::Relaxed)
    }

    /// The fields that it refused, by name.
    pub fn refused_fields(&self) -> Vec<&'static str> {
        let left_out = self.left_out();
        let fields = FIELDS.into_iter().filter(|field| left_out.has(*field));
        fields.map(Field::name).collect()
    }

    /// Whether it refused the schema, its bounds included.
    pub fn refuses_schema(&self) -> bool {
        self.left_out().has(Field::Schema)
    }

    /// What is left out of requests.
    pub(super) fn left_out(&self) -> LeftOut {
        LeftOut::of_bits(self.left_out.load(Ordering::Relaxed))
    }

    /// Learns from a refusal how many images a request may have; whether it was that.
    pub(super) fn note_images(&self, failure: &VlmFailure) -> bool {
        let Some(About::Images(Some(most))) = failure.about() else {
            return false;
        };
        if self.images.swap(most, Ordering::Relaxed) != most {
            tracing::warn!(
                vlm.images = most,
                "the VLM server takes fewer photos per request than the setting says"
            );
        }
        true
    }

    /// What of a request may be left out besides, given how one without `left_out` failed; nothing where that is about
    /// no field, or about one that was not sent.
    pub(super) fn refused(left_out: LeftOut, failure: &VlmFailure) -> Option<Field> {
        let Some(About::Field(refused)) = failure.about() else {
            return None;
        };
        let refused = match refused {
            // Fewer were too many as well.
            Field::Choices if left_out.has(Field::Choices) => Field::Logprobs,
            other => other,
        };
        (!left_out.has(refused)).then_some(refused)
    }

    /// Learns that the server refuses a field: it is left out from now on, which is said once.
    pub(super) fn leave_out(&self, field: Field) {
        let bits = LeftOut::default().and(field).bits();
        let before = self.left_out.fetch_or(bits, Ordering::Relaxed);
        if before & bits == 0 {
            tracing::warn!(
                vlm.field = field.name(),
                "the VLM server refuses a field; from now on it is left out"
            );
        }
    }

    /// Learns from an answer whether the server holds models to the schema. Answers are read with suspicion either way.
    pub(super) fn note_answer(&self, strict: bool) {
        if !strict && !self.ignores_schema.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "the VLM server does not hold the model to the JSON schema; answers are mended where that is safe"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn refusal(words: &str) -> VlmFailure {
        VlmFailure::of_status(StatusCode::BAD_REQUEST, &HeaderMap::new(), words)
    }

    #[test]
    fn what_a_server_lacks_is_learnt_from_its_refusals() {
        let server = Capability::default();
        assert!(server.images() == usize::MAX && !server.ignores_schema());
        assert!(!server.note_images(&refusal("no image")));
        assert!(server.note_images(&refusal(
            "At most 2 image(s) may be provided in one prompt."
        )));
        let priority = refusal("Got priority 1 but Priority scheduling is not enabled.");
        assert_eq!(priority.about(), Some(About::Field(Field::Priority)));
        server.leave_out(Field::Priority);
        server.note_answer(true);
        assert!(server.left_out().has(Field::Priority) && !server.left_out().has(Field::Seed));
        assert!(server.images() == 2 && !server.ignores_schema());
        server.note_answer(false);
        assert!(server.ignores_schema());
    }

    #[test]
    fn a_server_is_asked_for_fewer_choices_then_for_none_and_then_no_more() {
        let too_many =
            refusal("Invalid value for 'top_logprobs': must be less than or equal to 5.");
        let mut left_out = LeftOut::default();
        for expected in [Some(Field::Choices), Some(Field::Logprobs), None] {
            assert_eq!(Capability::refused(left_out, &too_many), expected);
            left_out = expected.map_or(left_out, |field| left_out.and(field));
        }
        let other = refusal("no image");
        assert_eq!(Capability::refused(LeftOut::default(), &other), None);
    }
}
