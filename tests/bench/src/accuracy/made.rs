//! Made-up labelled DRs, with technicians' mistakes at the rates of `mistakes.json`.
//!
//! # Invariants
//! - The same seed, number and rates give the same DRs.

use evaluation::domain::catalogue::{Catalogue, Step};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::reading::Reads;
use fastrand::Rng;
use samples::truth::Shown;

use super::labelled::{LabelledDr, LabelledPhoto};
use super::mistakes::Mistakes;

/// Steps that fit one picture.
const PAIRS: [(&str, &str); 2] = [
    ("house_photo", "cable_span"),
    ("final_installation", "ont_lights_and_dr_label"),
];
/// What a photo of another house looks like, and the slot that it is filed under.
const HOUSE: &str = "house_photo";

/// Makes this many DRs, which show the steps of this catalogue.
pub(crate) fn drs(
    mistakes: &Mistakes,
    catalogue: &Catalogue,
    count: usize,
    seed: u64,
) -> anyhow::Result<Vec<LabelledDr>> {
    let random = |number: usize| Rng::with_seed(seed.wrapping_mul(1_000_003) ^ number as u64);
    let make = |number| dr(mistakes, catalogue, number, random(number));
    (0..count).map(make).collect()
}

fn dr(
    mistakes: &Mistakes,
    catalogue: &Catalogue,
    number: usize,
    random: Rng,
) -> anyhow::Result<LabelledDr> {
    let dr_number = DrNumber::parse(&format!("DR{:07}", 9_000_000 + number))?;
    let mut maker = Maker {
        mistakes,
        catalogue,
        random,
        dr_number: dr_number.clone(),
        reading: number * 100,
    };
    let mut taken = maker.needed();
    maker.add_extra(&mut taken);
    maker.random.shuffle(&mut taken);
    let by_step = maker.chance(mistakes.rates.named_by_step.rate);
    let photos = taken.into_iter().enumerate();
    let photos = photos
        .map(|(at, one)| maker.photo(&dr_number, at, one, by_step))
        .collect();
    Ok(LabelledDr {
        dr_number,
        photos,
        decided: None,
    })
}

/// A photo before it has a name.
struct TakenPhoto {
    /// The step whose slot it belongs to.
    slot: usize,
    shows: Vec<Shown>,
    looks_like: Vec<Shown>,
}

impl TakenPhoto {
    fn of(slot: usize, shows: Vec<Shown>) -> Self {
        Self {
            slot,
            looks_like: shows.clone(),
            shows,
        }
    }
}

struct Maker<'a> {
    mistakes: &'a Mistakes,
    catalogue: &'a Catalogue,
    random: Rng,
    dr_number: DrNumber,
    /// Makes serials differ.
    reading: usize,
}

impl Maker<'_> {
    /// A photo for each step, where the technician took one; one for two steps where they fit.
    fn needed(&mut self) -> Vec<TakenPhoto> {
        let rates = &self.mistakes.rates;
        let joined = PAIRS.map(|_| self.chance(rates.two_steps_in_one.rate));
        let mut taken: Vec<TakenPhoto> = Vec::new();
        for (step, asked) in self.catalogue.steps.iter().enumerate() {
            if self.chance(rates.step_missing.rate) {
                continue;
            }
            let score = if self.chance(rates.step_poor.rate) {
                3 + self.random.u8(..4)
            } else {
                self.good_score()
            };
            let shown = self.shown(asked, score);
            let partner = PAIRS
                .iter()
                .zip(joined)
                .find(|((_, second), joined)| *joined && *second == asked.key.as_str());
            let first = partner.and_then(|((first, _), _)| {
                let first = self.slot(first);
                taken.iter_mut().find(|one| one.slot == first)
            });
            match first {
                // Whichever of the two the technician thought of gives the slot.
                Some(one) => {
                    one.shows.push(shown);
                    one.looks_like = one.shows.clone();
                    one.slot = if self.random.bool() { step } else { one.slot };
                }
                None => taken.push(TakenPhoto::of(step, vec![shown])),
            }
        }
        taken
    }

    fn add_extra(&mut self, taken: &mut Vec<TakenPhoto>) {
        let photos = &self.mistakes.photos;
        let more = photos.mean_extra / (1.0 + photos.mean_extra);
        let mut extra = photos.fewest.saturating_sub(taken.len());
        while self.chance(more) && taken.len() + extra < photos.most {
            extra += 1;
        }
        for _ in 0..extra {
            let one = self.extra(taken);
            taken.push(one);
        }
    }

    /// A photo that no step needs.
    fn extra(&mut self, taken: &[TakenPhoto]) -> TakenPhoto {
        let kinds = &self.mistakes.extra_photos;
        let (view, blurred) = (
            kinds.another_view,
            kinds.another_view + kinds.blurred_duplicate,
        );
        let kind = self.random.f64();
        let slot = self.random.usize(..self.catalogue.steps.len());
        let model = taken
            .get(self.random.usize(..taken.len().max(1)))
            .filter(|one| !one.shows.is_empty());
        match model.and_then(|one| Some((one.slot, one.shows.first()?.clone()))) {
            Some((slot, shown)) if kind < view => TakenPhoto::of(
                slot,
                vec![Shown {
                    score: 4 + self.random.u8(..6),
                    ..shown
                }],
            ),
            Some((slot, shown)) if kind < blurred => TakenPhoto::of(
                slot,
                vec![Shown {
                    score: 1 + self.random.u8(..4),
                    reading: None,
                    ..shown
                }],
            ),
            _ if kind < blurred + kinds.nothing => TakenPhoto::of(slot, Vec::new()),
            _ => {
                let slot = self.slot(HOUSE);
                let house = self.catalogue.steps.get(slot);
                let looks_like = house.map(|house| self.shown(house, 8));
                TakenPhoto {
                    slot,
                    shows: Vec::new(),
                    looks_like: looks_like.into_iter().collect(),
                }
            }
        }
    }

    /// The position of the step with this key; the first one's if there is none.
    fn slot(&self, key: &str) -> usize {
        let mut steps = self.catalogue.steps.iter();
        steps.position(|step| step.key.as_str() == key).unwrap_or(0)
    }

    fn shown(&mut self, step: &Step, score: u8) -> Shown {
        self.reading += 1;
        let reading = step.small_print.as_ref().map(|_| self.reading_of(step));
        Shown {
            step: step.key.to_string(),
            score,
            reading,
            code: None,
            fail: None,
        }
    }

    /// What stands on the thing that a step shows, as it should.
    fn reading_of(&self, step: &Step) -> String {
        match &step.reads {
            Some(Reads::PowerDbm { .. }) => format!("-18.{} dBm", self.reading % 10),
            Some(Reads::DrNumber) => self.dr_number.to_string(),
            Some(Reads::Serial(format)) if format.prefix.is_some() => {
                let prefix = format.prefix.as_deref().unwrap_or_default();
                format!("{prefix}{:08X}", self.reading)
            }
            _ => format!("{:06}", self.reading),
        }
    }

    fn good_score(&mut self) -> u8 {
        let shares = &self.mistakes.good_scores;
        let mut left = self.random.f64();
        let mut scores: Vec<(u8, f64)> = shares
            .iter()
            .filter_map(|(score, share)| Some((score.parse().ok()?, share.as_f64()?)))
            .collect();
        scores.sort_by_key(|(score, _)| *score);
        for (score, share) in scores {
            left -= share;
            if left < 0.0 {
                return score;
            }
        }
        10
    }

    /// The photo under the name that the technician, or a messenger, gave it.
    fn photo(&mut self, dr: &DrNumber, at: usize, one: TakenPhoto, by_step: bool) -> LabelledPhoto {
        let rates = &self.mistakes.rates;
        let slot = if self.chance(rates.wrong_slot.rate) {
            self.random.usize(..self.catalogue.steps.len())
        } else {
            one.slot
        };
        let step = self.catalogue.steps.get(slot).map(|step| &step.key);
        let types = step
            .into_iter()
            .flat_map(|step| self.catalogue.photo_types(step));
        let types: Vec<&str> = types.collect();
        let step = step.map_or(HOUSE, |step| step.as_str());
        let name = if self.chance(rates.no_hint.rate) {
            format!("IMG-20260114-WA{:04}.jpg", at + 1)
        } else if by_step {
            format!("step{}_{step}_20260114_10{at:02}00.jpg", slot + 1)
        } else {
            let kind = types.get(self.random.usize(..types.len().max(1)));
            let kind = kind.copied().unwrap_or(step);
            format!("{dr}_ph_{kind}_{}.jpg", 88_100 + at)
        };
        let TakenPhoto {
            shows, looks_like, ..
        } = one;
        LabelledPhoto {
            name,
            shows,
            looks_like,
            portrait: at % 3 == 1,
            path: None,
        }
    }

    fn chance(&mut self, rate: f64) -> bool {
        self.random.f64() < rate
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use evaluation::domain::catalogue::Catalogue;
    use evaluation::domain::photo_name::hint;

    use super::*;

    fn default_set() -> Vec<LabelledDr> {
        let mistakes = Mistakes::shipped().unwrap();
        let catalogue = Catalogue::shipped("v3").unwrap();
        drs(&mistakes, catalogue, mistakes.drs, mistakes.seed).unwrap()
    }

    #[test]
    fn the_set_is_like_real_drs_and_the_same_each_time() {
        let set = default_set();
        let sizes: Vec<usize> = set.iter().map(|dr| dr.photos.len()).collect();
        let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
        assert!((11.5..12.5).contains(&mean), "{mean}");
        assert!(sizes.iter().all(|size| (7..=24).contains(size)));
        assert_eq!(set, default_set());
        for dr in &set {
            assert_eq!(
                dr.photos
                    .iter()
                    .map(|photo| &photo.name)
                    .collect::<BTreeSet<_>>()
                    .len(),
                dr.photos.len()
            );
        }
    }

    #[test]
    fn every_mistake_occurs() {
        let photos: Vec<LabelledPhoto> =
            default_set().into_iter().flat_map(|dr| dr.photos).collect();
        let some = |what: fn(&LabelledPhoto) -> bool| {
            assert!(photos.iter().filter(|photo| what(photo)).count() >= 20)
        };
        some(|photo| photo.name.starts_with("IMG-"));
        some(|photo| photo.name.starts_with("step"));
        some(|photo| photo.shows.len() == 2);
        some(|photo| photo.shows.is_empty() && photo.looks_like.is_empty());
        some(|photo| photo.shows != photo.looks_like);
        some(|photo| {
            let hint = hint(&photo.name, Catalogue::shipped("v1").unwrap());
            hint.is_some_and(|hint| {
                !photo.shows.is_empty() && photo.shows.iter().all(|s| s.step != hint.as_str())
            })
        });
    }
}
