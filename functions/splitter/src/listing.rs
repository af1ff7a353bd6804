//! Listing a DR's photos.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::plan::Photo;

use crate::refusal::{MOST_PHOTOS, StartError};

/// The folder of a DR's photos in the bucket.
pub(crate) fn prefix(dr: &DrNumber) -> String {
    format!("photos/{dr}/")
}

/// Lists a DR's photos: every object below its prefix but folder markers and hidden files.
pub(crate) async fn list(
    s3: &Client,
    bucket: &str,
    dr: &DrNumber,
    catalogue: &Catalogue,
) -> Result<Vec<Photo>, StartError> {
    let prefix = prefix(dr);
    let mut pages = s3
        .list_objects_v2()
        .bucket(bucket)
        .prefix(&prefix)
        .into_paginator()
        .send();
    let mut photos = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let code = error.as_service_error().and_then(|e| e.code());
            let refused = matches!(code, Some("AccessDenied" | "NoSuchBucket"));
            StartError::listing(refused, error)
        })?;
        for object in page.contents() {
            let (Some(key), Some(etag)) = (object.key(), object.e_tag()) else {
                continue;
            };
            if let Some(name) = key.strip_prefix(&prefix).filter(|name| is_photo(name)) {
                photos.push(Photo::new(key, name, etag, catalogue));
            }
        }
        if photos.len() > MOST_PHOTOS {
            return Err(StartError::TooManyPhotos(dr.clone()));
        }
    }
    if photos.is_empty() {
        Err(StartError::NoPhotos(dr.clone()))
    } else {
        Ok(photos)
    }
}

/// Whether a name below the DR's folder is taken for a photo. Anything visible is: a file that turns out not to be an
/// image gets an outcome that says so.
fn is_photo(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    !file.is_empty() && !file.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_markers_and_hidden_files_are_no_photos() {
        assert!(is_photo("a.jpg") && is_photo("b") && is_photo("sub/c.jpg"));
        assert!(
            !is_photo("") && !is_photo("sub/") && !is_photo(".DS_Store") && !is_photo("sub/.thumb")
        );
    }
}
