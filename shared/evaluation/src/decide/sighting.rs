//! Where a photo was seen first: in which DR, by its file and by how it looks.
//!
//! # Invariants
//! - Whoever was first stays: a photo points to an earlier one, never to a later one.
//! - Photos of one DR never point to each other, and what is too dark or too blurred to be told apart points to none.

use photos::quality::Quality;
use serde::{Deserialize, Serialize};

use crate::domain::bounds::shortened_name;
use crate::domain::hash::hex_of;
use crate::domain::ids::DrNumber;
use crate::domain::plan::Photo;
use crate::domain::reading::{Flag, FlagCode};

/// Hashes of how photos look that differ in so many bits or fewer are taken for the same photo in another DR. Encoding
/// anew, halving and darkening changes 0 to 2 bits, two photos differ by 31 in the median (`bench photos --calibrate`).
pub const MOST_DISTANCE: u32 = 2;
/// Parts of the hash that are looked up: of two hashes that differ in `MOST_DISTANCE` bits, one part is equal.
const BANDS: u32 = MOST_DISTANCE + 1;
/// Bits of a part; the last has one more.
const BITS: u32 = u64::BITS / BANDS;

/// What a photo is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Its file: the ETag that S3 gives the content.
    File(String),
    /// A part of its perceptual hash: which, and its bits.
    Look(u32, u64),
}

impl Mark {
    /// The mark as part of a key.
    pub fn key(&self) -> String {
        match self {
            Self::File(etag) => format!("FILE#{}", hex_of(&[etag])),
            Self::Look(band, bits) => format!("LOOK{band}#{bits:x}"),
        }
    }
}

/// A photo, as it was seen first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// Its DR.
    pub dr_number: DrNumber,
    /// Its name there.
    pub photo: String,
    /// The content's ETag.
    pub etag: String,
    /// How it looked.
    pub quality: Quality,
}

impl Sighting {
    /// This photo, here.
    pub fn of(dr: &DrNumber, photo: &Photo, quality: Quality) -> Self {
        Self {
            dr_number: dr.clone(),
            photo: photo.name.clone(),
            etag: photo.etag.clone(),
            quality,
        }
    }

    /// What it is found by.
    pub fn marks(&self) -> Vec<Mark> {
        let file = Mark::File(self.etag.clone());
        let tells = !self.quality.is_dark() && !self.quality.is_blurred();
        [file]
            .into_iter()
            .chain(looks(self.quality.perceptual_hash).filter(|_| tells))
            .collect()
    }

    /// Where else it was used, if this earlier sighting is of the same photo in another DR.
    pub fn elsewhere(&self, first: &Self) -> Option<Elsewhere> {
        let distance = (self.quality.perceptual_hash ^ first.quality.perceptual_hash).count_ones();
        let how = match (self.etag == first.etag, distance <= MOST_DISTANCE) {
            (true, _) => Likeness::SameFile,
            (false, true) => Likeness::LooksTheSame,
            (false, false) => return None,
        };
        first.elsewhere_of(&self.dr_number, how)
    }

    /// Where else a photo of this DR was used, if this sighting of it is in another one.
    pub fn elsewhere_of(&self, dr: &DrNumber, how: Likeness) -> Option<Elsewhere> {
        (&self.dr_number != dr).then(|| Elsewhere {
            dr_number: self.dr_number.clone(),
            photo: shortened_name(&self.photo).unwrap_or_else(|| self.photo.clone()),
            how,
        })
    }
}

/// The parts of a hash.
fn looks(hash: u64) -> impl Iterator<Item = Mark> {
    let part = move |band: u32| {
        let above = hash >> (band * BITS);
        Mark::Look(
            band,
            if band + 1 == BANDS {
                above
            } else {
                above & ((1 << BITS) - 1)
            },
        )
    };
    (0..BANDS).map(part)
}

/// How it is known that two photos are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The files are the same.
    SameFile,
    /// They look the same: one may be the other, encoded anew.
    LooksTheSame,
}

/// Another DR in which a photo was used before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The DR.
    pub dr_number: DrNumber,
    /// The photo's name there.
    pub photo: String,
    /// How that is known.
    pub how: Likeness,
}

impl Elsewhere {
    /// What people should look at.
    pub fn flag(&self, photo: &str) -> Flag {
        let Self {
            dr_number,
            photo: other,
            how,
        } = self;
        let message = match how {
            Likeness::SameFile => format!("The same file was used as {other} in {dr_number}"),
            Likeness::LooksTheSame => {
                format!("This photo looks the same as {other} in {dr_number}")
            }
        };
        Flag {
            photo: photo.into(),
            step: None,
            code: FlagCode::UsedInAnotherDr,
            message,
            fails: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::decide::fixtures::photo;

    fn sighting(dr: &str, etag: &str, hash: u64) -> Sighting {
        let quality = Quality {
            sharpness: 0.8,
            bright: 200,
            perceptual_hash: hash,
        };
        Sighting {
            etag: etag.into(),
            ..Sighting::of(&DrNumber::parse(dr).unwrap(), &photo("a.jpg"), quality)
        }
    }

    #[test]
    fn the_same_file_and_the_same_look_are_found_in_another_dr_only() {
        let first = sighting("DR1", "x", 7);
        let how = |dr, etag, hash| {
            sighting(dr, etag, hash)
                .elsewhere(&first)
                .map(|elsewhere| elsewhere.how)
        };
        assert_eq!(how("DR2", "x", 7), Some(Likeness::SameFile));
        assert_eq!(
            how("DR2", "y", 7 ^ 0b11 << 40),
            Some(Likeness::LooksTheSame)
        );
        assert_eq!(how("DR2", "y", 7 ^ 0b111 << 40), None);
        assert_eq!(how("DR1", "x", 7), None);
    }

    #[test]
    fn what_shows_nothing_is_found_by_its_file_only() {
        let mut dark = sighting("DR1", "x", 7);
        assert_eq!(dark.marks().len(), 4);
        dark.quality.bright = 3;
        assert_eq!(dark.marks(), [Mark::File("x".into())]);
    }

    proptest! {
        #[test]
        fn hashes_that_differ_in_two_bits_share_a_mark_and_a_hash_is_all_of_its_parts(hash: u64, a in 0u32..64, b in 0u32..64) {
            let of = |hash| looks(hash).collect::<BTreeSet<Mark>>();
            prop_assert!(!of(hash).is_disjoint(&of(hash ^ (1 << a) ^ (1 << b))));
            let parts = looks(hash).map(|mark| match mark { Mark::Look(band, bits) => bits << (band * BITS), Mark::File(_) => 0 });
            prop_assert_eq!(parts.fold(0, |whole, part| whole | part), hash);
        }
    }
}
