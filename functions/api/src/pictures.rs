//! Pictures of photos, which the batch function makes and the bucket keeps for some days: as the VLM saw a photo, or
//! small (`evaluation::decide::picture`).
//!
//! # Invariants
//! - No photo is decoded here: this function has neither the memory for any photo nor business with what files hold.
//! - A picture that lies in its place is not made again.

use std::time::Duration;

use aws::SdkConfig;
use aws::configuration::{ConfigError, required};
use aws::trace;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::error::SdkError;
use evaluation::decide::picture::{MakePictures, Picture, PictureMade, PicturesMade};
use evaluation::run::error::RunError;
use futures::future::try_join_all;

/// How long the batch function may take, its start included: it ends after five seconds with what it has. It leaves time
/// for reading what is asked for before, and the pictures after it.
const PATIENCE: Duration = Duration::from_secs(7);

/// Who makes pictures.
pub(crate) struct PictureMaker {
    s3: aws_sdk_s3::Client,
    /// Where the pictures are.
    bucket: String,
    lambda: aws_sdk_lambda::Client,
    function: String,
}

impl PictureMaker {
    /// The batch function named by `BATCH_FUNCTION`.
    pub(crate) fn from_env(
        config: &SdkConfig,
        s3: aws_sdk_s3::Client,
        bucket: String,
    ) -> Result<Self, ConfigError> {
        let timeouts = TimeoutConfig::builder()
            .read_timeout(PATIENCE)
            .operation_attempt_timeout(PATIENCE)
            .operation_timeout(PATIENCE);
        // Whoever asks may ask again; what was made meanwhile is found then.
        let config = aws_sdk_lambda::config::Builder::from(config)
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::disabled());
        Ok(Self {
            s3,
            bucket,
            lambda: aws_sdk_lambda::Client::from_conf(config.build()),
            function: required("BATCH_FUNCTION")?,
        })
    }

    /// Has these pictures in their places, as far as they can be made: what became of each.
    pub(crate) async fn have(&self, pictures: Vec<Picture>) -> Result<Vec<PictureMade>, RunError> {
        let there = pictures.iter().map(|picture| self.is_there(picture));
        let there = try_join_all(there).await?;
        let wanted = pictures.into_iter().zip(&there);
        let wanted: Vec<Picture> = wanted
            .filter(|(_, there)| !**there)
            .map(|(picture, _)| picture)
            .collect();
        let made = match wanted.is_empty() {
            true => Vec::new(),
            false => self.make(wanted).await?,
        };
        let mut made = made.into_iter();
        let became = there.into_iter().map(|there| match there {
            true => PictureMade::Made,
            false => made.next().unwrap_or(PictureMade::Later),
        });
        Ok(became.collect())
    }

    /// Reads a picture that lies in its place.
    pub(crate) async fn read(&self, picture: &Picture) -> Result<Vec<u8>, RunError> {
        let request = self.s3.get_object().bucket(&self.bucket);
        let answer = request.key(picture.place()).send().await;
        let answer = answer.map_err(|cause| RunError::retry("a picture", cause))?;
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|cause| RunError::retry("a picture's bytes", cause))?;
        Ok(bytes.to_vec())
    }

    async fn is_there(&self, picture: &Picture) -> Result<bool, RunError> {
        let request = self.s3.head_object().bucket(&self.bucket);
        match request.key(picture.place()).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_not_there(&error) => Ok(false),
            Err(error) => Err(RunError::retry("looking for a picture", error)),
        }
    }

    async fn make(&self, pictures: Vec<Picture>) -> Result<Vec<PictureMade>, RunError> {
        let asked = MakePictures {
            make_pictures: pictures,
            trace_id: trace::current(),
        };
        let bug = |cause| RunError::bug("asking for pictures", cause);
        let payload = serde_json::to_vec(&asked).map_err(bug)?;
        let request = self.lambda.invoke().function_name(&self.function);
        let answer = request.payload(Blob::new(payload)).send().await;
        let answer = answer.map_err(|cause| RunError::retry("asking for pictures", cause))?;
        let said = answer.payload.unwrap_or_else(|| Blob::new([]));
        // Its release may be another one for some minutes, which knows no pictures, or others.
        let made: PicturesMade = serde_json::from_slice(said.as_ref())
            .map_err(|cause| RunError::retry("the answer about pictures", cause))?;
        Ok(made.pictures)
    }
}

/// S3 tells who may not list that it may not, whether the object is there or not.
fn is_not_there<E>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|response| response.status());
    status.is_some_and(|status| matches!(status.as_u16(), 403 | 404))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_release_adds_to_its_answer_is_passed_over() {
        let said = r#"{"pictures": [{"became": "made", "pixels": 9}], "more": true}"#;
        let made: PicturesMade = serde_json::from_str(said).unwrap();
        assert_eq!(made.pictures, [PictureMade::Made]);
    }
}
