//! What can go wrong with the table, classed by what to do.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A failure of the table; for operators.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The table is busy or out of reach: the same again later may work.
    #[error("DynamoDB {operation} can be tried again: {cause}")]
    Busy {
        /// The operation.
        operation: &'static str,
        /// The cause, with its causes.
        cause: String,
    },
    /// The table refused.
    #[error("DynamoDB {operation} failed: {cause}")]
    Failed {
        /// The operation.
        operation: &'static str,
        /// The cause, with its causes.
        cause: String,
    },
    /// An item can't be read as what it should be.
    #[error("an item can't be read or written")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Error codes that mean: later.
const LATER: [&str; 6] = [
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl StoreError {
    pub(super) fn aws<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let code = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code);
        let later = code.map_or(!matches!(error, SdkError::ConstructionFailure(_)), |code| {
            LATER.contains(&code)
        });
        let cause = DisplayErrorContext(&error).to_string();
        if later {
            Self::Busy { operation, cause }
        } else {
            Self::Failed { operation, cause }
        }
    }

    pub(super) fn corrupt(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Corrupt(Box::new(cause))
    }

    /// Whether the same again later may work.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

/// Tells a refused condition (an answer, not a failure) from a failure.
pub(super) fn applied<T, E>(
    operation: &'static str,
    result: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match result {
        Ok(output) => Ok(Some(output)),
        Err(error)
            if error
                .as_service_error()
                .and_then(ProvideErrorMetadata::code)
                == Some("ConditionalCheckFailedException") =>
        {
            Ok(None)
        }
        Err(error) => Err(StoreError::aws(operation, error)),
    }
}
