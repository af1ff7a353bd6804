//! Direct invocation: `{"dr_number": "DR1730550", "mode": "full", "force": false}`.

use evaluation::run::error::with_causes;
use evaluation::show::start::EvaluationStarted;
use lambda_runtime::Error;
use serde_json::Value;

use crate::evaluate::Splitter;
use crate::post;

/// Starts or joins an evaluation; the answer is that of `POST /evaluations`. A refusal is a function error.
pub(crate) async fn handle(splitter: &Splitter, event: Value) -> Result<Value, Error> {
    let request = post::read(&event).map_err(|problem| Error::from(problem.detail))?;
    let answer = splitter.evaluate(&request).await;
    let answer = answer.inspect_err(|error| {
        tracing::error!(error = %with_causes(error), "no evaluation was started");
    })?;
    Ok(serde_json::to_value(EvaluationStarted::from(&answer))?)
}
