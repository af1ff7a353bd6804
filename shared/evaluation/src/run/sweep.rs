//! One round of sweeping.
//!
//! # Invariants
//! - However many evaluations are unfinished, a round ends in time, what is past its deadline comes first, and what was
//!   not looked at comes before what was.

use std::time::Duration;

use futures::future::{FutureExt, join_all, try_join_all};
use serde::Serialize;
use tracing::Instrument;
use tracing::field::Empty;

use super::error::RunError;
use super::ports::{Ports, Queue, about, evaluation};
use crate::decide::evaluation::Evaluation;
use crate::decide::message::{Batch, Message};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::progress::Progress;
use crate::decide::sweep::{
    Round, SweepAction, age, ends_whatever_comes, may_need_action, needs_finalising,
    needs_next_wave, sweep, wants_planning_anew,
};
use crate::decide::unfinished::{PARTS, SweptTo, Unfinished};
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::ids::EvaluationId;
use crate::domain::time::Timestamp;

/// Evaluations looked at at the same time, in each part.
const LOOKS_AT_ONCE: usize = 4;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Evaluations looked at.
    pub unfinished: usize,
    /// Their photos without an outcome.
    pub pending: usize,
    /// The age of the oldest of them that does not wait for the VLM, in seconds.
    pub oldest_s: u64,
    /// Photos sent again.
    pub resent: usize,
    /// Photos whose time was up.
    pub ended: usize,
    /// Evaluations whose verdict was asked for again.
    pub repeated: usize,
    /// Evaluations whose question is to be asked anew.
    pub planned_anew: usize,
    /// Evaluations that could not be looked at.
    pub failed: usize,
    /// Whether time ended before all were looked at: the others come first the next time.
    pub out_of_time: bool,
}

impl Swept {
    fn plus(self, other: Self) -> Self {
        Self {
            unfinished: self.unfinished + other.unfinished,
            pending: self.pending + other.pending,
            oldest_s: self.oldest_s.max(other.oldest_s),
            resent: self.resent + other.resent,
            ended: self.ended + other.ended,
            repeated: self.repeated + other.repeated,
            planned_anew: self.planned_anew + other.planned_anew,
            failed: self.failed + other.failed,
            out_of_time: self.out_of_time || other.out_of_time,
        }
    }
}

/// Looks at every unfinished evaluation until `until`; what is left then comes first the next time, but for what is past
/// its deadline. One that fails does not keep the others from being looked at.
pub async fn run(
    ports: &impl Ports,
    lost_after: Duration,
    until: Timestamp,
) -> Result<Swept, RunError> {
    let queues = vec![Key::Progress(Queue::Batches), Key::Progress(Queue::Bulk)];
    let mut progress = ports.get_all::<Progress>(queues).await?.into_iter();
    let round = Round {
        lost_after,
        batches: progress.next().flatten(),
        bulk: progress.next().flatten(),
    };
    let marks = (0..PARTS).map(Key::SweptTo).collect();
    let marks = ports.get_all::<SweptTo>(marks).await?.into_iter();
    let parts = (0..PARTS).zip(marks).map(|(part, swept_to)| {
        let from = swept_to.unwrap_or_default().evaluation();
        Sweep::new(ports, &round, until)
            .part(part, from)
            .boxed_local()
    });
    let swept = try_join_all(parts).await?;
    Ok(swept.into_iter().fold(Swept::default(), Swept::plus))
}

/// A round in one part of the unfinished evaluations.
struct Sweep<'a, P> {
    ports: &'a P,
    round: &'a Round,
    until: Timestamp,
    swept: Swept,
}

impl<'a, P: Ports> Sweep<'a, P> {
    fn new(ports: &'a P, round: &'a Round, until: Timestamp) -> Self {
        Self {
            ports,
            round,
            until,
            swept: Swept::default(),
        }
    }

    /// All from the beginning, that is in the order of their deadlines, if nothing was left the last time.
    async fn part(mut self, part: u8, from: Option<Unfinished>) -> Result<Swept, RunError> {
        let rest = match &from {
            None => self.walk(part, None, |_| true).await?,
            Some(from) => self.go_on(part, from).await?,
        };
        let stopped = rest.last.filter(|_| !rest.is_whole);
        self.swept.out_of_time |= stopped.is_some();
        if stopped != from {
            let swept_to = updates::swept_to(part, stopped.as_ref());
            self.ports.update(swept_to).await?;
        }
        Ok(self.swept)
    }

    /// First what is past its deadline, then what comes behind the last one looked at, then what came before it.
    async fn go_on(&mut self, part: u8, from: &Unfinished) -> Result<Walked, RunError> {
        let now = self.ports.now();
        let overdue = self.walk(part, None, |next| next.due_at <= now).await?;
        let from = Some(from.clone()).max(overdue.last.clone());
        let rest = self.walk(part, from.clone(), |_| true).await?;
        if !rest.is_whole || from == overdue.last {
            return Ok(rest);
        }
        let before = |next: &Unfinished| Some(next) <= from.as_ref();
        self.walk(part, overdue.last, before).await
    }

    /// Looks at evaluations from behind one on, as long as they are wanted and there is time.
    async fn walk(
        &mut self,
        part: u8,
        after: Option<Unfinished>,
        wanted: impl Fn(&Unfinished) -> bool,
    ) -> Result<Walked, RunError> {
        let mut last = after;
        loop {
            let page = self.ports.unfinished(part, last.as_ref()).await?;
            let entries: Vec<&Unfinished> = page.entries.iter().take_while(|e| wanted(e)).collect();
            for some in entries.chunks(LOOKS_AT_ONCE) {
                if self.ports.now() >= self.until {
                    return Ok(Walked {
                        last,
                        is_whole: false,
                    });
                }
                let looks = some.iter().map(|entry| self.look_at(&entry.evaluation_id));
                let swept = join_all(looks).await;
                self.swept = swept.into_iter().fold(self.swept, Swept::plus);
                last = some.last().map(|entry| (*entry).clone());
            }
            if !page.more || entries.len() < page.entries.len() {
                return Ok(Walked {
                    last,
                    is_whole: true,
                });
            }
        }
    }

    async fn look_at(&self, id: &EvaluationId) -> Swept {
        let mut swept = Swept {
            unfinished: 1,
            ..Swept::default()
        };
        let span = tracing::error_span!("evaluation", trace_id = Empty, evaluation.id = %id, dr_number = Empty);
        let look = look(self.ports, id, self.round, &mut swept);
        if let Err(error) = look.instrument(span).await {
            tracing::error!(evaluation.id = %id, error = %error.with_causes(), "an evaluation could not be swept");
            swept.failed += 1;
        }
        swept
    }
}

/// How far the sweeper came.
struct Walked {
    last: Option<Unfinished>,
    is_whole: bool,
}

async fn look(
    ports: &impl Ports,
    id: &EvaluationId,
    round: &Round,
    swept: &mut Swept,
) -> Result<(), RunError> {
    let Some(evaluation) = evaluation(ports, id).await? else {
        return Ok(());
    };
    about(&evaluation);
    let now = ports.now();
    swept.pending = evaluation.pending.len();
    swept.oldest_s = age(&evaluation, now).as_secs();
    if wants_planning_anew(&evaluation, round.lost_after, now) {
        let message = vec![Message::plan_anew(id)];
        ports.send(Queue::Uploads, message, Duration::ZERO).await?;
        swept.planned_anew += 1;
    }
    let rests = needs_finalising(&evaluation)
        || (needs_next_wave(&evaluation) && !ends_whatever_comes(&evaluation, now));
    if !rests && !may_need_action(&evaluation, round, now) {
        return Ok(());
    }
    let photos = ports.photos(id).await?;
    if rests {
        swept.repeated += 1;
        return repeat_outcome(ports, &evaluation, &photos).await;
    }
    for action in sweep(&evaluation, &photos, round, now) {
        match action {
            SweepAction::End(outcome) => {
                let message = vec![*outcome];
                ports.send(Queue::Results, message, Duration::ZERO).await?;
                swept.ended += 1;
            }
            SweepAction::Resend(batch) => {
                resend(ports, &evaluation, batch, &photos).await?;
                swept.resent += 1;
            }
        }
    }
    Ok(())
}

/// Says a recorded outcome again, so that the aggregator finishes what it was kept from finishing.
async fn repeat_outcome(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
) -> Result<(), RunError> {
    let recorded = photos
        .iter()
        .find_map(|photo| Some((&photo.photo.photo_id, photo.report.clone()?)));
    let Some((photo_id, report)) = recorded else {
        return Ok(());
    };
    let message = Message::outcome(&evaluation.evaluation_id, photo_id, report);
    ports
        .send(Queue::Results, vec![message], Duration::ZERO)
        .await
}

async fn resend(
    ports: &impl Ports,
    evaluation: &Evaluation,
    batch: Batch,
    photos: &[PhotoRecord],
) -> Result<(), RunError> {
    let sent = batch.photos.first().map(|photo| photo.photo_id.clone());
    let Some(record) = photos
        .iter()
        .find(|record| Some(&record.photo.photo_id) == sent.as_ref())
    else {
        return Ok(());
    };
    ports
        .send(batch.queue(), vec![Message::Batch(batch)], Duration::ZERO)
        .await?;
    ports
        .update(updates::resent(
            &evaluation.evaluation_id,
            record,
            ports.now(),
        ))
        .await?;
    tracing::warn!(evaluation.id = %evaluation.evaluation_id, photo.name = %record.photo.name, "a photo not heard of was sent again");
    Ok(())
}
