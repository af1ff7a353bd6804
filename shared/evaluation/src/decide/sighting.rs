//! Where a photo was seen first: in which DR, by its file and by how it looks.
//!
//! # Invariants
//! - Whoever was first stays: a photo points to an earlier one, never to a later one.
//! - Photos of one DR never point to each other, and what is too dark or too blurred to be told apart points to none.
//! - Each way in which two equal parts can stand has 2³² places, so that 90 days of 100,000 DRs a day (some 10⁸
//!   photos) leave most of them free: whoever is first in a place keeps it.

use photos::quality::Quality;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::bounds::shortened_name;
use crate::domain::hash::hex_of;
use crate::domain::ids::DrNumber;
use crate::domain::plan::Photo;
use crate::domain::reading::{Flag, FlagCode};

/// Hashes of how photos look that differ in so many bits or fewer are taken for the same photo in another DR. Encoding
/// anew, halving and darkening changes 0 to 2 bits, two photos differ by 31 in the median (`bench photos --calibrate`).
pub const MOST_DISTANCE: u32 = 2;
/// Parts of the hash that are looked up together: of two hashes that differ in `MOST_DISTANCE` bits, some two parts of
/// four are equal.
const PAIRS: [(u32, u32); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
/// Bits of a part.
const BITS: u32 = u64::BITS / (MOST_DISTANCE + 2);

/// What a photo is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Its file: the ETag that S3 gives the content.
    File(String),
    /// Two parts of its perceptual hash: which, and the hash with nothing else in it.
    Look((u32, u32), u64),
}

impl Mark {
    /// The mark as part of a key.
    pub fn key(&self) -> String {
        match self {
            Self::File(etag) => format!("FILE#{}", hex_of(&[etag])),
            Self::Look((one, other), bits) => format!("LOOK{one}{other}#{bits:016x}"),
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
        let tells = shows_something(&self.quality);
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

/// Whether a photo can be told from others by its look: dark or flat ones all look the same.
fn shows_something(quality: &Quality) -> bool {
    !quality.is_dark() && !quality.is_blurred()
}

/// Whether two photos of one DR look the same: one may be the other, encoded anew or taken again.
pub fn look_alike(one: &Quality, other: &Quality) -> bool {
    shows_something(one) && shows_something(other) && one.looks_like(other)
}

/// The pairs of parts of a hash.
fn looks(hash: u64) -> impl Iterator<Item = Mark> {
    let part = |at: u32| ((1 << BITS) - 1) << (at * BITS);
    let pair = move |(one, other)| Mark::Look((one, other), hash & (part(one) | part(other)));
    PAIRS.into_iter().map(pair)
}

/// How it is known that two photos are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The files are the same.
    SameFile,
    /// They look the same: one may be the other, encoded anew.
    LooksTheSame,
}

/// Another DR in which a photo was used before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
        assert_eq!(dark.marks().len(), 7);
        dark.quality.bright = 3;
        assert_eq!(dark.marks(), [Mark::File("x".into())]);
    }

    #[test]
    fn photos_of_one_dr_look_alike_only_if_they_show_something() {
        let clear = sighting("DR1", "x", 7).quality;
        let dark = Quality { bright: 3, ..clear };
        let flat = Quality {
            sharpness: 0.0,
            ..clear
        };
        assert!(look_alike(&clear, &clear));
        for nothing in [dark, flat] {
            assert!(!look_alike(&nothing, &nothing) && !look_alike(&nothing, &clear));
        }
    }

    #[test]
    fn a_place_is_shared_by_hashes_that_are_equal_in_half_their_bits() {
        let of = |hash| looks(hash).collect::<BTreeSet<Mark>>();
        let hash = 0x0123_4567_89ab_cdef;
        assert!(
            of(hash).is_disjoint(&of(hash ^ 0x0000_0001_0001_0001)),
            "one part is equal"
        );
        assert_eq!(of(hash).intersection(&of(hash ^ 0x0001_0001)).count(), 1);
    }

    proptest! {
        #[test]
        fn hashes_that_differ_in_two_bits_share_a_mark_and_a_hash_is_all_of_its_parts(hash: u64, a in 0u32..64, b in 0u32..64) {
            let of = |hash| looks(hash).collect::<BTreeSet<Mark>>();
            prop_assert!(!of(hash).is_disjoint(&of(hash ^ (1 << a) ^ (1 << b))));
            let parts = looks(hash).map(|mark| match mark { Mark::Look(_, bits) => bits, Mark::File(_) => 0 });
            prop_assert_eq!(parts.fold(0, |whole, part| whole | part), hash);
        }
    }
}
