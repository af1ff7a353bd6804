//! What of a request may be left out where a server refuses it.

use super::refusal::Refusal;

/// A part of a request that we can do without, or say in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `priority`: bulk work is then only held back by its own queue.
    Priority,
    /// `seed`: the same photo may then get another answer.
    Seed,
    /// `temperature`, the same.
    Temperature,
    /// `stream_options`: answers then come without a count of their tokens.
    StreamOptions,
    /// `max_tokens`, which is then called `max_completion_tokens`.
    MaxTokens,
    /// `logprobs`: nothing is then said of how sure the model was.
    Logprobs,
    /// `top_logprobs`, which then are fewer.
    Choices,
    /// `minimum`, `maxItems` and the like within the schema; answers are read with suspicion either way.
    Bounds,
    /// `strict` beside the schema.
    Strict,
    /// The schema itself, which then stands in the prompt.
    Schema,
}

/// All, in the order in which a refusal is looked through: what costs least first.
pub(super) const ALL: [Field; 10] = [
    Field::Priority,
    Field::Choices,
    Field::Logprobs,
    Field::Seed,
    Field::Temperature,
    Field::StreamOptions,
    Field::MaxTokens,
    Field::Bounds,
    Field::Strict,
    Field::Schema,
];

/// How servers say that they don't take something.
const REFUSED: [&str; 20] = [
    "unsupported",
    "not support",
    "not permitted",
    "extra input",
    "extra_forbidden",
    "unknown",
    "unrecognized",
    "unexpected",
    "not allowed",
    "deprecated",
    "not enabled",
    "unavailable",
    "invalid",
    "incompatible",
    "only the default",
    "too many states",
    "unimplemented",
    "no parameter",
    "not accept",
    "not implemented",
];
/// How servers say that they tell of fewer other tokens: Azure, vLLM, Together.
const TOO_MANY: [&str; 6] = [
    "less than or equal",
    "greater than",
    "must be between",
    "must be less",
    "at most",
    "exceeds",
];
/// How a server fails whose grammar leaves a token no probability at all: SGLang.
const NO_JSON: &str = "not json compliant";
const BOUNDS: [&str; 4] = ["minimum", "maximum", "minitems", "maxitems"];
const SCHEMAS: [&str; 7] = [
    "response_format",
    "json_schema",
    "json schema",
    "schema",
    "grammar",
    "structured output",
    "guided",
];

impl Field {
    /// Its name in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Seed => "seed",
            Self::Temperature => "temperature",
            Self::StreamOptions => "stream_options",
            Self::MaxTokens => "max_tokens",
            Self::Logprobs => "logprobs",
            Self::Choices => "top_logprobs",
            Self::Bounds => "minimum",
            Self::Strict => "strict",
            Self::Schema => "response_format",
        }
    }

    /// What the operator is told where it can't be left out any more.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Priority => "the server refuses `priority`",
            Self::Seed => "the server refuses `seed`",
            Self::Temperature => "the server refuses `temperature`",
            Self::StreamOptions => "the server refuses `stream_options`",
            Self::MaxTokens => "the server refuses `max_tokens`",
            Self::Logprobs | Self::Choices => "the server refuses `logprobs`",
            Self::Bounds | Self::Strict | Self::Schema => {
                "the server does not take our JSON schema (response_format)"
            }
        }
    }

    /// The first that this refusal names.
    pub(super) fn refused(refusal: &Refusal) -> Option<Self> {
        let said = format!(
            "{} {} {}",
            refusal.words,
            refusal.codes.join(" "),
            refusal.params.join(" ")
        );
        let said = said.to_lowercase();
        let refused = REFUSED.iter().any(|words| said.contains(words));
        let mut named = ALL
            .into_iter()
            .filter(|field| field.is_named(&said, refusal));
        named.find(|field| refused || field.is_refused_by_number(&said))
    }

    fn is_named(self, said: &str, refusal: &Refusal) -> bool {
        let of_schema = || SCHEMAS.iter().any(|words| said.contains(words));
        match self {
            Self::Bounds => {
                let bound = BOUNDS.iter().any(|bound| is_word(said, bound));
                of_schema() && (bound || said.contains("too many states"))
            }
            Self::Schema => of_schema(),
            Self::MaxTokens => {
                let other = said.contains("max_completion_tokens");
                let is_param = refusal.params.iter().any(|param| param == "max_tokens");
                is_word(said, "max_tokens")
                    && (other || is_param)
                    && !said.contains("max_model_len")
            }
            Self::Choices => {
                let number = TOO_MANY.iter().any(|words| said.contains(words));
                number && said.contains("logprobs")
            }
            Self::Logprobs => said.contains("logprobs") || said.contains(NO_JSON),
            Self::StreamOptions => {
                said.contains("stream_options") || said.contains("include_usage")
            }
            other => {
                is_word(said, other.name()) || (other == Self::Seed && said.contains("random_seed"))
            }
        }
    }

    /// Whether a server says that it tells fewer, or that it can't write what it found.
    fn is_refused_by_number(self, said: &str) -> bool {
        let of_choices = matches!(self, Self::Choices | Self::Logprobs);
        let number = || TOO_MANY.iter().any(|words| said.contains(words));
        of_choices && (said.contains(NO_JSON) || number())
    }

    fn bit(self) -> u16 {
        match ALL.iter().position(|field| *field == self) {
            Some(at) => 1 << at,
            None => 0,
        }
    }
}

/// Whether the word stands by itself.
fn is_word(text: &str, word: &str) -> bool {
    let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !of_word(c)).any(|other| other == word)
}

/// Fields that are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeftOut(u16);

impl LeftOut {
    pub(super) fn of_bits(bits: u16) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }

    pub(super) fn and(self, field: Field) -> Self {
        Self(self.0 | field.bit())
    }

    pub(super) fn has(self, field: Field) -> bool {
        self.0 & field.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_learnt_from_a_refusal_that_names_it_and_from_no_other() {
        for (words, expected) in [
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                Some(Field::MaxTokens),
            ),
            (
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is.",
                Some(Field::Temperature),
            ),
            (
                "litellm.UnsupportedParamsError: m does not support parameters: ['seed']",
                Some(Field::Seed),
            ),
            (
                "Unknown parameter: stream_options.include_usage",
                Some(Field::StreamOptions),
            ),
            (
                "Got priority 1 but Priority scheduling is not enabled.",
                Some(Field::Priority),
            ),
            (
                "Invalid schema for response_format: 'minimum' is not permitted.",
                Some(Field::Bounds),
            ),
            (
                "This response_format type is unavailable now",
                Some(Field::Schema),
            ),
            (
                "Extra inputs are not permitted: strict",
                Some(Field::Strict),
            ),
            (
                "max_tokens=100000 cannot be greater than max_model_len=32768",
                None,
            ),
            ("This model's maximum context length is 8192 tokens", None),
            (
                "You are not allowed to request logprobs from this model",
                Some(Field::Logprobs),
            ),
            (
                "Logprobs is not enabled for models/gemini-2.5-pro",
                Some(Field::Logprobs),
            ),
            (
                "Invalid value for 'top_logprobs': must be less than or equal to 5.",
                Some(Field::Choices),
            ),
            (
                "Requested sample logprobs of 12, which is greater than max allowed: 5",
                Some(Field::Choices),
            ),
            ("Invalid image", None),
            ("seeds are sown", None),
        ] {
            let refusal = Refusal {
                words: words.into(),
                ..Refusal::default()
            };
            assert_eq!(Field::refused(&refusal), expected, "{words}");
        }
        let by_place = Refusal {
            codes: vec!["extra_forbidden".into()],
            params: vec!["body".into(), "seed".into()],
            ..Refusal::default()
        };
        assert_eq!(Field::refused(&by_place), Some(Field::Seed));
    }

    #[test]
    fn what_is_left_out_adds_up() {
        let all = ALL.into_iter().fold(LeftOut::default(), LeftOut::and);
        assert!(
            ALL.into_iter()
                .all(|field| all.has(field) && !LeftOut::default().has(field))
        );
        assert_eq!(all.bits().count_ones(), 10);
    }
}
