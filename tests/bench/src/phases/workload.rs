//! What the photos of the sample DRs cost a VLM: tokens of the image, of the prompt and of the answer, and bytes.

use evaluation::domain::catalogue::{CURRENT_VERSION as CATALOGUE, Catalogue};
use evaluation::domain::ids::{DrNumber, StepKey};
use evaluation::domain::outcome::PhotoOutcome;
use evaluation::domain::photo_rules::long_edge_for;
use evaluation::domain::plan::{Mode, Photo};
use photos::image_tokens;
use photos::size_policy::{CURRENT_VERSION as SIZE_POLICY, SizePolicy};
use samples::drs::{Dr, samples};
use simulated_vlm::tokens::{TOKENS_BEHIND_THE_PHOTO, of_answer, of_characters};
use vlm::prompt::Question;
use vlm::versions::versions;

use crate::drive::{Drive, findings};

/// Sample photos are phone photos of 12 megapixels.
const MEGAPIXELS: f64 = 12.0;
/// The predecessor's plan scales to this width, whichever way the phone was held.
const PREDECESSOR_WIDTH: u32 = 800;

/// What this system asks about a photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AskedPhoto {
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
    pub(crate) waves: Vec<Vec<AskedPhoto>>,
}

/// The sample DRs, and what is known of all of them.
pub(crate) struct Workload {
    pub(crate) drs: Vec<Dr>,
    catalogue: &'static Catalogue,
    policy: &'static SizePolicy,
}

impl Workload {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            drs: samples()?,
            catalogue: Catalogue::shipped(CATALOGUE)?,
            policy: SizePolicy::shipped(SIZE_POLICY)?,
        })
    }

    /// What is asked of a DR in this mode, by a model without errors.
    pub(crate) fn selected(&self, dr: &Dr, mode: Mode) -> anyhow::Result<Selected> {
        let photos = dr
            .photos
            .iter()
            .map(|photo| Photo::new(&photo.name, &photo.name, &photo.name, self.catalogue));
        let versions = versions(CATALOGUE, "m", SIZE_POLICY);
        let mut drive = Drive::new(
            &DrNumber::parse(&dr.dr_number)?,
            mode,
            photos.collect(),
            self.catalogue,
            versions,
        );
        let steps = drive.steps().to_vec();
        let mut waves = Vec::new();
        while !drive.wave().is_empty() {
            waves.push(
                drive
                    .wave()
                    .iter()
                    .filter_map(|photo| self.asked(dr, photo, &steps))
                    .collect(),
            );
            let outcomes = drive.wave().iter().map(|photo| shown(dr, photo, &steps));
            drive.answered(outcomes.collect::<anyhow::Result<_>>()?)?;
        }
        let question = Question::new(self.catalogue, &steps);
        Ok(Selected {
            prefix_tokens: of_characters(question.characters()),
            waves,
        })
    }

    /// Of every photo of a DR, in its order, the image's tokens and pixels as the predecessor's plan compresses it.
    pub(crate) fn compressed(dr: &Dr) -> Vec<(u32, f64)> {
        let scaled = |at: usize| {
            let view = Dr::view(at, MEGAPIXELS, 0);
            let height =
                (f64::from(view.height * PREDECESSOR_WIDTH) / f64::from(view.width)).round() as u32;
            (
                image_tokens(PREDECESSOR_WIDTH, height),
                f64::from(PREDECESSOR_WIDTH) * f64::from(height),
            )
        };
        (0..dr.photos.len()).map(scaled).collect()
    }

    fn asked(&self, dr: &Dr, photo: &Photo, steps: &[StepKey]) -> Option<AskedPhoto> {
        let at = dr
            .photos
            .iter()
            .position(|named| named.name == photo.name)?;
        let view = Dr::view(at, MEGAPIXELS, 0);
        let hint = photo
            .step_hint
            .as_ref()
            .and_then(|step| self.catalogue.step(step));
        let long = long_edge_for(self.policy, hint);
        let scale = f64::from(long) / f64::from(view.width.max(view.height));
        let edge = |edge: u32| (f64::from(edge) * scale).round() as u32;
        let (width, height) = (edge(view.width), edge(view.height));
        let keys: Vec<String> = steps.iter().map(|step| step.as_str().to_owned()).collect();
        Some(AskedPhoto {
            photo_tokens: image_tokens(width, height) + TOKENS_BEHIND_THE_PHOTO,
            answer_tokens: of_answer(&dr.truth(at)?, &keys),
            pixels: f64::from(width) * f64::from(height),
        })
    }
}

/// What a photo shows of the steps asked.
fn shown(dr: &Dr, photo: &Photo, steps: &[StepKey]) -> anyhow::Result<PhotoOutcome> {
    let named = dr.photos.iter().find(|named| named.name == photo.name);
    let mut findings = findings(named.map_or(&[], |named| named.shows.as_slice()))?;
    findings.retain(|finding| steps.contains(&finding.step));
    Ok(PhotoOutcome::Evaluated { findings })
}
