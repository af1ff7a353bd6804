//! Where the time of a preparation goes. For benchmarks; nothing is decided by it.

use std::time::Duration;

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

/// A clock, such as that of the thread's CPU time, which neighbours on the machine disturb less than any other.
pub type Clock = fn() -> Duration;

/// Tells the time since it was last asked.
pub(super) struct Laps {
    clock: Clock,
    last: Duration,
}

impl Laps {
    pub(super) fn start(clock: Clock) -> Self {
        Self {
            clock,
            last: clock(),
        }
    }

    pub(super) fn lap(&mut self) -> Duration {
        let now = (self.clock)();
        let lap = now.saturating_sub(self.last);
        self.last = now;
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
