//! What damage begins with: small files of every kind that phones send, drawn here, and where ../shared/photos exists
//! the metadata of real phones around them and the real HEIC files.

use std::io::Cursor;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use heifer_isobmff::HeifFile;
use heifer_isobmff::writer::{HeifWriter, ImageSpec};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::photos::folder::repository;
use crate::photos::grid::slices;

/// Bytes of a real file that are kept at most: larger ones would take all the time.
const MOST_BYTES: u64 = 1_200_000;

/// A HEIC's tile, in pixels.
const TILE: u32 = 64;
/// A photo of 48 × 36 pixels, as messengers write it: the library writes none that loses anything.
const LOSSY_WEBP: &str = "UklGRlABAABXRUJQVlA4IEQBAACQBwCdASowACQAP3G0zV60r6k/qrqoA/AuCWwBOAH4ASq7bY1UOAjXPJhetekyK+\
    SOuv0zirOBskcVldKHeKFRXa+2cWAA/tsP9i/gxV2bKoHnnD/9aH+8ZnzMV0GMYZ0qEZbtYB3qn8q+mP5Ng57WfjzO\
    74PC4/PmxhvB2Z1NhLXhov2UB3Z7ORsw9PxlQ7zP+r7EYexFcyRmpp4YfxEdZ0t2RdPb8uJjRv6KvAff91/Nqze28y\
    gj1B6/woC4wFouOjLKg8O5qR1Q1HI357Wr9iJZxApO3kbLMzdqIAtLOi6f7gAFLc7lCD3END+JzUN9BXm+007yiHGu\
    tziD8n8hBGOL4K1Rb+PeYv4AOYhWdtCzdS9eBD/VQf/XQf9h5hcg7u+x1Sb6sDMEmZWngv2TTdr45AUz8m/QgF7Gj3\
    KfuiQAAAA=";
/// The same, and how opaque it is.
const TRANSPARENT_WEBP: &str = "UklGRpABAABXRUJQVlA4WAoAAAAQAAAALwAAIwAAQUxQSCUAAAABuYzof0Bt2zaM0/P/2XXKEDEBQgKCJlshodpwDq\
    k+3883/AQAAFZQOCBEAQAAkAcAnQEqMAAkAD9xssxetK6ov6q6qAPwLglsATgB+AEqu22MrDgI1zyanrXpOCvkjrr9\
    M4qvxUsaF+5acZwGfU9M1oYAAP7bD/Yv4MVdmyqB55w//Wh/vGZ8zFdBjGGdKhGW7WAd6p8+RI5GCUCkUqduK+m1xN\
    AOWbo/JHBAVj/5ZpCappkD/h3EykdjhBx+5MSGNjom7IUp3yOQeHWNBxSxYTR21j7lMQr7+Z9CUvS/MFJKyJSuJT+V\
    bDQ1wDgIoOjLKg8PGULl41V49Wr7dwG+BXECk7eSQszN2ogC0ouNHBmAAUttROJHMrM/xOahvoK832mneUQwAdaVGd\
    XTUppijbmtzSmMBTErOXmcoitU1shEjzun7kD/66D/sPMLkHd31cU4fRcLKXf/U8F+ydyp1RIG58ZFdCYUs+fg4j6o\
    8AAA";

/// The drawn ones and those made of real files.
pub(super) fn all() -> anyhow::Result<Vec<Vec<u8>>> {
    let mut seeds = drawn()?;
    for folder in ["real", "special", "hostile", "odd"] {
        let Ok(files) = std::fs::read_dir(repository().join("../shared/photos").join(folder))
        else {
            continue;
        };
        let mut paths: Vec<_> = files.filter_map(|file| Some(file.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let bytes = std::fs::read(&path)?;
            seeds.extend(
                metadata(&bytes)
                    .into_iter()
                    .map(with_segment)
                    .collect::<anyhow::Result<Vec<_>>>()?,
            );
            if bytes.len() as u64 <= MOST_BYTES && folder != "real" {
                seeds.push(bytes);
            }
        }
    }
    Ok(seeds)
}

/// Those that the project draws itself.
pub(super) fn drawn() -> anyhow::Result<Vec<Vec<u8>>> {
    let mut seeds = Vec::new();
    for progressive in [false, true] {
        for sampling in [
            SamplingFactor::F_1_1,
            SamplingFactor::F_2_1,
            SamplingFactor::F_2_2,
            SamplingFactor::F_1_2,
        ] {
            seeds.push(jpeg(&scene(150, 111), |encoder| {
                encoder.set_progressive(progressive);
                encoder.set_sampling_factor(sampling);
            })?);
        }
        seeds.push(jpeg(&scene(97, 64), |encoder| {
            encoder.set_progressive(progressive);
            encoder.set_restart_interval(3);
            encoder.set_optimized_huffman_tables(true);
        })?);
        seeds.push(grey(progressive)?);
    }
    seeds.push(samples::photo::jpeg(
        &samples::truth::Truth {
            dr_number: "DR1".into(),
            photo: 0,
            shows: vec![],
        },
        &samples::photo::View {
            width: 240,
            height: 180,
            orientation: 6,
            seed: 1,
        },
    )?);
    let picture = DynamicImage::ImageRgb8(scene(90, 70));
    for (picture, format) in [
        (picture.clone(), ImageFormat::Png),
        (
            DynamicImage::ImageRgba16(picture.to_rgba16()),
            ImageFormat::Png,
        ),
        (
            DynamicImage::ImageLuma8(picture.to_luma8()),
            ImageFormat::Png,
        ),
        (picture, ImageFormat::WebP),
    ] {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format)?;
        seeds.push(bytes);
    }
    seeds.extend(heics()?);
    for base64 in [LOSSY_WEBP, TRANSPARENT_WEBP] {
        seeds.push(STANDARD.decode(base64)?);
    }
    seeds.extend(
        samples::hostile::files()?
            .into_iter()
            .map(|(_, bytes, _)| bytes)
            .filter(|bytes| bytes.len() < 50_000),
    );
    Ok(seeds)
}

/// A picture alone, one with opacity, and a grid of tiles, turned.
fn heics() -> anyhow::Result<Vec<Vec<u8>>> {
    let options = heifer::EncodeOptions::default();
    let picture = scene(TILE, TILE);
    let alone = heifer::encode_rgb8(TILE, TILE, picture.as_raw(), &options)?;
    let transparent = DynamicImage::ImageRgb8(scene(40, 30)).into_rgba8();
    let transparent = heifer::encode_rgba8(40, 30, transparent.as_raw(), &options)?;
    let file = HeifFile::parse(&alone)?;
    let config = file.hevc_config(file.primary_id)?;
    let config = config.context("a HEIC without its header")?.clone();
    let slices = slices(
        &file.item_data(file.primary_id)?,
        config.nal_length_size.into(),
    )?;
    let mut writer = HeifWriter::new();
    let spec = ImageSpec::new(TILE, TILE, config, &slices);
    let tiles: Vec<u32> = (0..4).map(|_| writer.add_image(&spec)).collect();
    writer.add_grid(2, 2, 2 * TILE - 10, 2 * TILE - 1, &tiles, None, None);
    let grid = writer.finish();
    Ok(vec![alone, transparent, grid])
}

/// Smooth, edged and noisy parts.
fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x / 16 + y / 16) % 3 {
        0 => Rgb([(x * 2) as u8, (y * 2) as u8, 90]),
        1 => Rgb([if (x ^ y) & 4 == 0 { 30 } else { 220 }; 3]),
        _ => Rgb([(x * 31 + y * 17) as u8, (x * y) as u8, 128]),
    })
}

fn jpeg(
    picture: &RgbImage,
    set: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 88);
    set(&mut encoder);
    encoder.encode(
        picture.as_raw(),
        picture.width() as u16,
        picture.height() as u16,
        ColorType::Rgb,
    )?;
    Ok(bytes)
}

fn grey(progressive: bool) -> anyhow::Result<Vec<u8>> {
    let picture = DynamicImage::ImageRgb8(scene(75, 50)).into_luma8();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    encoder.set_progressive(progressive);
    encoder.encode(picture.as_raw(), 75, 50, ColorType::Luma)?;
    Ok(bytes)
}

/// The EXIF, XMP and ICC segments of a JPEG, markers included.
fn metadata(jpeg: &[u8]) -> Vec<&[u8]> {
    let mut rest = jpeg.strip_prefix(&[0xFF, 0xD8]).unwrap_or_default();
    let mut found = Vec::new();
    while let [0xFF, marker, high, low, ..] = rest {
        let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
        let Some((segment, next)) = rest.split_at_checked(length) else {
            break;
        };
        match marker {
            0xE1 | 0xE2 => found.push(segment),
            0xDA => break,
            _ => {}
        }
        rest = next;
    }
    found
}

/// A small photo that carries a real phone's segment.
fn with_segment(segment: &[u8]) -> anyhow::Result<Vec<u8>> {
    let photo = jpeg(&scene(64, 48), |_| {})?;
    let (start, rest) = photo.split_at_checked(2).unwrap_or_default();
    Ok([start, segment, rest].concat())
}
