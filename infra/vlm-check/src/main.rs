//! Asks a VLM server what it can do, and says what that means for this system: as JSON on stdout.
//!
//! # Invariants
//! - It is asked by the client of the functions: the same address, key, headers, question and reading of what it says.
//! - Only what a person must mend is an error, and it says what. A server that is busy, slow, or lacks what we can do
//!   without, is a good one.
//! - Nothing is asked that could cost more than a few photos do.

mod abilities;
mod catalogue;
mod models;
mod pictures;
mod probes;
mod refused;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use evaluation::domain::catalogue::{CURRENT_VERSION, Catalogue};
use serde_json::{Value, json};
use vlm::client::{VlmClient, VlmSettings};
use vlm::prompt::Question;

use crate::abilities::Abilities;
use crate::refused::Refused;

/// A connection stands within this time, or there is no server.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// Asks a VLM server what it can do. The key is in `VLM_API_KEY`, headers of one's own in `VLM_HEADERS`.
#[derive(Parser)]
struct Options {
    /// The server's address: a host, `…/v1`, or the whole endpoint.
    #[arg(long, required_unless_present = "catalogue")]
    vlm_url: Option<String>,
    /// The model's name.
    #[arg(long, required_unless_present = "catalogue")]
    vlm_model: Option<String>,
    /// Looks at this catalogue document instead: whether it can be published, and how long its prompt is.
    #[arg(long)]
    catalogue: Option<PathBuf>,
    /// Seconds that an answer may take; a server that takes longer is slow, not wrong.
    #[arg(long, default_value_t = 30.0)]
    within: f64,
}

impl Options {
    fn url(&self) -> &str {
        self.vlm_url.as_deref().unwrap_or_default()
    }

    fn model(&self) -> &str {
        self.vlm_model.as_deref().unwrap_or_default()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if let Some(path) = &options.catalogue {
        let looked = catalogue::look(path);
        print(
            &looked
                .as_ref()
                .map_or_else(|problem| json!({"error": problem}), Clone::clone),
        );
        return Ok(ExitCode::from(u8::from(looked.is_err())));
    }
    let (said, code) = match check(&options).await? {
        Ok(abilities) => (said(&options, &abilities), ExitCode::SUCCESS),
        Err(refused) => (json!({"error": refused}), ExitCode::FAILURE),
    };
    print(&said);
    Ok(code)
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn print(said: &Value) {
    println!("{said}");
}

async fn check(options: &Options) -> anyhow::Result<Result<Abilities, Refused>> {
    let catalogue = Catalogue::shipped(CURRENT_VERSION)?;
    let steps: Vec<_> = catalogue
        .steps
        .iter()
        .map(|step| step.key.clone())
        .collect();
    let question = Question::new(catalogue, &steps);
    let within = Duration::try_from_secs_f64(options.within)?;
    let settings = VlmSettings {
        timeout: within,
        connect_timeout: CONNECTS_WITHIN,
        first_token_timeout: within,
        stall_timeout: within,
        ..VlmSettings::new(options.url(), options.model())
    };
    let client = match VlmClient::of_person(settings) {
        Ok(client) => client,
        Err(error) => return Ok(Err(Refused::of_client(&error))),
    };
    abilities::of(&client, &question, options.model()).await
}

fn said(options: &Options, abilities: &Abilities) -> Value {
    json!({
        "address": abilities.address,
        "model": options.model(),
        "abilities": abilities,
        "table": table::rows(abilities),
    })
}
