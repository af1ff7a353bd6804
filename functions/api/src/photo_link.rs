//! A link to a photo of an evaluation, `GET /evaluations/{evaluation_id}/photos/{photo_id}`: to the very content that the
//! verdict is about, also where the photo was replaced or deleted since.
//!
//! # Invariants
//! - A link is good for minutes, for one version of one photo, and for reading it.
//! - What is behind it is taken for a picture, or to be stored: never for a page, whatever the file holds.

use std::time::Duration;

use aws::clock;
use aws::http::{self, problem::Problem};
use aws::versions::kept_version;
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::presigning::PresigningConfig;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::update::Key;
use evaluation::domain::ids::{EvaluationId, PhotoId};
use evaluation::domain::plan::Photo;
use evaluation::domain::time::Moment;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};
use crate::page_settings::origin;

/// How long a link is good: a page is shown at once.
const GOOD_FOR: Duration = Duration::from_secs(5 * 60);
/// What is no picture is offered to be stored.
const OTHER: &str = "application/octet-stream";

/// Where a photo is, for some minutes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PhotoLink)]
pub(crate) struct PhotoLink {
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// The photo.
    photo_id: PhotoId,
    /// Its name.
    name: String,
    /// Where it is. Who has this address sees the photo.
    url: String,
    /// Until when.
    expires_at: Moment,
    /// What it is sent as.
    content_type: String,
    /// Whether it still is the DR's photo of that name: false once it was replaced or deleted.
    is_current: bool,
}

/// Gives a link.
pub(crate) async fn give(
    api: &Api,
    id: &EvaluationId,
    photo: &PhotoId,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let key = Key::Photo(id.clone(), photo.clone());
    let record: Option<PhotoRecord> = api.ports.get(key).await?;
    let missing = || {
        let links = format!("/evaluations/{id}");
        Problem::not_found(format!(
            "There is no such photo: see \"photos\" of {links} for those of the evaluation, and \"photo_id\" of each."
        ))
    };
    let photo = record.ok_or_else(missing)?.photo;
    let kept = kept_version(&api.s3, &api.bucket, &photo.key, &photo.etag).await?;
    let kept = kept.ok_or_else(|| {
        Problem::photo_gone(
            "The photo is kept no more: it was deleted for good, or its time is over.",
        )
    })?;
    if kept.is_archived {
        let detail = "The photo lies in an archive (S3 Glacier). Have the operator restore it.";
        return Err(Problem::photo_archived(detail).into());
    }
    let expires_at = clock::now().after(GOOD_FOR);
    let link = PhotoLink {
        url: signed(api, &photo, &kept.id).await?,
        content_type: content_type(&photo.name).to_owned(),
        evaluation_id: id.clone(),
        photo_id: photo.photo_id,
        name: photo.name,
        expires_at: expires_at.into(),
        is_current: kept.is_current,
    };
    Ok(http::json(200, &link))
}

async fn signed(api: &Api, photo: &Photo, version: &str) -> Result<String, RunError> {
    let bug = |what: &'static str| move |cause: BoxError| RunError::bug(what, cause);
    let good_for = PresigningConfig::expires_in(GOOD_FOR);
    let good_for = good_for.map_err(|cause| bug("how long a link is good")(cause.into()))?;
    let content_type = content_type(&photo.name);
    let disposition = match content_type {
        OTHER => "attachment",
        _ => "inline",
    };
    let request = api.s3.get_object().bucket(&api.bucket).key(&photo.key);
    let signed = request
        .version_id(version)
        .response_content_type(content_type)
        .response_content_disposition(disposition)
        .response_cache_control("no-store")
        .presigned(good_for)
        .await;
    let signed = signed.map_err(|cause| bug("a link can't be signed")(cause.into()))?;
    Ok(signed.uri().to_owned())
}

/// The origin from which browsers get photos, and to which they send them.
pub(crate) async fn origin_of_photos(api: &Api) -> Result<String, RunError> {
    let good_for = PresigningConfig::expires_in(GOOD_FOR);
    let bug = |what: &'static str| move |cause: BoxError| RunError::bug(what, cause);
    let good_for = good_for.map_err(|cause| bug("how long a link is good")(cause.into()))?;
    let request = api.s3.get_object().bucket(&api.bucket).key("photos/");
    let signed = request.presigned(good_for).await;
    let signed = signed.map_err(|cause| bug("a link can't be signed")(cause.into()))?;
    Ok(origin(signed.uri()).unwrap_or_default().to_owned())
}

/// What a photo of this name is sent as. Browsers take none of these for anything but a picture.
fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("heic" | "heif") => "image/heic",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_a_picture_is_sent_as_one_and_anything_else_is_to_be_stored() {
        for (name, expected) in [
            ("DR1_ph_powm1_1.JPG", "image/jpeg"),
            ("a.jpeg", "image/jpeg"),
            ("a.b.png", "image/png"),
            ("a.webp", "image/webp"),
            ("IMG_1.HEIC", "image/heic"),
            ("page.html", OTHER),
            ("image.svg", OTHER),
            ("jpg", OTHER),
            ("a.jpg.html", OTHER),
            ("", OTHER),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }
}
