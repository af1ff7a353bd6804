//! The sample DRs, and made-up ones of any size. Technicians' habits are in them: photos in the wrong slot, names that
//! say nothing, several photos of a step, two steps in a photo, photos of nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::photo::View;
use crate::truth::{SMALL_PRINT_STEPS, Shown, Truth};

const SAMPLES: &str = include_str!("drs.json");
const STEPS: [(&str, &str); 10] = [
    ("house_photo", "prop"),
    ("cable_span", "drop"),
    ("cable_entry_outside", "hm_ln"),
    ("cable_entry_inside", "hm_en"),
    ("wall_installation", "wall"),
    ("ont_back_and_barcode", "ont"),
    ("power_meter", "powm1"),
    ("ups_serial", "ups"),
    ("final_installation", "final"),
    ("ont_lights_and_dr_label", "bl"),
];

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

/// The small print of a photo as it should be.
fn print(dr_number: &str, step: &str, index: usize) -> String {
    match step {
        "power_meter" => format!("-1{}.{} dBm", index % 10, index % 7),
        "ont_lights_and_dr_label" => dr_number.into(),
        "ups_serial" => format!("UPS{index:04}"),
        _ => format!("ALCL{index:04}"),
    }
}

/// A made-up DR: the first ten photos show the ten steps, in order, well enough to pass.
pub fn made_up(dr_number: &str, photos: usize, seed: u64) -> Dr {
    let mut random = Rng::with_seed(seed);
    let photo = |index: usize| {
        let (step, kind) = STEPS
            .get(index % STEPS.len())
            .copied()
            .unwrap_or(("house_photo", "prop"));
        let reading = SMALL_PRINT_STEPS
            .contains(&step)
            .then(|| print(dr_number, step, index));
        let score = if index < STEPS.len() {
            7 + random.u64(..4)
        } else {
            random.u64(..11)
        } as u8;
        Named {
            name: format!("{dr_number}_ph_{kind}_{}.jpg", 1000 + index),
            shows: vec![Shown {
                step: step.into(),
                score,
                reading,
            }],
        }
    };
    Dr {
        dr_number: dr_number.into(),
        photos: (0..photos).map(photo).collect(),
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
    use super::*;

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
}
