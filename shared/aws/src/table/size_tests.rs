//! Whatever photos are called and the model says, an evaluation and its photos fit into items and messages.

use evaluation::decide::cache::{CachedAnswer, Reused};
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::Message;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::record::finalise;
use evaluation::decide::sighting::{Elsewhere, Likeness};
use evaluation::decide::start::{FromCache, Limits, NewEvaluation, Request, Reuse, open};
use evaluation::domain::bounds::{
    LONGEST_COMMENT, LONGEST_MESSAGE, LONGEST_NAME, LONGEST_READING, cut,
};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId, Score};
use evaluation::domain::outcome::{Finding, PhotoOutcome};
use evaluation::domain::plan::{Mode, Photo, plan};
use evaluation::domain::report::Report;
use evaluation::domain::scope::Scope;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::{VersionPart, Versions};
use proptest::prelude::*;

use super::*;
use crate::listing::MOST_PHOTOS;
use crate::table::size::{LARGEST_ITEM, item_size};

/// S3's longest key.
const LONGEST_KEY: usize = 1024;
/// SQS's limit of a message, and of the ten of one call together.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// What photos are called and the model says: of which text all of it consists, and how much of it there is.
#[derive(Debug, Clone)]
struct Said {
    photos: usize,
    text: &'static str,
    name_bytes: usize,
    score: u8,
}

impl Said {
    /// The text, again and again, for so many bytes.
    fn bytes(&self, bytes: usize) -> String {
        let mut all = self.text.repeat(bytes.div_ceil(self.text.len()));
        all.truncate(all.floor_char_boundary(bytes));
        all
    }

    fn photos(&self, catalogue: &Catalogue) -> Vec<Photo> {
        let prefix = "photos/DR1234567890123456789/";
        let photo = |at: usize| {
            let number = format!("{at:03}");
            let name = format!("{number}{}", self.bytes(self.name_bytes - number.len()));
            let etag = format!("\"{at:032x}-1000\"");
            Photo::new(&format!("{prefix}{name}"), &name, &etag, catalogue)
        };
        (0..self.photos).map(photo).collect()
    }

    /// All that the model may say of a photo, of each step.
    fn findings(&self, catalogue: &Catalogue) -> Vec<Finding> {
        let finding = |step| Finding {
            step,
            score: Score::try_from(self.score).unwrap(),
            comment: cut(&self.bytes(2 * LONGEST_COMMENT), LONGEST_COMMENT),
            reading: Some(cut(&self.bytes(2 * LONGEST_READING), LONGEST_READING)),
            fail_code: None,
            certainty: None,
            code: None,
        };
        Scope::All
            .steps(catalogue)
            .into_iter()
            .map(finding)
            .collect()
    }

    fn report(&self, catalogue: &Catalogue) -> Report {
        let findings = self.findings(catalogue);
        Report::bare(PhotoOutcome::Evaluated { findings }, Timestamp::default())
    }
}

fn begun(said: &Said, catalogue: &Catalogue) -> NewEvaluation {
    let versions = Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v3".into(),
        _ => "a model of a long name".repeat(4),
    });
    let request = Request {
        dr_number: DrNumber::parse("DR123456789012345678").unwrap(),
        mode: Mode::Full,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 10,
        deadline: std::time::Duration::from_secs(60),
        kept_for: std::time::Duration::from_secs(90 * 24 * 3600),
    };
    let plan = plan(said.photos(catalogue), Mode::Full, catalogue, &versions);
    let id = EvaluationId::from_parts(Timestamp::default(), [1; 10]);
    let known = FromCache::default();
    open(
        id,
        &request,
        plan,
        versions,
        &limits,
        known,
        Timestamp::default(),
    )
}

/// The photos with the most that may be known of each.
fn ended(said: &Said, new: &NewEvaluation, catalogue: &Catalogue) -> Vec<PhotoRecord> {
    let report = said.report(catalogue);
    let id = &new.evaluation.evaluation_id;
    let reused = [Scope::Critical, Scope::Others].map(|scope| Reused {
        scope,
        answer: CachedAnswer {
            asked_in: Some(new.evaluation.dr_number.clone()),
            ..CachedAnswer::of(id, Timestamp::default(), &report).unwrap()
        },
    });
    let also_in = Elsewhere {
        dr_number: DrNumber::parse("DR999999999999999999").unwrap(),
        photo: said.bytes(LONGEST_NAME),
        how: Likeness::LooksTheSame,
    };
    let end = |record: &PhotoRecord| PhotoRecord {
        report: record.report.clone().or_else(|| Some(report.clone())),
        reused: reused.to_vec(),
        also_in: Some(also_in.clone()),
        ..record.clone()
    };
    new.photos.iter().map(end).collect()
}

/// The largest item that this evaluation may be: with its verdict, and with its pending photos all the same.
fn judged(new: &NewEvaluation, photos: &[PhotoRecord], catalogue: &Catalogue) -> Evaluation {
    let verdict = finalise(
        &new.evaluation,
        photos,
        Some(catalogue),
        Timestamp::default(),
    )
    .unwrap();
    Evaluation {
        judgement: Some(verdict.judgement),
        timings: Some(verdict.timings),
        usage: Some(verdict.usage),
        waiting_reason: Some("w".repeat(LONGEST_MESSAGE)),
        held: new.evaluation.pending.clone(),
        ..new.evaluation.clone()
    }
}

fn size_of(of: &impl serde::Serialize) -> usize {
    let put = Put {
        key: evaluation::decide::update::Key::Breaker,
        guards: vec![],
        item: serde_json::to_value(of).unwrap(),
    };
    item_size(&item(&put).unwrap())
}

/// What does not fit, if anything.
fn too_large(said: &Said) -> Option<(&'static str, usize)> {
    let catalogue = Catalogue::shipped("v3").unwrap();
    let new = begun(said, catalogue);
    let photos = ended(said, &new, catalogue);
    let items = [
        ("evaluation", size_of(&judged(&new, &photos, catalogue))),
        (
            "photo",
            photos.iter().map(size_of).max().unwrap_or_default(),
        ),
    ];
    let batches = new.batches.iter().cloned().map(Message::Batch);
    let outcome = |record: &PhotoRecord| {
        let report = record.report.clone().unwrap();
        Message::outcome(
            &new.evaluation.evaluation_id,
            &record.photo.photo_id,
            report,
        )
    };
    let messages = batches.chain(photos.iter().map(outcome));
    let largest = messages.map(|message| message.to_body().len()).max();
    let messages = [("ten messages", 10 * largest.unwrap_or_default())];
    let items = items.into_iter().filter(|(_, size)| *size > LARGEST_ITEM);
    let messages = messages
        .into_iter()
        .filter(|(_, size)| *size > LARGEST_MESSAGE);
    items.chain(messages).next()
}

/// Texts that take much room in items, in JSON, or in what is said about them.
const TEXTS: [&str; 5] = ["a", "\"", "\u{ad}", "ä", "\u{1f3e0}"];

#[test]
fn the_largest_evaluation_fits() {
    for text in TEXTS {
        for name_bytes in [LONGEST_NAME, LONGEST_KEY - 29] {
            let said = Said {
                photos: MOST_PHOTOS,
                text,
                name_bytes,
                score: 9,
            };
            assert_eq!(too_large(&said), None, "{said:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_evaluation_fits(
        photos in 1..=MOST_PHOTOS, text in prop::sample::select(&TEXTS), name_bytes in 8..LONGEST_KEY - 29, score in 0..=10u8,
    ) {
        let said = Said { photos, text, name_bytes, score };
        prop_assert_eq!(too_large(&said), None);
    }
}
