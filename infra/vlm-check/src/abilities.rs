//! What a server can do, as far as a few small requests show it.

use std::time::{Duration, Instant};

use futures::future::{join, join5};
use photos::size_policy::{CURRENT_VERSION, SizePolicy};
use serde::Serialize;
use vlm::client::{AskResult, VlmClient};
use vlm::failure::{About, VlmFailure};
use vlm::prompt::Question;

use crate::models::{Listed, listed};
use crate::pictures::gradient;
use crate::probes::{Images, Probe, Schema, Stream, Tokens};
use crate::refused::{Asked, Refused};

/// The size of the picture that the first question is about: every model takes it.
const SMALL: (u16, u16) = (320, 240);

/// What was seen of a server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Abilities {
    /// Where questions are sent to.
    pub(crate) address: String,
    /// The names of its models; none if it lists none.
    pub(crate) models: Option<Vec<String>>,
    /// Whether the model is one of them.
    pub(crate) model_is_listed: bool,
    /// Tokens that the model's context holds.
    pub(crate) context_tokens: Option<u64>,
    /// The answer to a question about a picture of nothing.
    pub(crate) answer: Answered,
    /// How answers come; none if it is not known.
    pub(crate) stream: Option<Stream>,
    /// Fields that the server refuses and we do without.
    pub(crate) refused_fields: Vec<&'static str>,
    pub(crate) schema: Schema,
    pub(crate) images_per_request: Images,
    /// Tokens of a question about a picture of the usual size.
    pub(crate) usual: Picture,
    /// The same at the size for small print.
    pub(crate) small_print: Picture,
    /// The most tokens of an answer.
    pub(crate) most_answer_tokens: u64,
    pub(crate) log_probabilities: Option<bool>,
}

/// A size of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Picture {
    /// Pixels of the longer edge.
    pub(crate) long_edge: u32,
    /// What a question about one costs, if the server says it.
    pub(crate) tokens: Option<Tokens>,
}

/// What became of a question as the functions ask it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Answered {
    pub(crate) state: State,
    /// The server's words, where there was no answer.
    pub(crate) detail: Option<String>,
    /// From the question to the whole answer.
    pub(crate) whole_ms: u128,
    /// From the question to its first token; none if it came in one piece.
    pub(crate) first_token_ms: Option<u128>,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
}

/// Whether an answer was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Read,
    /// Only when it was asked again.
    Repaired,
    NotUnderstood,
    None,
}

/// Asks; none of the abilities but a refusal, if a person must mend something before.
pub(crate) async fn of(
    client: &VlmClient,
    question: &Question,
    model: &str,
) -> anyhow::Result<Result<Abilities, Refused>> {
    let (address, picture) = (client.address(), gradient(SMALL.0, SMALL.1)?);
    let begun = Instant::now();
    // As bulk work, for then the priority is tried as well.
    let bulk = client.for_bulk();
    let timed = async { (bulk.ask(question, &picture, None).await, begun.elapsed()) };
    let (list, (first, took)) = join(client.models(), timed).await;
    let models = list.as_ref().ok().and_then(|text| listed(text));
    let asked = Asked {
        address: &address,
        model,
        has_key: client.has_key(),
        models: models.as_deref(),
    };
    if let Some(refused) = refused(&first, &list, &asked) {
        return Ok(Err(refused));
    }
    let seen = Seen {
        client,
        question,
        address: &address,
        models: models.as_deref(),
        model,
    };
    seen.more(answered(&first, took)).await.map(Ok)
}

fn refused(
    first: &Result<AskResult, VlmFailure>,
    list: &Result<String, VlmFailure>,
    asked: &Asked,
) -> Option<Refused> {
    let failure = first.as_ref().err()?;
    let of_list = list
        .as_ref()
        .err()
        .filter(|list| list.about() == Some(About::Key));
    // Who is slow to answer and refuses the list has refused the key.
    let of_list = of_list.map(|list| asked.refuses_key(list.detail()));
    Refused::of_answer(failure, asked).or(of_list)
}

fn answered(first: &Result<AskResult, VlmFailure>, took: Duration) -> Answered {
    let mut answered = Answered {
        state: State::None,
        detail: None,
        whole_ms: took.as_millis(),
        first_token_ms: None,
        prompt_tokens: 0,
        completion_tokens: 0,
    };
    match first {
        Ok(read) => {
            answered.state = if read.repaired {
                State::Repaired
            } else {
                State::Read
            };
            answered.first_token_ms = read.timings.first_token.map(|span| span.as_millis());
            answered.prompt_tokens = read.usage.prompt_tokens;
            answered.completion_tokens = read.usage.completion_tokens;
        }
        Err(failure) => {
            let wrong = matches!(failure, VlmFailure::Permanent { .. });
            answered.state = if wrong {
                State::NotUnderstood
            } else {
                State::None
            };
            answered.detail = Some(failure.detail().to_owned());
        }
    }
    answered
}

/// A server that answered, or may.
struct Seen<'a> {
    client: &'a VlmClient,
    question: &'a Question,
    address: &'a str,
    models: Option<&'a [Listed]>,
    model: &'a str,
}

impl Seen<'_> {
    /// What further questions show.
    async fn more(&self, answer: Answered) -> anyhow::Result<Abilities> {
        let probe = Probe {
            client: self.client,
            question: self.question,
        };
        let policy = SizePolicy::shipped(CURRENT_VERSION)?;
        let edges = [policy.long_edge_for(false), policy.long_edge_for(true)];
        let [usual, large] = edges.map(|edge| u16::try_from(edge).unwrap_or(u16::MAX));
        let tokens = join(
            probe.tokens(usual, usual / 4 * 3),
            probe.tokens(large, large / 4 * 3),
        );
        let (stream, (usual_tokens, large_tokens), schema, images, log_probabilities) = join5(
            probe.stream(),
            tokens,
            probe.schema(),
            probe.images(),
            probe.log_probabilities(),
        )
        .await;
        let listed = self.models.unwrap_or_default();
        let this = listed.iter().find(|listed| listed.name == self.model);
        let picture = |edge: u16, tokens| Picture {
            long_edge: edge.into(),
            tokens,
        };
        Ok(Abilities {
            address: self.address.to_owned(),
            models: self
                .models
                .map(|models| models.iter().map(|listed| listed.name.clone()).collect()),
            model_is_listed: this.is_some(),
            context_tokens: this.and_then(|listed| listed.context),
            answer,
            stream: stream?,
            refused_fields: self.client.capability().refused_fields(),
            schema: schema?,
            images_per_request: images?,
            usual: picture(usual, usual_tokens?),
            small_print: picture(large, large_tokens?),
            most_answer_tokens: probe.most_answer_tokens()?,
            log_probabilities: log_probabilities?,
        })
    }
}
