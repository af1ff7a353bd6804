//! A HEIC of 48 megapixels, as phones' best cameras write it: the tiles of a smaller one, over and over.

use std::path::Path;

use anyhow::{Context, ensure};
use heifer_isobmff::HeifFile;
use heifer_isobmff::boxes::ColorInfo;
use heifer_isobmff::writer::{HeifWriter, ImageSpec};

use super::attempt::attempt;
use super::folder::{Photo, file, made};

/// Width and height in pixels, as an iPhone 14 Pro and later have them.
const SIZE: (u32, u32) = (8064, 6048);

/// Made from the first of the photos that is a HEIC with tiles and of which something is made that is read; kept for the
/// next run. None if there is none.
pub(crate) fn of_48_megapixels(
    photos: &[Photo],
    mut is_read: impl FnMut(&Photo) -> anyhow::Result<()>,
) -> Option<Photo> {
    let mut heics = photos.iter().filter(|photo| is_heic(&photo.path));
    heics.find_map(|photo| {
        let made = attempt(|| {
            let path = made("grid")?.join(format!("48-{}-{}.heic", photo.name, photo.bytes));
            if !path.exists() {
                write(&std::fs::read(&photo.path)?, &path)?;
            }
            let made = file(path)?;
            is_read(&made)?;
            Ok(made)
        });
        made.ok()
    })
}

fn is_heic(path: &Path) -> bool {
    path.extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case("heic"))
}

fn write(bytes: &[u8], to: &Path) -> anyhow::Result<()> {
    Ok(std::fs::write(to, enlarged(bytes, SIZE)?)?)
}

/// The same tiles and colours in a larger grid.
fn enlarged(bytes: &[u8], (width, height): (u32, u32)) -> anyhow::Result<Vec<u8>> {
    let file = HeifFile::parse(bytes)?;
    file.grid(file.primary_id)?;
    let parts = file.referenced_items(file.primary_id, b"dimg");
    let first = parts.first().context("a grid without tiles")?;
    let tile = file.image_size(*first)?.context("a tile without a size")?;
    ensure!(tile.0 > 0 && tile.1 > 0, "an empty tile");
    let mut writer = HeifWriter::new();
    let mut tiles = Vec::new();
    for part in parts {
        let config = file
            .hevc_config(*part)?
            .context("a tile without a header")?;
        let slices = slices(&file.item_data(*part)?, config.nal_length_size.into())?;
        tiles.push(writer.add_image(&ImageSpec::new(tile.0, tile.1, config.clone(), &slices)));
    }
    let (columns, rows) = (width.div_ceil(tile.0), height.div_ceil(tile.1));
    let all: Vec<u32> = tiles
        .into_iter()
        .cycle()
        .take((columns * rows) as usize)
        .collect();
    let (columns, rows) = (u16::try_from(columns)?, u16::try_from(rows)?);
    let colours = file.icc_profile(file.primary_id)?;
    let colours = colours.map(|icc| ColorInfo::Icc(icc.to_vec()));
    writer.add_grid(rows, columns, width, height, &all, colours.as_ref(), None);
    Ok(writer.finish())
}

/// The parts of a coded picture, each behind its length.
pub(crate) fn slices(mut data: &[u8], length_bytes: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut slices = Vec::new();
    while !data.is_empty() {
        let (length, rest) = data
            .split_at_checked(length_bytes)
            .context("a cut length")?;
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let (slice, rest) = rest.split_at_checked(length).context("a cut part")?;
        slices.push(slice.to_vec());
        data = rest;
    }
    Ok(slices)
}
