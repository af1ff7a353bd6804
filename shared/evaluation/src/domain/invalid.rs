//! A value that is refused.

/// A value that is not what its type demands; the message says what to do and may be shown to a caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);
