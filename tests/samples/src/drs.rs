//! The sample DRs, and made-up ones of any size. Technicians' habits are in them: photos in the wrong slot, names that
//! say nothing, several photos of a step, two steps in a photo, photos of nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use evaluation::domain::catalogue::{Catalogue, Step};
use evaluation::domain::reading::Reads;
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::photo::View;
use crate::truth::{Shown, Truth};

const SAMPLES: &str = include_str!("drs.json");
/// A DR to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dr {
    /// Its number.
    pub dr_number: String,
    /// Its photos.
    pub photos: Vec<Named>,
}

/// A photo of a DR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The file's name.
    pub name: String,
    /// What it shows.
    pub shows: Vec<Shown>,
}

/// The sample DRs.
pub fn samples() -> anyhow::Result<Vec<Dr>> {
    serde_json::from_str(SAMPLES).context("Failed to read the sample DRs")
}

/// The small print of a photo of this step as it should be; none if the step wants none.
fn print(dr_number: &str, step: &Step, index: usize) -> Option<String> {
    step.small_print.as_ref()?;
    Some(match &step.reads {
        Some(Reads::PowerDbm { .. }) => format!("-1{}.{} dBm", index % 10, index % 7),
        Some(Reads::DrNumber) => dr_number.into(),
        Some(Reads::Serial(format)) => {
            let prefix = format.prefix.as_deref().unwrap_or("UPS");
            format!("{prefix}{:08X}", number(dr_number, index))
        }
        Some(Reads::HousingType { .. }) | None => format!("{index:06}"),
    })
}

/// A number of a DR's own for each of its photos: no two DRs have the same device.
fn number(dr_number: &str, index: usize) -> u32 {
    let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    let hash = dr_number.bytes().fold(2_166_136_261, fold);
    hash.wrapping_add(index as u32)
}

/// A made-up DR: the first photos show the steps of the catalogue, in order, well enough to pass.
pub fn made_up(dr_number: &str, photos: usize, seed: u64) -> anyhow::Result<Dr> {
    Ok(made_up_of(Catalogue::current()?, dr_number, photos, seed))
}

/// The same with the steps of this catalogue.
pub fn made_up_of(catalogue: &Catalogue, dr_number: &str, photos: usize, seed: u64) -> Dr {
    let steps = catalogue.steps.len();
    let mut random = Rng::with_seed(seed);
    let photo = |(index, step): (usize, &Step)| {
        let score = if index < steps {
            7 + random.u64(..4)
        } else {
            random.u64(..11)
        } as u8;
        let kind = catalogue.photo_types(&step.key).next();
        let kind = kind.unwrap_or(step.key.as_str());
        Named {
            name: format!("{dr_number}_ph_{kind}_{}.jpg", 1000 + index),
            shows: vec![Shown {
                step: step.key.to_string(),
                score,
                reading: print(dr_number, step, index),
                code: None,
                fail: None,
            }],
        }
    };
    let all = (0..photos).zip(catalogue.steps.iter().cycle());
    Dr {
        dr_number: dr_number.into(),
        photos: all.map(photo).collect(),
    }
}

impl Dr {
    /// The truth of the photo at `index`.
    pub fn truth(&self, index: usize) -> Option<Truth> {
        let shows = self.photos.get(index)?.shows.clone();
        Some(Truth {
            dr_number: self.dr_number.clone(),
            photo: index as u32,
            shows,
        })
    }

    /// The ONT has this serial, and its bar code says that, where they are given.
    pub fn label_ont(&mut self, serial: Option<&str>, code: Option<&str>) {
        let shows = self.photos.iter_mut().flat_map(|photo| &mut photo.shows);
        for shown in shows.filter(|shown| shown.step == "ont_back_and_barcode") {
            shown.reading = serial.map(str::to_owned).or(shown.reading.take());
            shown.code = code.map(str::to_owned);
        }
    }

    /// The first photo does not pass, for the reason of this fail code.
    pub fn fail_first(&mut self, code: &str) {
        for shown in self
            .photos
            .iter_mut()
            .take(1)
            .flat_map(|photo| &mut photo.shows)
        {
            shown.score = shown.score.min(2);
            shown.fail = Some(code.to_owned());
        }
    }

    /// How the photo at `index` is taken: all orientations and both ways of holding a phone occur.
    pub fn view(index: usize, megapixels: f64, seed: u64) -> View {
        let unit = (megapixels * 1_000_000.0 / 12.0).sqrt();
        let (long, short) = ((4.0 * unit).round() as u32, (3.0 * unit).round() as u32);
        let portrait = index % 3 == 1;
        let (width, height) = if portrait {
            (short, long)
        } else {
            (long, short)
        };
        View {
            width,
            height,
            orientation: (index % 8) as u8 + 1,
            seed: seed.wrapping_add(index as u64),
        }
    }

    /// The truth file: `{"dr_number", "photos": {name: {"steps": {step: {"score", "reading"}}}}}`.
    pub fn truth_file(&self) -> Value {
        let steps = |photo: &Named| {
            let steps: BTreeMap<_, _> = photo
                .shows
                .iter()
                .map(|s| {
                    (
                        s.step.clone(),
                        json!({"score": s.score, "reading": s.reading}),
                    )
                })
                .collect();
            json!({"steps": steps})
        };
        let photos: BTreeMap<_, _> = self
            .photos
            .iter()
            .map(|photo| (photo.name.clone(), steps(photo)))
            .collect();
        json!({"dr_number": self.dr_number, "photos": photos})
    }
}

#[cfg(test)]
mod tests {
    use evaluation::decide::sighting::MOST_DISTANCE;
    use image::DynamicImage;
    use photos::quality::Quality;

    use super::*;
    use crate::photo::picture;

    /// How each photo of a made-up DR looks.
    fn looks(seed: u64) -> Vec<u64> {
        let dr = made_up(&format!("DR{seed}"), 10, seed).unwrap();
        let look = |index| {
            let view = Dr::view(index, 0.1, seed);
            let seen = picture(&dr.truth(index).unwrap(), &view).unwrap();
            let luma = DynamicImage::from(seen).into_luma8();
            Quality::of(&luma, view.width as usize).perceptual_hash
        };
        (0..dr.photos.len()).map(look).collect()
    }

    /// Else a test's DR may be flagged for a photo of another test's.
    #[test]
    fn photos_of_different_drs_never_look_the_same() {
        let drs: Vec<Vec<u64>> = (0..40).map(looks).collect();
        for (at, one) in drs.iter().enumerate() {
            for other in drs.iter().skip(at + 1).flatten() {
                let least = one.iter().map(|look| (look ^ other).count_ones()).min();
                assert!(least.unwrap() > MOST_DISTANCE);
            }
        }
        assert_eq!(looks(7), looks(7));
    }

    #[test]
    fn the_sample_drs_have_the_sizes_people_know() {
        let sizes: Vec<_> = samples()
            .unwrap()
            .into_iter()
            .map(|dr| (dr.dr_number, dr.photos.len()))
            .collect();
        assert_eq!(
            sizes,
            [
                ("DR1730550".into(), 16),
                ("DR1733758".into(), 7),
                ("DR1734014".into(), 13)
            ]
        );
    }

    #[test]
    fn names_are_unique_and_all_orientations_occur() {
        for dr in samples().unwrap() {
            let names: std::collections::BTreeSet<_> =
                dr.photos.iter().map(|photo| &photo.name).collect();
            assert_eq!(names.len(), dr.photos.len());
        }
        let orientations: std::collections::BTreeSet<_> =
            (0..16).map(|n| Dr::view(n, 12.0, 0).orientation).collect();
        assert_eq!(
            orientations.into_iter().collect::<Vec<_>>(),
            (1..=8).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_made_up_dr_shows_every_step_of_the_catalogue_in_its_first_photos() {
        let catalogue = Catalogue::current().unwrap();
        let dr = made_up("DR1", catalogue.steps.len(), 1).unwrap();
        for (step, photo) in catalogue.steps.iter().zip(&dr.photos) {
            assert_eq!(photo.shows[0].step, step.key.as_str());
            assert_eq!(photo.shows[0].reading.is_some(), step.small_print.is_some());
            assert!(photo.shows[0].score >= catalogue.pass_score.value());
        }
    }
}
