//! The VLM's key: as it was read first, and as it is read again when the VLM refuses it.
//!
//! # Invariants
//! - The source is read again at most once a minute, however many requests are refused; those that are refused at the
//!   same time share one reading.
//! - The key gets into no error and no log.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use evaluation::run::error::Cause;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A key that is wrong stays wrong until somebody changes the secret; reading it more often would only cost.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A key on its way from where it is kept; `None` if the VLM wants none.
pub type KeyRead<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, Cause>> + Send + 'a>>;

/// Where the key is kept.
pub trait KeySource: Send + Sync {
    /// Reads it as it is now.
    fn read(&self) -> KeyRead<'_>;
}

/// A key in use; `None` sends none.
pub(crate) type Key = Option<Arc<str>>;

/// The key, shared by all clones of a client.
pub(crate) struct KeyRing {
    source: Option<Arc<dyn KeySource>>,
    current: RwLock<Key>,
    /// When the source was read last; held while it is read.
    read_at: Mutex<Option<Instant>>,
}

impl KeyRing {
    /// This key, and where another one may come from.
    pub(crate) fn new(key: Option<&str>, source: Option<Arc<dyn KeySource>>) -> Self {
        Self {
            source,
            current: RwLock::new(key.map(Arc::from)),
            read_at: Mutex::default(),
        }
    }

    /// The key to send.
    pub(crate) fn current(&self) -> Key {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// After the VLM refused `refused`: another key, if there is one by now.
    pub(crate) async fn another_than(&self, refused: &Key) -> Option<Key> {
        let source = self.source.as_ref()?;
        let mut read_at = self.read_at.lock().await;
        let current = self.current();
        if current != *refused {
            return Some(current);
        }
        if read_at.is_some_and(|at| at.elapsed() < READ_AGAIN_AFTER) {
            return None;
        }
        *read_at = Some(Instant::now());
        let read = source.read().await.inspect_err(|cause| {
            tracing::warn!(error = %cause, "the VLM refuses its key, which could not be read again");
        });
        let read: Key = read.ok()?.map(Arc::from);
        if read == *refused {
            tracing::warn!("the VLM refuses its key; its secret holds no other one");
            return None;
        }
        tracing::info!(
            "the VLM refused its key; its secret holds another one, which is used from now on"
        );
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.clone_from(&read);
        Some(read)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A source that a test changes and that counts its readings; an empty one can't be read.
    #[derive(Default)]
    pub(crate) struct Secret {
        pub(crate) value: RwLock<Option<String>>,
        pub(crate) reads: AtomicUsize,
    }

    impl Secret {
        pub(crate) fn holding(key: &str) -> Arc<Self> {
            let secret = Self::default();
            secret.put(key);
            Arc::new(secret)
        }

        pub(crate) fn put(&self, key: &str) {
            *self.value.write().unwrap() = Some(key.into());
        }

        pub(crate) fn reads(&self) -> usize {
            self.reads.load(Ordering::Relaxed)
        }
    }

    impl KeySource for Secret {
        fn read(&self) -> KeyRead<'_> {
            Box::pin(async {
                self.reads.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
                let value = self.value.read().unwrap().clone();
                value.map(Some).ok_or_else(|| "out of reach".into())
            })
        }
    }

    fn key(text: &str) -> Key {
        Some(text.into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_is_read_again_at_most_once_a_minute() {
        let secret = Secret::holding("old");
        let ring = KeyRing::new(Some("old"), Some(secret.clone()));
        for _ in 0..3 {
            assert_eq!(ring.another_than(&key("old")).await, None);
        }
        assert_eq!(secret.reads(), 1);
        secret.put("new");
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert_eq!(ring.another_than(&key("old")).await, None);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ring.another_than(&key("old")).await, Some(key("new")));
        assert_eq!((ring.current(), secret.reads()), (key("new"), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_are_refused_at_once_share_one_reading() {
        let secret = Secret::holding("new");
        let ring = KeyRing::new(Some("old"), Some(secret.clone()));
        let refused = key("old");
        let again = (0..8).map(|_| ring.another_than(&refused));
        let keys = futures::future::join_all(again).await;
        assert!(keys.iter().all(|another| *another == Some(key("new"))));
        assert_eq!(secret.reads(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cant_be_read_changes_nothing() {
        let ring = KeyRing::new(Some("old"), Some(Arc::new(Secret::default())));
        assert_eq!(ring.another_than(&key("old")).await, None);
        assert_eq!(ring.current(), key("old"));
        assert_eq!(KeyRing::new(None, None).another_than(&None).await, None);
    }
}
