//! Reading a photo from S3: the very content that was planned, or a reason.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use evaluation::domain::outcome::{Reason, ReasonCode};
use evaluation::domain::plan::Photo;
use vlm::photo::{FetchError, PhotoSource};

/// The bucket of photos.
pub(crate) struct Bucket {
    s3: Client,
    name: String,
}

impl Bucket {
    /// The bucket of this name.
    pub(crate) fn new(s3: Client, name: String) -> Self {
        Self { s3, name }
    }
}

impl PhotoSource for Bucket {
    /// The condition on its ETag makes sure that the photo is the one planned.
    async fn fetch(&self, photo: &Photo, most_bytes: u64) -> Result<Vec<u8>, FetchError> {
        let request = self.s3.get_object().bucket(&self.name).key(&photo.key);
        let answer = request.if_match(&photo.etag).send().await;
        let object = answer.map_err(classify)?;
        refuse_too_large(&object, most_bytes)?;
        let bytes = object.body.collect().await;
        let bytes = bytes.map_err(|cause| FetchError::Retry(cause.into()))?;
        Ok(bytes.to_vec())
    }
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

fn classify(error: SdkError<GetObjectError>) -> FetchError {
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
        (_, Some(400..=403)) => FetchError::Bug(error.into()),
        _ => FetchError::Retry(error.into()),
    }
}
