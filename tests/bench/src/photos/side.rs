//! A side of the comparison: a process of its own, which prepares photos when it is asked.
//!
//! Both sides speak the same lines of JSON, and measure within their process from reading the file to the base64
//! text, so that neither pays for starting up or for the pipe. sharp's side is `tests/bench/sharp/worker.js`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::child::Asked;

/// What a side is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The files, in the order in which they are to be begun.
    pub(crate) photos: Vec<PathBuf>,
    /// The long edge in pixels.
    pub(crate) long_edge: u32,
    /// sharp's JPEG quality; ours is the size policy's.
    pub(crate) quality: u8,
    /// Photos under way at once, each on one thread.
    pub(crate) workers: usize,
    /// Whether the JPEGs come with the answer.
    pub(crate) keep: bool,
}

/// What a side answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Milliseconds for all photos.
    pub(crate) wall_ms: f64,
    /// Milliseconds of CPU time, of all threads.
    pub(crate) cpu_ms: f64,
    /// Each photo, in the request's order.
    pub(crate) photos: Vec<Timed>,
}

/// What became of a photo, and when.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Timed {
    /// Milliseconds for this photo.
    pub(crate) ms: f64,
    /// What came out.
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    /// A JPEG.
    Prepared(Figures),
    /// Nothing, and why.
    Refused {
        /// The reason.
        error: String,
    },
}

/// A prepared photo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Bytes of the JPEG.
    pub(crate) bytes: u64,
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// The JPEG as base64, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jpeg: Option<String>,
}

/// A side: a running process, and another one should it end.
pub(crate) struct Side(Asked);

impl Side {
    /// Our side: this program again.
    pub(crate) fn ours() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("Failed to find this program's file")?;
        let mut command = Command::new(program);
        command.arg("photos-worker");
        Self::start("this pipeline", command)
    }

    /// sharp's side.
    pub(crate) fn sharp(command: Command) -> anyhow::Result<Self> {
        Self::start("sharp", command)
    }

    fn start(name: &'static str, command: Command) -> anyhow::Result<Self> {
        Asked::start(name, command).map(Self)
    }

    /// Asks, and waits for the answer. A side that ended over a request, which is an error, takes the
    /// next one anew.
    pub(crate) fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        self.0.ask(request)
    }

    /// The most memory that it ever had resident, in bytes.
    pub(crate) fn peak_bytes(&self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.0.id());
        let status =
            std::fs::read_to_string(&path).with_context(|| format!("Failed to read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.with_context(|| format!("{path} has no VmHWM"))? * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_and_a_refusal_read_as_what_they_are() {
        let read = |json: &str| serde_json::from_str::<Timed>(json).unwrap().outcome;
        assert!(
            matches!(read(r#"{"ms":1.5,"bytes":9,"width":800,"height":600}"#), Outcome::Prepared(f) if f.bytes == 9)
        );
        assert!(
            matches!(read(r#"{"ms":1,"error":"no"}"#), Outcome::Refused { error } if error == "no")
        );
    }
}
