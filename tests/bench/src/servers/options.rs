//! What is asked of which servers.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;

/// Whom to ask, and how much.
#[derive(Args)]
pub(crate) struct Options {
    /// A server's address, as in `infra/local`; several are measured one after another.
    #[arg(long, required = true, value_name = "URL")]
    pub(super) vlm_url: Vec<String>,
    /// The model's name.
    #[arg(long, value_name = "NAME", default_value = "Qwen/Qwen3-VL-8B-Instruct")]
    pub(super) vlm_model: String,
    /// Requests at once, such as `1,4,16`; no more than the server runs at once.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,2,4,8,16", value_parser = at_least_one())]
    pub(super) at_once: Vec<usize>,
    /// Photos in a request.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,2", value_parser = at_least_one())]
    pub(super) photos: Vec<usize>,
    /// Long edges of the photos, in pixels.
    #[arg(
        long,
        value_name = "PIXELS",
        value_delimiter = ',',
        default_value = "800,1600"
    )]
    pub(super) sizes: Vec<u32>,
    /// How often each is measured.
    #[arg(long, value_name = "N", default_value = "2", value_parser = at_least_one())]
    pub(super) rounds: usize,
    /// Writes what was fitted to a file, for `simulated-vlm --latency FILE` and `bench phases --latency FILE`.
    #[arg(long, value_name = "FILE")]
    pub(super) latency_file: Option<PathBuf>,
    /// A JSON object instead of tables.
    #[arg(long)]
    pub(super) json: bool,
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}
