//! Carrying a request out once, however often it is sent under its key.

use serde_json::Value;

use super::error::RunError;
use super::ports::{Ports, UpdateResult, evaluation};
use crate::decide::evaluation::Evaluation;
use crate::decide::once::{Answered, How, Lease, Next, RequestKey, SLOTS, next, read};
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::time::Timestamp;

/// A request that whoever holds this works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    key: RequestKey,
    slot: &'static str,
    lease: Lease,
}

impl Leased {
    /// The request.
    pub(super) fn key(&self) -> &RequestKey {
        &self.key
    }
}

/// What there is to be done about a request.
#[derive(Debug, Clone, PartialEq)]
pub enum LeaseResult {
    /// It is to be carried out.
    Leased(Leased),
    /// It was answered so.
    Answered(How, Box<Evaluation>),
    /// Somebody works on it.
    Wait,
    /// Something else was asked under its key, or this too often.
    Refused,
}

/// Leases a request, until when its function may run.
pub async fn lease(
    ports: &impl Ports,
    key: &RequestKey,
    question: &str,
    until: Timestamp,
) -> Result<LeaseResult, RunError> {
    let lease = Lease {
        by: ports.new_id(ports.now()),
        until,
    };
    let mut slot = SLOTS.first().copied().unwrap_or_default();
    for _ in SLOTS {
        let update = updates::request_leased(key, slot, &lease, question, ports.now());
        let UpdateResult::Applied(item) = ports.update(update).await? else {
            return Ok(LeaseResult::Wait);
        };
        let is_own = read::<Lease>(&item, slot).is_some_and(|there| there == lease);
        match next(&item, question, ports.now()) {
            Next::Refuse => return Ok(LeaseResult::Refused),
            Next::Answer(answered) => return shown(ports, answered).await,
            Next::Wait if is_own => {
                let key = key.clone();
                return Ok(LeaseResult::Leased(Leased { key, slot, lease }));
            }
            Next::Wait => return Ok(LeaseResult::Wait),
            Next::Lease(free) => slot = free,
        }
    }
    Ok(LeaseResult::Refused)
}

/// What a request was answered with, as that stands now.
async fn shown(ports: &impl Ports, answered: Answered) -> Result<LeaseResult, RunError> {
    let found = evaluation(ports, &answered.evaluation_id).await?;
    let found = found.ok_or_else(|| RunError::misplaced("the evaluation of a key is gone"))?;
    Ok(LeaseResult::Answered(answered.how, Box::new(found)))
}

/// The evaluation that was started for a leased request, if one came to stand.
pub(super) async fn started(
    ports: &impl Ports,
    leased: &Leased,
) -> Result<Option<Evaluation>, RunError> {
    let item: Option<Value> = ports.get(Key::Request(leased.key.clone())).await?;
    let answered: Option<Answered> = item.as_ref().and_then(|item| read(item, "answered"));
    match answered {
        Some(answered) => evaluation(ports, &answered.evaluation_id).await,
        None => Ok(None),
    }
}

/// Notes what a leased request is answered with, where nothing was started.
pub(super) async fn answer(
    ports: &impl Ports,
    leased: &Leased,
    how: How,
    with: &Evaluation,
) -> Result<(), RunError> {
    let answered = Answered {
        evaluation_id: with.evaluation_id.clone(),
        how,
    };
    let update = updates::request_answered(&leased.key, &answered);
    ports.update(update).await?;
    Ok(())
}

/// Lets go of a request that could not be carried out: whoever sends it again need not wait.
pub async fn release(ports: &impl Ports, leased: &Leased) -> Result<(), RunError> {
    let over = Lease {
        until: Timestamp::MIN,
        ..leased.lease.clone()
    };
    let update = updates::request_released(&leased.key, leased.slot, &over);
    ports.update(update).await?;
    Ok(())
}
