//! Schemas of words that are partly another type's: what the derive macro can't see.

use serde::Serialize;
use serde_json::json;
use utoipa::PartialSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// One of these words, or one of another type's.
pub(crate) fn words<Other: PartialSchema>(
    description: &str,
    own: &[impl Serialize],
) -> RefOr<Schema> {
    let others = match Other::schema() {
        RefOr::T(Schema::Object(others)) => others.enum_values,
        RefOr::T(_) | RefOr::Ref(_) => None,
    };
    let own = own.iter().map(|word| json!(word));
    let all: Vec<_> = own.chain(others.unwrap_or_default()).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(all))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::checklist::WarningCode;
    use crate::decide::miss::Miss;
    use crate::decide::stale::StaleReason;

    #[test]
    fn words_of_both_types_are_listed() {
        let listed = [Miss::schema(), StaleReason::schema(), WarningCode::schema()];
        let listed = listed.map(|schema| json!(schema)["enum"].clone());
        let expected = json!([
            [
                "first",
                "forced",
                "photos",
                "expired",
                "emptied",
                "incomplete"
            ],
            ["photos", "emptied"],
            [
                "too_dark",
                "too_blurred",
                "shows_no_step",
                "same_photo",
                "looks_like"
            ],
        ]);
        let of_others = ["model", "size_policy", "taken_far_away"];
        for (at, words) in listed.iter().enumerate() {
            let words = words.as_array().unwrap();
            let own = expected[at].as_array().unwrap();
            assert_eq!(&words[..own.len()], own.as_slice());
            assert!(words.contains(&json!(of_others[at])), "{words:?}");
        }
    }
}
