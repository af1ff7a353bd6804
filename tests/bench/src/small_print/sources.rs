//! Photos with texts whose truth is known.

use std::path::{Path, PathBuf};

use samples::photo::View;
use samples::print::{self, Kind};

use crate::accuracy::labelled;

/// Heights of letters that are drawn, in thousandths of the photo's long edge: 4 to 16 pixels at a long edge of 800.
const HEIGHTS: [f64; 7] = [5.0, 6.25, 7.5, 10.0, 12.5, 15.0, 20.0];
/// The size of phones' photos, in pixels.
const SIZE: (u32, u32) = (4000, 3000);

/// A photo.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// Its name.
    pub(super) name: String,
    /// Where its bytes come from.
    pub(super) from: From,
}

/// Where a photo comes from.
#[derive(Debug, Clone)]
pub(super) enum From {
    /// It is drawn, with letters so many thousandths of its long edge high.
    Drawn { height: f64, view: View },
    /// It is a file with these texts, each by the step that it belongs to.
    File { path: PathBuf, texts: Vec<Text> },
}

/// A text in a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// What it stands on.
    pub(super) kind: String,
    /// What is to be read.
    pub(super) text: String,
}

impl Sample {
    /// How high the letters are, in thousandths of the long edge, if that is known.
    pub(super) fn height(&self) -> Option<f64> {
        match self.from {
            From::Drawn { height, .. } => Some(height),
            From::File { .. } => None,
        }
    }

    /// The photo's file and the texts in it.
    pub(super) fn load(&self) -> anyhow::Result<(Vec<u8>, Vec<Text>)> {
        match &self.from {
            From::Drawn { height, view } => {
                let (bytes, prints) = print::jpeg(view, height / 1000.0)?;
                let text = |print: print::Print| Text {
                    kind: kind(print.kind).into(),
                    text: print.text,
                };
                Ok((bytes, prints.into_iter().map(text).collect()))
            }
            From::File { path, texts } => Ok((std::fs::read(path)?, texts.clone())),
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Label => "label",
        Kind::Meter => "display",
        Kind::Serial => "serial",
    }
}

/// So many photos of each height.
pub(super) fn drawn(photos: u64) -> Vec<Sample> {
    let sample = |(number, height): (u64, f64)| Sample {
        name: format!("{height} ‰, {number}"),
        from: From::Drawn {
            height,
            view: View {
                width: SIZE.0,
                height: SIZE.1,
                orientation: 1,
                // The same texts and places at each height: only the size differs.
                seed: number,
            },
        },
    };
    let all = HEIGHTS
        .into_iter()
        .flat_map(|height| (1..=photos).map(move |number| (number, height)));
    all.map(sample).collect()
}

/// The photos of labelled DRs that have readings.
pub(super) fn labelled(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let drs = labelled::read(folder)?;
    let photos = drs.into_iter().flat_map(|dr| dr.photos);
    let sample = |photo: labelled::LabelledPhoto| {
        let shown = photo.looks_like.into_iter();
        let texts: Vec<Text> = shown
            .filter_map(|shown| {
                Some(Text {
                    kind: shown.step,
                    text: shown.reading.filter(|reading| !reading.is_empty())?,
                })
            })
            .collect();
        let path = photo.path.filter(|_| !texts.is_empty())?;
        Some(Sample {
            name: photo.name,
            from: From::File { path, texts },
        })
    };
    Ok(photos.filter_map(sample).collect())
}
