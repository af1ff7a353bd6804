//! Who may ask by force, which uses no answer from before: operators.
//!
//! # Invariants
//! - `POST /evaluations/forced` is by force whatever its body says: the gateway lets nobody else in, by scope or by IAM.
//! - On `POST /evaluations`, whose bodies no gateway reads, only a token with the operator's scope may ask so.

use aws::http::caller::{Caller, Role, RoleScopes};
use aws::http::problem::Problem;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use evaluation::decide::start::{Request, Reuse};
use serde::Deserialize;
use serde_json::Value;

const FORCED: &str = "POST /evaluations/forced";

/// The request, if its caller may ask so: by force where its route says so.
pub(crate) fn allowed(
    named: &RoleScopes,
    event: &Value,
    asked: Request,
) -> Result<Request, Problem> {
    if event.get("routeKey").is_some_and(|route| route == FORCED) {
        let reuse = Reuse::Nothing;
        return Ok(Request { reuse, ..asked });
    }
    if asked.reuse != Reuse::Nothing || is_operator(named, event) {
        return Ok(asked);
    }
    Err(Problem::not_allowed(format!(
        "Only an operator may ask by force: with a token of that role, or by {FORCED}. Leave \"force\" out, or ask \
         an operator."
    )))
}

fn is_operator(named: &RoleScopes, event: &Value) -> bool {
    ApiGatewayV2httpRequest::deserialize(event)
        .is_ok_and(|request| Caller::of(&request).roles(named).contains(&Role::Operator))
}

#[cfg(test)]
mod tests {
    use evaluation::domain::ids::DrNumber;
    use evaluation::domain::plan::Mode;
    use serde_json::json;

    use super::*;

    fn asked(route: &str, authorizer: Value, reuse: Reuse) -> Result<Reuse, Problem> {
        let sample = include_str!("../../../tests/events/splitter-api.json");
        let mut event: Value = serde_json::from_str(sample).unwrap();
        event["routeKey"] = route.into();
        event["requestContext"]["authorizer"] = authorizer;
        // What a request says of itself counts for nothing.
        event["headers"]["scope"] = "evaluations/operator".into();
        let request = Request {
            dr_number: DrNumber::parse("DR1").unwrap(),
            mode: Mode::Full,
            reuse,
            catalogue: None,
        };
        let named = RoleScopes::named([(Role::Operator, "evaluations/operator".to_owned())]);
        allowed(&named, &event, request).map(|request| request.reuse)
    }

    fn token(scope: &str) -> Value {
        json!({"jwt": {"claims": {"sub": "u-7", "scope": scope}, "scopes": null}})
    }

    #[test]
    fn by_force_asks_an_operator_by_token_and_whom_the_gateway_lets_to_the_route_of_its_own() {
        let signed = json!({"iam": {"userArn": "arn:aws:iam::123456789012:user/x"}});
        let usual = "POST /evaluations";
        for (route, authorizer, is_allowed) in [
            (usual, token("openid evaluations/operator"), true),
            (
                usual,
                token("evaluations/reviewer evaluations/technician"),
                false,
            ),
            (usual, token(""), false),
            (usual, signed.clone(), false),
            (usual, Value::Null, false),
            ("$default", Value::Null, false),
            (FORCED, signed, true),
            (FORCED, token("evaluations/operator"), true),
        ] {
            let answer = asked(route, authorizer.clone(), Reuse::Nothing);
            let words = format!("{route} {authorizer}");
            match answer {
                Ok(reuse) => assert!(is_allowed && reuse == Reuse::Nothing, "{words}"),
                Err(problem) => {
                    assert_eq!((is_allowed, problem.status), (false, 403), "{words}");
                    assert!(problem.detail.contains("operator"), "{words}");
                }
            }
        }
    }

    #[test]
    fn the_route_is_by_force_whatever_the_body_says_and_anybody_may_ask_as_usual() {
        let anybody = token("evaluations/technician");
        assert_eq!(
            asked(FORCED, anybody.clone(), Reuse::Final).unwrap(),
            Reuse::Nothing
        );
        let usual = asked("POST /evaluations", anybody, Reuse::Final);
        assert_eq!(usual.unwrap(), Reuse::Final);
    }
}
