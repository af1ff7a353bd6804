//! What the page is told of its stack, and what a browser is to hold itself to.
//!
//! # Invariants
//! - A browser runs the page's own scripts and no other, and speaks with this system and the issuer alone.

use aws::configuration::{ConfigError, present, required};
use serde::Serialize;

/// What the page is told of its stack.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSettings {
    /// Who signs people in; without one nobody can be.
    issuer: Option<String>,
    /// Who the page is to the issuer.
    client_id: Option<String>,
    /// What the roles' scopes are called.
    scopes: Scopes,
    /// Where changes are told.
    events_url: String,
    /// Where else the issuer's endpoints are.
    #[serde(skip)]
    sign_in_origins: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Scopes {
    technician: String,
    viewer: String,
    reviewer: String,
    operator: String,
}

impl PageSettings {
    /// As the environment says.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let origins = present("SIGN_IN_ORIGINS")?;
        let origins = origins.split(',').filter(|origin| !origin.is_empty());
        Ok(Self {
            issuer: unless_empty(present("JWT_ISSUER")?),
            client_id: unless_empty(present("PAGE_CLIENT_ID")?),
            scopes: Scopes {
                technician: required("TECHNICIAN_SCOPE")?,
                viewer: required("VIEWER_SCOPE")?,
                reviewer: required("REVIEWER_SCOPE")?,
                operator: required("OPERATOR_SCOPE")?,
            },
            events_url: required("EVENTS_URL")?,
            sign_in_origins: origins.map(str::to_owned).collect(),
        })
    }

    /// What a browser is to hold itself to; photos lie at the origin `photos`.
    pub(crate) fn policy(&self, photos: &str) -> String {
        let issuer = self.issuer.as_deref().and_then(origin);
        let others = self.sign_in_origins.iter().map(String::as_str);
        let sign_in: Vec<&str> = issuer.into_iter().chain(others).collect();
        let sign_in = sign_in.join(" ");
        let events = origin(&self.events_url).unwrap_or_default();
        [
            "default-src 'none'".to_owned(),
            "script-src 'self'".to_owned(),
            "style-src 'self'".to_owned(),
            "manifest-src 'self'".to_owned(),
            format!("img-src 'self' blob: {photos}"),
            format!("connect-src 'self' {photos} {events} {sign_in}"),
            // A token is renewed in a frame: the issuer sends it back to the page.
            format!("frame-src 'self' {sign_in}"),
            "base-uri 'none'".to_owned(),
            "form-action 'none'".to_owned(),
            "frame-ancestors 'self'".to_owned(),
            "require-trusted-types-for 'script'".to_owned(),
            "trusted-types lit-html".to_owned(),
        ]
        .join("; ")
    }
}

fn unless_empty(setting: String) -> Option<String> {
    (!setting.is_empty()).then_some(setting)
}

/// The origin of an address: scheme, host and port.
pub(crate) fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    url.get(..scheme.len() + "://".len() + host.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> PageSettings {
        let scope = |name: &str| format!("evaluations/{name}");
        PageSettings {
            issuer: Some("https://issuer.example/pool".into()),
            client_id: Some("page".into()),
            scopes: Scopes {
                technician: scope("technician"),
                viewer: scope("viewer"),
                reviewer: scope("reviewer"),
                operator: scope("operator"),
            },
            events_url: "wss://events.example/live".into(),
            sign_in_origins: vec!["https://login.example".into()],
        }
    }

    #[test]
    fn a_browser_runs_nothing_but_the_pages_own_scripts_and_speaks_with_nobody_else() {
        let policy = page().policy("https://bucket.example");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!policy.contains('*'), "{policy}");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "img-src 'self' blob: https://bucket.example",
            "connect-src 'self' https://bucket.example wss://events.example https://issuer.example https://login.example",
            "frame-src 'self' https://issuer.example https://login.example",
        ] {
            assert!(
                policy.split("; ").any(|one| one == part),
                "{part}: {policy}"
            );
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        for (url, expected) in [
            ("https://a.example/b?c", Some("https://a.example")),
            ("http://127.0.0.1:80", Some("http://127.0.0.1:80")),
            ("wss://a.example/live", Some("wss://a.example")),
            ("a.example", None),
        ] {
            assert_eq!(origin(url), expected, "{url}");
        }
    }
}
