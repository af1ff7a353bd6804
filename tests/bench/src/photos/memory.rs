//! Peak memory: fresh processes that prepare five photos of 12 megapixels at two threads.

use std::path::Path;

use anyhow::{Context, ensure};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::compare::{SET, Settings};
use super::folder::{Photo, file, made};
use super::peer::Peer;
use super::reference::Reference;
use super::result::Memory;
use super::side::{Outcome, Side};

/// What counts as 12 megapixels, in millions of pixels.
const TWELVE: std::ops::RangeInclusive<f64> = 11.0..=13.0;
/// Five baseline photos may take this.
const BASELINE_LIMIT: u64 = 64 << 20;
/// Five progressive ones may take this: each holds all its coefficients until the last scan.
const PROGRESSIVE_LIMIT: u64 = 128 << 20;
/// Quality of the progressive copies.
const QUALITY: u8 = 90;

/// Measures five baseline photos of the folder and the same five made progressive; of sharp as well where it is given.
pub(crate) fn measure(
    photos: &[Photo],
    settings: &Settings,
    peer: Option<&Peer>,
) -> anyhow::Result<Vec<Memory>> {
    let baseline = baseline(photos)?;
    ensure!(
        !baseline.is_empty(),
        "There is no baseline JPEG of 12 megapixels to measure memory with"
    );
    let progressive = baseline
        .iter()
        .map(|photo| made_progressive(photo))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let of = |name, photos: &[&Photo], limit_bytes| {
        eprintln!("    peak memory of {} {name} …", photos.len());
        let ours_bytes = peak(Side::ours()?, photos, settings)?;
        let sharp_bytes = peer
            .map(|peer| peak(peer.start()?, photos, settings))
            .transpose()?;
        anyhow::Ok(Memory {
            photos: name,
            count: photos.len(),
            ours_bytes,
            sharp_bytes,
            limit_bytes,
        })
    };
    let progressive: Vec<&Photo> = progressive.iter().collect();
    Ok(vec![
        of("baseline, 12 MP", &baseline, BASELINE_LIMIT)?,
        of("progressive, 12 MP", &progressive, PROGRESSIVE_LIMIT)?,
    ])
}

fn peak(mut side: Side, photos: &[&Photo], settings: &Settings) -> anyhow::Result<u64> {
    let answer = side.ask(&settings.request(photos, 2, false))?;
    for photo in &answer.photos {
        if let Outcome::Refused { error } = &photo.outcome {
            anyhow::bail!("a photo was refused while memory was measured: {error}");
        }
    }
    side.peak_bytes()
}

/// The first five baseline photos of 12 megapixels, largest file first.
fn baseline(photos: &[Photo]) -> anyhow::Result<Vec<&Photo>> {
    let mut found = Vec::new();
    for photo in photos {
        let bytes = std::fs::read(&photo.path)?;
        if is_baseline(&bytes)
            && found.len() < SET
            && megapixels(&bytes).is_some_and(|size| TWELVE.contains(&size))
        {
            found.push(photo);
        }
    }
    found.sort_by_key(|photo| std::cmp::Reverse(photo.bytes));
    Ok(found)
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
