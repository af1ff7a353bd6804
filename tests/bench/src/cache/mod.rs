//! What the evaluation cache saves: the same question, answered anew and from the table, on the local stack; and what
//! of the API's latency the look at the table is.

pub(crate) mod api;
pub(crate) mod measure;
mod present;
pub(crate) mod stack;

use clap::Args;

use self::api::Api;
use self::measure::measure;
use self::stack::Stack;
use crate::report::print;

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Requests of each kind.
    #[arg(long, default_value_t = 1000)]
    requests: usize,
    /// Evaluations by force; the fastest is the peer.
    #[arg(long, default_value_t = 5)]
    evaluations: usize,
    /// The simulated VLM's latency (realistic, none, fixed:MS); none makes the peer as fast as it can be.
    #[arg(long, default_value = "realistic")]
    latency: String,
    /// A stack that is up already (infra/local up); without it, one is started and ended.
    #[arg(long)]
    stack: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let stack = match &options.stack {
        Some(name) => Stack::attach(name)?,
        None => Stack::start("bench-cache", &options.latency, &["--no-looks"])?,
    };
    let measured = measure(
        &stack,
        &Api::of(&stack)?,
        options.evaluations,
        options.requests,
    )
    .await?;
    let report = if options.json {
        measured.json().to_string()
    } else {
        present::text(&measured)
    };
    print(&report)
}
