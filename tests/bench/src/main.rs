//! Benchmarks. Each compares with a peer in the same run and prints ratios; `--json` is for programs.

mod accuracy;
mod cache;
mod child;
mod codes;
mod cost;
mod drive;
mod fuzz;
mod load;
mod looks;
mod phases;
mod photos;
mod report;
mod sequential;
mod servers;
mod small_print;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// How well quick mode, or another catalogue, size policy or model, agrees with full mode and with labelled photos.
    Accuracy(accuracy::Options),
    /// How long a cached answer takes beside an evaluation, and what the look at the table is of the API's latency.
    Cache(cache::Options),
    /// How well bar codes are read, by kind, and whether any picture harms the reader.
    Codes(codes::Options),
    /// What a DR costs on AWS, by service, before and now.
    Cost(cost::Options),
    /// A stretch of a day on the local stack: verdicts, API, queues, and where it breaks.
    Load(load::Options),
    /// How soon a verdict stands after the last photo, with looks and without, and whether they delay anybody.
    Looks(looks::Options),
    /// The same photos, compressed and asked by the same code, one after another.
    Sequential(sequential::Options),
    /// The predecessor's plan, phase by phase, and this system, on the same simulated VLM in virtual time.
    Phases(phases::Options),
    /// Model servers: first token, tokens and images per second, and the simulation's parameters fitted to them.
    Servers(servers::Options),
    /// Preparing photos: this pipeline beside npm's sharp, on the same photos, in turns.
    Photos(photos::Options),
    /// Preparing photos that were damaged at random, beside a library that reads the same files.
    Fuzz(fuzz::Options),
    /// What a reader of letters makes of labels, displays and serials at each size and quality.
    SmallPrint(small_print::Options),
    /// Our side of `photos`, as a process of its own.
    #[command(hide = true)]
    PhotosWorker,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().bench {
        Bench::Accuracy(options) => accuracy::run(&options).await,
        Bench::Cache(options) => cache::run(&options).await,
        Bench::Codes(options) => codes::run(&options),
        Bench::Cost(options) => cost::run(&options).await,
        Bench::Load(options) => load::run(&options).await,
        Bench::Looks(options) => looks::run(&options).await,
        Bench::Sequential(options) => sequential::run(&options).await,
        Bench::Phases(options) => phases::run(&options),
        Bench::Servers(options) => servers::run(&options).await,
        Bench::Photos(options) => photos::run(&options),
        Bench::Fuzz(options) => fuzz::run(&options),
        Bench::SmallPrint(options) => small_print::run(&options),
        Bench::PhotosWorker => photos::worker::serve(),
    }
}
