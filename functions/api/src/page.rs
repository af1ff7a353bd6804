//! The page that people look at: `GET /`, and the files that it loads, `GET /page/{version}/{file}`.
//!
//! # Invariants
//! - Nobody has to have signed in for these: they say nothing of any DR. All else the page asks of the API, as its user.
//! - A browser runs the page's own scripts and no other, and speaks with this system and the issuer alone.
//! - A file's address has the version of all of them, so that it may be kept for good; a page of one release never gets
//!   a file of another one.

use std::io::Write;

use aws::http::{self, problem::Problem};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use crate::api::{Api, Refusal};
use crate::photo_link;

const INDEX: &str = "index.html";
/// Where libraries of others are.
const VENDOR: &str = "vendor/";
/// What stands in the index for the version of all files.
const VERSION: &str = "@version@";
/// What stands in the index for the settings.
const SETTINGS: &str = "@settings@";
/// Bytes of a version: enough that two never are the same.
const VERSION_BYTES: usize = 8;

/// The files. In a debug build they are read as they lie there now.
#[derive(RustEmbed)]
#[folder = "page/"]
#[exclude = "*.ts"]
#[exclude = "*.txt"]
#[exclude = "*.json"]
struct Files;

/// The page itself.
pub(crate) async fn index(api: &Api) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let photos = photo_link::origin_of_photos(api).await?;
    let file = Files::get(INDEX).ok_or_else(none)?;
    let text = String::from_utf8_lossy(&file.data);
    // What closes a script can't stand in it.
    let settings = serde_json::to_string(&api.page).unwrap_or_default();
    let settings = settings.replace('<', "\\u003c");
    let text = text
        .replace(VERSION, &version())
        .replace(SETTINGS, &settings);
    let policy = api.page.policy(&photos);
    let response = guarded(http::text(200, "text/html; charset=utf-8", text));
    let response = http::with_header(response, "cache-control", "no-cache");
    Ok(http::with_header(
        response,
        "content-security-policy",
        &policy,
    ))
}

/// A file of the page.
pub(crate) fn file(
    request: &ApiGatewayV2httpRequest,
    asked_version: &str,
    name: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    if asked_version != version() || name == INDEX {
        return Err(none());
    }
    let file = Files::get(name).or_else(|| Files::get(&format!("{VENDOR}{name}")));
    let file = file.ok_or_else(none)?;
    let content_type = content_type(name).ok_or_else(none)?;
    let response = guarded(http::text(200, content_type, String::new()));
    let response = http::with_header(
        response,
        "cache-control",
        "public, max-age=31536000, immutable",
    );
    Ok(with_content(response, request, file))
}

fn with_content(
    mut response: ApiGatewayV2httpResponse,
    request: &ApiGatewayV2httpRequest,
    file: EmbeddedFile,
) -> ApiGatewayV2httpResponse {
    let takes = request.headers.get("accept-encoding");
    let takes_gzip =
        takes.is_some_and(|takes| takes.to_str().is_ok_and(|all| all.contains("gzip")));
    let zipped = takes_gzip.then(|| zipped(&file.data)).and_then(Result::ok);
    let is_zipped = zipped.is_some();
    response.body = Some(Body::Binary(
        zipped.unwrap_or_else(|| file.data.into_owned()),
    ));
    response.is_base64_encoded = true;
    let response = http::with_header(response, "vary", "accept-encoding");
    match is_zipped {
        true => http::with_header(response, "content-encoding", "gzip"),
        false => response,
    }
}

fn zipped(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

fn guarded(response: ApiGatewayV2httpResponse) -> ApiGatewayV2httpResponse {
    let headers = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
        (
            "permissions-policy",
            "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    let add = |response, (name, value)| http::with_header(response, name, value);
    headers.into_iter().fold(response, add)
}

fn none() -> Problem {
    Problem::not_found("There is no such file: reload the page, it has another release's by then.")
}

/// One of all files together.
fn version() -> String {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        if let Some(file) = Files::get(&name) {
            hash.update(file.metadata.sha256_hash());
        }
    }
    let hash = hash.finalize();
    let bytes = hash.iter().take(VERSION_BYTES);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "webmanifest" => Some("application/manifest+json"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_had_by_its_version_alone_and_zipped_where_that_is_taken() {
        let asked = |encoding: &'static str| {
            let mut request = ApiGatewayV2httpRequest::default();
            let value = aws_lambda_events::http::HeaderValue::from_static(encoding);
            request.headers.insert("accept-encoding", value);
            request
        };
        let now = version();
        let plain = file(&asked("br"), &now, "main.js").unwrap();
        let zipped = file(&asked("gzip, br"), &now, "main.js").unwrap();
        let Some(Body::Binary(plain)) = plain.body else {
            panic!("no bytes");
        };
        let Some(Body::Binary(small)) = zipped.body else {
            panic!("no bytes");
        };
        let mut read = String::new();
        let mut decoder = flate2::read::GzDecoder::new(small.as_slice());
        std::io::Read::read_to_string(&mut decoder, &mut read).unwrap();
        assert_eq!(read.as_bytes(), plain);
        assert_eq!(zipped.headers["content-encoding"], "gzip");
        for (version, name) in [
            ("0000000000000000", "main.js"),
            (now.as_str(), "index.html"),
            (now.as_str(), "../Cargo.toml"),
            (now.as_str(), "none.js"),
        ] {
            assert_eq!(
                file(&asked("gzip"), version, name).unwrap_err().status,
                404,
                "{name}"
            );
        }
    }
}
