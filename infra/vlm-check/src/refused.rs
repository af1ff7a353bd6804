//! What a person must mend before the server answers: one line that says what is wrong, one that says what to change.

use serde::Serialize;
use vlm::client::ClientError;
use vlm::endpoint::AddressError;
use vlm::failure::{About, RetryCause, Setting, VlmFailure};

use crate::models::Listed;

const MOST_MODELS: usize = 20;
const CHECK_URL: &str = "Check --vlm-url, and that the server runs.";

/// Why the server is of no use yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// What is wrong.
    pub(crate) said: String,
    /// What to change.
    pub(crate) change: String,
}

impl Refused {
    fn new(said: String, change: impl Into<String>) -> Self {
        Self {
            said,
            change: change.into(),
        }
    }

    pub(crate) fn of_client(error: &ClientError) -> Self {
        let change = match error {
            ClientError::Address(AddressError::NoHeader(_)) => "Check VLM_HEADERS.",
            ClientError::Address(AddressError::HoldsSecret(_)) => {
                "Leave it out of --vlm-url; the key is read from the variable VLM_API_KEY."
            }
            ClientError::Address(AddressError::NoAddress(_)) => "Check --vlm-url.",
            ClientError::Http(_) => "Check the certificates of this machine.",
        };
        Self::new(format!("{error}."), change)
    }

    /// Of what the server said to a question as the functions ask it; none if it may answer all the same.
    pub(crate) fn of_answer(failure: &VlmFailure, asked: &Asked) -> Option<Self> {
        let VlmFailure::RetryLater { cause, about, .. } = failure else {
            return None;
        };
        match (cause, about) {
            (RetryCause::Misconfigured, Some(about)) => {
                Some(Self::misconfigured(*about, failure.detail(), asked))
            }
            (RetryCause::Misconfigured, None) => {
                Some(Self::misconfigured(About::Request, failure.detail(), asked))
            }
            (RetryCause::Failed, Some(About::Request)) if asked.model_is_unknown() => {
                Some(asked.unknown_model(failure.detail()))
            }
            (RetryCause::Failed, Some(About::Request)) => Some(asked.refuses(
                failure.detail(),
                "Nothing says why: look into the server's log.",
            )),
            (RetryCause::Unavailable, _) if !asked.model_is_listed() => {
                Some(asked.nobody(failure.detail()))
            }
            (RetryCause::Failed, _) if asked.models.is_none() => {
                Some(asked.nobody(failure.detail()))
            }
            _ => None,
        }
    }

    fn misconfigured(about: About, detail: &str, asked: &Asked) -> Self {
        let detail = without_advice(about, detail);
        match about.setting() {
            Setting::Key => asked.refuses_key(detail),
            Setting::Model => asked.unknown_model(detail),
            Setting::Address if asked.model_is_unknown() => asked.unknown_model(detail),
            Setting::Address => asked.nobody(detail),
            Setting::Other => {
                let advice = about.advice().unwrap_or("what the server names");
                asked.refuses(
                    detail,
                    format!("Change at the server or its provider: {advice}."),
                )
            }
        }
    }
}

/// The server's words alone: what to change is said behind them.
fn without_advice(about: About, detail: &str) -> &str {
    let advice = about.advice().unwrap_or_default();
    let words = detail.strip_prefix(advice).unwrap_or(detail);
    words.trim_start_matches(": ")
}

/// Who was asked, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) address: &'a str,
    pub(crate) model: &'a str,
    pub(crate) has_key: bool,
    /// Its models; none if it lists none.
    pub(crate) models: Option<&'a [Listed]>,
}

impl Asked<'_> {
    pub(crate) fn model_is_listed(&self) -> bool {
        let models = self.models.unwrap_or_default();
        models.iter().any(|listed| listed.name == self.model)
    }

    /// A server may take a model that it does not list, but hardly refuses one that it has.
    fn model_is_unknown(&self) -> bool {
        self.models.is_some_and(|models| !models.is_empty()) && !self.model_is_listed()
    }

    fn unknown_model(&self, detail: &str) -> Refused {
        let models = self.models.unwrap_or_default();
        let names = models
            .iter()
            .take(MOST_MODELS)
            .map(|listed| listed.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        let has = match models.len() {
            0 => "it lists none".into(),
            1..=MOST_MODELS => format!("it has {names}"),
            more => format!("it has {more}, such as {names}"),
        };
        let said = format!(
            "The VLM has no model {}; {has}. It says: {detail}.",
            self.model
        );
        Refused::new(said, "Say --vlm-model.")
    }

    pub(crate) fn refuses_key(&self, detail: &str) -> Refused {
        let which = if self.has_key {
            "refuses the key"
        } else {
            "wants a key"
        };
        let detail = without_advice(About::Key, detail);
        Refused::new(
            format!("The VLM {which}: {detail}."),
            "The key is read from the variable VLM_API_KEY, headers of your own from VLM_HEADERS.",
        )
    }

    fn nobody(&self, detail: &str) -> Refused {
        let said = format!("At {} no VLM answers: {detail}.", self.address);
        Refused::new(said, CHECK_URL)
    }

    fn refuses(&self, detail: &str, change: impl Into<String>) -> Refused {
        let said = format!(
            "The VLM at {} refuses a question about a photo: {detail}.",
            self.address
        );
        Refused::new(said, change)
    }
}
