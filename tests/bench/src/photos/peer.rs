//! Where a peer stands: `infra/local peer` installs it, pinned, and says so.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::folder::repository;
use super::side::Side;

/// What starts a peer.
#[derive(Debug, Deserialize)]
pub(crate) struct Peer {
    program: PathBuf,
    worker: PathBuf,
}

impl Peer {
    /// Installs sharp unless it stands already.
    pub(crate) fn install() -> anyhow::Result<Self> {
        Self::named("sharp")
    }

    /// Installs a peer of this name unless it stands already.
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        let program = repository().join("infra/local");
        let done = Command::new("python3")
            .arg(&program)
            .args(["peer", name])
            .stderr(Stdio::inherit())
            .output();
        let done = done.with_context(|| {
            format!("Failed to run python3, which installs {name}; install Python 3")
        })?;
        ensure!(
            done.status.success(),
            "{name} could not be installed; the message of `infra/local peer {name}` is above"
        );
        serde_json::from_slice(&done.stdout).context("Failed to read what `infra/local peer` says")
    }

    /// What starts a fresh process.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(&self.worker);
        command
    }

    /// A fresh process of sharp's.
    pub(crate) fn start(&self) -> anyhow::Result<Side> {
        Side::sharp(self.command())
    }
}
