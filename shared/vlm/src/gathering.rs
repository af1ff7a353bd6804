//! Photos of one message that are asked about in one request.
//!
//! # Invariants
//! - A group is full, or holds all that are still to come: nobody waits for a photo that could not be loaded.
//! - One of a group asks for all of it, and each gets the result for its own photo.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evaluation::domain::catalogue::Step;
use tokio::sync::oneshot;

use crate::access::VlmAccess;
use crate::client::AskResult;
use crate::failure::VlmFailure;
use crate::load::Signal;
use crate::prompt::Question;
use crate::request::PromptPhoto;

/// What became of a photo's question.
pub type Answered = Result<AskResult, VlmFailure>;

/// A photo ready to be asked about.
#[derive(Debug)]
pub struct Ready {
    /// What is asked about it; only photos with the same question share a request.
    pub question: Arc<Question>,
    /// The file that is sent.
    pub jpeg: Vec<u8>,
    /// The step that its name hints at.
    pub hint: Option<Step>,
}

/// What one who joined is told.
#[derive(Debug)]
pub enum Turn {
    /// It is for this one to ask for the group.
    Ask(Group),
    /// Another one asked: this is the result for the photo.
    Answered(Answered),
}

/// Photos for one request: that of the one who asks, and the others.
#[derive(Debug)]
pub struct Group {
    own: Ready,
    others: Vec<Waiting>,
}

type Waiting = (Ready, oneshot::Sender<Turn>);

/// The photos of one message on their way to the VLM.
#[derive(Debug)]
pub struct Gathering {
    size: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Photos of which it is not known yet whether they join.
    expected: usize,
    waiting: Vec<Waiting>,
}

/// A photo that may join a group; dropped, it is expected no longer.
#[derive(Debug)]
pub struct Member<'a>(Option<&'a Gathering>);

impl Gathering {
    /// Groups of `size` photos.
    pub fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            state: Mutex::default(),
        }
    }

    /// So many photos may join.
    pub fn expect(&self, photos: usize) {
        self.state().expected += photos;
    }

    /// One of them.
    pub fn member(&self) -> Member<'_> {
        Member(Some(self))
    }

    /// One fewer is expected, since it joined or will not; then a group may be complete.
    fn arrive(&self, joins: Option<Waiting>) {
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
fn let_one_ask(group: Vec<Waiting>) {
    let mut others = group;
    while !others.is_empty() {
        let (own, sender) = others.remove(0);
        match sender.send(Turn::Ask(Group { own, others })) {
            Err(Turn::Ask(group)) => others = group.others,
            _ => return,
        }
    }
}

impl Member<'_> {
    /// Joins; the turn comes when the group is complete.
    pub fn join(mut self, ready: Ready) -> oneshot::Receiver<Turn> {
        let (sender, turn) = oneshot::channel();
        if let Some(gathering) = self.0.take() {
            gathering.arrive(Some((ready, sender)));
        }
        turn
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if let Some(gathering) = self.0.take() {
            gathering.arrive(None);
        }
    }
}

impl Group {
    /// Asks for all, once there is a permit; gives the others their results, and the one that asks its own.
    pub async fn ask(self, access: &VlmAccess) -> Answered {
        let Self { own, others } = self;
        let (mut alike, mut unlike): (Vec<Waiting>, Vec<Waiting>) = others
            .into_iter()
            .partition(|(ready, _)| ready.question == own.question);
        let result = ask_alike(access, &own, &mut alike).await;
        while !unlike.is_empty() {
            let (next, sender) = unlike.remove(0);
            let (mut alike, rest) = unlike
                .into_iter()
                .partition(|(ready, _)| ready.question == next.question);
            tell(sender, ask_alike(access, &next, &mut alike).await);
            unlike = rest;
        }
        result
    }
}

/// Asks about a photo by itself, once there is a permit.
pub async fn ask_alone(access: &VlmAccess, ready: &Ready) -> Answered {
    ask_alike(access, ready, &mut Vec::new()).await
}

/// One request about a photo and those with the same question.
async fn ask_alike(access: &VlmAccess, first: &Ready, others: &mut Vec<Waiting>) -> Answered {
    let ready = std::iter::once(first).chain(others.iter().map(|(ready, _)| ready));
    let shots: Vec<PromptPhoto> = ready
        .map(|ready| PromptPhoto {
            jpeg: &ready.jpeg,
            hint: ready.hint.as_ref(),
        })
        .collect();
    let permit = access.limiter.acquire().await;
    let results = access.vlm.ask_several(&first.question, &shots).await;
    let overloaded = results
        .iter()
        .any(|result| Signal::of(result) == Signal::Overloaded);
    permit.learn(if overloaded {
        Signal::Overloaded
    } else {
        results.first().map_or(Signal::Neither, Signal::of)
    });
    drop(permit);
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

/// One that no longer listens has given up; its photo comes again.
fn tell(sender: oneshot::Sender<Turn>, result: Answered) {
    let _ = sender.send(Turn::Answered(result));
}

#[cfg(test)]
mod tests {
    use evaluation::domain::catalogue::Catalogue;

    use super::*;

    fn ready(name: &str) -> Ready {
        let catalogue = Catalogue::shipped("v3").unwrap();
        Ready {
            question: Arc::new(Question::new(catalogue, &[])),
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
        let [a, b, c] = [gathering.member(), gathering.member(), gathering.member()];
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
        let [a, b, c] = [gathering.member(), gathering.member(), gathering.member()];
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
        let [a, b] = [gathering.member(), gathering.member()];
        drop(a.join(ready("a")));
        assert_eq!(asked(&mut b.join(ready("b"))).unwrap(), ["b"]);
    }
}
