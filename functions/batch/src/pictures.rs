//! Making pictures of photos when somebody looks: as the VLM saw them, or small (`evaluation::decide::picture`). Here,
//! since this function has the decoders, the memory and the cores for any photo, and may write little else.
//!
//! # Invariants
//! - It takes no part of what evaluations may have: memory, cores and photos in memory are bounded by the same bounds.
//! - It ends in time, with what was made: whoever asks again finds that in its place.

use std::time::Duration;

use evaluation::decide::picture::{MakePictures, Picture, PictureMade, PicturesMade};
use evaluation::domain::photo_rules::reason;
use evaluation::run::error::{Class, RunError, with_causes};
use futures::future::join_all;
use photos::size_policy::SizePolicy;
use tokio::time::{Instant, timeout_at};
use vlm::photo::Bounds;
use vlm::source::FetchError;

use crate::bucket::Bucket;

/// Whoever asks waits for seven seconds, the start of this function included.
const BUDGET: Duration = Duration::from_secs(5);

/// Makes those that are not in their places.
pub(crate) async fn make(bucket: &Bucket, bounds: &Bounds, asked: &MakePictures) -> PicturesMade {
    let until = Instant::now() + BUDGET;
    let all = asked.make_pictures.iter().map(async |picture| {
        let made = timeout_at(until, make_one(bucket, bounds, picture)).await;
        match made.unwrap_or(Ok(PictureMade::Later)) {
            Ok(made) => made,
            Err(error) => failed(picture, &error),
        }
    });
    let pictures = join_all(all).await;
    PicturesMade { pictures }
}

async fn make_one(
    bucket: &Bucket,
    bounds: &Bounds,
    picture: &Picture,
) -> Result<PictureMade, RunError> {
    let closed = |cause| RunError::bug("a semaphore was closed", cause);
    let _loading = bounds.loading.acquire().await.map_err(closed)?;
    if bucket.has(picture).await? {
        return Ok(PictureMade::Made);
    }
    let unknown = |cause| RunError::bug("a size policy", cause);
    let policy = SizePolicy::shipped(&picture.size_policy).map_err(unknown)?;
    let bytes = match bucket
        .fetch_version(picture, policy.limits.most_bytes)
        .await
    {
        Ok(bytes) => bytes,
        Err(FetchError::Permanent(reason)) => return Ok(PictureMade::Refused { reason }),
        Err(FetchError::Retry(cause)) => return Err(RunError::retry("a photo", cause)),
        Err(FetchError::Bug(cause)) => return Err(RunError::bug("a photo", cause)),
    };
    let prepared = bounds.prepare(bytes, policy, picture.long_edge, false);
    match prepared.await? {
        Ok(prepared) => {
            bucket.keep(picture, prepared.jpeg).await?;
            tracing::info!(dr.number = %picture.dr_number, photo.key = picture.key, "a picture was made");
            Ok(PictureMade::Made)
        }
        Err(error) => Ok(PictureMade::Refused {
            reason: reason(&error, &picture.key),
        }),
    }
}

fn failed(picture: &Picture, error: &RunError) -> PictureMade {
    let causes = with_causes(error);
    tracing::error!(
        photo.key = picture.key,
        error = causes,
        "a picture can't be made"
    );
    match error.class() {
        Class::Retry => PictureMade::Later,
        Class::Permanent | Class::Bug => PictureMade::Failed,
    }
}
