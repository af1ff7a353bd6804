//! A history: what happens to two DRs, one event after another.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use evaluation::decide::message::{Batch, Message};
use evaluation::decide::start::{Limits, Request, Reuse};
use evaluation::decide::updates;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::plan::{Mode, Photo, Plan, fingerprint, plan};
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::{VersionPart, Versions};
use evaluation::run::ports::{Ports, Queue};
use evaluation::run::start::start;
use evaluation::run::{aggregate, batch, look};

use super::law;
use super::serial::{LeftOut, Serial, SerialEvaluator, at_once};

/// Names that photos have: hints at a critical step, at another one, at nothing; the same in both DRs.
pub(super) const NAMES: [&str; 5] = [
    "X_ph_powm1_1.jpg",
    "X_ph_wall_2.jpg",
    "X_ph_prop_3.jpg",
    "IMG-4.jpg",
    "X_ph_powm2_5.jpg",
];
/// Contents that photos have.
pub(super) const CONTENTS: usize = 4;

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A photo is uploaded, or replaced.
    Put {
        dr: usize,
        name: usize,
        content: usize,
    },
    /// A photo is deleted.
    Delete { dr: usize, name: usize },
    /// The upload of a photo, or of a former one in its place, is told of: it is looked at.
    Look {
        dr: usize,
        name: usize,
        content: usize,
    },
    /// A photo is renamed.
    Rename { dr: usize, from: usize, to: usize },
    /// An evaluation is asked for.
    Evaluate { dr: usize, quick: bool, force: bool },
    /// Another catalogue, model, prompt or size policy is deployed, or the former one again.
    NewVersion(usize),
    /// Time passes.
    Hours(u64),
    /// In the midst of the next evaluation time passes: after the first answer, before it is written down.
    Outage(u64),
    /// The cache is emptied by hand, for one DR or for all.
    Empty(Option<usize>),
    /// From now on the model refuses to answer, or answers again.
    Refuse(bool),
}

/// The state of a history.
pub(super) struct Past {
    pub(super) world: Serial,
    /// The bucket: names and contents of each DR.
    photos: [BTreeMap<&'static str, usize>; 2],
    /// When the cache was emptied last, for each DR.
    emptied: [Timestamp; 2],
    /// How long the next evaluation is held up.
    outage: Cell<Duration>,
    left_out: Option<LeftOut>,
}

pub(super) fn versions() -> Versions {
    Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v1".into(),
        other => format!("{other:?}1"),
    })
}

fn number(dr: usize) -> DrNumber {
    DrNumber::parse(&format!("DR{dr}")).unwrap()
}

fn photo_of(dr: usize, name: &str, content: usize, catalogue: &Catalogue) -> Photo {
    let key = format!("photos/{}/{name}", number(dr));
    Photo::new(&key, name, &format!("\"{content}\""), catalogue)
}

impl Past {
    pub(super) fn new(left_out: Option<LeftOut>) -> Self {
        let world = Serial::new(versions(), left_out);
        Self {
            world,
            photos: Default::default(),
            emptied: [Timestamp::MIN; 2],
            outage: Cell::default(),
            left_out,
        }
    }

    /// Lets all this happen; the first wrong answer ends it.
    pub(super) fn live(mut self, events: &[Event]) -> Result<(), String> {
        for event in events {
            self.world.pass(Duration::from_millis(1));
            self.happen(event)?;
        }
        Ok(())
    }

    fn happen(&mut self, event: &Event) -> Result<(), String> {
        match *event {
            Event::Put { dr, name, content } => drop(self.photos[dr].insert(NAMES[name], content)),
            Event::Delete { dr, name } => drop(self.photos[dr].remove(NAMES[name])),
            Event::Rename { dr, from, to } => {
                if let Some(content) = self.photos[dr].remove(NAMES[from]) {
                    self.photos[dr].insert(NAMES[to], content);
                }
            }
            Event::Look { dr, name, content } => self.look(dr, name, content)?,
            Event::NewVersion(part) => self.deploy(part),
            Event::Hours(hours) => self.world.pass(Duration::from_secs(hours * 3600)),
            Event::Outage(hours) => self.outage.set(Duration::from_secs(hours * 3600)),
            Event::Refuse(refuses) => self.world.refuses.set(refuses),
            Event::Empty(dr) => {
                let at = self.world.now.get();
                at_once(
                    self.world
                        .update(updates::invalidated(dr.map(number).as_ref(), at)),
                )
                .unwrap();
                (0..2)
                    .filter(|other| dr.is_none_or(|dr| dr == *other))
                    .for_each(|dr| self.emptied[dr] = at);
            }
            Event::Evaluate { dr, quick, force } => self.evaluate(dr, quick, force)?,
        }
        Ok(())
    }

    fn deploy(&self, part: usize) {
        let mut versions = self.world.versions.borrow_mut();
        let part = VersionPart::ALL[part];
        let (name, number) = versions.get(part).split_at(versions.get(part).len() - 1);
        let next = format!("{name}{}", if number == "1" { "2" } else { "1" });
        *versions = versions.with(part, &next);
    }

    fn listing(&self, dr: usize, catalogue: &Catalogue) -> Vec<Photo> {
        let of = |(name, content): (&&str, &usize)| photo_of(dr, name, *content, catalogue);
        self.photos[dr].iter().map(of).collect()
    }

    /// Looks at a photo: once, and without asking what was answered.
    fn look(&self, dr: usize, name: usize, content: usize) -> Result<(), String> {
        let versions = self.world.versions.borrow().clone();
        let catalogue = Catalogue::shipped(&versions.catalogue).unwrap();
        let photo = photo_of(dr, NAMES[name], content, catalogue);
        let asked_before = self.world.asked.borrow().len();
        let asked_at = self.world.now.get();
        let dr_number = number(dr);
        at_once(look::send(
            &self.world,
            &dr_number,
            photo,
            catalogue,
            &versions,
        ))
        .unwrap();
        self.work();
        law::sparing(&self.world, asked_before, self.emptied[dr], &versions)?;
        let asked = self.world.asked.borrow().len() - asked_before;
        (asked <= 1)
            .then_some(())
            .ok_or(format!("a look asked {asked} times at {asked_at}"))
    }

    fn evaluate(&self, dr: usize, quick: bool, force: bool) -> Result<(), String> {
        let versions = self.world.versions.borrow().clone();
        let catalogue = Catalogue::shipped(&versions.catalogue).unwrap();
        let photos = self.listing(dr, catalogue);
        if photos.is_empty() {
            return Ok(());
        }
        let mode = if quick { Mode::Quick } else { Mode::Full };
        let reuse = if force { Reuse::Nothing } else { Reuse::Final };
        let request = Request {
            dr_number: number(dr),
            mode,
            reuse,
            catalogue: None,
        };
        let planned = self.plan(photos.clone(), mode, catalogue, &versions);
        let limits = Limits {
            photos_per_batch: 2,
            deadline: Duration::from_secs(3600),
            kept_for: Duration::from_secs(90 * 24 * 3600),
        };
        let asked_before = self.world.asked.borrow().len();
        let asked_at = self.world.now.get();
        let answer = at_once(start(&self.world, &request, &planned, &versions, &limits)).unwrap();
        self.work();
        let wanted = law::Wanted {
            request,
            photos,
            plan: planned,
            versions,
            valid_from: self.emptied[dr],
            asked_at,
            asked_before,
        };
        law::check(&self.world, &wanted, &answer)
    }

    fn plan(
        &self,
        photos: Vec<Photo>,
        mode: Mode,
        catalogue: &Catalogue,
        versions: &Versions,
    ) -> Plan {
        let planned = plan(photos.clone(), mode, catalogue, versions);
        match self.left_out {
            Some(LeftOut::OfFingerprint(part)) => Plan {
                fingerprint: fingerprint(&photos, mode, versions).without(part).hash(),
                ..planned
            },
            _ => planned,
        }
    }

    /// All messages are handled, until none is left; then all batches come a second time.
    fn work(&self) {
        let batches = self.handle_all();
        self.world.queue.borrow_mut().extend(
            batches
                .into_iter()
                .map(|batch| (Queue::Batches, Message::Batch(batch))),
        );
        self.handle_all();
    }

    /// Handles all messages, and those that come of them; the batches among them.
    fn handle_all(&self) -> Vec<Batch> {
        let evaluator = SerialEvaluator { world: &self.world };
        let mut batches = Vec::new();
        loop {
            let Some((queue, message)) = self.world.queue.borrow_mut().pop_front() else {
                return batches;
            };
            if let Message::Batch(batch) = &message {
                batches.push(batch.clone());
            }
            if matches!(message, Message::Outcome(_)) {
                self.world.pass(self.outage.take());
            }
            match (queue, message) {
                (Queue::Batches, Message::Batch(message)) => {
                    at_once(batch::handle(&self.world, &evaluator, &message))
                }
                (Queue::Bulk, Message::Look(message)) => {
                    at_once(look::handle(&self.world, &evaluator, &message, false))
                }
                (_, message) => at_once(aggregate::handle(&self.world, message)),
            }
            .unwrap();
        }
    }
}
