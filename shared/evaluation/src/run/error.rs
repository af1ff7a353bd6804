//! Why a step failed, classed by what to do about it.

use std::error::Error;

/// What is to be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same again later may work.
    Retry,
    /// It will not get better, and whoever asked is told why.
    Permanent,
    /// It should not happen: redelivery, then the dead-letter queue, then an outcome with its reason.
    Bug,
}

/// The cause of a failure, kept as it was.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A step that failed; for operators.
///
/// ```
/// use evaluation::run::error::{Class, RunError};
///
/// let error = RunError::retry("reading an item", std::io::Error::other("throttled"));
/// assert_eq!(error.class(), Class::Retry);
/// assert_eq!(error.with_causes(), "reading an item: throttled");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct RunError {
    class: Class,
    context: String,
    #[source]
    cause: Option<Cause>,
}

impl RunError {
    /// The same again later may work.
    pub fn retry(context: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::of(Class::Retry, context, cause)
    }

    /// It should not happen.
    pub fn bug(context: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::of(Class::Bug, context, cause)
    }

    /// A failure of this class.
    pub fn of(class: Class, context: impl Into<String>, cause: impl Into<Cause>) -> Self {
        let (context, cause) = (context.into(), Some(cause.into()));
        Self {
            class,
            context,
            cause,
        }
    }

    /// Others were faster, again and again: the same again later may work.
    pub fn contended(context: impl Into<String>) -> Self {
        Self {
            class: Class::Retry,
            context: context.into(),
            cause: None,
        }
    }

    /// A message that does not belong where it came.
    pub fn misplaced(context: impl Into<String>) -> Self {
        Self {
            class: Class::Bug,
            context: context.into(),
            cause: None,
        }
    }

    /// What is to be done about it.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The failure and its causes, outermost first.
    pub fn with_causes(&self) -> String {
        with_causes(self)
    }
}

/// An error and its causes, outermost first.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
