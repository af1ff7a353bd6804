//! Memory for decoding: photos wait for it, not the other way round.
//!
//! # Invariants
//! - Photos that are decoded at the same time never need more, together, than there is.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// What is handed out at once.
const CELL_BYTES: usize = 1 << 20;
/// The share that decoding may take; the rest is for the files as fetched, the requests, and the program.
const SHARE: (usize, usize) = (5, 8);

/// Memory to be handed out.
#[derive(Debug, Clone)]
pub struct Memory {
    cells: Arc<Semaphore>,
    most: u32,
}

impl Memory {
    /// A share of what a function of so many megabytes has.
    pub fn of_function(megabytes: usize) -> Self {
        Self::new(megabytes * SHARE.0 / SHARE.1)
    }

    fn new(cells: usize) -> Self {
        let most = u32::try_from(cells).unwrap_or(u32::MAX).max(1);
        Self {
            cells: Arc::new(Semaphore::new(most as usize)),
            most,
        }
    }

    /// The most bytes that one photo can have.
    pub fn most_bytes(&self) -> usize {
        self.most as usize * CELL_BYTES
    }

    /// Waits for `bytes`, and keeps them until what it returns is dropped. `None` if there is never so much.
    pub async fn take(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, AcquireError> {
        match u32::try_from(bytes.div_ceil(CELL_BYTES)) {
            Ok(cells) if cells <= self.most => Arc::clone(&self.cells)
                .acquire_many_owned(cells)
                .await
                .map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_photo_waits_until_another_gives_its_memory_back() {
        let memory = Memory::new(10);
        let first = memory.take(6 * CELL_BYTES).await.unwrap().unwrap();
        let short = Duration::from_millis(20);
        assert!(
            timeout(short, memory.take(5 * CELL_BYTES)).await.is_err(),
            "11 of 10"
        );
        let small = timeout(short, memory.take(4 * CELL_BYTES))
            .await
            .unwrap()
            .unwrap();
        assert!(small.is_some());
        drop(first);
        assert!(
            timeout(short, memory.take(5 * CELL_BYTES))
                .await
                .unwrap()
                .unwrap()
                .is_some()
        );
    }

    #[tokio::test]
    async fn what_never_fits_is_said_at_once() {
        assert!(
            Memory::new(10)
                .take(11 * CELL_BYTES)
                .await
                .unwrap()
                .is_none()
        );
    }
}
