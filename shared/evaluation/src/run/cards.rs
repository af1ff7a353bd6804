//! Keeping the cards that the list across DRs is read from: each change of an evaluation, each review and each note, as
//! the table's stream hands it over, is put onto the evaluation's card.
//!
//! # Invariants
//! - A change counts as done only when its card stands, or it can never stand: whoever ends before that is handed the
//!   change again.
//! - Doing it twice, or late, changes nothing.
//! - Reviews and notes are read after the card that they are put onto, so what is written is never older than what is
//!   there.

use std::collections::BTreeSet;

use serde_json::Value;
use tracing::Instrument;

use super::error::{Class, RunError};
use super::ports::Ports;
use super::review::{reviewed, reviews};
use super::tell::{Change, span};
use crate::decide::card::{ByPeople, Card, Image};
use crate::decide::known::Known;
use crate::decide::note;
use crate::decide::update::Key;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::review::{ReviewRecord, Said};

/// Others write the same card at the same time: rarely, and never so often.
const TRIES: usize = 8;

/// What is news for a card.
enum News {
    /// An evaluation is as this says.
    Evaluation(Box<Image>),
    /// Somebody decided something of an evaluation, or took the decision of this number back.
    Review(DrNumber, EvaluationId, Option<u32>),
    /// A technician said something of a DR's steps.
    Note(DrNumber),
    /// An operator knows what an evaluation truly is.
    Known(DrNumber, EvaluationId),
}

/// Puts all these changes onto their cards, one after another, for those of a day are counted in one item; gives the
/// places of those that are not done. Of a hundred passes without flags `sample` are drawn for review.
pub async fn keep(ports: &impl Ports, changes: &[Change], sample: u8) -> Vec<usize> {
    let mut failed = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let Some(news) = News::of(change) else {
            continue;
        };
        let kept = async {
            let kept = put_all(ports, &news, sample).await;
            kept.inspect_err(|error| {
                let cause = error.with_causes();
                tracing::error!(error = %cause, "an evaluation is not on its card");
            })
        };
        if let Err(error) = kept.instrument(span(change)).await {
            // What never gets better must not hold up the others.
            failed.extend((error.class() == Class::Retry).then_some(at));
        }
    }
    failed
}

/// Puts what is news onto its card; a review, which may hold for later evaluations as well, onto theirs, too; and a note
/// onto those of all evaluations of its DR.
async fn put_all(ports: &impl Ports, news: &News, sample: u8) -> Result<(), RunError> {
    match news {
        News::Evaluation(image) => put(ports, &image.key(), Some(image), sample).await,
        News::Known(dr, id) => {
            let key = Key::Card(dr.clone(), id.clone());
            // Its verdict may come by another shard of the stream, and later: then nobody would offer it any more.
            put(ports, &key, None, sample).await?;
            offer(ports, &key).await
        }
        News::Note(dr) => put_onto(ports, dr, |_| true, sample).await,
        News::Review(dr, of, withdraws) => {
            let first = first_changed(ports, dr, of, *withdraws).await?;
            // These two may be older than the last ones, which are all that is read of a DR.
            for id in BTreeSet::from([&first, of]) {
                let key = Key::Card(dr.clone(), id.clone());
                put(ports, &key, None, sample).await?;
            }
            put_onto(ports, dr, |id| *id > first && id != of, sample).await
        }
    }
}

/// The first evaluation that a review of this one changes: a decision may be taken back at any evaluation of the DR,
/// and held from the one on of which it was said.
async fn first_changed(
    ports: &impl Ports,
    dr: &DrNumber,
    of: &EvaluationId,
    withdraws: Option<u32>,
) -> Result<EvaluationId, RunError> {
    let Some(number) = withdraws else {
        return Ok(of.clone());
    };
    let reviews = reviews(ports, dr).await?;
    let withdrawn = reviews.record(number);
    let first = withdrawn.map_or(of, |record| &record.evaluation_id);
    Ok(first.min(of).clone())
}

/// Puts evaluations of a DR, as they are now, onto those of its cards that this takes.
async fn put_onto(
    ports: &impl Ports,
    dr: &DrNumber,
    takes: impl Fn(&EvaluationId) -> bool,
    sample: u8,
) -> Result<(), RunError> {
    let cards = ports.cards_of(dr).await?;
    let taken = cards.into_iter().filter(|card| takes(&card.evaluation_id));
    for card in taken {
        let key = Key::Card(dr.clone(), card.evaluation_id);
        put(ports, &key, None, sample).await?;
    }
    Ok(())
}

/// Has a known case listed for people.
async fn offer(ports: &impl Ports, key: &Key) -> Result<(), RunError> {
    for _ in 0..TRIES {
        let before: Option<Card> = ports.get(key.clone()).await?;
        let Some(card) = before.as_ref().and_then(Card::offered) else {
            return Ok(());
        };
        if ports.transact(card.parts(before.as_ref())).await? {
            return Ok(());
        }
    }
    Err(contended())
}

/// Puts an evaluation onto its card: in the state that is said, or in which it is now.
async fn put(
    ports: &impl Ports,
    key: &Key,
    said: Option<&Image>,
    sample: u8,
) -> Result<(), RunError> {
    for _ in 0..TRIES {
        let before: Option<Card> = ports.get(key.clone()).await?;
        let image = match said {
            Some(image) => Some(image.clone()),
            None => current(ports, key).await?,
        };
        let Some(image) = image else {
            return Ok(());
        };
        let by_people = by_people(ports, &image).await?;
        let Some(card) = Card::made(before.as_ref(), &image, by_people, sample) else {
            return Ok(());
        };
        if ports.transact(card.parts(before.as_ref())).await? {
            return Ok(());
        }
    }
    Err(contended())
}

fn contended() -> RunError {
    RunError::contended("a card was changed again and again")
}

/// The state of the evaluation of a card; none if it is gone.
async fn current(ports: &impl Ports, key: &Key) -> Result<Option<Image>, RunError> {
    let Key::Card(_, id) = key else {
        return Ok(None);
    };
    let item = ports.get(Key::Evaluation(id.clone())).await?;
    Image::of(None, item.as_ref()).map_err(|cause| RunError::bug("an evaluation", cause))
}

/// What people decided and said of a DR, as it stands for one of its evaluations. Of most nobody did.
async fn by_people(ports: &impl Ports, image: &Image) -> Result<ByPeople, RunError> {
    let dr = image.dr_number();
    let noted: Option<Value> = ports.get(Key::Notes(dr.clone())).await?;
    let notes = noted.map_or(0, |item| note::of_item(&item).len() as u32);
    let undecided = ByPeople {
        notes,
        ..ByPeople::default()
    };
    if !image.has_verdict() {
        return Ok(undecided);
    }
    let reviews = reviews(ports, dr).await?;
    if reviews.is_empty() {
        return Ok(undecided);
    }
    let of = reviewed(ports, image.evaluation_id()).await?;
    Ok(ByPeople {
        last: reviews.last(),
        last_at: reviews.last_at(),
        verdict: of.and_then(|of| of.standing(reviews.records()).1),
        notes,
    })
}

impl News {
    /// What a change says that cards are to be made of. What can't be read is set aside by who tells of it.
    fn of(change: &Change) -> Option<Self> {
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        if old.is_none()
            && let Some(record) = new.and_then(ReviewRecord::of_item)
        {
            let withdraws = match record.said {
                Said::Withdrawal { withdraws } => Some(withdraws),
                Said::Decision(_) | Said::Unknown => None,
            };
            return Some(Self::Review(
                record.dr_number,
                record.evaluation_id,
                withdraws,
            ));
        }
        if let Some(known) = new.and_then(Known::of_item) {
            return Some(Self::Known(known.dr_number, known.evaluation_id));
        }
        if let Some(dr) = new.and_then(note::of_dr) {
            return Some(Self::Note(dr));
        }
        let image = Image::of(old, new).ok()??;
        Some(Self::Evaluation(Box::new(image)))
    }
}
