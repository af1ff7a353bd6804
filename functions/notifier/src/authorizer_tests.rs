//! Tokens of a made-up issuer, and which of them let somebody in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use aws::http::caller::Role;

use super::*;

const FAR: i64 = 4_000_000_000;
/// What good tokens may do.
const SCOPE: &str = "openid evaluations/Viewer";

/// An issuer that answers with its one key, unless it is broken, and counts how often it is asked for it.
struct Issuer {
    url: String,
    key: EcdsaKeyPair,
    asked: Arc<AtomicUsize>,
    broken: Arc<AtomicBool>,
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    async fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let point = key.public_key().as_ref();
        let (x, y) = (encoded(&point[1..33]), encoded(&point[33..65]));
        let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256", "x": x, "y": y}]});
        let about = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let broken = Arc::new(AtomicBool::new(false));
        let is_broken = Arc::clone(&broken);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let is_keys = request[..read].starts_with(b"GET /keys");
                counter.fetch_add(usize::from(is_keys), Ordering::Relaxed);
                let body = if is_keys { &keys } else { &about }.to_string();
                let status = match is_broken.load(Ordering::Relaxed) {
                    true => "503 Service Unavailable",
                    false => "200 OK",
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        Self {
            url,
            key,
            asked,
            broken,
        }
    }

    fn authorizer(&self) -> Authorizer {
        let roles = Role::ALL.map(|role| (role, format!("evaluations/{role:?}")));
        let audiences = vec!["app".into(), "page".into()];
        Authorizer::new(self.url.clone(), audiences, RoleScopes::named(roles))
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let text = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        );
        let signature = self
            .key
            .sign(&SystemRandom::new(), text.as_bytes())
            .unwrap();
        format!("{text}.{}", encoded(signature.as_ref()))
    }

    /// A good token, but for these claims.
    fn token(&self, but: Value) -> String {
        let mut claims =
            json!({"iss": self.url, "sub": "anna", "aud": "app", "exp": FAR, "scope": SCOPE});
        claims
            .as_object_mut()
            .unwrap()
            .extend(but.as_object().unwrap().clone());
        self.signed(&json!({"alg": "ES256", "kid": "1", "typ": "JWT"}), &claims)
    }
}

fn request(token: &str) -> Value {
    json!({"type": "REQUEST", "methodArn": "arn:x", "headers": {"authorization": format!("Bearer {token}")}})
}

fn effect(answer: &Value) -> &str {
    answer["policyDocument"]["Statement"][0]["Effect"]
        .as_str()
        .unwrap()
}

#[tokio::test]
async fn a_good_token_lets_its_subject_in_from_header_or_query() {
    let issuer = Issuer::new().await;
    let authorizer = issuer.authorizer();
    let token = issuer.token(json!({}));
    let by_query = json!({"methodArn": "arn:x", "queryStringParameters": {"access_token": token}});
    for event in [request(&token), by_query] {
        let answer = authorizer.answer(&event).await;
        assert_eq!(
            (effect(&answer), &answer["principalId"]),
            ("Allow", &json!("anna"))
        );
    }
    for good in [
        json!({"aud": ["x", "page"]}),
        json!({"aud": null, "client_id": "page"}),
        json!({"scope": null, "scp": ["openid", "evaluations/Technician"]}),
        json!({"scope": "", "scp": "evaluations/Operator"}),
    ] {
        let answer = authorizer.answer(&request(&issuer.token(good))).await;
        assert_eq!(effect(&answer), "Allow");
    }
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1, "keys are kept");
}

#[tokio::test]
async fn any_other_token_lets_nobody_in() {
    let issuer = Issuer::new().await;
    let (authorizer, other) = (issuer.authorizer(), Issuer::new().await);
    let claims =
        json!({"iss": issuer.url, "sub": "anna", "aud": "app", "exp": FAR, "scope": SCOPE});
    let refused = [
        issuer.token(json!({"exp": 1})),
        issuer.token(json!({"nbf": FAR})),
        issuer.token(json!({"aud": "another"})),
        issuer.token(json!({"aud": null})),
        issuer.token(json!({"aud": null, "client_id": "another"})),
        issuer.token(json!({"iss": "https://another.example"})),
        issuer.token(json!({"iss": null})),
        issuer.token(json!({"scope": null})),
        issuer.token(json!({"scope": "openid"})),
        issuer.token(json!({"scope": ["evaluations"], "scp": 7})),
        issuer.signed(
            &json!({"alg": "ES256", "kid": "1"}),
            &json!({"sub": "anna", "aud": "app", "exp": FAR, "scope": SCOPE}),
        ),
        issuer.signed(
            &json!({"alg": "ES256", "kid": "1"}),
            &json!({"iss": issuer.url, "sub": "anna", "aud": "app", "scope": SCOPE}),
        ),
        other.signed(&json!({"alg": "ES256", "kid": "1"}), &claims),
        issuer.signed(&json!({"alg": "ES256", "kid": "2"}), &claims),
        issuer.signed(&json!({"alg": "ES256"}), &claims),
        issuer.signed(&json!({"alg": "HS256", "kid": "1"}), &claims),
        issuer.signed(&json!({"alg": "none", "kid": "1"}), &claims),
        "no token".into(),
        String::new(),
    ];
    for token in refused {
        assert_eq!(
            effect(&authorizer.answer(&request(&token)).await),
            "Deny",
            "{token}"
        );
    }
    assert_eq!(
        effect(&authorizer.answer(&json!({"methodArn": "arn:x"})).await),
        "Deny"
    );
}

#[tokio::test]
async fn unknown_keys_have_the_keys_fetched_once_a_minute() {
    let issuer = Issuer::new().await;
    let authorizer = issuer.authorizer();
    let claims =
        json!({"iss": issuer.url, "sub": "anna", "aud": "app", "exp": FAR, "scope": SCOPE});
    for number in 2..9 {
        let token = issuer.signed(&json!({"alg": "ES256", "kid": number.to_string()}), &claims);
        assert_eq!(effect(&authorizer.answer(&request(&token)).await), "Deny");
    }
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    assert_eq!(
        effect(&authorizer.answer(&request(&issuer.token(json!({})))).await),
        "Allow"
    );
}

#[tokio::test]
async fn keys_that_could_not_be_fetched_are_fetched_again_after_seconds() {
    let issuer = Issuer::new().await;
    let (authorizer, token) = (issuer.authorizer(), issuer.token(json!({})));
    let next_fetch_at = async || authorizer.keys.lock().await.next_fetch_at.unwrap();
    issuer.broken.store(true, Ordering::Relaxed);
    assert_eq!(effect(&authorizer.answer(&request(&token)).await), "Deny");
    let next = next_fetch_at().await;
    assert!(next <= Instant::now() + TRY_AGAIN_AFTER);
    issuer.broken.store(false, Ordering::Relaxed);
    tokio::time::sleep_until(next.into()).await;
    let begun = Instant::now();
    assert_eq!(effect(&authorizer.answer(&request(&token)).await), "Allow");
    assert!(next_fetch_at().await >= begun + FETCH_AGAIN_AFTER);
}
