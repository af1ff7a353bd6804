//! The versions that the bucket keeps of a photo: a photo that was replaced or deleted stays as long as a verdict that it
//! proves.
//!
//! # Invariants
//! - A version is found by its content (its ETag), so what is shown is what the verdict is about.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{EncodingType, ObjectVersion, ObjectVersionStorageClass};
use evaluation::run::error::RunError;

use crate::listing::decoded;

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
    Ok(found.map(|version| KeptVersion {
        id: version.version_id().unwrap_or("null").to_owned(),
        is_current: version.is_latest().unwrap_or(false),
        is_archived: is_archived(version),
    }))
}

fn is_archived(version: &ObjectVersion) -> bool {
    let class = version
        .storage_class()
        .map(ObjectVersionStorageClass::as_str);
    matches!(class, Some("GLACIER" | "DEEP_ARCHIVE"))
}
