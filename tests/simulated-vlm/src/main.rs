//! The simulated VLM server as a program.
//!
//! `simulated-vlm [--listen 127.0.0.1:0] [--model NAME] [--api-key KEY] [--latency realistic|none|fixed:MS|FILE]
//! [--max-running 16] [--max-queued N] [--parent-pid PID]`

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;
use simulated_vlm::latency::Latency;
use simulated_vlm::{Options, serve};

/// The name says what it is.
const MODEL: &str = "simulated-qwen3-vl-8b";
/// How often it is looked whether the parent lives.
const PARENT_CHECKED_EVERY: Duration = Duration::from_millis(500);

struct Arguments {
    listen: String,
    options: Options,
    parent: Option<u32>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments {
        listen,
        options,
        parent,
    } = arguments(std::env::args().skip(1))?;
    let listener = tokio::net::TcpListener::bind(&listen)
        .await
        .with_context(|| format!("Failed to listen on {listen}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let about = json!({"simulation": true, "url": url, "model": options.model, "max_running": options.max_running});
    writeln!(std::io::stdout(), "{about}")?;
    tokio::select! {
        ended = serve(listener, options) => ended.context("The server ended"),
        () = orphaned(parent) => Ok(()),
        stopped = terminated() => stopped,
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let latency = Latency::parse("realistic")?;
    let options = Options {
        model: MODEL.into(),
        api_key: None,
        latency,
        max_running: 16,
        max_queued: None,
    };
    let mut arguments = Arguments {
        listen: "127.0.0.1:0".into(),
        options,
        parent: None,
    };
    while let Some(argument) = given.next() {
        let value = given
            .next()
            .with_context(|| format!("{argument} wants a value"))?;
        let number = || {
            value
                .parse::<usize>()
                .with_context(|| format!("{argument} wants a number"))
        };
        match argument.as_str() {
            "--listen" => arguments.listen = value,
            "--model" => arguments.options.model = value,
            "--api-key" => arguments.options.api_key = Some(value),
            "--latency" => arguments.options.latency = Latency::parse(&value)?,
            "--max-running" => arguments.options.max_running = number()?.max(1),
            "--max-queued" => arguments.options.max_queued = Some(number()?),
            "--parent-pid" => arguments.parent = Some(u32::try_from(number()?)?),
            other => bail!("There is no option {other}"),
        }
    }
    Ok(arguments)
}

/// Ends when the parent, if one was named, has ended.
async fn orphaned(parent: Option<u32>) {
    let Some(parent) = parent else {
        return std::future::pending().await;
    };
    while Path::new(&format!("/proc/{parent}")).exists() {
        tokio::time::sleep(PARENT_CHECKED_EVERY).await;
    }
}

async fn terminated() -> anyhow::Result<()> {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    signal.recv().await;
    Ok(())
}
