//! Pictures of nothing, to ask about.

use anyhow::Context;
use jpeg_encoder::{ColorType, Encoder};

/// A grey gradient of this size, as JPEG.
pub(crate) fn gradient(width: u16, height: u16) -> anyhow::Result<Vec<u8>> {
    let (across, down) = (u32::from(width), u32::from(height));
    let shade = |x: u32, y: u32| 64 + (x * 64 / across + y * 64 / down) as u8;
    let pixels: Vec<u8> = (0..down)
        .flat_map(|y| (0..across).map(move |x| shade(x, y)))
        .collect();
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 80)
        .encode(&pixels, width, height, ColorType::Luma)
        .context("Failed to encode a picture of nothing")?;
    Ok(jpeg)
}
