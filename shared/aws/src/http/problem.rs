//! Problem documents (RFC 9457).

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{text, with_header};

/// Seconds after which a caller may try again when AWS was busy.
const RETRY_AFTER_SECONDS: &str = "5";

/// What each `type` begins with.
const NAMESPACE: &str = "urn:problem:fibre-evaluation:";
/// What problem documents are sent as.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// What went wrong, and what to do about it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The class, stable for programs; take one that you don't know by its status.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:problem:fibre-evaluation:[a-z-]+$")]
    pub kind: String,
    /// The class in words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// This case in words, and what to do.
    pub detail: String,
}

/// What went wrong with a request, fit for its caller.
///
/// ```
/// use aws::http::problem::Problem;
///
/// let problem = Problem::bad_request("limit is a number from 1 to 100.");
/// assert_eq!(problem.response().status_code, 400);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The class, stable for programs: the last part of the `type` URI.
    pub kind: &'static str,
    /// The class in words.
    pub title: &'static str,
    /// This case in words, and what to do.
    pub detail: String,
}

impl Problem {
    /// The body is not what the API wants.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "bad-request",
            title: "The request can't be understood",
            detail: detail.into(),
        }
    }

    /// The DR number is not one.
    pub fn bad_dr_number(detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "bad-dr-number",
            title: "The DR number is not valid",
            detail: detail.into(),
        }
    }

    /// The caller's roles don't allow it.
    pub fn not_allowed(detail: impl Into<String>) -> Self {
        Self {
            status: 403,
            kind: "not-allowed",
            title: "You may not do that",
            detail: detail.into(),
        }
    }

    /// There is nothing of that name.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self {
            status: 404,
            kind: "not-found",
            title: "There is no such thing",
            detail: detail.into(),
        }
    }

    /// The DR has no photos.
    pub fn no_photos(detail: impl Into<String>) -> Self {
        Self {
            status: 404,
            kind: "no-photos",
            title: "The DR has no photos",
            detail: detail.into(),
        }
    }

    /// The DR has more photos than an evaluation takes.
    pub fn too_many_photos(detail: impl Into<String>) -> Self {
        Self {
            status: 422,
            kind: "too-many-photos",
            title: "The DR has too many photos",
            detail: detail.into(),
        }
    }

    /// The DR has as many notes as it may have.
    pub fn too_many_notes(detail: impl Into<String>) -> Self {
        Self {
            status: 422,
            kind: "too-many-notes",
            title: "The DR has too many notes",
            detail: detail.into(),
        }
    }

    /// The same request is being answered.
    pub fn being_answered(detail: impl Into<String>) -> Self {
        Self {
            status: 409,
            kind: "being-answered",
            title: "The request is being answered",
            detail: detail.into(),
        }
    }

    /// Another request was sent with the same `Idempotency-Key`.
    pub fn key_used(detail: impl Into<String>) -> Self {
        Self {
            status: 422,
            kind: "key-used",
            title: "The Idempotency-Key is another request's",
            detail: detail.into(),
        }
    }

    /// A photo that an evaluation is about is kept no more.
    pub fn photo_gone(detail: impl Into<String>) -> Self {
        Self {
            status: 410,
            kind: "photo-gone",
            title: "The photo is kept no more",
            detail: detail.into(),
        }
    }

    /// A photo must be restored before it can be shown.
    pub fn photo_archived(detail: impl Into<String>) -> Self {
        Self {
            status: 409,
            kind: "photo-archived",
            title: "The photo lies in an archive",
            detail: detail.into(),
        }
    }

    /// The VLM was never sent the photo.
    pub fn photo_not_seen(detail: impl Into<String>) -> Self {
        Self {
            status: 409,
            kind: "photo-not-seen",
            title: "The VLM has not seen the photo",
            detail: detail.into(),
        }
    }

    /// The file can't be made a picture of.
    pub fn no_picture(detail: impl Into<String>) -> Self {
        Self {
            status: 422,
            kind: "no-picture",
            title: "There is no picture of this file",
            detail: detail.into(),
        }
    }

    /// There is no verdict yet that could be reviewed.
    pub fn not_judged(detail: impl Into<String>) -> Self {
        Self {
            status: 409,
            kind: "not-judged",
            title: "There is no verdict yet",
            detail: detail.into(),
        }
    }

    /// Somebody else works on the DR.
    pub fn claimed(detail: impl Into<String>) -> Self {
        Self {
            status: 409,
            kind: "claimed",
            title: "Somebody else looks at the DR",
            detail: detail.into(),
        }
    }

    /// The DR has as many reviews as it may have.
    pub fn too_many_reviews(detail: impl Into<String>) -> Self {
        Self {
            status: 422,
            kind: "too-many-reviews",
            title: "The DR has too many reviews",
            detail: detail.into(),
        }
    }

    /// As many DRs are claimed as may be.
    pub fn too_many_claims(detail: impl Into<String>) -> Self {
        Self {
            status: 422,
            kind: "too-many-claims",
            title: "Too many DRs are claimed",
            detail: detail.into(),
        }
    }

    /// Nobody knows who calls.
    pub fn nobody() -> Self {
        let detail =
            "This needs a caller with a name: the subject of a token, or the ARN whose key signed.";
        Self {
            status: 403,
            kind: "unknown-caller",
            title: "It is not known who calls",
            detail: detail.into(),
        }
    }

    /// AWS was busy.
    pub fn busy() -> Self {
        let detail =
            "The service is busy. Nothing is lost; send the same request again in a few seconds."
                .into();
        Self {
            status: 503,
            kind: "busy",
            title: "The service is busy",
            detail,
        }
    }

    /// Something is wrong with us.
    pub fn internal() -> Self {
        let detail =
            "The service failed. Send the same request again; if it fails again, tell the operator the time.".into();
        Self {
            status: 500,
            kind: "internal",
            title: "The service failed",
            detail,
        }
    }

    /// The document.
    pub fn document(&self) -> ProblemDocument {
        ProblemDocument {
            kind: format!("{NAMESPACE}{}", self.kind),
            title: self.title.to_owned(),
            status: self.status,
            detail: self.detail.clone(),
        }
    }

    /// The answer to send.
    pub fn response(&self) -> ApiGatewayV2httpResponse {
        let body = json!(self.document()).to_string();
        let response = text(i64::from(self.status), PROBLEM_TYPE, body);
        if self.status == 503 {
            with_header(response, "retry-after", RETRY_AFTER_SECONDS)
        } else {
            response
        }
    }
}
