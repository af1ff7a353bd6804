//! How large a photo is sent: data with a version, checked when it is loaded.
//!
//! Small print (serials, meter digits) is lost at 800 px, and tokens grow with the square of the edge: so the size
//! belongs to the step that the photo's name hints at.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The version that new evaluations use unless a deployment says otherwise.
pub const CURRENT_VERSION: &str = "s4";

/// The policies that ship with the program, oldest first. A version, once released, never changes.
const SHIPPED: [&str; 5] = [
    include_str!("size_policies/s1.json"),
    include_str!("size_policies/s2.json"),
    include_str!("size_policies/s3.json"),
    // The sizes of s3; other pixels, as HEIC without a profile, transparent HEIC, profiles of grey and of inks, and the
    // edges of JPEGs that do not fill their blocks became others. JPEGs and grids of HEIC may have 202 megapixels.
    include_str!("size_policies/s4.json"),
    // s4, with a closer look at critical steps of which the model is not sure. For a deployment that asks for it.
    include_str!("size_policies/s5.json"),
];

/// By their versions.
static POLICIES: LazyLock<BTreeMap<String, SizePolicy>> = LazyLock::new(|| {
    let read = SHIPPED
        .iter()
        .filter_map(|json| SizePolicy::from_json(json).ok());
    read.map(|policy| (policy.version.clone(), policy))
        .collect()
});

/// Sizes, quality and limits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizePolicy {
    /// The version, part of every fingerprint.
    pub version: String,
    /// Long edge in pixels, a multiple of the VLM's grid of 32.
    pub long_edge: u32,
    /// Long edge of photos whose name hints at a step with small print, or at nothing.
    pub small_print_long_edge: u32,
    /// JPEG quality, 1 to 100.
    pub jpeg_quality: u8,
    /// The same for chroma; without it as for luma.
    #[serde(default)]
    pub chroma_quality: Option<u8>,
    /// Whether a photo in which small print turns up unexpectedly and can't be read is looked at again, at the larger
    /// size: a name is only a hint, and a photo filed wrongly must not fail for the size that its name brought it.
    #[serde(default)]
    pub closer_look: bool,
    /// A photo of a critical step is looked at again, at the larger size, where the model is less sure than this that
    /// its score lies on its side of the pass mark. Nothing is where no server says how sure it is.
    #[serde(default)]
    pub closer_look_below_percent: Option<u8>,
    /// What is refused.
    pub limits: Limits,
    /// What is done with photos that are too blurred or too dark to judge.
    #[serde(default)]
    pub unfit_photos: UnfitPhotos,
}

/// What is done with photos that are too blurred or too dark to judge. A user is told in either case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnfitPhotos {
    /// The model is asked all the same: it may see more than a measure does.
    #[default]
    Ask,
    /// They are not evaluated, and the reason says why.
    Refuse,
}

/// Limits that are checked before memory is taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the file.
    pub most_bytes: u64,
    /// Pixels, width times height.
    pub most_pixels: u64,
    /// The same for photos that are scaled while they are decoded, and so take little memory: JPEGs, and HEICs of a
    /// grid of tiles. Without it as for all.
    #[serde(default)]
    pub most_pixels_scaled: Option<u64>,
    /// Pixels of either edge.
    pub most_edge: u32,
}

/// Why a policy was refused; for operators.
#[derive(Debug, thiserror::Error)]
pub enum SizePolicyError {
    /// The file is not a policy.
    #[error("the size policy is not valid JSON of the expected shape")]
    Shape(#[from] serde_json::Error),
    /// The file has the shape but makes no sense.
    #[error("size policy {version}: {problem}")]
    Inconsistent {
        /// The policy's version.
        version: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// No policy of that version ships with the program.
    #[error("there is no size policy {0:?} in this release")]
    Unknown(String),
}

impl Limits {
    /// The most pixels of a photo that is scaled while it is decoded, or of any other.
    pub fn pixels(&self, scaled: bool) -> u64 {
        let more = self.most_pixels_scaled.filter(|_| scaled);
        more.unwrap_or(self.most_pixels)
    }
}

impl SizePolicy {
    /// The shipped policy of this version. Each is read once in a process.
    ///
    /// ```
    /// use photos::size_policy::{CURRENT_VERSION, SizePolicy};
    ///
    /// let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
    /// assert!(policy.long_edge <= policy.small_print_long_edge);
    /// ```
    pub fn shipped(version: &str) -> Result<&'static Self, SizePolicyError> {
        let unknown = || SizePolicyError::Unknown(version.into());
        POLICIES.get(version).ok_or_else(unknown)
    }

    /// The versions of all shipped policies.
    pub fn known_versions() -> impl Iterator<Item = &'static str> {
        POLICIES.keys().map(String::as_str)
    }

    /// Reads and checks a policy.
    pub fn from_json(json: &str) -> Result<Self, SizePolicyError> {
        let policy: Self = serde_json::from_str(json)?;
        match policy.problem() {
            None => Ok(policy),
            Some(problem) => Err(SizePolicyError::Inconsistent {
                version: policy.version,
                problem,
            }),
        }
    }

    /// The long edge for a photo that may show small print, or not.
    pub fn long_edge_for(&self, small_print: bool) -> u32 {
        if small_print {
            self.small_print_long_edge
        } else {
            self.long_edge
        }
    }

    fn problem(&self) -> Option<&'static str> {
        let on_grid = |edge: u32| edge >= 32 && edge.is_multiple_of(32);
        if !on_grid(self.long_edge) || !on_grid(self.small_print_long_edge) {
            Some("the long edges must be multiples of 32, the VLM's grid")
        } else if self.small_print_long_edge < self.long_edge {
            Some("small print needs at least the usual size")
        } else if ![Some(self.jpeg_quality), self.chroma_quality]
            .iter()
            .flatten()
            .all(|q| (1..=100).contains(q))
        {
            Some("jpeg_quality and chroma_quality must be 1 to 100")
        } else if self
            .closer_look_below_percent
            .is_some_and(|percent| percent > 100)
        {
            Some("closer_look_below_percent must be 0 to 100")
        } else if self.limits.most_bytes == 0
            || self.limits.most_pixels == 0
            || self.limits.most_edge == 0
        {
            Some("the limits must not be zero")
        } else if self.limits.pixels(true) < self.limits.most_pixels {
            Some("what is scaled while it is decoded must not be limited more than the rest")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_makes_no_sense_is_refused() {
        for (from, to) in [
            ("800", "801"),
            ("1280", "640"),
            ("85", "0"),
            ("50000000", "0"),
        ] {
            let json = SHIPPED[0].replace(from, to);
            assert!(
                matches!(
                    SizePolicy::from_json(&json),
                    Err(SizePolicyError::Inconsistent { .. })
                ),
                "{json}"
            );
        }
        assert!(matches!(
            SizePolicy::shipped("s9"),
            Err(SizePolicyError::Unknown(_))
        ));
    }

    #[test]
    fn what_is_scaled_while_it_is_decoded_may_be_larger_and_not_smaller() {
        let json = SHIPPED.last().unwrap();
        let limits = SizePolicy::from_json(json).unwrap().limits;
        assert!(limits.pixels(true) > 2 * limits.pixels(false));
        let without = SizePolicy::from_json(SHIPPED[2]).unwrap().limits;
        assert_eq!(without.pixels(true), without.pixels(false));
        let less = json.replace("202000000", "79000000");
        assert!(SizePolicy::from_json(&less).is_err());
    }

    #[test]
    fn every_shipped_policy_reads() {
        for json in SHIPPED {
            let policy = SizePolicy::from_json(json).unwrap();
            assert_eq!(*SizePolicy::shipped(&policy.version).unwrap(), policy);
        }
    }
}
