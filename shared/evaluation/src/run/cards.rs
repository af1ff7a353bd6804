//! Keeping the cards that the list across DRs is read from: each change of an evaluation, and each review, as the table's
//! stream hands it over, is put onto the evaluation's card.
//!
//! # Invariants
//! - A change counts as done only when its card stands, or it can never stand: whoever ends before that is handed the
//!   change again.
//! - Doing it twice, or late, changes nothing.
//! - Reviews are read after the card that they are put onto, so what is written is never older than what is there.

use tracing::Instrument;

use super::error::{Class, RunError};
use super::ports::Ports;
use super::review::{reviewed, reviews};
use super::tell::{Change, span};
use crate::decide::card::{ByPeople, Card, Image};
use crate::decide::known::Known;
use crate::decide::update::Key;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::review::ReviewRecord;

/// Others write the same card at the same time: rarely, and never so often.
const TRIES: usize = 8;

/// What is news for a card.
enum News {
    /// An evaluation is as this says.
    Evaluation(Box<Image>),
    /// Somebody decided something of an evaluation.
    Review(DrNumber, EvaluationId),
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

/// Puts what is news onto its card; a review, which may hold for later evaluations as well, onto theirs, too.
async fn put_all(ports: &impl Ports, news: &News, sample: u8) -> Result<(), RunError> {
    put(ports, news, sample).await?;
    let News::Review(dr, of) = news else {
        return Ok(());
    };
    let cards = ports.cards_of(dr).await?;
    for later in cards.into_iter().filter(|card| card.evaluation_id > *of) {
        put(
            ports,
            &News::Review(dr.clone(), later.evaluation_id),
            sample,
        )
        .await?;
    }
    Ok(())
}

async fn put(ports: &impl Ports, news: &News, sample: u8) -> Result<(), RunError> {
    for _ in 0..TRIES {
        let before: Option<Card> = ports.get(news.key()).await?;
        if matches!(news, News::Known(..)) {
            let Some(card) = before.as_ref().and_then(Card::offered) else {
                return Ok(());
            };
            if ports.transact(card.parts(before.as_ref())).await? {
                return Ok(());
            }
            continue;
        }
        let Some(image) = news.image(ports).await? else {
            return Ok(());
        };
        let by_people = match image.has_verdict() {
            true => by_people(ports, image.dr_number(), image.evaluation_id()).await?,
            false => ByPeople::default(),
        };
        let Some(card) = Card::made(before.as_ref(), &image, by_people, sample) else {
            return Ok(());
        };
        if ports.transact(card.parts(before.as_ref())).await? {
            return Ok(());
        }
    }
    Err(RunError::contended("a card was changed again and again"))
}

/// What people decided of a DR, as it stands for one of its evaluations. Of most nobody did.
async fn by_people(
    ports: &impl Ports,
    dr: &DrNumber,
    id: &EvaluationId,
) -> Result<ByPeople, RunError> {
    let reviews = reviews(ports, dr).await?;
    if reviews.is_empty() {
        return Ok(ByPeople::default());
    }
    let of = reviewed(ports, id).await?;
    let verdict = of.and_then(|of| of.standing(reviews.records()).1);
    Ok(ByPeople {
        last: reviews.last(),
        verdict,
    })
}

impl News {
    /// What a change says that cards are to be made of. What can't be read is set aside by who tells of it.
    fn of(change: &Change) -> Option<Self> {
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        if old.is_none()
            && let Some(record) = new.and_then(ReviewRecord::of_item)
        {
            return Some(Self::Review(record.dr_number, record.evaluation_id));
        }
        if let Some(known) = new.and_then(Known::of_item) {
            return Some(Self::Known(known.dr_number, known.evaluation_id));
        }
        let image = Image::of(old, new).ok()??;
        Some(Self::Evaluation(Box::new(image)))
    }

    fn key(&self) -> Key {
        match self {
            Self::Evaluation(image) => image.key(),
            Self::Review(dr, id) | Self::Known(dr, id) => Key::Card(dr.clone(), id.clone()),
        }
    }

    /// The evaluation's state: as the change says, or, after a review, as it is now; none if it is gone.
    async fn image(&self, ports: &impl Ports) -> Result<Option<Image>, RunError> {
        let id = match self {
            Self::Evaluation(image) => return Ok(Some((**image).clone())),
            Self::Review(_, id) | Self::Known(_, id) => id.clone(),
        };
        let item = ports.get(Key::Evaluation(id)).await?;
        Image::of(None, item.as_ref()).map_err(|cause| RunError::bug("an evaluation", cause))
    }
}
