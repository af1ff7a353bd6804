//! A labelled DR through production's own code: planned, asked and judged as the functions do it.

use evaluation::domain::judge::{Judgement, PhotoResult, judge};
use evaluation::domain::outcome::PhotoOutcome;
use evaluation::domain::plan::{Mode, Photo};
use evaluation::domain::scope::Scope;
use futures::{StreamExt, TryStreamExt, stream};

use super::labelled::LabelledDr;
use super::model::{Model, Seen};
use super::way::Way;
use crate::drive::{Drive, findings};

/// Photos asked about at once where a server is asked.
const IN_FLIGHT: usize = 4;

/// A DR's evaluation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evaluated {
    /// The verdict.
    pub(crate) judgement: Judgement,
    /// The photos asked about, wave after wave, by name.
    pub(crate) waves: Vec<Vec<(String, Seen)>>,
}

impl Evaluated {
    /// All photos asked about.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &(String, Seen)> {
        self.waves.iter().flatten()
    }
}

/// Evaluates a DR: what is to be asked about is looked at, wave by wave.
pub(crate) async fn evaluate(
    model: &Model,
    way: &Way,
    dr: &LabelledDr,
    mode: Mode,
) -> anyhow::Result<Evaluated> {
    let mut drive = Drive::new(
        &dr.dr_number,
        mode,
        photos(way, dr),
        &way.catalogue,
        way.versions(),
    );
    let mut waves = Vec::new();
    while !drive.wave().is_empty() {
        let seen = look(model, way, dr, drive.wave()).await?;
        drive.answered(seen.iter().map(|(_, seen)| seen.outcome.clone()).collect())?;
        waves.push(seen);
    }
    Ok(Evaluated {
        judgement: drive.verdict()?,
        waves,
    })
}

/// The verdict that the labels demand: all steps, all photos.
pub(crate) fn truth(way: &Way, dr: &LabelledDr) -> anyhow::Result<Judgement> {
    let mut results = Vec::new();
    for photo in &dr.photos {
        let findings = findings(&photo.shows)?;
        results.push(PhotoResult {
            name: photo.name.clone(),
            outcome: PhotoOutcome::Evaluated { findings },
        });
    }
    Ok(judge(
        &way.catalogue,
        &Scope::All.steps(&way.catalogue),
        &results,
    ))
}

fn photos(way: &Way, dr: &LabelledDr) -> Vec<Photo> {
    let photo = |name: &str| {
        Photo::new(
            &format!("photos/{}/{name}", dr.dr_number),
            name,
            name,
            &way.catalogue,
        )
    };
    dr.photos
        .iter()
        .map(|labelled| photo(&labelled.name))
        .collect()
}

async fn look(
    model: &Model,
    way: &Way,
    dr: &LabelledDr,
    wave: &[Photo],
) -> anyhow::Result<Vec<(String, Seen)>> {
    let looks = wave.iter().map(|photo| async move {
        let at = dr
            .photos
            .iter()
            .position(|labelled| labelled.name == photo.name)
            .unwrap_or(usize::MAX);
        let seen = model
            .look(way, dr, at, &photo.scope.steps(&way.catalogue))
            .await?;
        anyhow::Ok((photo.name.clone(), seen))
    });
    stream::iter(looks).buffered(IN_FLIGHT).try_collect().await
}
