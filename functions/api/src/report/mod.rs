//! An evaluation's report, `GET /evaluations/{evaluation_id}/report` for everybody who may read evaluations of all DRs, and
//! `GET /evaluations/{evaluation_id}/evidence/report` for reviewers, with the deciding photos and the evidence: as JSON, or
//! as PDF (`Accept: application/pdf`).
//!
//! # Invariants
//! - Both are the same content: the PDF is made of what the JSON shows, and of pictures of the photos that it names.
//! - A report of the same revision and the same people's decisions is the same bytes, as long as the bucket keeps the same
//!   photos.

mod document;
mod font;
mod pdf;
mod sheet;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use aws::http::{self, problem::Problem};
use aws::versions::{KeptVersion, kept_versions};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::picture::{Picture, PictureMade, THUMBNAIL};
use evaluation::domain::ids::{EvaluationId, PhotoId};
use evaluation::run::error::RunError;
use evaluation::run::evidence::evidence;
use evaluation::run::ports::Ports;
use evaluation::run::show::{Shown, show};
use evaluation::show::evidence;
use evaluation::show::report::{KeptPhoto, ReportView, ReportedPhoto, view};
use futures::future::try_join_all;

use crate::api::{Api, Refusal};
use crate::photo_link::picture_of;

/// What a report is sent as, if that is asked for.
const PDF: &str = "application/pdf";

/// Who asks for a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Whoever may read evaluations.
    Everybody,
    /// Reviewers and operators.
    Reviewers,
}

/// What of a deciding photo is in the report.
#[derive(Debug, Clone, PartialEq)]
enum Look {
    /// A picture of it.
    Picture(Vec<u8>),
    /// Why there is none.
    Without(String),
}

/// Reads a report.
pub(crate) async fn read(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    id: &EvaluationId,
    whom: For,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let missing = || Problem::not_found(format!("There is no evaluation {id}."));
    let (shown, evidence) = match whom {
        For::Everybody => (show(&api.ports, id).await?.ok_or_else(missing)?, None),
        For::Reviewers => {
            let found = evidence(&api.ports, id).await?.ok_or_else(missing)?;
            let seen = evidence::view(&found);
            (found.shown, Some(seen))
        }
    };
    let catalogue = &shown.evaluation.versions.catalogue;
    let catalogue = api.ports.catalogue(catalogue).await?;
    let kept = kept(api, &shown).await?;
    let shown_as_kept = kept.iter().map(|(id, kept)| (id.clone(), shown_as(kept)));
    let report = view(&shown, catalogue, &shown_as_kept.collect(), evidence);
    let unjudged = "This evaluation has no verdict yet. Ask again once it is completed.";
    let report = report.ok_or_else(|| Problem::not_judged(unjudged))?;
    let response = if wants_pdf(request) {
        let looks = match whom {
            For::Everybody => BTreeMap::new(),
            For::Reviewers => looks(api, &shown, &report, &kept).await?,
        };
        let name = format!("{}-{}.pdf", report.dr_number, report.evaluation_id);
        let bytes = document::write(&report, &looks);
        let bytes = bytes.map_err(|cause| RunError::bug("a report can't be written", cause))?;
        http::file(PDF, &name, bytes)
    } else {
        http::json(200, &report)
    };
    Ok(http::with_header(response, "vary", "accept"))
}

/// Whether the caller asks for a PDF rather than for JSON.
fn wants_pdf(request: &ApiGatewayV2httpRequest) -> bool {
    let accepts = request.headers.get("accept");
    let accepts = accepts.and_then(|accepts| accepts.to_str().ok());
    let mut kinds = accepts.unwrap_or_default().split(',').map(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    });
    let first = kinds.find(|kind| matches!(kind.as_str(), PDF | "application/json" | "*/*"));
    first.as_deref() == Some(PDF)
}

/// What the bucket keeps of the evaluation's photos.
async fn kept(api: &Api, shown: &Shown) -> Result<BTreeMap<PhotoId, KeptVersion>, RunError> {
    let photos: Vec<(&str, &str)> = shown
        .photos
        .iter()
        .map(|record| (record.photo.key.as_str(), record.photo.etag.as_str()))
        .collect();
    let kept = kept_versions(&api.s3, &api.bucket, &photos).await?;
    let of = |(record, kept): (&PhotoRecord, Option<KeptVersion>)| {
        kept.map(|kept| (record.photo.photo_id.clone(), kept))
    };
    Ok(shown.photos.iter().zip(kept).filter_map(of).collect())
}

fn shown_as(kept: &KeptVersion) -> KeptPhoto {
    KeptPhoto {
        version_id: kept.id.clone(),
        is_current: kept.is_current,
        is_archived: kept.is_archived,
    }
}

/// Small pictures of the deciding photos, or why there are none.
async fn looks(
    api: &Api,
    shown: &Shown,
    report: &ReportView,
    kept: &BTreeMap<PhotoId, KeptVersion>,
) -> Result<BTreeMap<PhotoId, Look>, Refusal> {
    let deciding = report
        .photos
        .iter()
        .filter(|photo| !photo.decides.is_empty());
    let (mut looks, mut wanted) = (BTreeMap::new(), Vec::new());
    for photo in deciding {
        match picture(shown, photo, kept) {
            Ok(picture) => wanted.push((photo.photo_id.clone(), picture)),
            Err(why) => {
                looks.insert(photo.photo_id.clone(), Look::Without(why.to_owned()));
            }
        }
    }
    let pictures = wanted.iter().map(|(_, picture)| picture.clone()).collect();
    let made = api.pictures.have(pictures).await?;
    let all = wanted.into_iter().zip(made);
    let all = all.map(async |((id, picture), made)| {
        Ok::<_, Refusal>((id, look(api, &picture, made).await?))
    });
    looks.extend(try_join_all(all).await?);
    Ok(looks)
}

/// The picture of a photo that is to be in the report, or why there is none.
fn picture(
    shown: &Shown,
    photo: &ReportedPhoto,
    kept: &BTreeMap<PhotoId, KeptVersion>,
) -> Result<Picture, &'static str> {
    let kept = kept
        .get(&photo.photo_id)
        .ok_or("The photo is kept no more.")?;
    if kept.is_archived {
        return Err("The photo lies in an archive.");
    }
    let is_it = |record: &&PhotoRecord| record.photo.photo_id == photo.photo_id;
    let record = shown.photos.iter().find(is_it);
    let record = record.ok_or("The photo is kept no more.")?;
    Ok(picture_of(&shown.evaluation, record, kept, THUMBNAIL))
}

async fn look(api: &Api, picture: &Picture, made: PictureMade) -> Result<Look, Refusal> {
    match made {
        PictureMade::Made => Ok(Look::Picture(api.pictures.read(picture).await?)),
        PictureMade::Refused { reason } => Ok(Look::Without(reason.message)),
        // What was made stays: the next request goes on.
        PictureMade::Later => Err(Problem::busy().into()),
        PictureMade::Failed => Err(Problem::internal().into()),
    }
}
