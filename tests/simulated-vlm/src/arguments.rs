//! The program's options.

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use simulated_vlm::latency::Latency;
use simulated_vlm::{Options, faults, personality};

/// The name says what it is.
const MODEL: &str = "simulated-qwen3-vl-8b";

/// A simulated VLM server, which reads the codes in sample photos. Its first line of output is JSON
/// that says where it listens.
#[derive(Debug, Parser)]
#[command(name = "simulated-vlm", after_help = faults_help())]
// An option that is given twice counts as it was given last: programs put options behind their own.
#[command(args_override_self = true)]
pub(crate) struct Arguments {
    /// Address and port to listen on; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,
    /// The model's name.
    #[arg(long, value_name = "NAME", default_value = MODEL)]
    model: String,
    /// The key that requests must bring [default: none is wanted].
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// How fast it is: realistic, none, fixed:MILLISECONDS, or the path of a latency file.
    #[arg(long, default_value = "realistic", value_parser = latency)]
    latency: Latency,
    /// Requests that run at once.
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least(1))]
    max_running: usize,
    /// Requests that wait before others are refused [default: any number].
    #[arg(long, value_name = "N", value_parser = at_least(0))]
    max_queued: Option<usize>,
    /// Whose words and forms it takes on: what it refuses, how its errors and its answers look.
    #[arg(long = "as", value_name = "NAME", default_value = personality::USUAL, value_parser = somebody)]
    personality: String,
    /// The process with which this one ends [default: it ends when it is told to].
    #[arg(long, value_name = "PID")]
    pub(crate) parent_pid: Option<u32>,
}

impl Arguments {
    /// What the server is started with.
    pub(crate) fn options(&self) -> Options {
        Options {
            model: self.model.clone(),
            api_key: self.api_key.clone(),
            latency: self.latency,
            max_running: self.max_running,
            max_queued: self.max_queued,
            personality: self.personality.clone(),
        }
    }
}

fn somebody(name: &str) -> Result<String, String> {
    let names = personality::names();
    let known = names.iter().find(|known| *known == name).cloned();
    known.ok_or_else(|| format!("there are {}", names.join(", ")))
}

fn at_least(least: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..)
}

/// The whole chain of causes: clap shows only the first.
fn latency(text: &str) -> Result<Latency, String> {
    Latency::parse(text).map_err(|cause| format!("{cause:#}"))
}

fn faults_help() -> String {
    let example = r#"{"kind": "status_429", "count": 2}"#;
    let kinds = faults::in_words();
    let names = personality::names().join(", ");
    let told = r#"while it runs: POST /simulation/as {"name": …}, /simulation/model, /simulation/key,
/simulation/signer, /simulation/wrong {"setting": "money", "match": "DR1730550/"}"#;
    format!(
        "Names for --as: {names}\n({told})\n\nFaults, by POST /simulation/faults, for example {example}:\n{kinds}"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        let words = ["simulated-vlm"].into_iter().chain(line.split_whitespace());
        Arguments::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn without_options_it_is_realistic_on_a_free_port() {
        let arguments = parsed("").unwrap();
        let options = arguments.options();
        assert_eq!(arguments.listen, "127.0.0.1:0");
        assert_eq!(arguments.parent_pid, None);
        assert_eq!(options.model, MODEL);
        assert_eq!(options.api_key, None);
        assert_eq!(options.latency, Latency::parse("realistic").unwrap());
        assert_eq!((options.max_running, options.max_queued), (16, None));
        assert_eq!(options.personality, "vllm");
    }

    #[test]
    fn every_option_is_read() {
        let line = "--listen [::1]:80 --model m --api-key k --latency fixed:7 \
                    --max-running 3 --max-queued 0 --as gemini --parent-pid 9";
        let arguments = parsed(line).unwrap();
        let options = arguments.options();
        assert_eq!(arguments.listen, "[::1]:80");
        assert_eq!(arguments.parent_pid, Some(9));
        assert_eq!(options.model, "m");
        assert_eq!(options.api_key.as_deref(), Some("k"));
        assert_eq!(options.latency, Latency::Fixed(Duration::from_millis(7)));
        assert_eq!((options.max_running, options.max_queued), (3, Some(0)));
        assert_eq!(options.personality, "gemini");
    }

    #[test]
    fn an_option_given_twice_counts_as_given_last() {
        let arguments = parsed("--listen 127.0.0.1:0 --listen 0.0.0.0:8").unwrap();
        assert_eq!(arguments.listen, "0.0.0.0:8");
    }

    #[test]
    fn help_lists_every_option_and_the_faults() {
        let help = parsed("--help").unwrap_err();
        let options =
            "--listen --model --api-key --latency --max-running --max-queued --parent-pid";
        for named in options
            .split(' ')
            .chain([MODEL, "realistic", "status_429", "cut_stream"])
        {
            assert!(help.contains(named), "{named} is not in:\n{help}");
        }
    }

    #[test]
    fn what_is_wrong_is_answered_with_what_is_allowed() {
        for (wrong, allowed) in [
            ("--latency fixd:3", "none, fixed:MILLISECONDS"),
            ("--latency fixed:x", "fixed:3000"),
            ("--max-running 0", "not in 1.."),
            ("--max-queued many", "--max-queued <N>"),
            ("--as nobody", "openai"),
            ("--modell m", "try '--help'"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(allowed), "{wrong}: {error}");
        }
    }
}
