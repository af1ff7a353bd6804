//! Who calls, and in which roles, as the gateway found out.
//!
//! # Invariants
//! - Only what the gateway wrote into a request's context counts, never what a request claims.
//! - Who calls is in no log of a function: the gateway's access log says who did what.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequest};

use crate::configuration::{ConfigError, required};

/// Claims that hold a token's scopes, by issuer one or the other.
const SCOPE_CLAIMS: [&str; 2] = ["scope", "scp"];

/// What somebody may do. Which route is open to which role is in the table of `functions/api/README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Uploads a DR's photos, asks about it, and says what is to be known of its steps.
    Technician,
    /// Reads, all DRs together as well.
    Viewer,
    /// Decides; sees where photos were taken and which DRs have to do with each other.
    Reviewer,
    /// Runs the system.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Technician,
        Self::Viewer,
        Self::Reviewer,
        Self::Operator,
    ];

    /// The setting that says what its scope is called.
    fn setting(self) -> &'static str {
        match self {
            Self::Technician => "TECHNICIAN_SCOPE",
            Self::Viewer => "VIEWER_SCOPE",
            Self::Reviewer => "REVIEWER_SCOPE",
            Self::Operator => "OPERATOR_SCOPE",
        }
    }
}

/// What the roles' scopes are called. Two roles may have one scope: who has it, has both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleScopes(BTreeMap<Role, String>);

impl RoleScopes {
    /// Roles and what their scopes are called.
    pub fn named(scopes: impl IntoIterator<Item = (Role, String)>) -> Self {
        Self(scopes.into_iter().collect())
    }

    /// All of them, from the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::of(&Role::ALL)
    }

    /// Those of these roles, from the environment.
    pub fn of(roles: &[Role]) -> Result<Self, ConfigError> {
        let scope = |role: &Role| Ok((*role, required(role.setting())?));
        roles.iter().map(scope).collect::<Result<_, _>>().map(Self)
    }

    /// The roles that these scopes give.
    pub fn roles<'a>(&self, scopes: impl IntoIterator<Item = &'a str>) -> BTreeSet<Role> {
        let given: BTreeSet<&str> = scopes.into_iter().collect();
        let has = |(_, scope): &(&Role, &String)| given.contains(scope.as_str());
        self.0.iter().filter(has).map(|(role, _)| *role).collect()
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a>(Option<&'a ApiGatewayRequestAuthorizer>);

impl<'a> Caller<'a> {
    /// Of this request.
    pub fn of(request: &'a ApiGatewayV2httpRequest) -> Self {
        Self(request.request_context.authorizer.as_ref())
    }

    /// The subject of the token, or the ARN whose key signed; none where no gateway asked. All who sign through one
    /// Cognito identity pool share an ARN: of them it is the identity.
    pub fn name(&self) -> Option<&'a str> {
        let signed = || {
            let iam = self.0?.iam.as_ref()?;
            let of_pool = iam.cognito_identity.as_ref();
            let identity = of_pool.and_then(|of_pool| of_pool.identity_id.as_deref());
            identity.or(iam.user_arn.as_deref())
        };
        self.claim("sub").or_else(signed)
    }

    /// The roles that the caller's token gives. Who signs has none of these: what IAM lets them do is by route.
    pub fn roles(&self, named: &RoleScopes) -> BTreeSet<Role> {
        let claims = SCOPE_CLAIMS.iter().filter_map(|name| self.claim(name));
        named.roles(claims.flat_map(scopes))
    }

    fn claim(&self, name: &str) -> Option<&'a str> {
        let jwt = self.0?.jwt.as_ref()?;
        jwt.claims.get(name).map(String::as_str)
    }
}

/// The scopes in a claim's text: words with blanks between them, or, as the gateway writes lists, `[one other]`.
pub fn scopes(claim: &str) -> impl Iterator<Item = &str> {
    let listed = claim
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    listed.unwrap_or(claim).split_whitespace()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    fn request(authorizer: Value) -> ApiGatewayV2httpRequest {
        let sample = include_str!("../../../../tests/events/api-history.json");
        let mut event: Value = serde_json::from_str(sample).unwrap();
        event["requestContext"]["authorizer"] = authorizer;
        ApiGatewayV2httpRequest::deserialize(event).unwrap()
    }

    fn roles(claims: Value) -> Vec<Role> {
        let named = Role::ALL.map(|role| (role, format!("evaluations/{role:?}").to_lowercase()));
        let named = RoleScopes(named.into());
        let request = request(json!({"jwt": {"claims": claims, "scopes": null}}));
        Caller::of(&request).roles(&named).into_iter().collect()
    }

    #[test]
    fn who_calls_is_what_the_gateway_found_out() {
        let of = |authorizer: Value| {
            let request = request(authorizer);
            Caller::of(&request).name().map(str::to_owned)
        };
        let arn = "arn:aws:sts::123456789012:assumed-role/app/7";
        assert_eq!(of(json!({"iam": {"userArn": arn}})).as_deref(), Some(arn));
        let none = json!({"iam": {"userArn": arn, "cognitoIdentity": null}});
        assert_eq!(of(none).as_deref(), Some(arn));
        let arn = "arn:aws:sts::123456789012:assumed-role/app/CognitoIdentityCredentials";
        for identity in ["eu-west-1:anna", "eu-west-1:ben"] {
            let of_pool =
                json!({"amr": [], "identityId": identity, "identityPoolId": "eu-west-1:pool"});
            let signed = json!({"iam": {"userArn": arn, "cognitoIdentity": of_pool}});
            assert_eq!(of(signed).as_deref(), Some(identity));
        }
        let jwt = json!({"jwt": {"claims": {"sub": "u-7", "email": "a@b"}, "scopes": null}});
        assert_eq!(of(jwt).as_deref(), Some("u-7"));
        assert_eq!(of(json!({})), None);
        assert_eq!(of(Value::Null), None);
    }

    #[test]
    fn roles_are_those_of_the_tokens_scopes_however_the_issuer_names_the_claim() {
        let operator = "openid evaluations/operator";
        assert_eq!(roles(json!({"scope": operator})), [Role::Operator]);
        assert_eq!(roles(json!({"scp": operator})), [Role::Operator]);
        let list = "[evaluations/viewer evaluations/technician]";
        assert_eq!(
            roles(json!({"scp": list})),
            [Role::Technician, Role::Viewer]
        );
        for none in [
            "",
            "[]",
            "operator",
            "evaluations/operators",
            "Evaluations/Operator",
        ] {
            assert_eq!(roles(json!({"scope": none})), [], "{none}");
        }
        assert_eq!(roles(json!({"groups": operator})), [], "another claim");
    }

    #[test]
    fn who_signs_has_the_roles_of_no_token() {
        let named = RoleScopes(BTreeMap::from([(Role::Operator, "x".into())]));
        let signed = request(json!({"iam": {"userArn": "arn:aws:iam::123456789012:user/x"}}));
        assert!(Caller::of(&signed).roles(&named).is_empty());
    }
}
