//! Requests that bring an `Idempotency-Key`, and are carried out once however often they are sent.

use std::time::Duration;

use evaluation::decide::once::{RequestKey, question};
use evaluation::decide::start::Request;
use evaluation::domain::time::Timestamp;
use evaluation::run::once::{LeaseResult, lease, release};
use evaluation::run::start::StartResult;

use crate::evaluate::{Spent, Splitter};
use crate::refusal::StartError;

/// By so much clocks of two functions differ at most, and more.
const CLOCKS_DIFFER: Duration = Duration::from_secs(3);

/// Answers a request once, however often it comes under its key; `until` is when this function ends.
pub(crate) async fn evaluate(
    splitter: &Splitter,
    request: &Request,
    key: &RequestKey,
    until: Timestamp,
) -> Result<(StartResult, Option<Spent>), StartError> {
    let ports = &splitter.ports;
    let until = until.after(CLOCKS_DIFFER);
    let leased = match lease(ports, key, &question(request), until).await? {
        LeaseResult::Leased(leased) => leased,
        LeaseResult::Answered(how, evaluation) => {
            return Ok((StartResult::of(how, evaluation), None));
        }
        LeaseResult::Wait => return Err(StartError::BeingAnswered),
        LeaseResult::Refused => return Err(StartError::KeyUsed),
    };
    let answer = splitter.evaluate_once(request, Some(&leased)).await;
    if answer.is_err()
        && let Err(error) = release(ports, &leased).await
    {
        tracing::warn!(error = %error.with_causes(), "a request stays leased until this function would have ended");
    }
    answer.map(|(answer, spent)| (answer, Some(spent)))
}
