//! Writing down what a person decides.
//!
//! # Invariants
//! - Of two who decide at once, both records stand, one after the other: whoever finds its number taken reads what was
//!   written meanwhile and makes its record anew.

use std::time::Duration;

use super::error::RunError;
use super::ports::{Ports, evaluation};
use crate::decide::review::{Next, Refused, Reviewed, Reviews, Wish, next};
use crate::decide::update::Part;
use crate::decide::updates;
use crate::domain::ids::{DrNumber, EvaluationId};

/// How often a number may be found taken: so many reviewers decide of one DR at the same moment at most.
const ROUNDS: usize = 10;

/// What became of a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum ReviewResult {
    /// The record of this number was written.
    Written(u32, Reviews),
    /// The same was said before: the record of this number stands.
    Stands(u32, Reviews),
    /// Nothing was written.
    Refused(Refused),
}

/// An evaluation with what is needed to review it; none if there is no such.
pub async fn reviewed(ports: &impl Ports, id: &EvaluationId) -> Result<Option<Reviewed>, RunError> {
    let Some(evaluation) = evaluation(ports, id).await? else {
        return Ok(None);
    };
    let version = evaluation.versions.catalogue.clone();
    let (photos, catalogue) = tokio::try_join!(ports.photos(id), ports.catalogue(&version))?;
    Ok(Some(Reviewed::of(evaluation, &photos, catalogue)))
}

/// All records of a DR.
pub async fn reviews(ports: &impl Ports, dr: &DrNumber) -> Result<Reviews, RunError> {
    Ok(Reviews::of_items(ports.reviews(dr).await?, ports.now()))
}

/// Writes down what somebody wishes to say of an evaluation, to be kept for so long.
pub async fn review(
    ports: &impl Ports,
    of: &Reviewed,
    wish: &Wish,
    kept_for: Duration,
) -> Result<ReviewResult, RunError> {
    let dr = &of.evaluation.dr_number;
    for _ in 0..ROUNDS {
        let before = reviews(ports, dr).await?;
        let mut record = match next(&before, of, wish, ports.now(), kept_for) {
            Next::Write(record) => record,
            Next::Stands(number) => return Ok(ReviewResult::Stands(number, before)),
            Next::Refuse(why) => return Ok(ReviewResult::Refused(why)),
        };
        record.trace_id = ports.trace();
        let put = Part::Put(updates::reviewed(&record));
        if ports.transact(vec![put]).await? {
            let after = reviews(ports, dr).await?;
            return Ok(ReviewResult::Written(record.number, after));
        }
    }
    Err(RunError::contended("many decide of one DR at once"))
}
