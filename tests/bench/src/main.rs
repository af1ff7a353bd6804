//! Benchmarks. Each compares with a peer in the same run and prints ratios; `--json` is for programs.

mod sequential;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// The same photos, compressed and asked by the same code, one after another.
    Sequential(sequential::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().bench {
        Bench::Sequential(options) => sequential::run(&options).await,
    }
}
