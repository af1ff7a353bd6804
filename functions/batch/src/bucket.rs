//! Reading a photo from S3: the very content that was planned, or a reason.
//!
//! # Invariants
//! - What S3 refuses about one photo is that photo's outcome, in words; what it refuses about all is a bug or asked again
//!   later.
//! - Of a file that is no photo, or is too large to be one, the beginning is read and no more.

use aws::ports::AwsPorts;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::types::ServerSideEncryption;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::Look;
use evaluation::decide::picture::Picture;
use evaluation::domain::no_photo;
use evaluation::domain::outcome::{Reason, ReasonCode};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::run::cache::{by_content, by_content_of_look};
use evaluation::run::error::RunError;
use md5::{Digest, Md5};
use photos::HEAD_BYTES;
use vlm::source::{FetchError, Fetched, PhotoSource};

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

impl Bucket {
    /// Reads a photo. The condition on its ETag makes sure that it is the one planned.
    async fn fetch(&self, photo: &Photo, most_bytes: u64) -> Result<Fetched, FetchError> {
        let request = self.s3.get_object().bucket(&self.name).key(&photo.key);
        let answer = request.if_match(&photo.etag).send().await;
        let object = answer.map_err(|error| classify(error, &photo.name))?;
        let is_md5 = is_md5(&photo.etag, object.server_side_encryption());
        let bytes = read(object, &photo.name, most_bytes).await?;
        let content = (!is_md5).then(|| hash(&bytes));
        let content = content.filter(|content| *content != photo.etag);
        Ok(Fetched { bytes, content })
    }

    /// Reads the version of a photo that a picture is to show, whether it is the photo as it is now or not.
    pub(crate) async fn fetch_version(
        &self,
        picture: &Picture,
        most_bytes: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let request = self.s3.get_object().bucket(&self.name).key(&picture.key);
        let request = request.version_id(&picture.version_id);
        let answer = request.if_match(&picture.etag).send().await;
        let object = answer.map_err(|error| classify(error, &picture.key))?;
        read(object, &picture.key, most_bytes).await
    }

    /// Whether a picture is in its place.
    pub(crate) async fn has(&self, picture: &Picture) -> Result<bool, RunError> {
        let place = picture.place();
        let request = self.s3.head_object().bucket(&self.name).key(place);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(false)
            }
            Err(error) => Err(RunError::retry("looking for a picture", error)),
        }
    }

    /// Puts a picture in its place.
    pub(crate) async fn keep(&self, picture: &Picture, jpeg: Vec<u8>) -> Result<(), RunError> {
        let request = self.s3.put_object().bucket(&self.name).key(picture.place());
        let request = request.content_type("image/jpeg").body(jpeg.into());
        let put = request.send().await;
        put.map_err(|cause| RunError::retry("keeping a picture", cause))?;
        Ok(())
    }
}

/// Whether an ETag is the MD5 of the bytes: not of a photo that came in parts, nor of one with a key of KMS.
fn is_md5(etag: &str, encryption: Option<&ServerSideEncryption>) -> bool {
    let digits = etag.trim_matches('"');
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.len() == 32
        && hexadecimal
        && matches!(encryption, None | Some(ServerSideEncryption::Aes256))
}

/// What the ETag of these bytes is where they were put in one piece. It tells contents apart and proves nothing: who
/// forges two photos with the same one has two photos of his own.
fn hash(bytes: &[u8]) -> String {
    let digits: String = Md5::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{digits}\"")
}

/// Who asks about a photo.
#[derive(Clone, Copy)]
pub(crate) enum Asks<'a> {
    /// An evaluation.
    Evaluation(&'a Evaluation),
    /// A look.
    Look(&'a Look),
}

/// Photos: in the bucket, and as far as answers about them are known to whoever asks.
pub(crate) struct Source<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) ports: &'a AwsPorts,
    pub(crate) asks: Asks<'a>,
}

impl PhotoSource for Source<'_> {
    async fn fetch(&self, photo: &Photo, most_bytes: u64) -> Result<Fetched, FetchError> {
        self.bucket.fetch(photo, most_bytes).await
    }

    async fn answered(&self, photo: &Photo, content: &str) -> Result<Option<Report>, RunError> {
        match self.asks {
            Asks::Evaluation(evaluation) => {
                by_content(self.ports, evaluation, photo, content).await
            }
            Asks::Look(look) => by_content_of_look(self.ports, look, content).await,
        }
    }
}

/// Reads the file, unless its beginning or its size says that it is not worth it.
async fn read(object: GetObjectOutput, name: &str, most_bytes: u64) -> Result<Vec<u8>, FetchError> {
    let length = object.content_length().unwrap_or_default();
    let length = u64::try_from(length).unwrap_or_default();
    let mut body = object.body;
    let mut bytes = Vec::with_capacity(length.min(most_bytes) as usize);
    let mut looked_at = false;
    let busy = |cause| FetchError::Retry(Box::new(cause));
    while let Some(part) = body.try_next().await.map_err(busy)? {
        bytes.extend_from_slice(&part);
        if !looked_at && bytes.len() >= HEAD_BYTES {
            looked_at = true;
            refuse(&bytes, length, name, most_bytes).map_err(FetchError::Permanent)?;
        }
    }
    Ok(bytes)
}

/// Refuses what is no photo by its first bytes, and what is too large.
fn refuse(head: &[u8], length: u64, name: &str, most_bytes: u64) -> Result<(), Reason> {
    if let Some(what) = photos::no_photo(head) {
        return Err(no_photo::reason(what));
    }
    if length <= most_bytes {
        return Ok(());
    }
    let message = format!(
        "The file has {} MB, more than the {} MB allowed. Take the photo at the phone's usual size.",
        length / 1_000_000,
        most_bytes / 1_000_000
    );
    let too_large = Reason::new(ReasonCode::TooLarge, message);
    Err(no_photo::unless_by_name(name, too_large))
}

fn classify(error: SdkError<GetObjectError>, name: &str) -> FetchError {
    let of_service = error.as_service_error();
    let code = of_service.and_then(ProvideErrorMetadata::code);
    let message = of_service.and_then(ProvideErrorMetadata::message);
    let status = error.raw_response().map(|response| response.status());
    let status = status.map(|status| status.as_u16());
    let Some((code, words)) = refusal(code.unwrap_or_default(), message, status) else {
        return match status {
            Some(400..=403) if !is_passing(code) => FetchError::Bug(error.into()),
            _ => FetchError::Retry(error.into()),
        };
    };
    tracing::warn!(photo.name = name, error = %evaluation::run::error::with_causes(&error), s3.message = message, "S3 does not give a photo");
    FetchError::Permanent(no_photo::unless_by_name(name, Reason::new(code, words)))
}

/// What S3 refuses for now, with the status of a refusal for good.
fn is_passing(code: Option<&str>) -> bool {
    let passing = [
        "RequestTimeout",
        "KMS.ThrottlingException",
        "KMS.InternalException",
        "KMS.DependencyTimeoutException",
    ];
    code.is_some_and(|code| passing.contains(&code))
}

/// Why S3 does not give this photo, while it may well give others.
fn refusal(
    code: &str,
    message: Option<&str>,
    status: Option<u16>,
) -> Option<(ReasonCode, &'static str)> {
    let encrypted = message.is_some_and(|text| text.contains("form of Server Side Encryption"));
    match (code, status) {
        ("NoSuchKey", _) | (_, Some(404)) => Some((
            ReasonCode::PhotoGone,
            "The photo was deleted after the evaluation began. Upload it again and ask for a new evaluation.",
        )),
        ("PreconditionFailed", _) | (_, Some(412)) => Some((
            ReasonCode::PhotoChanged,
            "The photo was replaced after the evaluation began. Ask for a new evaluation.",
        )),
        ("InvalidObjectState", _) => Some((
            ReasonCode::Archived,
            "The photo lies in an archive (S3 Glacier). Have it restored, or upload it again, and ask for a new evaluation.",
        )),
        (code, _) if code.starts_with("KMS.") && !is_passing(Some(code)) => Some((
            ReasonCode::NoAccess,
            "The key that the photo is encrypted with can't be used now. Have the operator look at it, or upload the photo again without a key of its own.",
        )),
        ("AccessDenied", _) => Some((
            ReasonCode::NoAccess,
            "S3 denies us the photo, most likely because it is encrypted with a key that we may not use. Upload it again without a key of its own, or have the operator allow it.",
        )),
        ("InvalidRequest", _) if encrypted => Some((
            ReasonCode::NoAccess,
            "The photo was uploaded with an encryption key of the app's own (SSE-C), which nobody else has. Upload it again without one.",
        )),
        _ => None,
    }
}

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;
