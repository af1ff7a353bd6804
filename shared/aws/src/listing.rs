//! Listing a DR's photos in the bucket.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::Object;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::plan::Photo;
use evaluation::domain::time::Timestamp;
use evaluation::run::error::{Cause, Class, RunError};

/// An evaluation takes no more photos than this: eight times the usual number.
pub const MOST_PHOTOS: usize = 200;

/// A DR's photos as they are now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// The photos, in the order of their keys.
    pub photos: Vec<Photo>,
    /// When the oldest of them was put there.
    pub oldest: Option<Timestamp>,
}

/// Why there is no listing.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// There are more photos than an evaluation takes.
    #[error(
        "{0} has more than {MOST_PHOTOS} photos. Delete those that don't belong to it and ask again."
    )]
    TooMany(DrNumber),
    /// S3 could not list them.
    #[error(transparent)]
    Failed(#[from] RunError),
}

impl Listing {
    fn add(&mut self, object: &Object, prefix: &str, catalogue: &Catalogue) {
        let (Some(key), Some(etag)) = (object.key(), object.e_tag()) else {
            return;
        };
        let Some(name) = key.strip_prefix(prefix).filter(|name| is_photo(name)) else {
            return;
        };
        self.photos.push(Photo::new(key, name, etag, catalogue));
        let put_at = object.last_modified();
        let put_at = put_at.map(|at| Timestamp::from_millis(at.secs().saturating_mul(1000)));
        self.oldest = self.oldest.into_iter().chain(put_at).min();
    }
}

/// The folder of a DR's photos in the bucket.
pub fn prefix(dr: &DrNumber) -> String {
    format!("photos/{dr}/")
}

/// Lists a DR's photos: every object below its prefix but folder markers and hidden files.
pub async fn list(
    s3: &Client,
    bucket: &str,
    dr: &DrNumber,
    catalogue: &Catalogue,
) -> Result<Listing, ListingError> {
    let prefix = prefix(dr);
    let mut pages = s3
        .list_objects_v2()
        .bucket(bucket)
        .prefix(&prefix)
        .into_paginator()
        .send();
    let mut listing = Listing::default();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let code = error.as_service_error().and_then(|e| e.code());
            let refused = matches!(code, Some("AccessDenied" | "NoSuchBucket"));
            failed(refused, error)
        })?;
        for object in page.contents() {
            listing.add(object, &prefix, catalogue);
        }
        if listing.photos.len() > MOST_PHOTOS {
            return Err(ListingError::TooMany(dr.clone()));
        }
    }
    Ok(listing)
}

fn failed(refused: bool, cause: impl Into<Cause>) -> RunError {
    let class = if refused { Class::Bug } else { Class::Retry };
    RunError::of(class, "listing the photos", cause)
}

/// Whether a name below the DR's folder is taken for a photo. Anything visible is: a file that turns out not to be an
/// image gets an outcome that says so.
pub fn is_photo(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    !file.is_empty() && !file.starts_with('.')
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::DateTime;

    use super::*;

    #[test]
    fn folder_markers_and_hidden_files_are_no_photos() {
        assert!(is_photo("a.jpg") && is_photo("b") && is_photo("sub/c.jpg"));
        assert!(
            !is_photo("") && !is_photo("sub/") && !is_photo(".DS_Store") && !is_photo("sub/.thumb")
        );
    }

    #[test]
    fn the_oldest_of_the_photos_is_known_whatever_else_lies_there() {
        let object = |name: &str, secs: i64| {
            Object::builder()
                .key(format!("photos/DR1/{name}"))
                .e_tag("\"1\"")
                .last_modified(DateTime::from_secs(secs))
                .build()
        };
        let catalogue = Catalogue::shipped("v1").unwrap();
        let mut listing = Listing::default();
        for (name, secs) in [("b.jpg", 9), ("a.jpg", 7), (".DS_Store", 1), ("sub/", 2)] {
            listing.add(&object(name, secs), "photos/DR1/", catalogue);
        }
        let names: Vec<&str> = listing.photos.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["b.jpg", "a.jpg"]);
        assert_eq!(listing.oldest, Some(Timestamp::from_millis(7000)));
    }
}
