//! What the comparison found, as it is printed with `--json`.

use serde::Serialize;

use super::attempt::LeftOut;
use crate::report::spread::Spread;

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// Where the photos come from.
    pub(crate) photos_from: String,
    /// The long edge in pixels that both sides scale to.
    pub(crate) long_edge: u32,
    /// Our JPEG quality: the size policy's.
    pub(crate) jpeg_quality: u8,
    /// sharp's JPEG quality.
    pub(crate) sharp_jpeg_quality: u8,
    /// How often each photo was measured.
    pub(crate) rounds: usize,
    /// The figures that count.
    #[serde(flatten)]
    pub(crate) summary: Option<Summary>,
    /// Why there are no such figures; none if there are.
    pub(crate) no_summary: Option<String>,
    /// Our time over that of entropy decoding alone, which no decoder can do without: median over the photos.
    pub(crate) over_entropy_floor: Option<f64>,
    /// Peak memory of each set of five photos.
    #[serde(flatten)]
    pub(crate) memory: Peaks,
    /// Each photo.
    pub(crate) rows: Vec<Row>,
}

/// Ratios are this pipeline's figure over sharp's: below 1 is better. Medians are over the photos that both sides read.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Median over the photos of each one's median ratio.
    pub(crate) time_ratio_1_thread: f64,
    /// The same for CPU time, which neighbours on the machine disturb less.
    pub(crate) cpu_ratio_1_thread: f64,
    /// Quartiles over the photos.
    pub(crate) time_ratio_1_thread_spread: Spread,
    /// Five photos at two threads, largest first: median over the sets and rounds.
    pub(crate) time_ratio_2_threads: f64,
    /// The same for CPU time.
    pub(crate) cpu_ratio_2_threads: f64,
    /// Quartiles over sets and rounds.
    pub(crate) time_ratio_2_threads_spread: Spread,
    /// Of the set that is worst for this pipeline; none if no photo is one to measure memory with.
    pub(crate) peak_memory_ratio: Option<f64>,
    /// Median over the photos.
    pub(crate) bytes_ratio: f64,
    /// All photos' bytes together.
    pub(crate) bytes_ratio_total: f64,
    /// SSIMULACRA2 less sharp's, on the photo that is worst for this pipeline; none if none has
    /// scores.
    pub(crate) worst_quality_delta: Option<f64>,
    /// SSIMULACRA2 less sharp's, median over the photos; none if none has scores.
    pub(crate) median_quality_delta: Option<f64>,
    /// By how much the payload fell on the photo of 2 MB or more where it fell least; none if there is no such photo.
    pub(crate) least_payload_reduction: Option<f64>,
    /// Median over the photos, of both sides.
    pub(crate) medians: Medians,
}

/// Medians over the photos.
#[derive(Debug, Serialize)]
pub(crate) struct Medians {
    /// Milliseconds a photo, one thread.
    pub(crate) ours_ms: f64,
    /// Milliseconds a photo, one thread.
    pub(crate) sharp_ms: f64,
    /// Bytes sent.
    pub(crate) ours_bytes: f64,
    /// Bytes sent.
    pub(crate) sharp_bytes: f64,
    /// SSIMULACRA2; none if no photo has a score.
    pub(crate) ours_quality: Option<f64>,
    /// SSIMULACRA2; none if no photo has a score.
    pub(crate) sharp_quality: Option<f64>,
    /// Image tokens.
    pub(crate) ours_image_tokens: f64,
    /// Image tokens.
    pub(crate) sharp_image_tokens: f64,
}

/// A photo.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) photo: String,
    /// Bytes of its file.
    pub(crate) original_bytes: u64,
    /// Pixels of its file, in millions; none if the reference decoder does not read it.
    pub(crate) megapixels: Option<f64>,
    /// This pipeline.
    pub(crate) ours: Result<Sent, Refusal>,
    /// sharp.
    pub(crate) sharp: Result<Sent, Refusal>,
    /// Time over sharp's, round by round; none unless both read it.
    pub(crate) time_ratio: Option<Spread>,
    /// CPU time over sharp's, of the medians.
    pub(crate) cpu_ratio: Option<f64>,
}

/// What a side made of a photo.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sent {
    /// Milliseconds, from reading the file to the base64 text.
    pub(crate) ms: Spread,
    /// Milliseconds of CPU time.
    pub(crate) cpu_ms: f64,
    /// Bytes of the JPEG.
    pub(crate) bytes: u64,
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// Tokens that it costs the model.
    pub(crate) image_tokens: u32,
    /// SSIMULACRA2 against the reference, if it has one.
    pub(crate) quality: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_quality: Option<String>,
}

/// Why a side made nothing of a photo.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refusal {
    /// The reason.
    pub(crate) refused: String,
}

/// Peak memory, set by set.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Peaks {
    /// Each set; none if no photo is one to measure memory with.
    pub(crate) memory: Vec<Memory>,
    /// Photos of the right size and kind that a side does not read.
    pub(crate) left_out_of_memory: Vec<LeftOut>,
}

/// Peak resident memory of fresh processes that prepare five photos at two threads.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Memory {
    /// Which photos.
    pub(crate) photos: &'static str,
    /// How many there are.
    pub(crate) count: usize,
    /// Bytes of this pipeline's process.
    pub(crate) ours_bytes: u64,
    /// Bytes of sharp's process, if it was asked.
    pub(crate) sharp_bytes: Option<u64>,
    /// What this pipeline may take, in bytes.
    pub(crate) limit_bytes: u64,
}

impl Row {
    /// Both sides, where both read the photo.
    pub(crate) fn both(&self) -> Option<(&Sent, &Sent)> {
        Some((self.ours.as_ref().ok()?, self.sharp.as_ref().ok()?))
    }

    /// Quality less sharp's.
    pub(crate) fn quality_delta(&self) -> Option<f64> {
        let (ours, sharp) = self.both()?;
        Some(ours.quality? - sharp.quality?)
    }

    /// Bytes over sharp's.
    pub(crate) fn bytes_ratio(&self) -> Option<f64> {
        let (ours, sharp) = self.both()?;
        Some(ours.bytes as f64 / sharp.bytes as f64)
    }

    /// By how much the payload fell, as a fraction of the file.
    pub(crate) fn payload_reduction(&self) -> Option<f64> {
        let sent = self.ours.as_ref().ok()?.bytes;
        Some(1.0 - sent as f64 / self.original_bytes as f64)
    }
}
