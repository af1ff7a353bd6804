//! A link to a photo of an evaluation, `GET /evaluations/{evaluation_id}/photos/{photo_id}`: to the very content that the
//! verdict is about, also where the photo was replaced or deleted since; or to a picture of it, as the VLM saw it
//! (`?as=seen`) or small (`?as=thumbnail`).
//!
//! # Invariants
//! - A link is good for minutes, for one version of one photo or one picture of it, and for reading it.
//! - What is behind it is taken for a picture, or to be stored: never for a page, whatever the file holds.
//! - Of a photo that is kept no more there is no picture either, though one may lie in its place for some days.

use std::time::Duration;

use aws::clock;
use aws::http::{self, problem::Problem};
use aws::versions::{KeptVersion, kept_version};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::picture::{Picture, PictureMade, THUMBNAIL, seen_at};
use evaluation::decide::update::Key;
use evaluation::domain::catalogue::CatalogueError;
use evaluation::domain::ids::{DrNumber, EvaluationId, PhotoId};
use evaluation::domain::plan::Photo;
use evaluation::domain::time::Moment;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use photos::size_policy::SizePolicy;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};
use crate::page_settings::origin;

/// How long a link is good: a page is shown at once.
const GOOD_FOR: Duration = Duration::from_secs(5 * 60);
/// What is no picture is offered to be stored.
const OTHER: &str = "application/octet-stream";

/// As what a photo is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShownAs {
    /// As it was uploaded.
    Original,
    /// As the VLM saw it: scaled down, turned upright, encoded anew.
    Seen,
    /// Small, for a strip of photos: 320 pixels on its long edge.
    Thumbnail,
}

impl ShownAs {
    /// Reads `as` off a request.
    pub(crate) fn of(request: &ApiGatewayV2httpRequest) -> Result<Self, Problem> {
        match request.query_string_parameters.first("as") {
            None | Some("original") => Ok(Self::Original),
            Some("seen") => Ok(Self::Seen),
            Some("thumbnail") => Ok(Self::Thumbnail),
            Some(_) => Err(Problem::bad_request(
                "as is \"original\" (as without it), \"seen\" or \"thumbnail\".",
            )),
        }
    }
}

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
    /// As what it is shown.
    shown_as: ShownAs,
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
    shown_as: ShownAs,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let key = Key::Photo(id.clone(), photo.clone());
    let record: Option<PhotoRecord> = api.ports.get(key).await?;
    let record = record.ok_or_else(|| no_such_photo(id))?;
    let kept = kept(api, &record.photo).await?;
    let object = api.s3.get_object().bucket(&api.bucket);
    let (object, content_type) = match shown_as {
        ShownAs::Original => {
            let object = object.key(&record.photo.key).version_id(&kept.id);
            (object, content_type(&record.photo.name))
        }
        ShownAs::Seen | ShownAs::Thumbnail => {
            let picture = picture(api, id, &record, &kept, shown_as).await?;
            let place = picture.place();
            made(api, picture).await?;
            (object.key(place), "image/jpeg")
        }
    };
    let expires_at = clock::now().after(GOOD_FOR);
    let link = PhotoLink {
        url: signed(object, content_type).await?,
        shown_as,
        content_type: content_type.to_owned(),
        evaluation_id: id.clone(),
        photo_id: record.photo.photo_id,
        name: record.photo.name,
        expires_at: expires_at.into(),
        is_current: kept.is_current,
    };
    Ok(http::json(200, &link))
}

fn no_such_photo(id: &EvaluationId) -> Problem {
    Problem::not_found(format!(
        "There is no such photo: see \"photos\" of /evaluations/{id} for those of the evaluation, and \"photo_id\" of \
         each."
    ))
}

/// A photo whose name begins with a slash lies outside of the folder that functions may read, and is not taken: where it
/// lies is not kept.
fn readable(name: &str) -> Result<(), Problem> {
    let why = "Nothing can be shown of a photo whose name begins with a slash, and it was not evaluated. Upload it \
               again under a plain name.";
    match name.starts_with('/') {
        true => Err(Problem::no_picture(why)),
        false => Ok(()),
    }
}

/// The version of a photo that the evaluation is about.
async fn kept(api: &Api, photo: &Photo) -> Result<KeptVersion, Refusal> {
    readable(&photo.name)?;
    let kept = kept_version(&api.s3, &api.bucket, &photo.key, &photo.etag).await?;
    let gone = "The photo is kept no more: it was deleted for good, or its time is over.";
    let kept = kept.ok_or_else(|| Problem::photo_gone(gone))?;
    if kept.is_archived {
        let detail = "The photo lies in an archive (S3 Glacier). Have the operator restore it.";
        return Err(Problem::photo_archived(detail).into());
    }
    Ok(kept)
}

/// The picture of a photo that is asked for.
async fn picture(
    api: &Api,
    id: &EvaluationId,
    record: &PhotoRecord,
    kept: &KeptVersion,
    shown_as: ShownAs,
) -> Result<Picture, Refusal> {
    let found: Option<Evaluation> = api.ports.get(Key::Evaluation(id.clone())).await?;
    let evaluation = found.ok_or_else(|| no_such_photo(id))?;
    let long_edge = match shown_as {
        ShownAs::Seen => sent_at(api, &evaluation, record).await?,
        ShownAs::Original | ShownAs::Thumbnail => THUMBNAIL,
    };
    Ok(picture_of(&evaluation, record, kept, long_edge))
}

/// A picture of a photo of this size, as the evaluation's versions have it.
pub(crate) fn picture_of(
    evaluation: &Evaluation,
    record: &PhotoRecord,
    kept: &KeptVersion,
    long_edge: u32,
) -> Picture {
    Picture {
        dr_number: DrNumber::clone(&evaluation.dr_number),
        key: record.photo.key.clone(),
        version_id: kept.id.clone(),
        etag: record.photo.etag.clone(),
        size_policy: evaluation.versions.size_policy.clone(),
        long_edge,
    }
}

/// The long edge at which the VLM saw a photo.
async fn sent_at(api: &Api, evaluation: &Evaluation, record: &PhotoRecord) -> Result<u32, Refusal> {
    let versions = &evaluation.versions;
    let catalogue = api.ports.catalogue(&versions.catalogue).await?;
    let unknown = || CatalogueError::Unknown(versions.catalogue.clone());
    let catalogue = catalogue.ok_or_else(|| RunError::bug("a catalogue", unknown()))?;
    let policy = SizePolicy::shipped(&versions.size_policy);
    let policy = policy.map_err(|cause| RunError::bug("a size policy", cause))?;
    let unseen = "The VLM has not seen this photo. Ask for the original, or for a thumbnail.";
    let sent = seen_at(record, catalogue, policy);
    Ok(sent.ok_or_else(|| Problem::photo_not_seen(unseen))?)
}

async fn made(api: &Api, picture: Picture) -> Result<(), Refusal> {
    let made = api.pictures.have(vec![picture]).await?;
    match made.into_iter().next() {
        Some(PictureMade::Made) => Ok(()),
        Some(PictureMade::Refused { reason }) => Err(Problem::no_picture(reason.message).into()),
        Some(PictureMade::Later) | None => Err(Problem::busy().into()),
        Some(PictureMade::Failed) => Err(Problem::internal().into()),
    }
}

async fn signed(
    object: GetObjectFluentBuilder,
    content_type: &'static str,
) -> Result<String, RunError> {
    let bug = |what: &'static str| move |cause: BoxError| RunError::bug(what, cause);
    let good_for = PresigningConfig::expires_in(GOOD_FOR);
    let good_for = good_for.map_err(|cause| bug("how long a link is good")(cause.into()))?;
    let disposition = match content_type {
        OTHER => "attachment",
        _ => "inline",
    };
    let signed = object
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
    fn a_photo_before_the_photos_folder_is_refused_in_words() {
        assert_eq!(readable("a/b.jpg"), Ok(()));
        let refused = readable("/photos/DR1/a.jpg").unwrap_err();
        assert_eq!((refused.status, refused.kind), (422, "no-picture"));
    }

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
