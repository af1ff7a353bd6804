//! Files that are no good photos, and good photos under wrong names.

use std::io::Cursor;

use fastrand::Rng;
use image::{DynamicImage, ImageFormat};

use crate::drs::{Dr, made_up};
use crate::photo::{jpeg, picture};
use crate::truth::Truth;

/// The files: name, content, and whether it is a photo that can be read.
pub fn files() -> anyhow::Result<Vec<(&'static str, Vec<u8>, bool)>> {
    let truth = Truth {
        dr_number: "DRHOSTILE".into(),
        photo: 0,
        shows: made_up("DRHOSTILE", 1, 1)?.photos.remove(0).shows,
    };
    let view = Dr::view(0, 1.3, 1);
    let photo = jpeg(&truth, &view)?;
    let upright = DynamicImage::ImageRgb8(picture(&truth, &view)?);
    let encoded = |format| -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        upright.write_to(&mut Cursor::new(&mut bytes), format)?;
        Ok(bytes)
    };
    let mut random = Rng::with_seed(7);
    let part = |length: usize| photo.get(..length).unwrap_or(&photo).to_vec();
    Ok(vec![
        ("zero-bytes.jpg", Vec::new(), false),
        ("only-soi.jpg", part(3), false),
        (
            "random.jpg",
            (0..20_000).map(|_| random.u64(..) as u8).collect(),
            false,
        ),
        ("truncated-header.jpg", part(300), false),
        ("truncated-half.jpg", part(photo.len() / 2), false),
        ("text.jpg", b"This is not a photo.\n".to_vec(), false),
        ("claims-65500x65500.jpg", claiming(&photo, 65_500), false),
        ("png-named.jpg", encoded(ImageFormat::Png)?, true),
        ("webp-named.jpg", encoded(ImageFormat::WebP)?, true),
    ])
}

/// The photo with a frame header that claims `edge` pixels each way.
fn claiming(photo: &[u8], edge: u16) -> Vec<u8> {
    let mut bytes = photo.to_vec();
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap_or(0);
    let claim = [edge.to_be_bytes(), edge.to_be_bytes()].concat();
    if let Some(place) = bytes.get_mut(frame + 5..frame + 9) {
        place.copy_from_slice(&claim);
    }
    bytes
}
