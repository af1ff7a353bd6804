//! The simulated VLM server as a program; `simulated-vlm --help` lists its options and faults.

mod arguments;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use simulated_vlm::serve;

use self::arguments::Arguments;

/// How often it is looked whether the parent lives.
const PARENT_CHECKED_EVERY: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (listen, options) = (&arguments.listen, arguments.options());
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("Failed to listen on {listen}, which must be ADDRESS:PORT"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let about = json!({
        "simulation": true, "url": url,
        "model": options.model, "max_running": options.max_running,
    });
    writeln!(std::io::stdout(), "{about}")?;
    tokio::select! {
        ended = serve(listener, options) => ended.context("The server ended"),
        () = orphaned(arguments.parent_pid) => Ok(()),
        stopped = terminated() => stopped,
    }
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
