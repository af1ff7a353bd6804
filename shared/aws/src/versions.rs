//! The versions that the bucket keeps of a photo: a photo that was replaced or deleted stays as long as a verdict that it
//! proves.
//!
//! # Invariants
//! - A version is found by its content (its ETag), so what is shown is what the verdict is about.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{EncodingType, ObjectVersion, ObjectVersionStorageClass};
use evaluation::run::error::RunError;

use crate::listing::decoded;

/// What the keys of photos begin with.
const PHOTOS: &str = "photos/";
/// Pages of a thousand versions that are listed of a folder: ten of each photo that a DR may have take two.
const MOST_PAGES: usize = 5;

/// What is kept of a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVersion {
    /// Its version's id.
    pub id: String,
    /// Whether it is the photo as it is now.
    pub is_current: bool,
    /// Whether it must be restored before it can be read.
    pub is_archived: bool,
}

/// The newest version of this object with this content, if it is kept: of the last thousand, which S3 lists at once.
pub async fn kept_version(
    s3: &Client,
    bucket: &str,
    key: &str,
    etag: &str,
) -> Result<Option<KeptVersion>, RunError> {
    let request = s3.list_object_versions().bucket(bucket).prefix(key);
    let answer = request.encoding_type(EncodingType::Url).send().await;
    let answer = answer.map_err(|cause| RunError::retry("the versions of a photo", cause))?;
    let is_encoded = answer.encoding_type.is_some();
    let is_it = |version: &&ObjectVersion| {
        let found = version.key().and_then(|key| decoded(key, is_encoded));
        found.as_deref() == Some(key) && version.e_tag() == Some(etag)
    };
    let found = answer.versions().iter().find(is_it);
    match found.map(kept) {
        Some(found) => Ok(Some(as_restored(s3, bucket, key, found).await?)),
        None => Ok(None),
    }
}

/// What is kept, said to be in an archive only where it must be restored yet. Lists say nothing of that.
async fn as_restored(
    s3: &Client,
    bucket: &str,
    key: &str,
    kept: KeptVersion,
) -> Result<KeptVersion, RunError> {
    if !kept.is_archived {
        return Ok(kept);
    }
    let request = s3.head_object().bucket(bucket).key(key);
    let answer = request.version_id(&kept.id).send().await;
    let answer = answer.map_err(|cause| RunError::retry("a photo in an archive", cause))?;
    Ok(KeptVersion {
        is_archived: !answer.restore().is_some_and(is_restored),
        ..kept
    })
}

/// Whether S3 says in `x-amz-restore` that there is a copy of what is archived:
/// `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`.
fn is_restored(said: &str) -> bool {
    said.contains("ongoing-request=\"false\"")
}

/// What is kept of photos, each said by its key and its content, in their order: by listing the folders that they lie in,
/// a thousand versions at once.
pub async fn kept_versions(
    s3: &Client,
    bucket: &str,
    photos: &[(&str, &str)],
) -> Result<Vec<Option<KeptVersion>>, RunError> {
    let folders: BTreeSet<&str> = photos.iter().filter_map(|(key, _)| folder(key)).collect();
    let mut versions = BTreeMap::new();
    let mut is_whole = true;
    for folder in folders {
        is_whole &= list_into(&mut versions, s3, bucket, folder).await?;
    }
    let mut found = Vec::with_capacity(photos.len());
    for (key, etag) in photos {
        let listed = versions.remove(&((*key).to_owned(), (*etag).to_owned()));
        found.push(match listed {
            None if !is_whole => kept_version(s3, bucket, key, etag).await?,
            Some(listed) => Some(as_restored(s3, bucket, key, listed).await?),
            None => None,
        });
    }
    Ok(found)
}

/// The folder of a key, where it may lie in one: `photos/DR1730550/` of `photos/DR1730550/a/b.jpg`.
fn folder(key: &str) -> Option<&str> {
    let rest = key.strip_prefix(PHOTOS)?;
    let length = PHOTOS.len() + rest.find('/')? + 1;
    key.get(..length)
}

/// Lists the versions below a folder, by key and content, the newest of each; false if there are more than are listed.
async fn list_into(
    versions: &mut BTreeMap<(String, String), KeptVersion>,
    s3: &Client,
    bucket: &str,
    folder: &str,
) -> Result<bool, RunError> {
    let (mut key_marker, mut version_marker) = (None, None);
    for _ in 0..MOST_PAGES {
        let request = s3.list_object_versions().bucket(bucket).prefix(folder);
        let request = request.encoding_type(EncodingType::Url);
        let request = request.set_key_marker(key_marker);
        let answer = request.set_version_id_marker(version_marker).send().await;
        let answer = answer.map_err(|cause| RunError::retry("the versions of photos", cause))?;
        let is_encoded = answer.encoding_type.is_some();
        for version in answer.versions() {
            let key = version.key().and_then(|key| decoded(key, is_encoded));
            if let (Some(key), Some(etag)) = (key, version.e_tag()) {
                let place = versions.entry((key, etag.to_owned()));
                place.or_insert_with(|| kept(version));
            }
        }
        if answer.is_truncated != Some(true) {
            return Ok(true);
        }
        // The next page begins behind a key as it is, not as it is written here.
        let next = answer.next_key_marker.as_deref();
        key_marker = next.and_then(|key| decoded(key, is_encoded));
        version_marker = answer.next_version_id_marker;
    }
    Ok(false)
}

fn kept(version: &ObjectVersion) -> KeptVersion {
    KeptVersion {
        id: version.version_id().unwrap_or("null").to_owned(),
        is_current: version.is_latest().unwrap_or(false),
        is_archived: is_archived(version),
    }
}

fn is_archived(version: &ObjectVersion) -> bool {
    let class = version
        .storage_class()
        .map(ObjectVersionStorageClass::as_str);
    matches!(class, Some("GLACIER" | "DEEP_ARCHIVE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_archived_is_restored_once_s3_has_a_copy() {
        let done = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\"";
        assert!(is_restored(done));
        assert!(!is_restored("ongoing-request=\"true\""));
    }

    #[test]
    fn the_folder_of_a_photo_is_its_dr_s() {
        assert_eq!(folder("photos/DR1/a.jpg"), Some("photos/DR1/"));
        assert_eq!(folder("photos/dr1/b/c.jpg"), Some("photos/dr1/"));
        for odd in ["/photos/DR1/a.jpg", "photos/a.jpg", "seen/DR1/a.jpg", ""] {
            assert_eq!(folder(odd), None, "{odd}");
        }
    }
}
