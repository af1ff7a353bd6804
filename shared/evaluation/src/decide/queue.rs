//! The queues.

/// The queues, by what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Photos to be evaluated that people wait for.
    Batches,
    /// Photos to be evaluated that nobody waits for.
    Bulk,
    /// What became of photos.
    Results,
    /// Uploads, and later looks at them.
    Uploads,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Batches, Self::Bulk, Self::Results, Self::Uploads];

    /// Its name in logs and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Batches => "batches",
            Self::Bulk => "bulk",
            Self::Results => "results",
            Self::Uploads => "uploads",
        }
    }
}
