//! What the photos of the sample DRs cost a VLM: tokens of the image, of the prompt and of the answer, and bytes.

use std::collections::BTreeSet;

use photos::image_tokens;
use photos::size_policy::{CURRENT_VERSION as SIZE_POLICY, SizePolicy};
use samples::drs::{Dr, samples};
use samples::truth::Truth;
use shared::domain::catalogue::{CURRENT_VERSION as CATALOGUE, Catalogue};
use shared::domain::ids::StepKey;
use shared::domain::plan::{Mode, Photo, Plan, Versions, half, plan, wave};
use shared::photos::long_edge_for;
use shared::vlm::prompt::{PROMPT_VERSION, Question};
use simulated_vlm::tokens::{CHARACTERS_PER_TOKEN, TOKENS_BEHIND_THE_PHOTO, of_answer};

/// Sample photos are phone photos of 12 megapixels.
const MEGAPIXELS: f64 = 12.0;
/// The predecessor's plan scales to this width, whichever way the phone was held.
const PREDECESSOR_WIDTH: u32 = 800;

/// What this system asks about a photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Asked {
    /// Of the image and what comes behind it.
    pub(crate) photo_tokens: u32,
    pub(crate) answer_tokens: u32,
    pub(crate) pixels: f64,
}

/// A DR as this system evaluates it.
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    /// Tokens of the text before every photo.
    pub(crate) prefix_tokens: u32,
    /// Photos, wave after wave.
    pub(crate) waves: Vec<Vec<Asked>>,
}

/// The sample DRs, and what is known of all of them.
pub(crate) struct Workload {
    pub(crate) drs: Vec<Dr>,
    catalogue: Catalogue,
    policy: SizePolicy,
}

impl Workload {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            drs: samples()?,
            catalogue: Catalogue::shipped(CATALOGUE)?,
            policy: SizePolicy::shipped(SIZE_POLICY)?,
        })
    }

    /// What the planner selects of a DR in this mode.
    pub(crate) fn selected(&self, dr: &Dr, mode: Mode) -> Selected {
        let photos = dr.photos.iter().map(|photo| Photo::new(&photo.name, &photo.name, &photo.name, &self.catalogue));
        let versions = Versions {
            catalogue: CATALOGUE.into(),
            model: "m".into(),
            prompt: PROMPT_VERSION.into(),
            size_policy: SIZE_POLICY.into(),
        };
        let planned = plan(photos.collect(), mode, &self.catalogue, &versions);
        let question = Question::new(&self.catalogue, &planned.steps);
        let waves = self.waves(dr, &planned);
        let asked = |photo: &Photo| self.asked(dr, photo, &planned.steps);
        let waves = waves.iter().map(|wave| wave.iter().filter_map(asked).collect()).collect();
        Selected { prefix_tokens: tokens(question.characters()), waves }
    }

    /// Of every photo of a DR, in its order, the image's tokens and pixels as the predecessor's plan compresses it.
    pub(crate) fn compressed(dr: &Dr) -> Vec<(u32, f64)> {
        let scaled = |at: usize| {
            let shot = Dr::shot(at, MEGAPIXELS, 0);
            let height = (f64::from(shot.height * PREDECESSOR_WIDTH) / f64::from(shot.width)).round() as u32;
            (image_tokens(PREDECESSOR_WIDTH, height), f64::from(PREDECESSOR_WIDTH) * f64::from(height))
        };
        (0..dr.photos.len()).map(scaled).collect()
    }

    /// The planned photos, then what quick mode asks about as long as a critical step is open.
    fn waves(&self, dr: &Dr, planned: &Plan) -> Vec<Vec<Photo>> {
        let (mut waves, mut held) = (vec![planned.selected.clone()], planned.held.clone());
        let mut open: BTreeSet<StepKey> = planned.steps.iter().cloned().collect();
        while let Some(last) = waves.last() {
            let shown = last.iter().filter_map(|photo| self.truth(dr, photo)).flat_map(|truth| truth.shows);
            let passed = shown.filter(|shown| shown.score >= self.catalogue.pass_score.value());
            passed.for_each(|shown| open.retain(|step| step.as_str() != shown.step));
            let mut more: Vec<Photo> =
                wave(&open.iter().collect::<Vec<_>>(), held.iter()).into_iter().cloned().collect();
            if more.is_empty() {
                more = half(&held.iter().collect::<Vec<_>>()).into_iter().cloned().collect();
            }
            if more.is_empty() || open.is_empty() {
                break;
            }
            held.retain(|photo| more.iter().all(|other| other.photo_id != photo.photo_id));
            waves.push(more);
        }
        waves
    }

    fn truth(&self, dr: &Dr, photo: &Photo) -> Option<Truth> {
        dr.truth(dr.photos.iter().position(|named| named.name == photo.name)?)
    }

    fn asked(&self, dr: &Dr, photo: &Photo, steps: &[StepKey]) -> Option<Asked> {
        let at = dr.photos.iter().position(|named| named.name == photo.name)?;
        let shot = Dr::shot(at, MEGAPIXELS, 0);
        let hint = photo.step_hint.as_ref().and_then(|step| self.catalogue.step(step));
        let long = long_edge_for(&self.policy, hint);
        let scale = f64::from(long) / f64::from(shot.width.max(shot.height));
        let edge = |edge: u32| (f64::from(edge) * scale).round() as u32;
        let (width, height) = (edge(shot.width), edge(shot.height));
        let keys: Vec<String> = steps.iter().map(|step| step.as_str().to_owned()).collect();
        Some(Asked {
            photo_tokens: image_tokens(width, height) + TOKENS_BEHIND_THE_PHOTO,
            answer_tokens: of_answer(&dr.truth(at)?, &keys),
            pixels: f64::from(width) * f64::from(height),
        })
    }
}

fn tokens(characters: usize) -> u32 {
    u32::try_from(characters / CHARACTERS_PER_TOKEN + 1).unwrap_or(u32::MAX)
}
