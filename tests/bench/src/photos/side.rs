//! A side of the comparison: a process of its own, which prepares photos when it is asked.
//!
//! Both sides speak the same lines of JSON, and measure within their process from reading the file to the base64
//! text, so that neither pays for starting up or for the pipe. sharp's side is `tests/bench/sharp/worker.js`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use serde::{Deserialize, Serialize};

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
pub(crate) struct Side {
    name: &'static str,
    command: Command,
    process: Process,
}

/// A running process; it ends when this is dropped.
struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Side {
    /// Our side: this program again.
    pub(crate) fn ours() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("Failed to find this program's file")?;
        let mut command = Command::new(program);
        command.arg("photos-worker");
        Self::start("this pipeline", command)
    }

    /// sharp's side.
    pub(crate) fn sharp(node: &Path, worker: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(node);
        command.arg(worker);
        Self::start("sharp", command)
    }

    /// Starts a side by a command of its own.
    pub(crate) fn start(name: &'static str, mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = Process::start(name, &mut command)?;
        Ok(Self {
            name,
            command,
            process,
        })
    }

    /// Asks, and waits for the answer. A side that ended over a request, which is an error, takes the
    /// next one anew.
    pub(crate) fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let answer = self.process.ask(request);
        if answer.is_err() {
            self.process = Process::start(self.name, &mut self.command)?;
        }
        answer.with_context(|| {
            let name = self.name;
            format!("The side of {name} ended; if it left a message, that is above")
        })
    }

    /// The most memory that it ever had resident, in bytes.
    pub(crate) fn peak_bytes(&self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.process.child.id());
        let status =
            std::fs::read_to_string(&path).with_context(|| format!("Failed to read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.with_context(|| format!("{path} has no VmHWM"))? * 1024)
    }
}

impl Process {
    fn start(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .spawn()
            .with_context(|| format!("Failed to start the side of {name}"))?;
        let requests = child.stdin.take();
        let answers = child.stdout.take();
        Ok(Self {
            child,
            requests: requests.context("a child without standard input")?,
            answers: BufReader::new(answers.context("a child without standard output")?),
        })
    }

    fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        writeln!(self.requests, "{}", serde_json::to_string(request)?)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has nothing to lose; a child that is gone already is no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_ends_over_a_request_takes_the_next_one() {
        let answers_once =
            r#"read -r line; echo '{"wall_ms":1,"cpu_ms":1,"photos":[]}'; read -r line"#;
        let mut command = Command::new("sh");
        command.args(["-c", answers_once]);
        let mut side = Side::start("a shell", command).unwrap();
        let request = Request {
            photos: vec![],
            long_edge: 800,
            quality: 85,
            workers: 1,
            keep: false,
        };
        let mut is_answered = || side.ask(&request).is_ok();
        assert_eq!(
            [is_answered(), is_answered(), is_answered()],
            [true, false, true]
        );
    }

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
