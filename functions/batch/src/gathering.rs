//! Photos of one message that are asked about in one request.
//!
//! # Invariants
//! - A group is full, or holds all that are still to come: nobody waits for a photo that could not be loaded.
//! - One of a group asks for all of it, and everyone gets the result for his own photo.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::domain::catalogue::Step;
use shared::vlm::client::Asked;
use shared::vlm::failure::VlmFailure;
use shared::vlm::load::Signal;
use shared::vlm::prompt::Question;
use shared::vlm::request::Shot;
use tokio::sync::oneshot;

use crate::evaluate::Asking;

/// What became of a photo's question.
pub(crate) type Answered = Result<Asked, VlmFailure>;

/// A photo ready to be asked about.
#[derive(Debug)]
pub(crate) struct Ready {
    /// What is asked about it; only photos with the same question share a request.
    pub(crate) question: Arc<Question>,
    pub(crate) jpeg: Vec<u8>,
    pub(crate) hint: Option<Step>,
}

/// What one who joined is told.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It is for him to ask for the group.
    Ask(Group),
    /// Another one asked: this is the result for his photo.
    Answered(Answered),
}

/// Photos for one request: that of the one who asks, and the others.
#[derive(Debug)]
pub(crate) struct Group {
    own: Ready,
    others: Vec<Member>,
}

type Member = (Ready, oneshot::Sender<Turn>);

/// The photos of one message on their way to the VLM.
#[derive(Debug)]
pub(crate) struct Gathering {
    size: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Photos of which it is not known yet whether they join.
    expected: usize,
    waiting: Vec<Member>,
}

/// A photo's seat: it either joins a group or, dropped, is expected no longer.
#[derive(Debug)]
pub(crate) struct Seat<'a>(Option<&'a Gathering>);

impl Gathering {
    /// Groups of `size` photos.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            state: Mutex::default(),
        }
    }

    /// So many photos will take a seat.
    pub(crate) fn expect(&self, photos: usize) {
        self.state().expected += photos;
    }

    /// The seat of one of them.
    pub(crate) fn seat(&self) -> Seat<'_> {
        Seat(Some(self))
    }

    /// One fewer is expected, since it joined or will not; then a group may be complete.
    fn settle(&self, joins: Option<Member>) {
        let mut state = self.state();
        state.expected = state.expected.saturating_sub(1);
        state.waiting.extend(joins);
        if state.waiting.len() >= self.size || state.expected == 0 {
            let group = std::mem::take(&mut state.waiting);
            drop(state);
            let_one_ask(group);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first one who still listens asks.
fn let_one_ask(group: Vec<Member>) {
    let mut others = group;
    while !others.is_empty() {
        let (own, sender) = others.remove(0);
        match sender.send(Turn::Ask(Group { own, others })) {
            Err(Turn::Ask(group)) => others = group.others,
            _ => return,
        }
    }
}

impl Seat<'_> {
    /// Joins; the turn comes when the group is complete.
    pub(crate) fn join(mut self, ready: Ready) -> oneshot::Receiver<Turn> {
        let (sender, turn) = oneshot::channel();
        if let Some(gathering) = self.0.take() {
            gathering.settle(Some((ready, sender)));
        }
        turn
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(gathering) = self.0.take() {
            gathering.settle(None);
        }
    }
}

impl Group {
    /// Asks for all, once the gate lets it through; gives the others their results, and the one who asks his own.
    pub(crate) async fn ask(self, asking: &Asking) -> Answered {
        let Self { own, others } = self;
        let (mut alike, mut unlike): (Vec<Member>, Vec<Member>) = others
            .into_iter()
            .partition(|(ready, _)| ready.question == own.question);
        let result = ask_alike(asking, &own, &mut alike).await;
        while !unlike.is_empty() {
            let (next, sender) = unlike.remove(0);
            let (mut alike, rest) = unlike
                .into_iter()
                .partition(|(ready, _)| ready.question == next.question);
            tell(sender, ask_alike(asking, &next, &mut alike).await);
            unlike = rest;
        }
        result
    }
}

/// Asks about a photo by itself, once the gate lets it through.
pub(crate) async fn ask_alone(asking: &Asking, ready: &Ready) -> Answered {
    ask_alike(asking, ready, &mut Vec::new()).await
}

/// One request about a photo and those with the same question.
async fn ask_alike(asking: &Asking, first: &Ready, others: &mut Vec<Member>) -> Answered {
    let ready = std::iter::once(first).chain(others.iter().map(|(ready, _)| ready));
    let shots: Vec<Shot> = ready
        .map(|ready| Shot {
            jpeg: &ready.jpeg,
            hint: ready.hint.as_ref(),
        })
        .collect();
    let place = asking.gate.enter().await;
    let results = asking.vlm.ask_several(&first.question, &shots).await;
    let overloaded = results
        .iter()
        .any(|result| Signal::of(result) == Signal::Overloaded);
    place.learn(if overloaded {
        Signal::Overloaded
    } else {
        results.first().map_or(Signal::Neither, Signal::of)
    });
    drop(place);
    let mut results = results.into_iter();
    let own = results.next();
    for ((_, sender), result) in others.drain(..).zip(results) {
        tell(sender, result);
    }
    own.unwrap_or_else(|| {
        Err(VlmFailure::Bug {
            detail: "there is no result for a photo that was asked about".into(),
        })
    })
}

/// One who no longer listens has given up; his photo comes again.
fn tell(sender: oneshot::Sender<Turn>, result: Answered) {
    let _ = sender.send(Turn::Answered(result));
}

#[cfg(test)]
mod tests {
    use shared::domain::catalogue::Catalogue;

    use super::*;

    fn ready(name: &str) -> Ready {
        let catalogue = Catalogue::shipped("v3").unwrap();
        Ready {
            question: Arc::new(Question::new(&catalogue, &[])),
            jpeg: name.into(),
            hint: None,
        }
    }

    /// Which photos the one who asks would ask about.
    fn asked(turn: &mut oneshot::Receiver<Turn>) -> Option<Vec<String>> {
        let Ok(Turn::Ask(Group { own, others })) = turn.try_recv() else {
            return None;
        };
        let all = std::iter::once(&own).chain(others.iter().map(|(ready, _)| ready));
        Some(
            all.map(|ready| String::from_utf8(ready.jpeg.clone()).unwrap())
                .collect(),
        )
    }

    #[test]
    fn groups_are_full_and_the_last_holds_the_rest() {
        let gathering = Gathering::new(2);
        gathering.expect(3);
        let [a, b, c] = [gathering.seat(), gathering.seat(), gathering.seat()];
        let mut first = a.join(ready("a"));
        assert_eq!(asked(&mut first), None);
        let _second = b.join(ready("b"));
        assert_eq!(asked(&mut first).unwrap(), ["a", "b"]);
        assert_eq!(asked(&mut c.join(ready("c"))).unwrap(), ["c"]);
    }

    #[test]
    fn nobody_waits_for_a_photo_that_does_not_come() {
        let gathering = Gathering::new(4);
        gathering.expect(3);
        let [a, b, c] = [gathering.seat(), gathering.seat(), gathering.seat()];
        let mut first = a.join(ready("a"));
        drop(c);
        assert_eq!(asked(&mut first), None);
        drop(b);
        assert_eq!(asked(&mut first).unwrap(), ["a"]);
    }

    #[test]
    fn one_who_has_left_does_not_ask_for_the_others() {
        let gathering = Gathering::new(2);
        gathering.expect(2);
        let [a, b] = [gathering.seat(), gathering.seat()];
        drop(a.join(ready("a")));
        assert_eq!(asked(&mut b.join(ready("b"))).unwrap(), ["b"]);
    }
}
