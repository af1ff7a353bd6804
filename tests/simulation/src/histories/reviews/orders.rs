//! Every order of the steps of people who decide at once; the app of one sends again what it got no answer to, at any
//! step: both records stand, each once.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use evaluation::decide::review::{Reviewed, Reviews, Wish};
use evaluation::decide::update::{GuardName, Key};
use evaluation::domain::review::{Decision, PREFIX, ReviewRecord};
use evaluation::domain::review_chain::Chain as Links;
use evaluation::run::error::RunError;
use evaluation::run::review::{ReviewResult, review};
use serde_json::Value;

use super::law::follows;
use super::{KEPT_FOR, decides, dr, evaluated, of, versions, withdraws};
use crate::chain::{Chain, Function};
use crate::histories::serial::Serial;
use crate::ports::ModelPorts;
use crate::world::{Rates, Spans, World};

type Process = Pin<Box<dyn Future<Output = Result<ReviewResult, RunError>>>>;

/// Where a world has come to: who goes on next is decided from outside.
struct Room {
    world: Rc<RefCell<World>>,
    of: Reviewed,
    wishes: Vec<Wish>,
    running: Vec<Option<Process>>,
    /// All that was ever seen.
    seen: Vec<ReviewRecord>,
    /// Whether the first one's app was sent again.
    was_sent_again: bool,
    wrong: Option<String>,
}

impl Room {
    /// These people in a world in which something was decided before.
    fn new(of: &Reviewed, wishes: &[Wish], without: Option<GuardName>) -> Self {
        let mut world = World::new(1, Rates::default(), Spans::STANDARD);
        world.table.without = without;
        let mut room = Self {
            world: Rc::new(RefCell::new(world)),
            of: of.clone(),
            wishes: wishes.to_vec(),
            running: Vec::new(),
            seen: Vec::new(),
            was_sent_again: false,
            wrong: None,
        };
        let first = room.says(decides(Some(0), Decision::Missing, "d"));
        room.running.push(Some(first));
        while room.goes_on(0) {}
        let sayers = wishes.iter().map(|wish| Some(room.says(wish.clone())));
        room.running = sayers.collect();
        room
    }

    fn ports(&self) -> ModelPorts {
        ModelPorts::new(&self.world, Function::Aggregator, Chain::default())
    }

    /// Somebody who is about to read what was decided.
    fn says(&self, wish: Wish) -> Process {
        let (ports, of) = (self.ports(), self.of.clone());
        let mut process: Process =
            Box::pin(async move { review(&ports, &of, &wish, KEPT_FOR).await });
        assert!(polled(&mut process).is_pending());
        process
    }

    /// Lets this one go on with its next step; whether there is more to do. Whoever has written only reads what it
    /// answers: nobody is in the way of that.
    fn goes_on(&mut self, who: usize) -> bool {
        let before = self.items().len();
        while let Some(process) = &mut self.running[who] {
            if let Poll::Ready(ended) = polled(process) {
                let ended = ended.unwrap();
                assert!(!matches!(ended, ReviewResult::Refused(_)), "{ended:?}");
                self.running[who] = None;
            } else if self.items().len() == before {
                return true;
            }
        }
        false
    }

    /// Makes this choice. What was seen once must be seen ever after, as it was.
    fn makes(&mut self, choice: Choice) {
        match choice {
            Choice::GoOn(who) => drop(self.goes_on(who)),
            Choice::SendAgain(who) => {
                self.running[who] = Some(self.says(self.wishes[who].clone()));
                self.was_sent_again = true;
            }
        }
        let now = self.records();
        let is_kept = now.records().starts_with(&self.seen) && now.chain() == Links::Intact;
        if !is_kept && self.wrong.is_none() {
            self.wrong = Some("a review was lost or changed".into());
        }
        self.seen = now.records().to_vec();
    }

    /// The choices that there are: none if all is done.
    fn choices(&self, sends_again: bool) -> Vec<Choice> {
        let is_running = |who: &usize| self.running[*who].is_some();
        let running = (0..self.running.len()).filter(is_running);
        let may = sends_again && !self.was_sent_again && is_running(&0);
        let again = may.then_some(Choice::SendAgain(0));
        running.map(Choice::GoOn).chain(again).collect()
    }

    fn items(&self) -> Vec<Arc<Value>> {
        let partition = Key::Review(dr(), 0).parts().0;
        self.world.borrow().table.query(&partition, PREFIX)
    }

    fn records(&self) -> Reviews {
        let items = self.items();
        let items = items.iter().map(|item| (**item).clone()).collect();
        Reviews::of_items(items, self.world.borrow().now)
    }
}

fn polled(process: &mut Process) -> Poll<Result<ReviewResult, RunError>> {
    let mut context = Context::from_waker(Waker::noop());
    process.as_mut().poll(&mut context)
}

/// One choice of a schedule: who goes on, or who ends where it stands and is sent again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Choice {
    GoOn(usize),
    SendAgain(usize),
}

/// Some people who decide at once.
struct People {
    wishes: Vec<Wish>,
    /// Whether the first one's app sends again what it got no answer to.
    sends_again: bool,
}

fn worlds() -> [People; 2] {
    let (passes, fails) = (
        decides(Some(0), Decision::Pass, "a"),
        decides(Some(0), Decision::Fail, "b"),
    );
    let three = vec![passes.clone(), fails.clone(), withdraws(1, "c")];
    [
        People {
            wishes: three,
            sends_again: false,
        },
        People {
            wishes: vec![passes, fails],
            sends_again: true,
        },
    ]
}

/// How many orders there are, and what is wrong in one, if something is.
fn explored(people: &People, without: Option<GuardName>) -> (u64, Option<String>) {
    let world = Serial::new(versions(), None);
    let of = of(&world, &evaluated(&world, &[0]));
    let (mut ends, mut open) = (0, vec![Vec::new()]);
    while let Some(mut path) = open.pop() {
        let mut room = Room::new(&of, &people.wishes, without);
        path.iter().for_each(|choice| room.makes(*choice));
        while let Some((first, others)) = room.choices(people.sends_again).split_first() {
            open.extend(others.iter().map(|it| [path.as_slice(), &[*it]].concat()));
            room.makes(*first);
            path.push(*first);
        }
        ends += 1;
        if let Some(wrong) = wrong_at_the_end(&room) {
            return (ends, Some(format!("{wrong}: {path:?}")));
        }
    }
    (ends, None)
}

fn wrong_at_the_end(room: &Room) -> Option<String> {
    if let Some(wrong) = &room.wrong {
        return Some(wrong.clone());
    }
    if let Some(violation) = room.world.borrow().violations.first() {
        return Some(format!("{violation:?}"));
    }
    let reviews = room.records();
    let records = reviews.records();
    let mut by: Vec<&str> = records.iter().filter_map(|it| it.by.as_deref()).collect();
    by.sort_unstable();
    let said: Vec<&str> = room
        .wishes
        .iter()
        .filter_map(|it| it.by.as_deref())
        .collect();
    let verdict = follows(&room.of, records);
    let is_right = by == [said.as_slice(), &["d"]].concat()
        && room.of.standing(records).1 == verdict
        && records.last()?.reviewed_verdict == verdict;
    (!is_right).then(|| format!("{by:?}"))
}

/// The first order in which something is wrong without this guard.
pub(crate) fn found_without(guard: GuardName) -> Option<u64> {
    worlds().iter().find_map(|people| {
        let (ends, wrong) = explored(people, Some(guard));
        wrong.map(|_| ends)
    })
}

#[test]
fn in_every_order_each_review_stands_once_and_as_it_was_written() {
    let ends = worlds().map(|people| {
        let (ends, wrong) = explored(&people, None);
        assert_eq!(wrong, None);
        ends
    });
    // Three people who read and write each have 90 orders, two have 6; those that find a number taken have more.
    assert!(ends[0] > 90 && ends[1] > 6, "{ends:?} orders");
}

#[test]
fn without_its_guard_a_review_is_written_over() {
    assert!(found_without(GuardName::ReviewStays).is_some());
}
