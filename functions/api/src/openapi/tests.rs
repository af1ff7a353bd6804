//! The file in the repository is the document of the types, and its routes are those that are answered.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::document;
use crate::contract::DOCUMENT;

/// Set by `infra/local openapi`.
const WRITE: &str = "OPENAPI_WRITE";

fn operations() -> Vec<(String, String, Value)> {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let of = |(path, item): (String, Value)| {
        let methods = item.as_object().unwrap().clone();
        methods
            .into_iter()
            .map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.into_iter().flat_map(of).collect()
}

#[test]
fn the_document_is_that_of_the_types() {
    let made = document();
    if std::env::var_os(WRITE).is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        std::fs::write(file, made).unwrap();
    } else {
        assert!(
            made == DOCUMENT,
            "functions/api/openapi.json is another one than the types make: `infra/local openapi` writes it anew"
        );
    }
}

#[test]
fn operations_are_called_differently_and_say_what_they_do() {
    let operations = operations();
    let names: BTreeSet<&str> = operations
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), operations.len());
    for (method, path, operation) in &operations {
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1);
        let answers = operation["responses"].as_object().unwrap();
        for status in ["403", "429", "500", "503"] {
            assert!(answers.contains_key(status), "{method} {path}: {status}");
        }
        assert_eq!(answers.contains_key("304"), method == "GET");
    }
}
