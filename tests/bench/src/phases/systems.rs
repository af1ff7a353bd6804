//! The predecessor's plan phase by phase, and this system, as evaluations of the simulated world.

use anyhow::Context;
use evaluation::domain::plan::Mode;
use samples::drs::Dr;
use serde::Deserialize;
use simulated_vlm::engine::{Engine, Prefix, Work};
use simulated_vlm::latency::Rates;

use super::workload::{AskedPhoto, Selected, Workload};
use super::world::{Evaluation, Round, run};

const OVERHEADS: &str = include_str!("overheads.json");
/// The predecessor's batches.
const PHOTOS_PER_BATCH: usize = 5;
/// Its answers.
const LONG_ANSWER_TOKENS: f64 = 2000.0;
/// Tokens of a photo of full size, its share of the prompt included: the published 2,500 to 3,300.
const FULL_SIZE_TOKENS: f64 = 2900.0;
/// Tokens of its prompt, where the photos are small; not published, so taken as ours.
const ITS_PROMPT_TOKENS: f64 = 500.0;
/// On Lambda: photos are fetched at the same time, and compressed one after another on one core; as npm sharp takes on
/// one thread, which is longer than ours.
const FETCH_S: f64 = 0.1;
const COMPRESS_S: f64 = 0.054;
/// Base64 takes four bytes for three.
const BASE64: f64 = 4.0 / 3.0;

/// What takes time beside the VLM; the file says where each figure comes from.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Overheads {
    fetch_s_per_photo: f64,
    base64_s_per_photo: f64,
    predecessor_scale_s_per_photo: f64,
    merge_and_save_s: f64,
    our_fetch_and_compress_s_at_16: f64,
    our_queues_s: f64,
    cached_s: f64,
    full_bytes_per_photo: f64,
    sent_bytes_per_pixel: f64,
    pub(crate) in_flight: Vec<InFlight>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct InFlight {
    pub(crate) limit: usize,
    pub(crate) lanes: usize,
    pub(crate) photos: usize,
}

/// A way of evaluating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Sequential,
    Parallel,
    Compressed,
    Full,
    Quick,
    Cached,
}

impl System {
    pub(crate) const ALL: [Self; 6] = [
        Self::Sequential,
        Self::Parallel,
        Self::Compressed,
        Self::Full,
        Self::Quick,
        Self::Cached,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sequential => "phase 0: sequential, full size",
            Self::Parallel => "phase 1: parallel batches",
            Self::Compressed => "phase 2: parallel, compressed",
            Self::Full => "this system, full",
            Self::Quick => "this system, quick",
            Self::Cached => "this system, cached",
        }
    }
}

/// What a set of DRs costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// Seconds until the last DR has its verdict.
    pub(crate) last_s: f64,
    /// Seconds until a DR has its verdict, in the mean.
    pub(crate) mean_s: f64,
    pub(crate) tokens_in: f64,
    pub(crate) tokens_out: f64,
    pub(crate) requests: usize,
    pub(crate) payload_mb: f64,
}

/// Everything that a run needs beside its DRs.
pub(crate) struct Setting {
    pub(crate) workload: Workload,
    pub(crate) overheads: Overheads,
    pub(crate) rates: Rates,
    pub(crate) photos_per_request: usize,
    /// Whether each batch has a core of its own to fetch and compress its photos, as on Lambda.
    pub(crate) on_lambda: bool,
    /// Tokens of an answer about a photo, instead of those that the sample photos take.
    pub(crate) answer_tokens: Option<u32>,
}

impl Setting {
    /// The realistic server and this system as it is configured.
    pub(crate) fn new(rates: Rates) -> anyhow::Result<Self> {
        let overheads = serde_json::from_str(OVERHEADS).context("Failed to read the overheads")?;
        Ok(Self {
            workload: Workload::new()?,
            overheads,
            rates,
            photos_per_request: 1,
            on_lambda: false,
            answer_tokens: None,
        })
    }

    /// What these DRs cost, all asked for at once, where the server runs `limit` requests.
    pub(crate) fn cost(&self, system: System, drs: &[&Dr], limit: usize) -> anyhow::Result<Cost> {
        let in_flight = self
            .overheads
            .in_flight
            .iter()
            .find(|set| set.limit == limit);
        let in_flight = *in_flight.context("overheads.json has no entry for this limit")?;
        let ours = matches!(system, System::Full | System::Quick | System::Cached);
        let lanes = if ours { in_flight.lanes } else { usize::MAX };
        let made: Vec<(Evaluation, f64)> = drs
            .iter()
            .map(|dr| match system {
                System::Full => self.this_system(dr, Mode::Full, in_flight),
                System::Quick => self.this_system(dr, Mode::Quick, in_flight),
                System::Cached => Ok((self.cached(), 0.0)),
                predecessor => Ok(self.predecessor(dr, predecessor)),
            })
            .collect::<anyhow::Result<_>>()?;
        let bytes: f64 = made.iter().map(|(_, bytes)| bytes).sum();
        let evaluations: Vec<Evaluation> =
            made.into_iter().map(|(evaluation, _)| evaluation).collect();
        let rounds = evaluations
            .iter()
            .flat_map(|evaluation| evaluation.waves.iter().flatten());
        let works: Vec<Work> = rounds
            .flat_map(|round| round.requests.iter().copied())
            .collect();
        let finished_s = run(Engine::new(self.rates, limit), lanes, evaluations);
        Ok(Cost {
            last_s: finished_s.iter().copied().fold(0.0, f64::max),
            mean_s: finished_s.iter().sum::<f64>() / finished_s.len().max(1) as f64,
            tokens_in: works
                .iter()
                .map(|work| work.prompt_tokens)
                .fold(0.0, |sum, tokens| sum + tokens),
            tokens_out: works
                .iter()
                .map(|work| work.answer_tokens)
                .fold(0.0, |sum, tokens| sum + tokens),
            requests: works.len(),
            payload_mb: bytes * BASE64 / 1e6,
        })
    }

    fn predecessor(&self, dr: &Dr, system: System) -> (Evaluation, f64) {
        let Overheads {
            fetch_s_per_photo,
            base64_s_per_photo,
            merge_and_save_s,
            ..
        } = self.overheads;
        let photos = dr.photos.len() as f64;
        let compressed = system == System::Compressed;
        let sizes: Vec<(f64, f64)> = if compressed {
            let bytes = |pixels: f64| pixels * self.overheads.sent_bytes_per_pixel;
            Workload::compressed(dr)
                .into_iter()
                .map(|(tokens, pixels)| (f64::from(tokens), bytes(pixels)))
                .collect()
        } else {
            vec![(FULL_SIZE_TOKENS, self.overheads.full_bytes_per_photo); dr.photos.len()]
        };
        let round = |batch: &[(f64, f64)]| {
            let images: f64 = batch.iter().map(|(tokens, _)| tokens).sum();
            let prompt_tokens = images + if compressed { ITS_PROMPT_TOKENS } else { 0.0 };
            let work = Work {
                prompt_tokens,
                answer_tokens: LONG_ANSWER_TOKENS,
                prefix: None,
                ends: true,
            };
            Round {
                before_s: 0.0,
                requests: vec![work],
            }
        };
        let rounds = sizes.chunks(PHOTOS_PER_BATCH).map(round);
        let waves = match system {
            System::Sequential => rounds.map(|round| vec![round]).collect(),
            _ => [rounds.collect()].into(),
        };
        let encode_s = if compressed {
            self.overheads.predecessor_scale_s_per_photo
        } else {
            base64_s_per_photo
        };
        let before_s = photos * (fetch_s_per_photo + encode_s);
        let evaluation = Evaluation {
            before_s,
            between_s: 0.0,
            after_s: merge_and_save_s,
            waves,
        };
        (evaluation, sizes.iter().map(|(_, bytes)| bytes).sum())
    }

    fn this_system(
        &self,
        dr: &Dr,
        mode: Mode,
        in_flight: InFlight,
    ) -> anyhow::Result<(Evaluation, f64)> {
        let selected = self.workload.selected(dr, mode)?;
        let pixels: f64 = selected
            .waves
            .iter()
            .flatten()
            .map(|asked| asked.pixels)
            .sum();
        let waves = selected
            .waves
            .iter()
            .map(|wave| self.batches(&selected, wave, in_flight))
            .collect();
        let half_s = self.overheads.our_queues_s / 2.0;
        let evaluation = Evaluation {
            before_s: half_s,
            between_s: half_s,
            after_s: half_s,
            waves,
        };
        Ok((evaluation, pixels * self.overheads.sent_bytes_per_pixel))
    }

    /// Batches of as many photos as an invocation asks about at once, of sizes that differ by one at most.
    fn batches(&self, selected: &Selected, wave: &[AskedPhoto], in_flight: InFlight) -> Vec<Round> {
        let InFlight { lanes, photos, .. } = in_flight;
        let at_once = (lanes * photos).min(wave.len()) as f64;
        let before_s = self.overheads.our_fetch_and_compress_s_at_16 * at_once / 16.0;
        let alone = |photos: usize| FETCH_S + COMPRESS_S * photos as f64;
        let batch = |batch: Vec<AskedPhoto>| Round {
            before_s: if self.on_lambda {
                alone(batch.len())
            } else {
                before_s
            },
            requests: batch
                .chunks(self.photos_per_request)
                .map(|photos| self.request(selected, photos))
                .collect(),
        };
        dealt(wave, photos * self.photos_per_request)
            .into_iter()
            .map(batch)
            .collect()
    }

    fn request(&self, selected: &Selected, photos: &[AskedPhoto]) -> Work {
        let sum = |of: fn(&AskedPhoto) -> u32| f64::from(photos.iter().map(of).sum::<u32>());
        let prefix = Prefix {
            id: u64::from(selected.prefix_tokens),
            tokens: selected.prefix_tokens,
        };
        let answer_tokens = match self.answer_tokens {
            Some(tokens) => f64::from(tokens) * photos.len() as f64,
            None => sum(|photo| photo.answer_tokens),
        };
        let prompt_tokens = f64::from(prefix.tokens) + sum(|photo| photo.photo_tokens);
        Work {
            prompt_tokens,
            answer_tokens,
            prefix: Some(prefix),
            ends: true,
        }
    }

    fn cached(&self) -> Evaluation {
        Evaluation {
            before_s: self.overheads.cached_s,
            between_s: 0.0,
            after_s: 0.0,
            waves: [].into(),
        }
    }
}

/// As `evaluation::domain::plan::batches` deals photos: sizes differ by one at most.
fn dealt(photos: &[AskedPhoto], most: usize) -> Vec<Vec<AskedPhoto>> {
    let count = photos.len().div_ceil(most.max(1));
    (0..count)
        .map(|at| {
            photos
                .iter()
                .skip(at)
                .step_by(count.max(1))
                .copied()
                .collect()
        })
        .collect()
}
