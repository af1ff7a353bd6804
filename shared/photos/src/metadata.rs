//! What a photo's EXIF data says. It is read and never sent on: where a customer lives is nobody's business but theirs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who took a photo, when, and where.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// When the photo was taken, by the camera's clock, such as `2026-01-14T10:15:02`; with the time zone if the
    /// camera wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<String>,
    /// Maker and model of the camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// The camera's serial number, if it wrote one: with maker and model it tells one camera from all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera_serial: Option<String>,
    /// Where it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// A place on Earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Position {
    /// North of the equator.
    pub latitude: f64,
    /// East of Greenwich.
    pub longitude: f64,
}

impl Metadata {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
