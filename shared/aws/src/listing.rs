//! Listing a DR's photos in the bucket.

use std::collections::BTreeSet;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{EncodingType, Object};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::photo_key::{Place, folders, place_of, whole_name};
use evaluation::domain::plan::Photo;
use evaluation::domain::time::Timestamp;
use evaluation::run::error::{Cause, Class, RunError};
use futures::future::try_join_all;
use percent_encoding::percent_decode_str;

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
    fn add(&mut self, object: &Object, is_encoded: bool, catalogue: &Catalogue) {
        let (Some(key), Some(etag)) = (object.key(), object.e_tag()) else {
            return;
        };
        let Some(key) = decoded(key, is_encoded) else {
            tracing::warn!(s3.key = key, "a key that is no text was passed over");
            return;
        };
        let Place::Photo(_, name) = place_of(&key) else {
            return;
        };
        let size = object.size().and_then(|size| u64::try_from(size).ok());
        let put_at = object.last_modified();
        let put_at = put_at.map(|at| Timestamp::from_millis(at.secs().saturating_mul(1000)));
        self.photos.push(Photo {
            uploaded_at: put_at,
            size,
            ..Photo::new(&key, &name, etag, catalogue)
        });
        self.oldest = self.oldest.into_iter().chain(put_at).min();
    }

    fn join(mut self, other: Self) -> Self {
        self.photos.extend(other.photos);
        self.oldest = self.oldest.into_iter().chain(other.oldest).min();
        self
    }

    /// Gives each photo a name of its own. Two have the same one if they lie in folders that are written differently,
    /// or if their names look the same and consist of different characters: who is called so exactly keeps the name.
    fn with_own_names(mut self, catalogue: &Catalogue) -> Self {
        let exactly = |photo: &Photo| photo.key.ends_with(&photo.name);
        self.photos.sort_by_key(|photo| !exactly(photo));
        let mut taken = BTreeSet::new();
        for photo in &mut self.photos {
            if !taken.insert(photo.name.clone()) {
                let named = Photo::new(&photo.key, &whole_name(&photo.key), &photo.etag, catalogue);
                *photo = Photo {
                    uploaded_at: photo.uploaded_at,
                    size: photo.size,
                    ..named
                };
                taken.insert(photo.name.clone());
            }
        }
        self
    }
}

/// The key as it is. S3 encodes it like a form, if asked to.
pub(crate) fn decoded(key: &str, is_encoded: bool) -> Option<String> {
    if !is_encoded {
        return Some(key.to_owned());
    }
    let key = key.replace('+', " ");
    let key = percent_decode_str(&key).decode_utf8();
    Some(key.ok()?.into_owned())
}

/// Lists a DR's photos: every object in its folders but folder markers and hidden files.
pub async fn list(
    s3: &Client,
    bucket: &str,
    dr: &DrNumber,
    catalogue: &Catalogue,
) -> Result<Listing, ListingError> {
    list_in(s3, bucket, dr, folders(dr), catalogue).await
}

/// The same of these folders. A request for each costs more than it is worth where nothing came into the others.
pub async fn list_in(
    s3: &Client,
    bucket: &str,
    dr: &DrNumber,
    folders: Vec<String>,
    catalogue: &Catalogue,
) -> Result<Listing, ListingError> {
    let each = folders.iter();
    let each = each.map(|folder| list_folder(s3, bucket, dr, folder, catalogue));
    let listings = try_join_all(each).await?;
    let all = listings.into_iter().fold(Listing::default(), Listing::join);
    if all.photos.len() > MOST_PHOTOS {
        return Err(ListingError::TooMany(dr.clone()));
    }
    Ok(all.with_own_names(catalogue))
}

/// Lists a folder. Keys come encoded, since XML can't carry every character that a key may have.
async fn list_folder(
    s3: &Client,
    bucket: &str,
    dr: &DrNumber,
    folder: &str,
    catalogue: &Catalogue,
) -> Result<Listing, ListingError> {
    let request = s3.list_objects_v2().bucket(bucket).prefix(folder);
    let request = request.encoding_type(EncodingType::Url);
    let mut pages = request.into_paginator().send();
    let mut listing = Listing::default();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let code = error.as_service_error().and_then(|e| e.code());
            let refused = matches!(code, Some("AccessDenied" | "NoSuchBucket"));
            failed(refused, error)
        })?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        for object in page.contents() {
            listing.add(object, is_encoded, catalogue);
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

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::DateTime;

    use super::*;

    fn catalogue() -> &'static Catalogue {
        Catalogue::shipped("v1").unwrap()
    }

    fn object(key: &str, etag: &str, secs: i64) -> Object {
        Object::builder()
            .key(key)
            .e_tag(etag)
            .last_modified(DateTime::from_secs(secs))
            .build()
    }

    /// The names and keys of what is listed under these keys.
    fn listed<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
        let mut listing = Listing::default();
        for key in keys {
            listing.add(&object(key, "\"1\"", 7), true, catalogue());
        }
        let listing = listing.with_own_names(catalogue());
        let named = |photo: Photo| (photo.name, photo.key);
        listing.photos.into_iter().map(named).collect()
    }

    #[test]
    fn the_oldest_of_the_photos_is_known_whatever_else_lies_there() {
        let mut listing = Listing::default();
        for (name, secs) in [("b.jpg", 9), ("a.jpg", 7), (".DS_Store", 1), ("sub/", 2)] {
            let object = object(&format!("photos/DR1/{name}"), "\"1\"", secs);
            listing.add(&object, false, catalogue());
        }
        let names: Vec<&str> = listing.photos.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["b.jpg", "a.jpg"]);
        assert_eq!(listing.oldest, Some(Timestamp::from_millis(7000)));
    }

    #[test]
    fn keys_are_decoded_as_s3_encodes_them_and_only_if_it_does() {
        let key = "photos/DR1/a+b%2Bc%25%0A%C3%A9.jpg";
        assert_eq!(decoded(key, true).unwrap(), "photos/DR1/a b+c%\né.jpg");
        assert_eq!(decoded(key, false).unwrap(), key);
        assert_eq!(decoded("photos/DR1/%FF", true), None);
    }

    #[test]
    fn a_photo_is_fetched_by_its_key_and_named_as_it_is_read() {
        let listed = listed(["photos/DR1/Cafe%CC%81.jpg"]);
        let expected = ("Caf\u{e9}.jpg".into(), "photos/DR1/Cafe\u{301}.jpg".into());
        assert_eq!(listed, [expected]);
    }

    #[test]
    fn no_two_photos_have_the_same_name() {
        let keys = [
            "photos/DR1/Cafe%CC%81.jpg",
            "photos/DR1/Caf%C3%A9.jpg",
            "photos/DR1/a.jpg",
            "photos/dr1/a.jpg",
            "photos/dr1/b.jpg",
        ];
        let listed = listed(keys);
        let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "Caf\u{e9}.jpg",
            "a.jpg",
            "dr1/a.jpg",
            "b.jpg",
            "DR1/Cafe\u{301}.jpg",
        ];
        assert_eq!(names, expected);
        for (name, key) in &listed {
            assert!(key.ends_with(name.as_str()), "{name} is {key}");
        }
    }
}
