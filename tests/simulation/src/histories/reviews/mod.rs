//! Random histories of uploads, evaluations, decisions and withdrawals: no review is lost or changed, and the reviewed
//! verdict follows from verdict and reviews alone; and the cards say the same.

mod cards;
mod law;
pub(crate) mod orders;

use std::collections::BTreeMap;
use std::time::Duration;

use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::Message;
use evaluation::decide::review::{Reviewed, Reviews, Wish, Wished};
use evaluation::decide::tell;
use evaluation::decide::update::Key;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId, StepKey};
use evaluation::domain::judge::Verdict;
use evaluation::domain::outcome::PhotoOutcome;
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::domain::review::{Decision, ReviewRecord};
use evaluation::domain::review_chain::Chain;
use evaluation::domain::versions::{VersionPart, Versions};
use evaluation::run::aggregate;
use evaluation::run::ports::Ports;
use evaluation::run::review::{ReviewResult, review, reviewed, reviews};
use proptest::prelude::*;
use serde_json::Value;

use super::one_photo::asked_again;
use super::serial::{Serial, answer, at_once};
use law::follows;

const KEPT_FOR: Duration = Duration::from_secs(3600);
const DR: &str = "DR1";
/// Contents of photos that there are.
const CONTENTS: usize = 3;

fn dr() -> DrNumber {
    DrNumber::parse(DR).unwrap()
}

fn versions() -> Versions {
    Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v1".into(),
        other => format!("{other:?}1"),
    })
}

fn catalogue() -> &'static Catalogue {
    Catalogue::shipped("v1").unwrap()
}

fn step(at: usize) -> StepKey {
    catalogue().steps[at].key.clone()
}

fn photo(content: usize) -> Photo {
    let name = format!("{content}.jpg");
    let key = format!("photos/{DR}/{name}");
    Photo::new(&key, &name, &format!("\"{content}\""), catalogue())
}

/// Evaluates the DR with photos of these contents, whatever was known of them.
fn evaluated(world: &Serial, contents: &[usize]) -> EvaluationId {
    let photos: Vec<Photo> = contents.iter().map(|content| photo(*content)).collect();
    let id = asked_again(world, DR, photos.clone(), &versions());
    let steps: Vec<StepKey> = catalogue().steps.iter().map(|it| it.key.clone()).collect();
    for photo in photos {
        let findings = answer(&photo, &steps, &versions(), world.now());
        let outcome = PhotoOutcome::Evaluated { findings };
        let report = Report::bare(outcome, world.now());
        let message = Message::outcome(&id, &photo.photo_id, report);
        at_once(aggregate::handle(world, message)).unwrap();
    }
    id
}

/// What is told of an evaluation that has its first verdict.
fn told(world: &Serial, id: &EvaluationId) -> tell::Event {
    let item: Option<Value> = at_once(world.get(Key::Evaluation(id.clone()))).unwrap();
    let event = tell::event("https://api.example", None, item.as_ref());
    event.unwrap().unwrap()
}

fn of(world: &Serial, id: &EvaluationId) -> Reviewed {
    at_once(reviewed(world, id)).unwrap().unwrap()
}

fn decides(at: Option<usize>, decision: Decision, by: &str) -> Wish {
    let what = Wished::Decision {
        step: at.map(step),
        decision,
        photo: None,
        reading: None,
    };
    Wish::new(what, Some("why"), Some(by)).unwrap()
}

fn withdraws(number: u32, by: &str) -> Wish {
    Wish::new(Wished::Withdrawal(number), None, Some(by)).unwrap()
}

#[derive(Debug, Clone)]
enum Event {
    /// A photo comes, or goes.
    Turn(usize),
    /// The question is asked (again), whatever was known.
    Evaluate,
    /// Somebody decides of an evaluation: the last one, or one before.
    Decide {
        back: usize,
        at: Option<usize>,
        decision: usize,
        by: bool,
    },
    /// Somebody withdraws one of the last decisions.
    Withdraw { back: usize, number: u32 },
    /// The last thing that was said is sent again.
    Again,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0..CONTENTS).prop_map(Event::Turn),
        2 => Just(Event::Evaluate),
        6 => (0..3usize, prop::option::weighted(0.85, 0..4usize), 0..3usize, any::<bool>())
            .prop_map(|(back, at, decision, by)| Event::Decide { back, at, decision, by }),
        2 => (0..3usize, 1..6u32).prop_map(|(back, number)| Event::Withdraw { back, number }),
        1 => Just(Event::Again),
    ]
}

/// A DR's life, and all that was ever seen of it.
struct Life {
    world: Serial,
    photos: [bool; CONTENTS],
    evaluations: Vec<EvaluationId>,
    verdicts: BTreeMap<EvaluationId, Option<Verdict>>,
    records: Vec<ReviewRecord>,
    last: Option<(EvaluationId, Wish)>,
}

impl Life {
    fn new() -> Self {
        Self {
            world: Serial::new(versions(), None),
            photos: [true, false, false],
            evaluations: Vec::new(),
            verdicts: BTreeMap::new(),
            records: Vec::new(),
            last: None,
        }
    }

    fn evaluation(&self, back: usize) -> Option<EvaluationId> {
        self.evaluations.iter().rev().nth(back).cloned()
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Turn(content) => self.photos[*content] ^= true,
            Event::Evaluate => {
                let contents = (0..CONTENTS).filter(|content| self.photos[*content]);
                let contents: Vec<usize> = contents.collect();
                if !contents.is_empty() {
                    let id = evaluated(&self.world, &contents);
                    let of = of(&self.world, &id);
                    let carried = follows(&of, self.read().records());
                    assert_eq!(told(&self.world, &id).data.carried, carried, "told");
                    cards::kept(&self.world, Key::Evaluation(id.clone()));
                    self.verdicts.insert(id.clone(), of.evaluation.verdict());
                    self.evaluations.push(id);
                }
            }
            Event::Decide {
                back,
                at,
                decision,
                by,
            } => {
                let decisions = [Decision::Pass, Decision::Fail, Decision::Missing];
                let wish = decides(*at, decisions[*decision], if *by { "a" } else { "b" });
                self.says(self.evaluation(*back), wish);
            }
            Event::Withdraw { back, number } => {
                self.says(self.evaluation(*back), withdraws(*number, "a"));
            }
            Event::Again => {
                if let Some((id, wish)) = self.last.clone() {
                    let before = self.records.len();
                    self.says(Some(id), wish);
                    assert_eq!(self.read().len(), before, "said twice it stands twice");
                }
            }
        }
    }

    fn says(&mut self, id: Option<EvaluationId>, wish: Wish) {
        let Some(id) = id else {
            return;
        };
        let of = of(&self.world, &id);
        let result = at_once(review(&self.world, &of, &wish, KEPT_FOR)).unwrap();
        if let ReviewResult::Written(number, _) = &result {
            cards::kept(&self.world, Key::Review(dr(), *number));
        }
        let stands = matches!(result, ReviewResult::Written(..) | ReviewResult::Stands(..));
        self.last = stands.then_some((id, wish));
    }

    fn read(&self) -> Reviews {
        at_once(reviews(&self.world, &dr())).unwrap()
    }

    /// What is wrong now, if something is.
    fn wrong(&mut self) -> Option<String> {
        let now = self.read();
        if !now.records().starts_with(&self.records) || now.chain() != Chain::Intact {
            return Some("a review was lost or changed".into());
        }
        self.records = now.records().to_vec();
        for id in &self.evaluations {
            let of = of(&self.world, id);
            if of.evaluation.verdict() != self.verdicts[id] {
                return Some("a review changed the model's verdict".into());
            }
            let (verdict, follows) = (of.standing(&self.records).1, follows(&of, &self.records));
            if verdict != follows {
                return Some(format!("{id}: {verdict:?} instead of {follows:?}"));
            }
            if cards::verdict(&self.world, dr(), id) != follows {
                return Some(format!("{id}: its card does not say {follows:?}"));
            }
            let own = self.records.last().filter(|it| &it.evaluation_id == id);
            if own.is_some_and(|it| it.reviewed_verdict != follows) {
                return Some("a record says another verdict than it leads to".into());
            }
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_reviewed_verdict_follows_from_verdict_and_reviews_alone(events in prop::collection::vec(event(), 1..25)) {
        let mut life = Life::new();
        life.happens(&Event::Evaluate);
        for event in &events {
            life.happens(event);
            prop_assert_eq!(life.wrong(), None);
        }
    }
}

/// Of the evaluation's item nothing is changed by a review: it has no attribute of one.
#[test]
fn a_review_leaves_the_evaluation_as_it_is() {
    let world = Serial::new(versions(), None);
    let id = evaluated(&world, &[0]);
    let before: Option<Evaluation> = at_once(world.get(Key::Evaluation(id.clone()))).unwrap();
    let wish = decides(None, Decision::Fail, "a");
    at_once(review(&world, &of(&world, &id), &wish, KEPT_FOR)).unwrap();
    let after: Option<Evaluation> = at_once(world.get(Key::Evaluation(id))).unwrap();
    assert_eq!(before, after);
}
