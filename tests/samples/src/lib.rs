//! Sample photos: drawn scenes of phone-photo size that carry their truth in the pixels, as codes large enough to
//! survive the size policy, and small print that only the larger size keeps.
//!
//! A photo that was turned the wrong way, mirrored, squeezed, cropped, cut off or made too small can't be read: so a
//! test that compares verdicts with the truth fails when anything harms a photo.
//!
//! # Invariants
//! - The same photo and seed give the same bytes.

pub mod canvas;
pub mod code;
pub mod drs;
pub mod exif;
pub mod hostile;
pub mod label;
pub mod photo;
pub mod print;
pub mod scene;
pub mod truth;
mod type_face;
