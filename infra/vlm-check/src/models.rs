//! A server's list of models, in the forms that are in use.

use serde_json::Value;

/// Where servers say how many tokens a model's context holds: vLLM and SGLang, OpenRouter and Together, Groq and
/// Cerebras, Mistral and LM Studio, llama.cpp.
const CONTEXTS: [&str; 5] = [
    "/max_model_len",
    "/context_length",
    "/context_window",
    "/max_context_length",
    "/meta/n_ctx",
];

/// A model that a server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// Tokens that its context holds, if the list says it.
    pub(crate) context: Option<u64>,
}

/// The models of a list; none if it is no list.
pub(crate) fn listed(text: &str) -> Option<Vec<Listed>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let entries = ["data", "models"].iter().find_map(|name| value.get(*name));
    let entries = entries.unwrap_or(&value).as_array()?;
    let listed = entries.iter().filter_map(|entry| {
        let name = ["id", "name", "model"]
            .iter()
            .find_map(|name| entry.get(*name));
        let context = CONTEXTS.iter().find_map(|path| entry.pointer(path));
        Some(Listed {
            name: name?.as_str()?.to_owned(),
            context: context.and_then(Value::as_u64),
        })
    });
    Some(listed.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_all_kinds_are_read() {
        for (list, expected) in [
            (json!({"data": [{"id": "m", "max_model_len": 8}]}), Some(8)),
            (json!([{"id": "m", "context_length": 8}]), Some(8)),
            (json!({"models": [{"name": "m", "model": "n"}]}), None),
            (
                json!({"data": [{"id": "m", "meta": {"n_ctx": 8}}, {"no": "name"}, 7]}),
                Some(8),
            ),
        ] {
            let expected = Listed {
                name: "m".into(),
                context: expected,
            };
            assert_eq!(listed(&list.to_string()), Some(vec![expected]), "{list}");
        }
        assert_eq!(listed("<html>"), None);
        assert_eq!(listed(r#"{"error": "no"}"#), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_none(text in "[\\[\\]{}:,\"a-z0-9]{0,40}") {
            let _ = listed(&text);
        }
    }
}
