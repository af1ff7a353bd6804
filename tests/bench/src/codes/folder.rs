//! Pictures with what their codes say.

use std::fs;
use std::path::Path;

use anyhow::Context;
use image::{GrayImage, Rgba, RgbaImage};

/// A picture.
pub(super) struct Picture {
    /// The file's name.
    pub(super) name: String,
    /// What stands in its name before the first hyphen: the kind of its code.
    pub(super) group: String,
    /// What its code says; none if it has none.
    pub(super) says: Option<String>,
    pub(super) luma: GrayImage,
}

/// All pictures of a folder, by name.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Picture>> {
    let unreadable = || format!("Failed to read {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if matches!(
            path.extension().and_then(|end| end.to_str()),
            Some("png" | "jpg" | "jpeg" | "webp")
        ) {
            paths.push(path);
        }
    }
    paths.sort();
    anyhow::ensure!(!paths.is_empty(), "{} holds no picture", folder.display());
    paths.iter().map(|path| picture(path)).collect()
}

fn picture(path: &Path) -> anyhow::Result<Picture> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let luma = image::open(path).with_context(|| format!("Failed to read {}", path.display()))?;
    let says = fs::read_to_string(path.with_extension("txt")).ok();
    Ok(Picture {
        group: name.split('-').next().unwrap_or_default().to_owned(),
        name: name.into_owned(),
        says,
        luma: on_white(&luma.into_rgba8()),
    })
}

/// What is transparent shows white, as in the functions.
fn on_white(picture: &RgbaImage) -> GrayImage {
    let mut white = RgbaImage::from_pixel(picture.width(), picture.height(), Rgba([255; 4]));
    image::imageops::overlay(&mut white, picture, 0, 0);
    image::DynamicImage::ImageRgba8(white).into_luma8()
}
