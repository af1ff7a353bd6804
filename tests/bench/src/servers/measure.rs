//! Asking a server in waves: so many requests at once, each about so many photos, by production's own client.

use std::time::{Duration, Instant};

use anyhow::Context;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::scope::Scope;
use futures::future::join_all;
use photos::prepare;
use photos::size_policy::{CURRENT_VERSION, SizePolicy};
use samples::drs::{Dr, made_up};
use samples::photo;
use vlm::client::{AskResult, VlmClient, VlmSettings};
use vlm::failure::VlmFailure;
use vlm::prompt::Question;
use vlm::request::PromptPhoto;

use super::options::Options;

/// Long above any answer that is worth measuring.
const PATIENCE: Duration = Duration::from_secs(300);
/// Photos as a phone takes them, small enough to be drawn soon and larger than any that is sent.
const MEGAPIXELS: f64 = 3.0;
/// Photos of a drawn DR.
const OF_A_DR: usize = 24;

/// One request and its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answered {
    pub(crate) prompt_tokens: f64,
    pub(crate) answer_tokens: f64,
    /// From sending the question; none if the answer came in one piece.
    pub(crate) first_s: Option<f64>,
    pub(crate) end_s: f64,
}

/// Requests that were sent at once.
#[derive(Debug, Clone)]
pub(crate) struct Wave {
    pub(crate) photos: usize,
    pub(crate) long_edge: u32,
    pub(crate) at_once: usize,
    pub(crate) answered: Vec<Answered>,
    /// Why others were not.
    pub(crate) failed: Vec<String>,
    /// Of the prompt that all share, roughly.
    pub(crate) prefix_tokens: u32,
}

impl Wave {
    /// Until the last answer was there.
    pub(crate) fn last_s(&self) -> f64 {
        let ends = self.answered.iter().map(|answered| answered.end_s);
        ends.fold(0.0, f64::max)
    }
}

/// Everything that was asked of a server.
pub(crate) async fn of(url: &str, options: &Options) -> anyhow::Result<Vec<Wave>> {
    let client = client(url, &options.vlm_model)?;
    let catalogue = Catalogue::current()?;
    let question = Question::new(catalogue, &Scope::All.steps(catalogue));
    let mut waves = Vec::new();
    for &long_edge in &options.sizes {
        let mut photos = drawn(most_photos(options), long_edge)?.into_iter().cycle();
        // What is slow once (a first connection, the schema's first use) is no measurement.
        let warm: Vec<_> = photos.by_ref().take(1).collect();
        wave(&client, &question, &[warm]).await;
        for &count in &options.photos {
            for &at_once in &options.at_once {
                for _ in 0..options.rounds {
                    let each = || photos.by_ref().take(count).collect::<Vec<_>>();
                    let requests: Vec<_> = std::iter::repeat_with(each).take(at_once).collect();
                    let (answered, failed) = wave(&client, &question, &requests).await;
                    let prefix_tokens = simulated_vlm::tokens::of_characters(question.characters());
                    waves.push(Wave {
                        photos: count,
                        long_edge,
                        at_once,
                        answered,
                        failed,
                        prefix_tokens,
                    });
                }
            }
        }
    }
    Ok(waves)
}

fn client(url: &str, model: &str) -> anyhow::Result<VlmClient> {
    let settings = VlmSettings {
        timeout: PATIENCE,
        first_token_timeout: PATIENCE,
        stall_timeout: PATIENCE,
        ..VlmSettings::new(url, model)
    };
    VlmClient::of_person(settings).context("Failed to set up the VLM's client")
}

/// Photos enough for a wave and the next: a server may keep what it read of a picture.
fn most_photos(options: &Options) -> usize {
    let most = |of: &[usize]| of.iter().copied().max().unwrap_or(1);
    2 * most(&options.at_once) * most(&options.photos) + 1
}

/// Prepared as in production.
fn drawn(count: usize, long_edge: u32) -> anyhow::Result<Vec<Vec<u8>>> {
    let policy = SizePolicy::shipped(CURRENT_VERSION)?;
    let one = |number: usize| {
        let (dr, at) = (number / OF_A_DR, number % OF_A_DR);
        let seed = dr as u64 + 1;
        let truth = made_up(&format!("BENCH{dr:05}"), OF_A_DR, seed)?.truth(at);
        let truth = truth.context("A drawn DR has fewer photos than it should")?;
        let file = photo::jpeg(&truth, &Dr::view(at, MEGAPIXELS, seed))?;
        Ok(prepare(&file, policy, long_edge)?.jpeg)
    };
    (0..count).map(one).collect()
}

/// Sends these requests at once.
async fn wave(
    client: &VlmClient,
    question: &Question,
    requests: &[Vec<Vec<u8>>],
) -> (Vec<Answered>, Vec<String>) {
    let asked = requests.iter().map(|photos| ask(client, question, photos));
    let (mut answered, mut failed) = (Vec::new(), Vec::new());
    for result in join_all(asked).await {
        match result {
            Ok(one) => answered.push(one),
            Err(words) => failed.push(words),
        }
    }
    (answered, failed)
}

async fn ask(
    client: &VlmClient,
    question: &Question,
    photos: &[Vec<u8>],
) -> Result<Answered, String> {
    let shot = |jpeg| PromptPhoto { jpeg, hint: None };
    let shots: Vec<_> = photos.iter().map(Vec::as_slice).map(shot).collect();
    let begun = Instant::now();
    let results = client.ask_several(question, &shots).await;
    let end_s = begun.elapsed().as_secs_f64();
    let all: Result<Vec<AskResult>, VlmFailure> = results.into_iter().collect();
    let all = all.map_err(|failure| failure.detail().to_owned())?;
    if all.iter().any(|result| result.repaired) {
        return Err("the answer had to be repaired: it was asked for twice".into());
    }
    let sum = |count: fn(&AskResult) -> u64| all.iter().map(count).sum::<u64>() as f64;
    let first = all.first().and_then(|result| result.timings.first_token);
    Ok(Answered {
        prompt_tokens: sum(|result| result.usage.prompt_tokens),
        answer_tokens: sum(|result| result.usage.completion_tokens),
        first_s: first.map(|span| span.as_secs_f64()),
        end_s,
    })
}
