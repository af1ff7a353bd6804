//! The queues. The list below is the only one in the code: settings, ports and logs follow from it.

macro_rules! queues {
    ($($(#[$doc:meta])* $queue:ident, $name:literal;)+) => {
        /// The queues, by what they hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Queue {
            $($(#[$doc])* $queue,)+
        }

        impl Queue {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$queue),+];

            /// Its name in logs; in capital letters, with `_QUEUE_URL`, the setting that says where it is.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$queue => $name,)+
                }
            }
        }
    };
}

queues! {
    /// Photos to be evaluated that people wait for.
    Batches, "batches";
    /// Photos to be evaluated that nobody waits for.
    Bulk, "bulk";
    /// What became of photos.
    Results, "results";
    /// Uploads, and quiet checks.
    Uploads, "uploads";
}
