//! Where each version comes from that an answer depends on.

use evaluation::domain::versions::{VersionPart, Versions};

use crate::prompt::PROMPT_VERSION;

/// The versions of answers that this program asks for: catalogue, model and size policy as a deployment or a benchmark
/// chooses them, the prompt as the program holds it.
pub fn versions(catalogue: &str, model: &str, size_policy: &str) -> Versions {
    Versions::from_fn(|part| {
        let version = match part {
            VersionPart::Catalogue => catalogue,
            VersionPart::Model => model,
            VersionPart::Prompt => PROMPT_VERSION,
            VersionPart::SizePolicy => size_policy,
        };
        version.to_owned()
    })
}
