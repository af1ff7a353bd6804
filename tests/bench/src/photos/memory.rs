//! Peak memory: fresh processes that prepare five photos at two threads: of 12 megapixels, and HEICs of 48.

use std::path::Path;

use anyhow::{Context, bail};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::attempt::{LeftOut, attempt};
use super::compare::{SET, Settings};
use super::folder::{Photo, file, made};
use super::grid;
use super::peer::Peer;
use super::reference::Reference;
use super::result::{Memory, Peaks};
use super::side::{Outcome, Request, Side};

/// What counts as 12 megapixels, in millions of pixels.
const TWELVE: std::ops::RangeInclusive<f64> = 11.0..=13.0;
/// Five baseline photos may take this.
const BASELINE_LIMIT: u64 = 64 << 20;
/// Five progressive ones may take this: each holds all its coefficients until the last scan.
const PROGRESSIVE_LIMIT: u64 = 128 << 20;
/// Five HEICs of 48 megapixels may take this: a strip of tiles each, and the photo at the height that is sent.
const HEIC_LIMIT: u64 = 128 << 20;
/// Quality of the progressive copies.
const QUALITY: u8 = 90;

/// Five photos at most, and the same made progressive.
pub(crate) struct Chosen {
    /// As they are, largest file first.
    pub(crate) baseline: Vec<Photo>,
    /// In the same order.
    pub(crate) progressive: Vec<Photo>,
    /// Photos of the right size and kind that are not read.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Measures five baseline photos of the folder and the same five made progressive; of sharp as well where it is given.
pub(crate) fn measure(
    photos: &[Photo],
    settings: &Settings,
    peer: Option<&Peer>,
) -> anyhow::Result<Peaks> {
    let mut sides = vec![Side::ours()?];
    sides.extend(peer.map(Peer::start).transpose()?);
    let chosen = choose(photos, |photo| {
        let request = settings.request(&[photo], 1, false);
        sides
            .iter_mut()
            .try_for_each(|side| prepared(side, &request))
    });
    drop(sides);
    let mut memory = Vec::new();
    for (name, photos, limit_bytes) in [
        ("baseline, 12 MP", &chosen.baseline, BASELINE_LIMIT),
        ("progressive, 12 MP", &chosen.progressive, PROGRESSIVE_LIMIT),
    ] {
        if photos.is_empty() {
            continue;
        }
        eprintln!("    peak memory of {} {name} …", photos.len());
        let request = settings.request(&photos.iter().collect::<Vec<_>>(), 2, false);
        let ours_bytes = peak(Side::ours()?, &request)?;
        let sharp = peer.map(|peer| peak(peer.start()?, &request));
        memory.push(Memory {
            photos: name,
            count: photos.len(),
            ours_bytes,
            sharp_bytes: sharp.transpose()?,
            limit_bytes,
        });
    }
    let mut ours = Side::ours()?;
    let is_read = |photo: &Photo| prepared(&mut ours, &settings.request(&[photo], 1, false));
    if let Some(photo) = grid::of_48_megapixels(photos, is_read) {
        eprintln!("    peak memory of {SET} HEIC, 48 MP …");
        let request = settings.request(&[&photo; SET], 2, false);
        memory.push(Memory {
            photos: "HEIC, 48 MP",
            count: SET,
            ours_bytes: peak(Side::ours()?, &request)?,
            // It reads no HEIC.
            sharp_bytes: None,
            limit_bytes: HEIC_LIMIT,
        });
    }
    Ok(Peaks {
        memory,
        left_out_of_memory: chosen.left_out,
    })
}

fn peak(mut side: Side, request: &Request) -> anyhow::Result<u64> {
    prepared(&mut side, request)?;
    side.peak_bytes()
}

/// Asks; a refusal is an error.
fn prepared(side: &mut Side, request: &Request) -> anyhow::Result<()> {
    for photo in side.ask(request)?.photos {
        if let Outcome::Refused { error } = photo.outcome {
            bail!("refused: {error}");
        }
    }
    Ok(())
}

/// The first five baseline photos of 12 megapixels that every side reads, and as progressive
/// files too.
///
/// A set with a photo that a side refuses would say nothing of its memory.
pub(crate) fn choose(
    photos: &[Photo],
    mut is_read: impl FnMut(&Photo) -> anyhow::Result<()>,
) -> Chosen {
    let mut found = Vec::new();
    let mut left_out = Vec::new();
    for photo in photos.iter().filter(|photo| is_wanted(photo)) {
        if found.len() == SET {
            break;
        }
        let pair = attempt(|| {
            is_read(photo)?;
            let progressive = made_progressive(photo)?;
            is_read(&progressive)?;
            Ok((photo.clone(), progressive))
        });
        match pair {
            Ok(pair) => found.push(pair),
            Err(reason) => left_out.push(LeftOut {
                photo: photo.name.clone(),
                reason,
            }),
        }
    }
    found.sort_by_key(|(photo, _)| std::cmp::Reverse(photo.bytes));
    let (baseline, progressive) = found.into_iter().unzip();
    Chosen {
        baseline,
        progressive,
        left_out,
    }
}

/// Whether the header is that of a baseline JPEG of 12 megapixels. A file that can't be read has no
/// header.
fn is_wanted(photo: &Photo) -> bool {
    let bytes = std::fs::read(&photo.path).unwrap_or_default();
    is_baseline(&bytes) && megapixels(&bytes).is_some_and(|size| TWELVE.contains(&size))
}

/// Reads the header only.
fn megapixels(bytes: &[u8]) -> Option<f64> {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    let (width, height) = reader.into_dimensions().ok()?;
    Some(f64::from(width) * f64::from(height) / 1e6)
}

/// Whether the first frame header after the segments is that of a baseline JPEG.
fn is_baseline(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = rest {
        match marker {
            0xC0 => return bytes.starts_with(&[0xFF, 0xD8]),
            0xC1..=0xC3 | 0xDA => return false,
            _ => {
                rest = rest
                    .get(2 + usize::from(u16::from_be_bytes([*high, *low]))..)
                    .unwrap_or_default()
            }
        }
    }
    false
}

/// The same picture as a progressive file, kept for the next run.
fn made_progressive(photo: &Photo) -> anyhow::Result<Photo> {
    let path = made("progressive")?.join(format!("{}-{}.jpg", photo.name, photo.bytes));
    if !path.exists() {
        write_progressive(&photo.path, &path)
            .with_context(|| format!("Failed to make {}", path.display()))?;
    }
    file(path)
}

fn write_progressive(from: &Path, to: &Path) -> anyhow::Result<()> {
    let reference = Reference::decode(&std::fs::read(from)?)?;
    let picture = reference.stored();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_progressive(true);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let (width, height) = (
        u16::try_from(picture.width())?,
        u16::try_from(picture.height())?,
    );
    encoder.encode(picture.as_raw(), width, height, ColorType::Rgb)?;
    Ok(std::fs::write(to, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baseline_and_progressive_are_told_apart() {
        for progressive in [false, true] {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, QUALITY);
            encoder.set_progressive(progressive);
            encoder
                .encode(&[90; 16 * 16 * 3], 16, 16, ColorType::Rgb)
                .unwrap();
            assert_eq!(is_baseline(&bytes), !progressive);
        }
        assert!(!is_baseline(&[]) && !is_baseline(b"not a photo"));
    }
}
