//! Reading a photo from S3: the very content that was planned, or a reason.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use shared::domain::outcome::{Reason, ReasonCode};
use shared::domain::plan::Photo;

/// Why a photo could not be read.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// It will not be read later either.
    Permanent(Reason),
    /// S3 was busy.
    Later(String),
    /// S3 refused for a reason that is nobody's but ours.
    Refused(String),
}

/// Reads a photo of at most `most_bytes`; the condition on its ETag makes sure that it is the one planned.
pub(crate) async fn fetch(
    s3: &Client,
    bucket: &str,
    photo: &Photo,
    most_bytes: u64,
) -> Result<Vec<u8>, FetchError> {
    let answer = s3
        .get_object()
        .bucket(bucket)
        .key(&photo.key)
        .if_match(&photo.etag)
        .send()
        .await;
    let object = answer.map_err(|error| classify(&error))?;
    refuse_too_large(&object, most_bytes)?;
    let bytes = object
        .body
        .collect()
        .await
        .map_err(|cause| FetchError::Later(format!("reading {}: {cause}", photo.key)))?;
    Ok(bytes.to_vec())
}

fn refuse_too_large(object: &GetObjectOutput, most_bytes: u64) -> Result<(), FetchError> {
    let bytes = object
        .content_length()
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or(0);
    if bytes <= most_bytes {
        return Ok(());
    }
    let message = format!(
        "The file has {} MB, more than the {} MB allowed. Take the photo at the phone's usual size.",
        bytes / 1_000_000,
        most_bytes / 1_000_000
    );
    Err(FetchError::Permanent(Reason {
        code: ReasonCode::TooLarge,
        message,
    }))
}

fn classify(error: &SdkError<GetObjectError>) -> FetchError {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let permanent = |code, message: &str| {
        FetchError::Permanent(Reason {
            code,
            message: message.into(),
        })
    };
    match (code, status) {
        (Some("NoSuchKey"), _) | (_, Some(404)) => permanent(
            ReasonCode::PhotoGone,
            "The photo was deleted after the evaluation began. Upload it again and ask for a new evaluation.",
        ),
        (Some("PreconditionFailed"), _) | (_, Some(412)) => permanent(
            ReasonCode::PhotoChanged,
            "The photo was replaced after the evaluation began. Ask for a new evaluation.",
        ),
        (_, Some(400..=403)) => FetchError::Refused(DisplayErrorContext(error).to_string()),
        _ => FetchError::Later(DisplayErrorContext(error).to_string()),
    }
}
