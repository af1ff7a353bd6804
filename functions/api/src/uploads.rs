//! Uploads by the app: addresses at which S3 takes a DR's photos, `POST /drs/{dr_number}/uploads`.
//!
//! # Invariants
//! - What an address takes is one photo of the size and type that were said, under a name that no photo of the DR has:
//!   an upload never replaces one.
//! - An address is good for minutes, and for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws::clock;
use aws::http::{self, problem::Problem};
use aws::listing::MOST_PHOTOS;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_sdk_s3::presigning::PresigningConfig;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::photo_key::folder;
use evaluation::domain::time::Moment;
use evaluation::domain::upload_name::stored_name;
use evaluation::run::error::RunError;
use evaluation::show::Links;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long an address is good: a photo of 50 MB takes 7 minutes at 1 Mbit/s.
const GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// Bytes of a name as the app says it.
const LONGEST_NAME: usize = 4096;
/// What S3 is told a file is, of the formats that are read.
const TYPES: [&str; 5] = [
    "image/jpeg",
    "image/png",
    "image/heic",
    "image/heif",
    "image/webp",
];
const EXPECTED: &str = "Send {\"photos\": [{\"name\": \"DR1730550_ph_powm1_1.jpg\", \"content_type\": \"image/jpeg\", \
                        \"size\": 2345678}]}; \"sha256\" in hexadecimal may stand beside them.";

/// A photo that is to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WantedUpload)]
pub(crate) struct Wanted {
    /// Its name, of at most 4,096 bytes; folders and control characters are taken out.
    #[schema(max_length = 4096, example = "DR1730550_ph_powm1_1.jpg")]
    name: String,
    /// What the file is: `image/jpeg`, `image/png`, `image/heic`, `image/heif` or `image/webp`.
    #[schema(example = "image/jpeg")]
    content_type: String,
    /// Bytes of the file.
    #[schema(minimum = 1, maximum = 50_000_000, example = 2_345_678)]
    size: u64,
    /// The file's SHA-256 in hexadecimal digits, for S3 to check.
    #[serde(default)]
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    sha256: Option<String>,
}

/// Photos that are to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadsRequest {
    /// 1 to 200, in the order in which the addresses are wanted.
    #[schema(min_items = 1, max_items = 200)]
    photos: Vec<Wanted>,
}

/// Where photos are to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadsAnswer {
    /// The DR.
    dr_number: DrNumber,
    /// An address for each photo, in the order in which they were asked for.
    photos: Vec<UploadAddress>,
    /// Until when the addresses are good.
    expires_at: Moment,
    /// Where more is to be had.
    links: Links,
}

/// Where and how one photo is to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadAddress {
    /// Its name as it will be stored.
    name: String,
    /// The method of HTTP.
    #[schema(example = "PUT")]
    method: String,
    /// The address.
    #[schema(format = "uri")]
    url: String,
    /// The headers to send, exactly these.
    headers: BTreeMap<String, String>,
}

/// The photos that a request wants to upload, each of at most so many bytes.
pub(crate) fn asked(
    request: &ApiGatewayV2httpRequest,
    most_bytes: u64,
) -> Result<Vec<Wanted>, Problem> {
    let refuse = |what: String| Problem::bad_request(format!("{what}. {EXPECTED}"));
    let body: UploadsRequest = http::read(request, EXPECTED)?;
    if !(1..=MOST_PHOTOS).contains(&body.photos.len()) {
        let count = body.photos.len();
        return Err(refuse(format!(
            "{count} photos are listed; it may be 1 to {MOST_PHOTOS}"
        )));
    }
    for (at, photo) in body.photos.iter().enumerate() {
        if let Some(wrong) = photo.wrong(most_bytes) {
            return Err(refuse(format!("photos[{at}]: {wrong}")));
        }
    }
    Ok(body.photos)
}

impl Wanted {
    fn wrong(&self, most_bytes: u64) -> Option<String> {
        let is_hex =
            |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if self.name.len() > LONGEST_NAME {
            Some(format!("the name has more than {LONGEST_NAME} bytes"))
        } else if !TYPES.contains(&self.content_type.as_str()) {
            Some(format!("the content_type is one of {}", TYPES.join(", ")))
        } else if !(1..=most_bytes).contains(&self.size) {
            Some(format!("the size is 1 to {most_bytes} bytes"))
        } else if self.sha256.as_ref().is_some_and(|sha256| !is_hex(sha256)) {
            Some("the sha256 has 64 hexadecimal digits".into())
        } else {
            None
        }
    }

    /// As S3 wants it.
    fn checksum(&self) -> Option<String> {
        let hex = self.sha256.as_deref()?;
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
        bytes.map(|bytes| BASE64_STANDARD.encode(bytes))
    }
}

/// An address for each photo, in the order in which they were asked for; `taken` are the names that the DR has.
pub(crate) async fn addresses(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    dr: &DrNumber,
    wanted: &[Wanted],
    mut taken: BTreeSet<String>,
    catalogue: &Catalogue,
) -> Result<ApiGatewayV2httpResponse, RunError> {
    let expires_at = clock::now().after(GOOD_FOR);
    let mut photos = Vec::with_capacity(wanted.len());
    for photo in wanted {
        let name = stored_name(&photo.name, &taken, catalogue);
        photos.push(address(s3, bucket, dr, photo, &name).await?);
        taken.insert(name);
    }
    tracing::info!(dr.number = %dr, uploads = photos.len(), "addresses for uploads were given");
    let answer = UploadsAnswer {
        dr_number: dr.clone(),
        photos,
        expires_at: expires_at.into(),
        links: Links::of_dr(dr),
    };
    Ok(http::json(201, &answer))
}

async fn address(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    dr: &DrNumber,
    photo: &Wanted,
    name: &str,
) -> Result<UploadAddress, RunError> {
    let bug =
        |what: &'static str| move |cause: aws_sdk_s3::error::BoxError| RunError::bug(what, cause);
    let length = i64::try_from(photo.size).map_err(|cause| bug("a size")(cause.into()))?;
    let good_for = PresigningConfig::expires_in(GOOD_FOR);
    let good_for = good_for.map_err(|cause| bug("how long an address is good")(cause.into()))?;
    let signed = s3
        .put_object()
        .bucket(bucket)
        .key(format!("{}{name}", folder(dr)))
        .content_type(&photo.content_type)
        .content_length(length)
        .if_none_match("*")
        .set_checksum_sha256(photo.checksum())
        .presigned(good_for)
        .await
        .map_err(|cause| bug("an upload can't be signed")(cause.into()))?;
    let headers = signed
        .headers()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host") && is_signed(signed.uri(), name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(UploadAddress {
        name: name.to_owned(),
        method: signed.method().to_owned(),
        url: signed.uri().to_owned(),
        headers: headers.collect(),
    })
}

/// Whether an address is signed with a header. Others (a trace's, which the SDK adds) say nothing to S3, and a browser
/// may not send them: the bucket allows those that are signed.
fn is_signed(url: &str, header: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let names = query
        .split('&')
        .filter_map(|one| one.strip_prefix("X-Amz-SignedHeaders="));
    names
        .flat_map(|names| names.split("%3B"))
        .any(|name| name.eq_ignore_ascii_case(header))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MOST: u64 = 50_000_000;

    fn said(body: &str) -> Result<Vec<Wanted>, Problem> {
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(body.into());
        asked(&request, MOST)
    }

    fn one(field: &str, value: Value) -> String {
        let mut photo = json!({"name": "a.jpg", "content_type": "image/jpeg", "size": 1});
        photo[field] = value;
        json!({"photos": [photo]}).to_string()
    }

    #[test]
    fn headers_are_those_that_the_address_is_signed_with() {
        let url = "https://b.s3/k?X-Amz-Date=1&X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match&x-id=PutObject";
        assert!(is_signed(url, "content-type") && is_signed(url, "If-None-Match"));
        assert!(!is_signed(url, "x-amzn-trace-id") && !is_signed(url, "PutObject"));
        assert!(!is_signed("https://b.s3/k", "host"));
    }

    #[test]
    fn photos_are_listed_with_what_s3_checks() {
        let hash = "00".repeat(31) + "ff";
        let wanted = said(&one("sha256", hash.into())).unwrap();
        let checksum = BASE64_STANDARD
            .decode(wanted[0].checksum().unwrap())
            .unwrap();
        assert_eq!((checksum.len(), checksum[31]), (32, 255));
        assert!(said(&one("size", MOST.into())).is_ok());
        let many = vec![json!({"name": "a", "content_type": "image/heic", "size": 5}); 200];
        assert_eq!(
            said(&json!({"photos": many}).to_string()).unwrap().len(),
            200
        );
    }

    #[test]
    fn each_kind_of_bad_input_says_which_photo_and_what_to_send() {
        let many = vec![json!({"name": "a", "content_type": "image/heic", "size": 5}); 201];
        for (body, words) in [
            (String::new(), "not JSON"),
            ("{}".into(), "photos"),
            (r#"{"photos": []}"#.into(), "1 to 200"),
            (json!({"photos": many}).to_string(), "201 photos"),
            (one("size", 0.into()), "photos[0]: the size"),
            (one("size", (MOST + 1).into()), "50000000"),
            (one("size", json!(-1)), "invalid value"),
            (one("content_type", "image/gif".into()), "image/jpeg"),
            (one("content_type", "text/html".into()), "image/jpeg"),
            (one("sha256", "abc".into()), "64 hexadecimal"),
            (one("sha256", "é".repeat(32).into()), "64 hexadecimal"),
            (one("name", "x".repeat(4097).into()), "4096"),
            (one("nmae", "x".into()), "nmae"),
        ] {
            let problem = said(&body).unwrap_err();
            assert_eq!(problem.status, 400, "{words}");
            assert!(
                problem.detail.contains(words),
                "{words}: {}",
                problem.detail
            );
            assert!(problem.detail.contains("DR1730550_ph_powm1_1.jpg"));
        }
    }
}
