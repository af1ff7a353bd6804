//! Starting or joining an evaluation.
//!
//! # Invariants
//! - The evaluation stands in the table before its batches stand in the queue. If this ends between the two, the
//!   sweeper sends them.
//! - What a person joins is bulk work no more.

use std::time::Duration;

use super::cache::{self, Lookup};
use super::error::RunError;
use super::once::{self, Leased};
use super::ports::{Ports, Queue, evaluation};
use super::promote::promote;
use crate::decide::evaluation::Evaluation;
use crate::decide::message::Message;
use crate::decide::once::{Answered, How};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::start::{Limits, NewEvaluation, NextAction, Pointer, Request, decide, open};
use crate::decide::update::Part;
use crate::decide::updates;
use crate::domain::ids::EvaluationId;
use crate::domain::plan::Plan;
use crate::domain::versions::Versions;

/// Looks again so often when another evaluation of the same question was faster.
const TRIES: usize = 4;

/// How a request was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum StartResult {
    /// A new evaluation runs.
    Started(Box<Evaluation>),
    /// One that runs was joined.
    Joined(Box<Evaluation>),
    /// One that is finished was returned.
    Cached(Box<Evaluation>),
}

impl StartResult {
    /// As a request was answered before.
    pub fn of(how: How, evaluation: Box<Evaluation>) -> Self {
        match how {
            How::Started => Self::Started(evaluation),
            How::Joined => Self::Joined(evaluation),
            How::Cached => Self::Cached(evaluation),
        }
    }

    /// In which way.
    pub fn how(&self) -> How {
        match self {
            Self::Started(_) => How::Started,
            Self::Joined(_) => How::Joined,
            Self::Cached(_) => How::Cached,
        }
    }

    /// The evaluation that answers.
    pub fn evaluation(&self) -> &Evaluation {
        match self {
            Self::Started(evaluation) | Self::Joined(evaluation) | Self::Cached(evaluation) => {
                evaluation
            }
        }
    }
}

/// Starts or joins the evaluation that answers the planned question.
pub async fn start(
    ports: &impl Ports,
    request: &Request,
    plan: &Plan,
    versions: &Versions,
    limits: &Limits,
) -> Result<StartResult, RunError> {
    attempts(ports, request, plan, versions, limits, None).await
}

/// The same for a leased request. That a new evaluation answers it comes to stand with the evaluation.
pub async fn start_once(
    ports: &impl Ports,
    request: &Request,
    plan: &Plan,
    versions: &Versions,
    limits: &Limits,
    leased: &Leased,
) -> Result<StartResult, RunError> {
    let result = attempts(ports, request, plan, versions, limits, Some(leased)).await?;
    if result.how() != How::Started {
        once::answer(ports, leased, result.how(), result.evaluation()).await?;
    }
    Ok(result)
}

async fn attempts(
    ports: &impl Ports,
    request: &Request,
    plan: &Plan,
    versions: &Versions,
    limits: &Limits,
    leased: Option<&Leased>,
) -> Result<StartResult, RunError> {
    let now = ports.now();
    for attempt in 0..TRIES {
        if let Some(started) = started_before(ports, leased, attempt).await? {
            return Ok(StartResult::Started(Box::new(started)));
        }
        let lookup = cache::lookup(ports, &plan.fingerprint, request).await?;
        let pointer = pointed_to(ports, lookup.pointer.clone()).await?;
        match decide(&pointer, request.reuse, lookup.valid_from, now) {
            NextAction::Join(evaluation) => {
                let joined = if request.is_bulk() {
                    evaluation
                } else {
                    promote(ports, evaluation).await?
                };
                return Ok(StartResult::Joined(joined));
            }
            NextAction::ReturnCached(evaluation) => return Ok(StartResult::Cached(evaluation)),
            NextAction::Start { seen, supersedes } => {
                // Lists are in the order of ids, and show when each evaluation was created: both are of one reading.
                let now = ports.now();
                let id = ports.new_id(now);
                let found = cache::from_cache(
                    ports,
                    &lookup,
                    pointer.evaluation(),
                    request,
                    plan,
                    versions,
                    now,
                )
                .await?;
                let mut new = open(
                    id,
                    request,
                    plan.clone(),
                    versions.clone(),
                    limits,
                    found,
                    now,
                );
                new.evaluation.trace_id = ports.trace();
                ports.put_all(updates::photos(&new)).await?;
                let mut parts = updates::open(&new, seen.as_ref(), supersedes.as_ref());
                parts.extend(leased.map(|leased| answers(leased, &new)));
                if ports.transact(parts).await? {
                    keep_what_people_said(ports, &lookup, &new).await?;
                    return dispatch(ports, new)
                        .await
                        .map(|evaluation| StartResult::Started(Box::new(evaluation)));
                }
                ports.delete_all(updates::orphans(&new)).await?;
            }
        }
    }
    Err(RunError::contended(format!(
        "{TRIES} evaluations of {} were started at once",
        request.dr_number
    )))
}

/// What an attempt before came to, if it did although it was said to be refused: a write may be repeated.
async fn started_before(
    ports: &impl Ports,
    leased: Option<&Leased>,
    attempt: usize,
) -> Result<Option<Evaluation>, RunError> {
    match leased {
        Some(leased) if attempt > 0 => once::started(ports, leased).await,
        _ => Ok(None),
    }
}

/// That a leased request is answered with this evaluation.
fn answers(leased: &Leased, new: &NewEvaluation) -> Part {
    let answered = Answered {
        evaluation_id: new.evaluation.evaluation_id.clone(),
        how: How::Started,
    };
    Part::Update(updates::request_answered(leased.key(), &answered))
}

/// What people said of the DR is kept as long as the new evaluation.
async fn keep_what_people_said(
    ports: &impl Ports,
    lookup: &Lookup,
    new: &NewEvaluation,
) -> Result<(), RunError> {
    if lookup.is_placed {
        ports.update(updates::place_kept(new)).await?;
    }
    if lookup.is_noted {
        ports.update(updates::notes_kept(new)).await?;
    }
    Ok(())
}

async fn pointed_to(
    ports: &impl Ports,
    pointer: Option<EvaluationId>,
) -> Result<Pointer, RunError> {
    let Some(id) = pointer else {
        return Ok(Pointer::Nowhere);
    };
    let found = evaluation(ports, &id).await?;
    Ok(found.map_or(Pointer::Gone(id), |found| Pointer::At(Box::new(found))))
}

async fn dispatch(ports: &impl Ports, new: NewEvaluation) -> Result<Evaluation, RunError> {
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
            let queue = if evaluation.bulk {
                Queue::Bulk
            } else {
                Queue::Batches
            };
            ports.send(queue, messages, Duration::ZERO).await?;
        }
    }
    ports
        .update(updates::dispatched(&evaluation.evaluation_id, ports.now()))
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
