//! Starting or joining an evaluation.
//!
//! # Invariants
//! - The evaluation stands in the table before its batches stand in the queue. If this ends between the two, the sweeper
//!   sends them.

use std::time::Duration;

use super::{Ports, Queue, Trouble, cache, evaluation};
use crate::domain::ids::EvaluationId;
use crate::domain::plan::{Plan, Versions};
use crate::protocol::evaluation::{Evaluation, PhotoRecord};
use crate::protocol::message::Message;
use crate::protocol::start::{Limits, NewEvaluation, NextAction, Request, decide, open};
use crate::protocol::writes;

/// Looks again so often when another evaluation of the same question was faster.
const TRIES: usize = 4;

/// How a request was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A new evaluation runs.
    Started(Box<Evaluation>),
    /// One that runs was joined.
    Joined(Box<Evaluation>),
    /// One that is finished was returned.
    Cached(Box<Evaluation>),
}

/// Starts or joins the evaluation that answers the planned question.
pub async fn split(
    ports: &impl Ports,
    request: &Request,
    plan: &Plan,
    versions: &Versions,
    limits: &Limits,
) -> Result<Answer, Trouble> {
    let now = ports.now();
    for _ in 0..TRIES {
        let standing = cache::standing(ports, &plan.fingerprint, request).await?;
        let current = pointed_to(ports, standing.pointer.clone()).await?;
        match decide(current.clone(), request.reuse, standing.valid_from, now) {
            NextAction::Join(evaluation) => return Ok(Answer::Joined(evaluation)),
            NextAction::ReturnCached(evaluation) => return Ok(Answer::Cached(evaluation)),
            NextAction::Start { seen, supersedes } => {
                let id = ports.new_id();
                let before = cache::before(
                    ports,
                    &standing,
                    current.as_ref(),
                    request,
                    plan,
                    versions,
                    now,
                )
                .await?;
                let new = open(
                    id,
                    request,
                    plan.clone(),
                    versions.clone(),
                    limits,
                    before,
                    now,
                );
                ports.put_all(writes::photos(&new)).await?;
                if ports
                    .transact(writes::open(&new, seen.as_ref(), supersedes.as_ref()))
                    .await?
                {
                    return dispatch(ports, new)
                        .await
                        .map(|evaluation| Answer::Started(Box::new(evaluation)));
                }
            }
        }
    }
    Err(Trouble::Busy(format!(
        "{TRIES} evaluations of {} were started at once",
        request.dr_number
    )))
}

async fn pointed_to(
    ports: &impl Ports,
    pointer: Option<EvaluationId>,
) -> Result<Option<Evaluation>, Trouble> {
    match pointer {
        Some(id) => evaluation(ports, &id).await,
        None => Ok(None),
    }
}

async fn dispatch(ports: &impl Ports, new: NewEvaluation) -> Result<Evaluation, Trouble> {
    let evaluation = new.evaluation;
    let batches = new.batches.len();
    match finished(&evaluation, &new.photos) {
        Some(outcome) => {
            ports
                .send(Queue::Results, vec![outcome], Duration::ZERO)
                .await?
        }
        None => {
            let messages = new.batches.into_iter().map(Message::Batch).collect();
            ports.send(Queue::Batches, messages, Duration::ZERO).await?;
        }
    }
    ports
        .write(writes::dispatched(&evaluation.evaluation_id, ports.now()))
        .await?;
    tracing::info!(
        evaluation.id = %evaluation.evaluation_id, dr.number = %evaluation.dr_number, evaluation.mode = evaluation.mode.as_str(),
        photos.total = evaluation.photos_total, photos.held = evaluation.held.len(), batches.total = batches,
        split.duration_ms = ports.now().millis_since(evaluation.created_at), "an evaluation started"
    );
    Ok(evaluation)
}

/// If nothing is to be asked for now: an outcome that stands already, said so that the aggregator judges.
fn finished(evaluation: &Evaluation, photos: &[PhotoRecord]) -> Option<Message> {
    let known = photos
        .iter()
        .filter(|_| evaluation.pending.is_subset(&evaluation.held));
    let (photo_id, report) = known
        .into_iter()
        .find_map(|photo| Some((&photo.photo.photo_id, photo.report.clone()?)))?;
    Some(Message::outcome(
        &evaluation.evaluation_id,
        photo_id,
        report,
    ))
}
