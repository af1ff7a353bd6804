//! What is told of a failure, and which photos are refused before anybody is asked.

use evaluation::decide::defer::counts_as_failure;

use super::*;

#[test]
fn what_the_operator_must_change_is_named_in_one_line_and_opens_the_breaker() {
    for about in [
        About::Key,
        About::Context,
        About::Images(Some(2)),
        About::Setting("the model takes no images"),
    ] {
        let (cause, words) = in_words(RetryCause::Misconfigured, Some(about));
        assert!(counts_as_failure(cause) && cause != DeferralCause::Failed);
        assert!(words.starts_with("The VLM refuses our requests"));
        assert!(words.contains(about.advice().unwrap()) && !words.contains('\n'));
    }
}

#[test]
fn a_strip_is_refused_before_a_server_fails_at_it() {
    let of = |width, height| {
        let image = ImageFigures {
            original_bytes: 9,
            sent_bytes: 9,
            width,
            height,
            image_tokens: 1,
        };
        too_narrow(&image).map(|reason| reason.code)
    };
    for (width, height) in [(800, 31), (20, 800), (1, 1)] {
        assert_eq!(of(width, height), Some(ReasonCode::Unfit));
    }
    for (width, height) in [(800, 32), (600, 800)] {
        assert_eq!(of(width, height), None);
    }
}

#[test]
fn what_slows_the_gate_and_what_opens_the_breaker_follows_from_the_cause() {
    for (cause, slows, opens) in [
        (RetryCause::Unavailable, false, true),
        (RetryCause::Failed, false, true),
        (RetryCause::TimedOut, true, true),
        (RetryCause::Overloaded, true, false),
        (RetryCause::Misconfigured, false, true),
    ] {
        assert_eq!(cause.asks_for_fewer_requests(), slows, "{cause:?}");
        assert_eq!(
            counts_as_failure(in_words(cause, None).0),
            opens,
            "{cause:?}"
        );
    }
}
