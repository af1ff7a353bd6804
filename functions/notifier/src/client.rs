//! What clients say: they connect, subscribe, ping and go.
//!
//! # Invariants
//! - Each message has an answer, or its connection ends: a flood is answered once.

use evaluation::decide::watch::Watched;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::run::error::RunError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connections::{Added, MOST_MESSAGES};
use crate::live::Live;

/// No message of a client needs more.
const LONGEST_MESSAGE: usize = 4 * 1024;

/// An event of the WebSocket API.
#[derive(Debug, Deserialize)]
pub(crate) struct ClientEvent {
    #[serde(rename = "requestContext")]
    context: Context,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    event_type: EventType,
    connection_id: String,
    #[serde(default)]
    authorizer: Option<Authorized>,
    #[serde(default)]
    identity: Identity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum EventType {
    Connect,
    Message,
    Disconnect,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorized {
    #[serde(default)]
    principal_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    #[serde(default)]
    cognito_identity_id: Option<String>,
    #[serde(default)]
    user_arn: Option<String>,
    #[serde(default)]
    source_ip: Option<String>,
}

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Subscribe(Watched),
    Unsubscribe(Watched),
    Ping,
}

/// Why a message is refused, in a word for programs and in words for people.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }
}

/// A message, as it is written.
#[derive(Deserialize)]
struct Said {
    action: String,
    #[serde(default)]
    dr_number: Option<String>,
    #[serde(default)]
    evaluation_id: Option<String>,
}

/// Handles an event; the answer goes to API Gateway. Messages to the client go their own way.
pub(crate) async fn handle(live: &Live, event: ClientEvent) -> Result<Value, RunError> {
    let id = &event.context.connection_id;
    let status = match event.context.event_type {
        EventType::Connect => match live.connections.open(id, principal(&event.context)).await? {
            Added::Yes => 200,
            Added::TooMany => 429,
        },
        EventType::Disconnect => {
            live.connections.close(id).await?;
            200
        }
        EventType::Message => {
            message(live, id, event.body.as_deref().unwrap_or_default()).await?;
            200
        }
    };
    Ok(json!({"statusCode": status}))
}

/// Whose connection it is. Signed requests have the caller, tokens their subject. All who sign through one identity pool
/// share an ARN, but not an identity.
fn principal(context: &Context) -> &str {
    let authorized = context.authorizer.as_ref();
    let subject = authorized.and_then(|authorized| authorized.principal_id.as_deref());
    let identity = &context.identity;
    subject
        .or(identity.cognito_identity_id.as_deref())
        .or(identity.user_arn.as_deref())
        .or(identity.source_ip.as_deref())
        .unwrap_or("unknown")
}

async fn message(live: &Live, id: &str, body: &str) -> Result<(), RunError> {
    // One that is not known any more is ended: it would wait for nothing.
    let Some(count) = live.connections.count(id).await? else {
        live.sender.disconnect(id).await;
        return Ok(());
    };
    if count.received > MOST_MESSAGES {
        if count.received == MOST_MESSAGES + 1 {
            let flood = Refusal::new(
                "flood",
                "You sent too many messages; connect again, and send fewer.",
            );
            live.sender.send(id, &[said(&flood)]).await;
        }
        live.sender.disconnect(id).await;
        return Ok(());
    }
    let refused = match wish(body) {
        Ok(Wish::Ping) => {
            // With the number of the last message, or who missed the last of all would never know.
            let pong = json!({"type": "pong", "last_sequence": count.sequence});
            live.sender.send(id, &[pong]).await;
            None
        }
        Ok(Wish::Subscribe(what)) => subscribe(live, id, &what).await?,
        Ok(Wish::Unsubscribe(what)) => {
            live.connections.unwatch(id, &what).await?;
            live.sender
                .send(id, &[json!({"type": "unsubscribed"})])
                .await;
            None
        }
        Err(refusal) => Some(refusal),
    };
    if let Some(refusal) = refused {
        live.sender.send(id, &[said(&refusal)]).await;
    }
    Ok(())
}

async fn subscribe(live: &Live, id: &str, what: &Watched) -> Result<Option<Refusal>, RunError> {
    if let Watched::Evaluation(evaluation) = what
        && !live.is_known(evaluation).await?
    {
        let message = format!("There is no evaluation {evaluation}.");
        return Ok(Some(Refusal::new("unknown-evaluation", message)));
    }
    // The subscription stands before the state is read: what changes between the two is told.
    match live.connections.watch(id, what).await? {
        Added::Yes => {
            // Whose connection it is says the access log.
            tracing::info!(connection.id = id, watched = ?what, "somebody watches");
            live.send_state(id, what).await.map(|()| None)
        }
        Added::TooMany => {
            let message = "This connection watches too much; unsubscribe from something first.";
            Ok(Some(Refusal::new("too-many-subscriptions", message)))
        }
    }
}

fn said(refusal: &Refusal) -> Value {
    json!({"type": "error", "code": refusal.code, "message": refusal.message})
}

fn wish(body: &str) -> Result<Wish, Refusal> {
    if body.len() > LONGEST_MESSAGE {
        let message = format!("A message has at most {LONGEST_MESSAGE} bytes.");
        return Err(Refusal::new("too-large", message));
    }
    let malformed = |_| {
        Refusal::new(
            "malformed",
            r#"A message is a JSON object such as {"action": "subscribe", "dr_number": "DR1730550"}."#,
        )
    };
    let said: Said = serde_json::from_str(body).map_err(malformed)?;
    match said.action.as_str() {
        "ping" => Ok(Wish::Ping),
        "subscribe" => watched(&said).map(Wish::Subscribe),
        "unsubscribe" => watched(&said).map(Wish::Unsubscribe),
        _ => Err(Refusal::new(
            "unknown-action",
            "There are the actions subscribe, unsubscribe and ping.",
        )),
    }
}

fn watched(said: &Said) -> Result<Watched, Refusal> {
    match (&said.dr_number, &said.evaluation_id) {
        (Some(dr), None) => DrNumber::parse(dr)
            .map(Watched::Dr)
            .map_err(|invalid| Refusal::new("bad-dr-number", invalid.0)),
        (None, Some(id)) => EvaluationId::parse(id)
            .map(Watched::Evaluation)
            .map_err(|invalid| Refusal::new("unknown-evaluation", invalid.0)),
        _ => Err(Refusal::new(
            "malformed",
            "Name either a dr_number or an evaluation_id.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> &'static str {
        wish(body).map_or_else(|refusal| refusal.code, |wish| panic!("{wish:?}"))
    }

    #[test]
    fn what_clients_may_say() {
        let dr = DrNumber::parse("DR1730550").unwrap();
        let subscribe = r#"{"action": "subscribe", "dr_number": "dr1730550"}"#;
        assert_eq!(wish(subscribe), Ok(Wish::Subscribe(Watched::Dr(dr))));
        let id = "01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d";
        let unsubscribe = json!({"action": "unsubscribe", "evaluation_id": id}).to_string();
        let what = Watched::Evaluation(EvaluationId::parse(id).unwrap());
        assert_eq!(wish(&unsubscribe), Ok(Wish::Unsubscribe(what)));
        assert_eq!(wish(r#"{"action": "ping"}"#), Ok(Wish::Ping));
    }

    #[test]
    fn what_is_wrong_with_a_message_is_said() {
        for malformed in [
            "",
            "no JSON",
            "7",
            "[]",
            r#"{"dr_number": "DR1"}"#,
            r#"{"action": "subscribe"}"#,
        ] {
            assert_eq!(code(malformed), "malformed", "{malformed}");
        }
        assert_eq!(code(r#"{"action": "dance"}"#), "unknown-action");
        assert_eq!(
            code(r#"{"action": "subscribe", "dr_number": "D-1"}"#),
            "bad-dr-number"
        );
        assert_eq!(
            code(r#"{"action": "subscribe", "evaluation_id": "7"}"#),
            "unknown-evaluation"
        );
        assert_eq!(code(&"x".repeat(LONGEST_MESSAGE + 1)), "too-large");
    }

    #[test]
    fn a_client_is_known_by_its_token_or_its_signature() {
        let event = |authorizer: Value, identity: Value| {
            let context = json!({"eventType": "CONNECT", "connectionId": "c", "authorizer": authorizer, "identity": identity});
            serde_json::from_value::<ClientEvent>(json!({"requestContext": context})).unwrap()
        };
        let by_token = event(
            json!({"principalId": "anna"}),
            json!({"sourceIp": "10.0.0.1"}),
        );
        assert_eq!(principal(&by_token.context), "anna");
        let signed = event(
            Value::Null,
            json!({"sourceIp": "10.0.0.1", "userArn": "arn:aws:iam::1:user/anna"}),
        );
        assert_eq!(principal(&signed.context), "arn:aws:iam::1:user/anna");
        let arn = "arn:aws:sts::1:assumed-role/app/CognitoIdentityCredentials";
        for identity in ["eu-west-1:anna", "eu-west-1:ben"] {
            let by_pool = json!({"userArn": arn, "cognitoIdentityId": identity});
            assert_eq!(principal(&event(Value::Null, by_pool).context), identity);
        }
    }
}
