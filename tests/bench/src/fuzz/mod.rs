//! `bench fuzz`: what strangers may send, by the thousand, through the whole preparation.
//!
//! Real files of every kind are damaged at random; what is answered differently from anything before joins them, so
//! that damage builds upon damage. The same harness runs for a moment in `cargo test`.
//!
//! What must not be: a panic, another answer the second time, a picture unlike the library's, metadata that is sent on,
//! more time or more memory than promised.
//!
//! # Invariants
//! - The same seed and number of runs try the same files.

mod mutate;
mod oracle;
mod seeds;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use fastrand::Rng;
use serde::Serialize;

use self::oracle::{Finding, Oracle, Seen};
use crate::photos::folder::made;
use crate::report::print;

/// How long, and from where.
#[derive(Args)]
pub(crate) struct Options {
    /// Seconds to run.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Files to try, instead of a time: with the same seed the same ones each time.
    #[arg(long, conflicts_with = "seconds")]
    runs: Option<u64>,
    /// Begin only with files that the project draws itself: the same ones on every machine.
    #[arg(long)]
    drawn: bool,
    /// What makes this run's chance its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// At the same file each time.
    Runs(u64),
    Time(Duration),
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Campaign {
    /// Files tried.
    runs: u64,
    /// Seconds that it took.
    seconds: f64,
    /// Files that damage began with.
    seeds: usize,
    /// Files kept because something about their answer was new.
    kept: usize,
    /// Answers by kind.
    answers: BTreeMap<String, u64>,
    /// Files that both we and the library read, and that were compared.
    compared: u64,
    /// The largest mean difference of a compared file, in levels of 255.
    largest_difference: f64,
    /// The most CPU milliseconds that a file took.
    slowest_ms: f64,
    /// The most KiB that a file took beyond what is reckoned by its header.
    most_kib_beyond: i64,
    /// What must not be.
    findings: Vec<Finding>,
}

/// Files kept at most: more would only dilute the rare ones.
const MOST_KEPT: usize = 4000;

/// Runs and prints; an error if anything was found.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    // A panic is a finding, with its message; the usual trace for each would drown the report.
    std::panic::set_hook(Box::new(|_| {}));
    let until = options.runs.map_or(
        Until::Time(Duration::from_secs(options.seconds)),
        Until::Runs,
    );
    let seeds = if options.drawn {
        seeds::drawn()?
    } else {
        seeds::all()?
    };
    let campaign = campaign(seeds, options.seed, until, &mut |campaign| {
        eprintln!(
            "{:>7.0} s  {} runs, {} kept, {} findings",
            campaign.seconds,
            campaign.runs,
            campaign.kept,
            campaign.findings.len()
        );
    })?;
    let folder = made("findings")?;
    for (number, finding) in campaign.findings.iter().enumerate() {
        std::fs::write(
            folder.join(format!("{}-{number}.bin", options.seed)),
            &finding.bytes,
        )?;
    }
    print(&if options.json {
        serde_json::to_string_pretty(&campaign)?
    } else {
        report(&campaign, &folder)
    })?;
    anyhow::ensure!(
        campaign.findings.is_empty(),
        "{} findings, in {}",
        campaign.findings.len(),
        folder.display()
    );
    Ok(())
}

fn campaign(
    seeds: Vec<Vec<u8>>,
    seed: u64,
    until: Until,
    progress: &mut dyn FnMut(&Campaign),
) -> anyhow::Result<Campaign> {
    let mut oracle = Oracle::new()?;
    let mut campaign = Campaign {
        seeds: seeds.len(),
        ..Campaign::default()
    };
    let (mut corpus, mut random) = (seeds, Rng::with_seed(seed));
    let (begun, mut said) = (Instant::now(), Instant::now());
    while !until.is_over(campaign.runs, begun.elapsed()) {
        // Seeds first as they are: the oracle must agree with them before damage means anything.
        let bytes = match corpus
            .get(campaign.runs as usize)
            .filter(|_| campaign.runs < campaign.seeds as u64)
        {
            Some(seed) => seed.clone(),
            None => mutate::damaged(&corpus, campaign.seeds, &mut random),
        };
        let seen = oracle.try_out(&bytes, &mut random);
        campaign.seconds = begun.elapsed().as_secs_f64();
        if seen.is_new
            && corpus.len() < MOST_KEPT + campaign.seeds
            && campaign.runs >= campaign.seeds as u64
        {
            campaign.kept += 1;
            corpus.push(bytes);
        }
        campaign.add(seen);
        if said.elapsed() > Duration::from_secs(30) {
            said = Instant::now();
            progress(&campaign);
        }
    }
    Ok(campaign)
}

impl Until {
    fn is_over(self, runs: u64, elapsed: Duration) -> bool {
        match self {
            Self::Runs(most) => runs >= most,
            Self::Time(most) => elapsed >= most,
        }
    }
}

impl Campaign {
    fn add(&mut self, seen: Seen) {
        self.runs += 1;
        *self.answers.entry(seen.kind.to_owned()).or_default() += 1;
        self.slowest_ms = self.slowest_ms.max(seen.cpu_ms);
        self.most_kib_beyond = self.most_kib_beyond.max(seen.beyond >> 10);
        if let Some(difference) = seen.difference {
            self.compared += 1;
            self.largest_difference = self.largest_difference.max(difference);
        }
        self.findings.extend(seen.finding);
    }
}

fn report(campaign: &Campaign, folder: &Path) -> String {
    let Campaign {
        runs,
        seconds,
        seeds,
        kept,
        compared,
        ..
    } = campaign;
    let mut lines = vec![
        format!("{runs} files in {seconds:.0} s, from {seeds} seeds; {kept} kept as new."),
        format!(
            "{compared} compared with the library; largest mean difference {:.2} levels.",
            campaign.largest_difference
        ),
        format!("Slowest file: {:.0} ms of CPU time.", campaign.slowest_ms),
        format!(
            "Memory beyond what is reckoned by a file's header: {} KiB at most.",
            campaign.most_kib_beyond
        ),
    ];
    lines.extend(
        campaign
            .answers
            .iter()
            .map(|(kind, count)| format!("{count:>9}  {kind}")),
    );
    lines.extend(
        campaign
            .findings
            .iter()
            .map(|finding| format!("FOUND: {}", finding.what)),
    );
    lines.push(match campaign.findings.len() {
        0 => "Nothing found.".into(),
        found => format!("{found} findings; their files are in {}.", folder.display()),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// Enough to reach every kind of answer, few enough for every `cargo test`.
    const RUNS: u64 = 1500;

    #[test]
    fn damaged_files_end_in_outcomes_and_what_is_read_is_what_the_library_reads() {
        let campaign =
            campaign(seeds::drawn().unwrap(), 4, Until::Runs(RUNS), &mut |_| {}).unwrap();
        let found: Vec<_> = campaign
            .findings
            .iter()
            .map(|finding| &finding.what)
            .collect();
        assert!(found.is_empty(), "{found:#?}");
        assert!(
            campaign.compared > RUNS / 20,
            "{campaign:?}: the oracle has nothing to say"
        );
        for kind in ["prepared", "damaged"] {
            assert!(
                campaign.answers.contains_key(kind),
                "no file was {kind}: {:?}",
                campaign.answers
            );
        }
    }

    /// Of a WebP: the header claims a part of 16 MB, and the file has 236 bytes.
    const CLAIMS: &str = "UklGRlABAABXRUJQVlA4IEQBAACQBwCdASowACQAP3G0zV7B2Z1NhLXhov2UB3Z7ORsw9PxlQ7zP+r7EYexFcyRm\
        pp4YfxEdZ0t2RdPb8uJjRv6KvAff91/Nqze28ygj1B6/woC4wFouOjLKg8O5qR1Q1HI357Wr9iJZxApO3kbLMzdq\
        IAtLOi6f7gAFLc7lCD3END+JzUN9BXm+007yiHGctziD8n8hBGOL4K1Rb+PeYv4AOYhWdtCzdS9eBD/VQf/XAf9h\
        5hcg7u+x1Sb6sDMEmZWngv2TTdr45AUz8m/QgF7Gj3KfuiQAAAA=";

    /// The same: of 48 × 36 pixels, with a frame of 12,848 × 2,722.
    const CLAIMS_A_FRAME: &str = "UklGRpABAABXRUJQVlA4WAoAAAAQAAAALwAAIwAAQUxQSCUAAAABuYzof0Bt2zaM0/P/2XXKEDEBQgKCJlshodpw\
        Dqk+3883/AQAAFZQOCBEAQAAkAcAnQEqMDKiigAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALZGVzYwAA\
        AQgAAABAY3BydAAAAUgAAABad3RwdAAAAaQAAAAUYmtwdAAAAbgAAAAUclhZWgAAAcwAAAAUZ1hZWgAAAeAAAAAU\
        Ylg=";

    #[test]
    fn what_a_file_only_claims_takes_no_memory_that_is_not_reckoned() {
        let mut oracle = Oracle::new().unwrap();
        for claims in [CLAIMS, CLAIMS_A_FRAME] {
            let bytes = STANDARD.decode(claims).unwrap();
            let seen = oracle.try_out(&bytes, &mut Rng::with_seed(1));
            assert!(seen.finding.is_none(), "{:?}", seen.finding);
        }
    }

    #[test]
    fn the_same_seed_tries_the_same_files() {
        let twice = [(); 2]
            .map(|()| campaign(seeds::drawn().unwrap(), 9, Until::Runs(120), &mut |_| {}).unwrap());
        assert_eq!(twice[0].answers, twice[1].answers);
    }
}
