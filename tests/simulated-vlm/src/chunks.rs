//! The events of a streamed answer, and an answer in one piece, in a personality's form.

use serde_json::{Map, Value, json};

use crate::odds;
use crate::personality::{Form, Place, UsageAt};
use crate::server::Tokens;
use crate::tokens::CHARACTERS_PER_TOKEN;

/// What a model with thoughts thinks.
pub(crate) const THOUGHTS: &str = "The photo shows a device. I look at its display and its label.";

/// Whose events they are.
#[derive(Debug, Clone)]
pub(crate) struct Chunks {
    pub(crate) form: Form,
    pub(crate) model: String,
    pub(crate) tokens: Tokens,
    /// Whether the request asks for the count of tokens.
    pub(crate) wants_usage: bool,
    /// How sure the model is and of how many other tokens it tells, where the request asks for it.
    pub(crate) odds: Option<Odds>,
}

/// How log-probabilities are told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Odds {
    pub(crate) sharpness: f64,
    pub(crate) most: usize,
}

impl Chunks {
    /// What comes before anything is written.
    pub(crate) fn begin(&self) -> Vec<String> {
        let first = self.form.first.as_ref().map(|first| self.event(first));
        first.into_iter().collect()
    }

    /// A chunk without text.
    pub(crate) fn role(&self) -> Option<String> {
        let delta = json!({"role": "assistant", "content": ""});
        self.form.role_chunk.then(|| self.chunk(delta, None))
    }

    /// A comment, with nothing to say.
    pub(crate) fn comment(&self) -> Option<String> {
        let comment = self.form.comment.as_ref()?;
        Some(format!("{comment}{}", self.form.separator))
    }

    /// A piece of the thoughts.
    pub(crate) fn thought(&self, text: &str) -> String {
        let place = self.form.thoughts.unwrap_or_default();
        self.chunk(thought(place, text), None)
    }

    /// The pieces of the answer, a token each.
    pub(crate) fn texts(&self, text: &str) -> Vec<String> {
        let piece = |text: &str| json!({"content": content(self.form.text, text)});
        let Some(odds) = self.odds else {
            let pieces = pieces(text);
            return pieces
                .iter()
                .map(|text| self.chunk(piece(text), None))
                .collect();
        };
        let said = |(token, logprobs): (String, Value)| {
            let mut choice = self.choice("delta", piece(&token), None);
            with_field(&mut choice, "logprobs", json!({"content": [logprobs]}));
            self.with_choice(choice, None)
        };
        odds.of(text).into_iter().map(said).collect()
    }

    /// What comes behind all that was written.
    pub(crate) fn end(&self, finish: &str) -> Vec<String> {
        let mut events = vec![self.chunk(json!({"content": ""}), Some(finish))];
        if self.form.usage == UsageAt::OnRequest && self.wants_usage {
            let usage = json!({
                "id": "chatcmpl-simulation", "object": "chat.completion.chunk", "choices": [], "usage": self.usage(),
            });
            events.push(self.event(&usage));
        }
        events.extend(self.done());
        events
    }

    /// What ends every stream.
    pub(crate) fn done(&self) -> Option<String> {
        let separator = &self.form.separator;
        self.form.done.then(|| format!("data: [DONE]{separator}"))
    }

    /// An event with this data.
    pub(crate) fn event(&self, data: &Value) -> String {
        format!("data: {data}{}", self.form.separator)
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> String {
        self.with_choice(self.choice("delta", delta, finish), finish)
    }

    fn with_choice(&self, choice: Value, finish: Option<&str>) -> String {
        let mut chunk = json!({
            "id": "chatcmpl-simulation", "object": "chat.completion.chunk", "system_fingerprint": "simulation",
            "model": self.model, "choices": [choice],
        });
        let has_usage = match self.form.usage {
            UsageAt::Each => true,
            UsageAt::WithEnd => finish.is_some(),
            UsageAt::OnRequest | UsageAt::None => false,
        };
        if let (true, Some(fields)) = (has_usage, chunk.as_object_mut()) {
            fields.insert("usage".into(), self.usage());
        }
        self.event(&chunk)
    }

    fn choice(&self, name: &str, words: Value, finish: Option<&str>) -> Value {
        let mut choice = Map::from_iter(self.form.beside.clone());
        choice.extend([
            ("index".into(), json!(0)),
            (name.into(), words),
            ("finish_reason".into(), json!(finish)),
        ]);
        Value::Object(choice)
    }

    fn usage(&self) -> Value {
        let Tokens {
            prompt, completion, ..
        } = self.tokens;
        let [read, written] = &self.form.usage_names;
        let mut usage = Map::from_iter(self.form.usage_more.clone());
        usage.extend([
            (read.clone(), json!(prompt)),
            (written.clone(), json!(completion)),
            ("total_tokens".into(), json!(prompt + completion)),
        ]);
        Value::Object(usage)
    }

    /// The whole answer in one piece.
    pub(crate) fn whole(&self, text: &str, finish: &str) -> Value {
        let mut message = json!({"role": "assistant", "content": content(self.form.text, text)});
        let place = self.form.thoughts.filter(|place| *place != Place::Parts);
        if let (Some(place), Some(fields)) = (place, message.as_object_mut()) {
            fields.extend(
                thought(place, THOUGHTS)
                    .as_object()
                    .cloned()
                    .unwrap_or_default(),
            );
        }
        let mut choice = self.choice("message", message, Some(finish));
        if let Some(odds) = self.odds {
            let content: Vec<Value> = odds.of(text).into_iter().map(|(_, said)| said).collect();
            with_field(&mut choice, "logprobs", json!({"content": content}));
        }
        let mut body = json!({
            "id": "chatcmpl-simulation", "object": "chat.completion", "created": 0, "model": self.model,
            "system_fingerprint": "simulation", "choices": [choice],
        });
        if let (true, Some(fields)) = (self.form.usage != UsageAt::None, body.as_object_mut()) {
            fields.insert("usage".into(), self.usage());
        }
        body
    }
}

impl Odds {
    /// The text's tokens, each with what is told of it.
    fn of(self, text: &str) -> Vec<(String, Value)> {
        let (mut from, mut said) = (0, Vec::new());
        for token in odds::tokens(text) {
            let (before, rest) = text.split_at(from);
            let after = rest.get(token.len()..).unwrap_or_default();
            let logprobs = odds::of_token(before, &token, after, self.sharpness, self.most);
            from += token.len();
            said.push((token, logprobs));
        }
        said
    }
}

fn with_field(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.into(), value);
    }
}

/// The text in pieces of a token each.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(CHARACTERS_PER_TOKEN);
    pieces.map(String::from_iter).collect()
}

fn content(place: Place, text: &str) -> Value {
    match place {
        Place::Parts => json!([{"type": "text", "text": text}]),
        _ => json!(text),
    }
}

fn thought(place: Place, text: &str) -> Value {
    match place {
        Place::Content => json!({"content": text}),
        Place::Parts => {
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]})
        }
        Place::ReasoningContent => json!({"content": null, "reasoning_content": text}),
        Place::Reasoning => json!({"content": "", "reasoning": text}),
    }
}
