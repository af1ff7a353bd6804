//! Where the peer stands: `infra/local peer` installs it, pinned, and says so.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::folder::repository;
use super::side::Side;

/// What starts sharp's side.
#[derive(Debug, Deserialize)]
pub(crate) struct Peer {
    node: PathBuf,
    worker: PathBuf,
}

impl Peer {
    /// Installs sharp unless it stands already.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let program = repository().join("infra/local");
        let done = Command::new("python3")
            .arg(&program)
            .arg("peer")
            .stderr(Stdio::inherit())
            .output();
        let done = done.context("Failed to run python3, which installs sharp; install Python 3")?;
        ensure!(
            done.status.success(),
            "sharp could not be installed; the message of `infra/local peer` is above"
        );
        serde_json::from_slice(&done.stdout).context("Failed to read what `infra/local peer` says")
    }

    /// A fresh process.
    pub(crate) fn start(&self) -> anyhow::Result<Side> {
        Side::sharp(&self.node, &self.worker)
    }
}
