use aws_sdk_s3::primitives::ByteStream;

use super::*;

const SSE_C: &str = "The object was stored using a form of Server Side Encryption. \
    The correct parameters must be provided to retrieve the object.";

/// The code of what a photo of this name gets when S3 refuses so; none if that is no photo's fault.
fn outcome(code: &str, message: &str, status: u16) -> Option<ReasonCode> {
    refusal(code, Some(message), Some(status)).map(|(code, _)| code)
}

#[test]
fn what_s3_refuses_about_one_photo_is_its_outcome() {
    for (code, message, status, expected) in [
        ("NoSuchKey", "", 404, ReasonCode::PhotoGone),
        ("PreconditionFailed", "", 412, ReasonCode::PhotoChanged),
        (
            "InvalidObjectState",
            "The operation is not valid for the object's storage class",
            403,
            ReasonCode::Archived,
        ),
        (
            "AccessDenied",
            "User: x is not authorized to perform: kms:Decrypt on this resource",
            403,
            ReasonCode::NoAccess,
        ),
        (
            "KMS.DisabledException",
            "k is disabled.",
            400,
            ReasonCode::NoAccess,
        ),
        ("KMS.NotFoundException", "", 400, ReasonCode::NoAccess),
        ("InvalidRequest", SSE_C, 400, ReasonCode::NoAccess),
    ] {
        assert_eq!(outcome(code, message, status), Some(expected), "{code}");
    }
}

#[test]
fn what_s3_refuses_about_all_photos_is_no_photos_outcome() {
    for (code, status) in [
        ("InvalidAccessKeyId", 403),
        ("SignatureDoesNotMatch", 403),
        ("ExpiredToken", 400),
        ("InvalidRequest", 400),
        ("KMS.ThrottlingException", 400),
        ("SlowDown", 503),
        ("InternalError", 500),
    ] {
        assert_eq!(
            outcome(code, "Requests must be signed", status),
            None,
            "{code}"
        );
    }
    assert!(is_passing(Some("KMS.ThrottlingException")) && !is_passing(Some("ExpiredToken")));
}

fn object(bytes: Vec<u8>, length: i64) -> GetObjectOutput {
    GetObjectOutput::builder()
        .content_length(length)
        .body(ByteStream::from(bytes))
        .build()
}

async fn refused(bytes: &[u8], length: i64, name: &str) -> ReasonCode {
    let read = read(
        object(bytes.repeat(1 + 2048 / bytes.len()), length),
        name,
        50_000_000,
    );
    match read.await.unwrap_err() {
        FetchError::Permanent(reason) => reason.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_photo_is_known_by_its_beginning_whatever_its_size() {
    let (video, unknown) = (b"\0\0\0\x14ftypqt  ", b"\x01\x02\x03\xFF");
    for (bytes, name) in [
        (&b"%PDF-1.7\n"[..], "a.jpg"),
        (video, "b.jpg"),
        (b"a note ", "c"),
    ] {
        assert_eq!(
            refused(bytes, 4000, name).await,
            ReasonCode::NotAPhoto,
            "{name}"
        );
    }
    let large = 60_000_000;
    assert_eq!(refused(video, large, "a.jpg").await, ReasonCode::NotAPhoto);
    assert_eq!(refused(unknown, large, "a.jpg").await, ReasonCode::TooLarge);
    assert_eq!(
        refused(unknown, large, "a.mov").await,
        ReasonCode::NotAPhoto,
        "by its name"
    );
}

#[tokio::test]
async fn a_photo_is_read_whole() {
    let photo = [&[0xFF, 0xD8, 0xFF, 0xE0][..], &[7; 5000]].concat();
    let bytes = read(object(photo.clone(), 5004), "a.jpg", 50_000_000).await;
    assert_eq!(bytes.unwrap(), photo);
    assert_eq!(read(object(vec![1], 1), "a.jpg", 9).await.unwrap(), [1]);
}

#[test]
fn an_etag_is_the_hash_of_the_bytes_unless_s3_says_otherwise() {
    let md5 = "\"d41d8cd98f00b204e9800998ecf8427e\"";
    assert_eq!(hash(b""), md5);
    for (etag, encryption, expected) in [
        (md5, None, true),
        (md5, Some(ServerSideEncryption::Aes256), true),
        (md5, Some(ServerSideEncryption::AwsKms), false),
        (md5, Some(ServerSideEncryption::AwsKmsDsse), false),
        ("\"d41d8cd98f00b204e9800998ecf8427e-2\"", None, false),
        ("\"abc\"", None, false),
    ] {
        assert_eq!(
            is_md5(etag, encryption.as_ref()),
            expected,
            "{etag} {encryption:?}"
        );
    }
}
