//! What can go wrong with the table, classed by what to do.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use evaluation::run::error::{Cause, Class};

/// A failure of the table; for operators.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The table is busy or out of reach: the same again later may work.
    #[error("DynamoDB {operation} can be tried again")]
    Busy {
        /// The operation.
        operation: &'static str,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// The table refused.
    #[error("DynamoDB {operation} failed")]
    Failed {
        /// The operation.
        operation: &'static str,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// A part of what was wanted was left undone, again and again.
    #[error("DynamoDB {operation} left {left} items unprocessed")]
    Unprocessed {
        /// The operation.
        operation: &'static str,
        /// Items that were left over.
        left: usize,
    },
    /// An item can't be read as what it should be.
    #[error("an item can't be read or written")]
    Corrupt(#[source] Cause),
}

/// Error codes that mean: later. Who lacks a right or good credentials, gets them: what was to be written is not given up.
const LATER: [&str; 12] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl TableError {
    pub(super) fn aws<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let code = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code);
        let reached = !matches!(error, SdkError::ConstructionFailure(_));
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let theirs = status.is_some_and(|status| status >= 500);
        let later = theirs || code.map_or(reached, |code| LATER.contains(&code));
        let cause = error.into();
        if later {
            Self::Busy { operation, cause }
        } else {
            Self::Failed { operation, cause }
        }
    }

    pub(super) fn corrupt(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Corrupt(Box::new(cause))
    }

    /// What is to be done about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Busy { .. } | Self::Unprocessed { .. } => Class::Retry,
            Self::Failed { .. } | Self::Corrupt(_) => Class::Bug,
        }
    }
}

/// Whether another transaction was at work on an item: DynamoDB then refuses at once instead of waiting for it.
pub(super) fn is_conflict<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    code == Some("TransactionConflictException")
}

/// Tells a refused condition (an answer, not a failure) from a failure.
pub(super) fn applied<T, E>(
    operation: &'static str,
    result: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, TableError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let Err(error) = result else {
        return Ok(result.ok());
    };
    match error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
    {
        Some("ConditionalCheckFailedException") => Ok(None),
        _ => Err(TableError::aws(operation, error)),
    }
}
