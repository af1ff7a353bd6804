//! Where the time of a preparation goes. For benchmarks; nothing is decided by it.

use std::time::{Duration, Instant};

/// The time of each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Reading the header and decoding the pixels, at the size that is decoded.
    pub decode: Duration,
    /// Scaling and turning upright.
    pub scale: Duration,
    /// Measuring sharpness and exposure, hashing, reading metadata.
    pub inspect: Duration,
    /// Encoding the JPEG.
    pub encode: Duration,
}

/// A clock that tells the time since it was last asked.
pub(super) struct Laps(Instant);

impl Laps {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let lap = now - self.0;
        self.0 = now;
        lap
    }
}
