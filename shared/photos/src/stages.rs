//! Where the time of a preparation goes. For benchmarks; nothing is decided by it.

use std::time::{Duration, Instant};

use super::jpeg::Jpeg;

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

/// Decodes a JPEG for its entropy coding's sake: of each block only the first coefficient is kept. False where this
/// pipeline's own decoder does not read it.
pub fn entropy_decode(bytes: &[u8]) -> bool {
    Jpeg::read(bytes).is_ok_and(|jpeg| {
        let eighths = vec![1; jpeg.component_sizes().len()];
        std::hint::black_box(jpeg.decode(&eighths)).is_ok()
    })
}
