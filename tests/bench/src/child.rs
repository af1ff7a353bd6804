//! A process that is asked in lines of JSON and answers each with one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A process, and another one should it end.
pub(crate) struct Asked {
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

impl Asked {
    /// Starts a process; `name` is what it is called in errors.
    pub(crate) fn start(name: &'static str, mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = Process::start(name, &mut command)?;
        Ok(Self {
            name,
            command,
            process,
        })
    }

    /// Asks, and waits for the answer. A process that ended over a request, which is an error, takes the next one anew.
    pub(crate) fn ask<A: DeserializeOwned>(
        &mut self,
        request: &impl Serialize,
    ) -> anyhow::Result<A> {
        let answer = self.process.ask(request);
        if answer.is_err() {
            self.process = Process::start(self.name, &mut self.command)?;
        }
        answer.with_context(|| {
            let name = self.name;
            format!("The side of {name} ended; if it left a message, that is above")
        })
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
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

    fn ask<A: DeserializeOwned>(&mut self, request: &impl Serialize) -> anyhow::Result<A> {
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
    fn a_process_that_ends_over_a_request_takes_the_next_one() {
        let mut command = Command::new("sh");
        command.args(["-c", "read -r line; echo 7; read -r line"]);
        let mut asked = Asked::start("a shell", command).unwrap();
        let mut answer = || asked.ask::<u8>(&"a question").ok();
        assert_eq!([answer(), answer(), answer()], [Some(7), None, Some(7)]);
    }
}
