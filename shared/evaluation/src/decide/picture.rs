//! A picture: a copy of a photo for people's eyes, made when somebody looks: as the VLM saw it, or small.
//!
//! # Invariants
//! - Where a picture lies says what it shows: the photo's key and content, the size policy, the long edge. So what lies
//!   there is what would be made, and is never made twice but at the same time.
//! - Pictures lie where no upload is noticed, and are deleted after days: the photo is what is kept.

use serde::{Deserialize, Serialize};

use super::photo_record::PhotoRecord;
use crate::domain::catalogue::Catalogue;
use crate::domain::hash::hex_of;
use crate::domain::ids::DrNumber;
use crate::domain::outcome::{PhotoOutcome, Reason};
use crate::domain::photo_rules::long_edge_for;
use crate::domain::trace::TraceId;
use photos::size_policy::SizePolicy;

/// What the keys of pictures begin with.
pub const PREFIX: &str = "seen/";
/// The long edge of a small picture, in pixels: sharp enough in a strip of photos and in a report.
pub const THUMBNAIL: u32 = 320;

/// A picture to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The photo's DR.
    pub dr_number: DrNumber,
    /// The photo's key in the bucket.
    pub key: String,
    /// Which of the versions that the bucket keeps under that key.
    pub version_id: String,
    /// The photo's ETag.
    pub etag: String,
    /// The version of the size policy: how it is scaled and encoded, and what is refused.
    pub size_policy: String,
    /// The long edge in pixels; nothing is enlarged.
    pub long_edge: u32,
}

impl Picture {
    /// Its key in the bucket.
    pub fn place(&self) -> String {
        let edge = self.long_edge.to_string();
        let name = hex_of(&[&self.key, &self.etag, &self.size_policy, &edge]);
        format!("{PREFIX}{}/{name}.jpg", self.dr_number)
    }
}

/// What the batch function is asked: to make these pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakePictures {
    /// The pictures.
    pub make_pictures: Vec<Picture>,
    /// The trace of the request that they are for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
}

/// What became of them, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicturesMade {
    /// One for each.
    pub pictures: Vec<PictureMade>,
}

/// What became of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "became", rename_all = "snake_case")]
pub enum PictureMade {
    /// It lies in its place.
    Made,
    /// It can't be made of this photo, ever.
    Refused {
        /// Why.
        reason: Reason,
    },
    /// There was no time for it, or the bucket was busy: what was made stays, and the next try goes on.
    Later,
    /// A bug, which the log tells.
    Failed,
}

/// The long edge at which the VLM saw a photo; none if it has not seen it.
///
/// Of a photo that was looked at from closer, the larger one. Where an earlier answer is used, nothing of the size is
/// kept, and it is what its name's hint asks for.
pub fn seen_at(record: &PhotoRecord, catalogue: &Catalogue, policy: &SizePolicy) -> Option<u32> {
    let report = record.report.as_ref()?;
    let sent = report.image.map(|image| image.width.max(image.height));
    match (sent, &report.outcome) {
        (Some(edge), _) if edge > policy.long_edge => Some(policy.small_print_long_edge),
        (Some(_), _) => Some(policy.long_edge),
        (None, PhotoOutcome::Evaluated { .. }) => Some(by_name(record, catalogue, policy)),
        (None, outcome) if outcome.is_copy() => Some(by_name(record, catalogue, policy)),
        (None, _) => None,
    }
}

fn by_name(record: &PhotoRecord, catalogue: &Catalogue, policy: &SizePolicy) -> u32 {
    let hint = record.photo.step_hint.as_ref();
    long_edge_for(policy, hint.and_then(|step| catalogue.step(step)))
}

#[cfg(test)]
mod tests {
    use photos::ImageFigures;
    use photos::size_policy::CURRENT_VERSION;

    use super::*;
    use crate::decide::fixtures;
    use crate::domain::outcome::ReasonCode;
    use crate::domain::report::Report;
    use crate::domain::time::Timestamp;

    fn picture() -> Picture {
        Picture {
            dr_number: DrNumber::parse("DR1730550").unwrap(),
            key: "photos/DR1730550/a.jpg".into(),
            version_id: "v1".into(),
            etag: "\"0\"".into(),
            size_policy: "s4".into(),
            long_edge: 800,
        }
    }

    #[test]
    fn the_place_of_a_picture_tells_all_that_it_shows_and_nothing_else() {
        let place = picture().place();
        assert!(place.starts_with("seen/DR1730550/") && place.ends_with(".jpg"));
        let other_version = Picture {
            version_id: "v2".into(),
            ..picture()
        };
        assert_eq!(other_version.place(), place, "the same bytes put again");
        let changes: [fn(&mut Picture); 4] = [
            |it| it.key.push('2'),
            |it| it.etag.push('2'),
            |it| it.size_policy = "s3".into(),
            |it| it.long_edge = 1280,
        ];
        for change in changes {
            let mut other = picture();
            change(&mut other);
            assert_ne!(other.place(), place, "{other:?}");
        }
    }

    #[test]
    fn a_photo_is_shown_as_large_as_it_was_sent() {
        let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
        let catalogue = Catalogue::shipped("v1").unwrap();
        let sent = |width, height| ImageFigures {
            original_bytes: 1,
            sent_bytes: 1,
            width,
            height,
            image_tokens: 64,
        };
        let evaluated = PhotoOutcome::Evaluated { findings: vec![] };
        let skipped = PhotoOutcome::not_evaluated(ReasonCode::NotNeeded, "why");
        let copy = PhotoOutcome::not_evaluated(ReasonCode::SamePhoto, "why");
        let invalid = PhotoOutcome::not_evaluated(ReasonCode::InvalidAnswer, "why");
        for (image, outcome, expected) in [
            (Some(sent(800, 600)), &evaluated, Some(800)),
            (Some(sent(960, 1280)), &evaluated, Some(1280)),
            (Some(sent(640, 480)), &invalid, Some(800)),
            // No name hints at a step: small print may be on it.
            (None, &evaluated, Some(1280)),
            (None, &copy, Some(1280)),
            (None, &skipped, None),
        ] {
            let mut record = PhotoRecord::new(fixtures::photo("a.jpg"));
            record.report = Some(Report {
                image,
                ..Report::bare(outcome.clone(), Timestamp::from_millis(0))
            });
            assert_eq!(
                seen_at(&record, catalogue, policy),
                expected,
                "{image:?} {outcome:?}"
            );
        }
        let pending = PhotoRecord::new(fixtures::photo("a.jpg"));
        assert_eq!(seen_at(&pending, catalogue, policy), None);
    }
}
