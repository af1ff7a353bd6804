//! `bench small-print`: what is still read of labels, displays and serials at each size and quality.
//!
//! Photos are prepared as they are for the VLM, and read by an OCR engine. It is no VLM and says nothing of one's
//! answers; it says which letters are still there to be read.
//!
//! # Invariants
//! - Each photo is prepared by the pipeline itself, in each way, and read by the same engine.
//! - What went wrong with a photo is told, and the next one is read.

mod measure;
mod present;
mod score;
mod sources;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use photos::size_policy::{CURRENT_VERSION, SizePolicy};

use self::measure::{Found, Reader, Way};
use crate::report::print;

/// What is read.
#[derive(Args)]
pub(crate) struct Options {
    /// A folder of labelled DRs (as of `accuracy`) whose readings are looked for; without it photos are drawn.
    folder: Option<PathBuf>,
    /// Print JSON instead of tables and charts.
    #[arg(long)]
    json: bool,
    /// Photos that are drawn for each height of letters; each has a label, a display and a serial.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    photos: u16,
    /// Long edges in pixels that are tried beside the size policy's.
    #[arg(long, value_delimiter = ',', default_values_t = [1024, 1600], value_parser = clap::value_parser!(u32).range(64..=4096))]
    edges: Vec<u32>,
    /// JPEG qualities that are tried beside the size policy's, at its own long edges.
    #[arg(long, value_delimiter = ',', default_values_t = [70, 93], value_parser = clap::value_parser!(u8).range(1..=100))]
    qualities: Vec<u8>,
}

/// Reads and prints.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let policy = SizePolicy::shipped(CURRENT_VERSION)?;
    let samples = match &options.folder {
        Some(folder) => sources::labelled(folder)?,
        None => sources::drawn(options.photos.into()),
    };
    ensure!(
        !samples.is_empty(),
        "no photo has a reading that could be looked for"
    );
    let ways = ways(policy, &options.edges, &options.qualities);
    let found = Found::measure(samples, &ways, policy, &mut Reader::start()?);
    print(&if options.json {
        serde_json::to_string_pretty(&found)?
    } else {
        present::report(&found)
    })
}

/// The size policy's own ways, other sizes at its quality, and other qualities at its sizes.
fn ways(policy: &SizePolicy, edges: &[u32], qualities: &[u8]) -> Vec<Way> {
    let own = [policy.long_edge, policy.small_print_long_edge];
    let mut all: Vec<u32> = own.iter().chain(edges).copied().collect();
    all.sort_unstable();
    all.dedup();
    let chroma = policy.chroma_quality.unwrap_or(policy.jpeg_quality);
    let beside = chroma.saturating_sub(policy.jpeg_quality);
    let mut ways: Vec<Way> = all
        .into_iter()
        .map(|long_edge| Way {
            long_edge,
            quality: policy.jpeg_quality,
            chroma_quality: chroma,
            is_the_policys: own.contains(&long_edge),
        })
        .collect();
    for (quality, long_edge) in qualities.iter().flat_map(|q| own.map(|edge| (*q, edge))) {
        ways.push(Way {
            long_edge,
            quality,
            chroma_quality: quality.saturating_add(beside).min(100),
            is_the_policys: false,
        });
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policys_own_ways_are_tried_once_each_beside_the_others() {
        let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
        let ways = ways(policy, &[1024, policy.long_edge], &[70]);
        let own: Vec<u32> = ways
            .iter()
            .filter(|way| way.is_the_policys)
            .map(|way| way.long_edge)
            .collect();
        assert_eq!(own, [policy.long_edge, policy.small_print_long_edge]);
        assert_eq!(ways.len(), 5);
        let worse = ways.iter().filter(|way| way.quality == 70);
        assert!(worse.clone().all(|way| way.chroma_quality == 73) && worse.count() == 2);
    }
}
