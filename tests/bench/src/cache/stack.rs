//! The local stack, kept up by `infra/local up` for as long as the benchmark lasts.
//!
//! # Invariants
//! - A stack that was started here ends with this value, however that comes about; one that was up before stays up.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;

/// Building everything cold takes minutes.
const STARTS_WITHIN: Duration = Duration::from_secs(1800);
const ENDS_WITHIN: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// A running stack.
pub(crate) struct Stack {
    name: String,
    child: Option<Child>,
    /// Where it is.
    pub(crate) about: About,
}

/// What `infra/local up` writes down about a stack, as far as it is needed here.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    owner_pid: u32,
    kept: bool,
    /// The emulator.
    pub(crate) endpoint: String,
    /// The outputs of template.yaml.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Where the VLM is.
    pub(crate) vlm_url: String,
    /// The VLM's model.
    pub(crate) vlm_model: String,
    /// Whether it is the simulation.
    pub(crate) vlm_simulated: bool,
}

impl Stack {
    /// The stack of this name that somebody keeps up.
    pub(crate) fn attach(name: &str) -> anyhow::Result<Self> {
        let about = described(name)
            .with_context(|| format!("No stack {name} is up; infra/local up starts one"))?;
        Ok(Self {
            name: name.into(),
            child: None,
            about,
        })
    }

    /// Starts a stack; what it says, the functions' logs included, goes to a file beside it.
    pub(crate) fn start(name: &str, latency: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(root().join("infra/local"));
        let log = log_of(name)?;
        eprintln!(
            "Starting the local stack; it builds first. Its log: {}",
            log.display()
        );
        let output =
            File::create(&log).with_context(|| format!("Failed to write {}", log.display()))?;
        command
            .args(["up", "--name", name, "--latency", latency])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output);
        let mut child = command.spawn().context("Failed to run infra/local up")?;
        let begun = Instant::now();
        while begun.elapsed() < STARTS_WITHIN {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "infra/local up ended with {status}; what it said is in {}",
                    log.display()
                );
            }
            match described(name) {
                Some(about) if about.kept && about.owner_pid == child.id() => {
                    return Ok(Self {
                        name: name.into(),
                        child: Some(child),
                        about,
                    });
                }
                _ => sleep(LOOKS_EVERY),
            }
        }
        let _ = child.kill();
        bail!(
            "The stack did not start within {} minutes",
            STARTS_WITHIN.as_secs() / 60
        )
    }

    /// An output of template.yaml.
    pub(crate) fn output(&self, name: &str) -> anyhow::Result<&str> {
        self.about
            .outputs
            .get(name)
            .map(String::as_str)
            .with_context(|| format!("The stack has no output {name}"))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let mut command = Command::new(root().join("infra/local"));
        let down = command
            .args(["down", "--name", &self.name])
            .stderr(Stdio::null())
            .status();
        let begun = Instant::now();
        while down.is_ok() && begun.elapsed() < ENDS_WITHIN {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            sleep(LOOKS_EVERY);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn log_of(name: &str) -> anyhow::Result<PathBuf> {
    let stacks = root().join("infra/.stacks");
    fs::create_dir_all(&stacks)?;
    Ok(stacks.canonicalize()?.join(format!("{name}.log")))
}

fn described(name: &str) -> Option<About> {
    let json = fs::read(root().join("infra/.stacks").join(name).join("stack.json")).ok()?;
    serde_json::from_slice(&json).ok()
}

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
