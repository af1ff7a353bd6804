//! Who may connect where callers bring tokens: what the HTTP API's JWT authorizer checks, for a WebSocket API has none.
//!
//! # Invariants
//! - Only RS256 and ES256, by a key of the issuer; issuer, audience (or client id), expiry and scopes are checked: any of
//!   the roles may watch.
//! - An unknown key has the keys fetched again at most once a minute, whoever asks; if that failed, after seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws::configuration::{ConfigError, optional, present};
use aws::http::caller::{RoleScopes, scopes};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// Keys are fetched no sooner again.
const FETCH_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Where that failed, they are fetched no sooner than this: nobody gets in meanwhile.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(3);
/// The issuer answers in this time, or nobody gets in.
const FETCH_WITHIN: Duration = Duration::from_secs(3);
/// So far the issuer's clock may differ from ours: a token is good for as long after its end.
const CLOCKS_DIFFER_SECONDS: u64 = 60;
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// Checks tokens of one issuer.
pub(crate) struct Authorizer {
    issuer: String,
    audiences: Vec<String>,
    roles: RoleScopes,
    client: reqwest::Client,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    known: Arc<Option<JwkSet>>,
    /// They are fetched no sooner again.
    next_fetch_at: Option<Instant>,
}

/// Why a token does not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no token")]
    Missing,
    #[error("the token is no good")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("the token is not signed by RS256 or ES256")]
    Algorithm,
    #[error("the token is for somebody else")]
    Audience,
    #[error("the token gives none of the roles")]
    Role,
    #[error("the token's key is none of the issuer's")]
    UnknownKey,
    #[error("the issuer's keys could not be fetched")]
    Issuer(#[from] reqwest::Error),
}

/// What a token says, as far as it counts.
#[derive(Debug, Deserialize)]
struct Claims {
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    aud: Option<Value>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    scope: Option<Value>,
    #[serde(default)]
    scp: Option<Value>,
}

impl Claims {
    /// As issuers write them: words with blanks between them, or a list.
    fn scopes(&self) -> Vec<&str> {
        let claims = [&self.scope, &self.scp].into_iter().flatten();
        claims.flat_map(listed).collect()
    }
}

fn listed(claim: &Value) -> Vec<&str> {
    match claim {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        other => scopes(other.as_str().unwrap_or_default()).collect(),
    }
}

#[derive(Deserialize)]
struct Discovered {
    jwks_uri: String,
}

impl Authorizer {
    /// Of `JWT_ISSUER` for `JWT_AUDIENCE`; none where callers sign.
    pub(crate) fn from_env() -> Result<Option<Self>, ConfigError> {
        let audiences = present("JWT_AUDIENCE")?;
        let audiences = audiences.split(',').map(str::to_owned).collect();
        present("JWT_ISSUER")?;
        let roles = RoleScopes::from_env()?;
        Ok(optional("JWT_ISSUER").map(|issuer| Self::new(issuer, audiences, roles)))
    }

    fn new(issuer: String, audiences: Vec<String>, roles: RoleScopes) -> Self {
        let client = reqwest::Client::builder().timeout(FETCH_WITHIN).build();
        Self {
            issuer,
            audiences,
            roles,
            client: client.unwrap_or_default(),
            keys: Mutex::default(),
        }
    }

    /// Answers API Gateway's question whether somebody may connect.
    pub(crate) async fn answer(&self, event: &Value) -> Value {
        let arn = event.get("methodArn").cloned().unwrap_or_default();
        let (effect, principal) = match self.subject(token(event)).await {
            Ok(subject) => ("Allow", subject),
            Err(refused) => {
                let error = evaluation::run::error::with_causes(&refused);
                tracing::info!(error, "nobody is let in without a good token");
                ("Deny", "nobody".to_owned())
            }
        };
        let statement = json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn});
        json!({"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}})
    }

    /// Whose token it is, if it is good.
    async fn subject(&self, token: Option<&str>) -> Result<String, Refused> {
        let token = token.ok_or(Refused::Missing)?;
        let header = decode_header(token)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Refused::Algorithm);
        }
        let key = self.key(header.kid.as_deref()).await?;
        let mut checks = Validation::new(header.alg);
        checks.set_issuer(&[&self.issuer]);
        // Else the issuer is looked at only where a token names one.
        checks.set_required_spec_claims(&["exp", "iss"]);
        // Or the client id, which Cognito's access tokens have in its place: below.
        checks.validate_aud = false;
        checks.validate_nbf = true;
        checks.leeway = CLOCKS_DIFFER_SECONDS;
        let claims = decode::<Claims>(token, &key, &checks)?.claims;
        if !self.is_for_us(&claims) {
            return Err(Refused::Audience);
        }
        if self.roles.roles(claims.scopes()).is_empty() {
            return Err(Refused::Role);
        }
        Ok(claims
            .sub
            .or(claims.client_id)
            .unwrap_or_else(|| "unnamed".into()))
    }

    fn is_for_us(&self, claims: &Claims) -> bool {
        let ours = |audience: &str| self.audiences.iter().any(|one| one == audience);
        match &claims.aud {
            Some(Value::String(audience)) => ours(audience),
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(ours),
            Some(_) => false,
            None => claims.client_id.as_deref().is_some_and(ours),
        }
    }

    /// The issuer's key of this id. Whoever comes while the keys are fetched waits for them.
    async fn key(&self, id: Option<&str>) -> Result<DecodingKey, Refused> {
        let id = id.ok_or(Refused::UnknownKey)?;
        let mut keys = self.keys.lock().await;
        let is_known = |keys: &Keys| {
            keys.known
                .as_ref()
                .as_ref()
                .is_some_and(|set| set.find(id).is_some())
        };
        let may_fetch = keys.next_fetch_at.is_none_or(|at| at <= Instant::now());
        if !is_known(&keys) && may_fetch {
            let fetched = self.fetched().await;
            let after = match fetched {
                Ok(_) => FETCH_AGAIN_AFTER,
                Err(_) => TRY_AGAIN_AFTER,
            };
            keys.next_fetch_at = Instant::now().checked_add(after);
            keys.known = Arc::new(Some(fetched?));
        }
        let known = keys.known.as_ref().as_ref();
        let key = known
            .and_then(|set| set.find(id))
            .ok_or(Refused::UnknownKey)?;
        Ok(DecodingKey::from_jwk(key)?)
    }

    async fn fetched(&self) -> Result<JwkSet, Refused> {
        let issuer = self.issuer.trim_end_matches('/');
        let about = format!("{issuer}/.well-known/openid-configuration");
        let discovered: Discovered = self.get(&about).await?;
        Ok(self.get(&discovered.jwks_uri).await?)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, reqwest::Error> {
        self.client
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await
    }
}

/// The token of a request: in its header, or where a browser can put it.
fn token(event: &Value) -> Option<&str> {
    let headers = event.get("headers").and_then(Value::as_object);
    let named = |(name, _): &(&String, &Value)| name.eq_ignore_ascii_case("authorization");
    let header = headers
        .and_then(|headers| headers.iter().find(named))
        .and_then(|(_, value)| value.as_str());
    let bearer = header.map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
    let query = event
        .get("queryStringParameters")
        .and_then(|query| query.get("access_token"));
    bearer
        .or_else(|| query.and_then(Value::as_str))
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
#[path = "authorizer_tests.rs"]
mod tests;
