//! A labelled DR through production's own code: planned, asked and judged as the functions do it.

use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use samples::truth::Shown;
use shared::domain::ids::{EvaluationId, Score, StepKey};
use shared::domain::judge::{Judgement, PhotoResult, judge};
use shared::domain::outcome::{Finding, PhotoOutcome, ReasonCode};
use shared::domain::plan::{Mode, Photo, plan};
use shared::domain::scope::Scope;
use shared::domain::time::Timestamp;
use shared::protocol::evaluation::PhotoRecord;
use shared::protocol::message::Report;
use shared::protocol::quick::{Next, next};
use shared::protocol::record::finalise;
use shared::protocol::start::{Before, Limits, Request, Reuse, open};

use super::eye::{Eye, Seen};
use super::labelled::LabelledDr;
use super::way::Way;

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

/// Evaluates a DR: what the splitter plans and opens is looked at, in quick mode wave by wave until it needs no more.
pub(crate) async fn evaluate(eye: &Eye, way: &Way, dr: &LabelledDr, mode: Mode) -> anyhow::Result<Evaluated> {
    let (catalogue, versions, at) = (&way.catalogue, way.versions(), Timestamp::default());
    let plan = plan(photos(way, dr), mode, catalogue, &versions);
    let request = Request { dr_number: dr.dr_number.clone(), mode, reuse: Reuse::Nothing };
    let mut wave = plan.selected.clone();
    let limits = Limits { photos_per_batch: IN_FLIGHT, deadline: Duration::ZERO };
    let opened = open(EvaluationId::generate(), &request, plan, versions, &limits, Before::default(), at);
    let (mut evaluation, mut records, mut waves) = (opened.evaluation, opened.photos, Vec::new());
    records.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
    loop {
        let seen = look(eye, way, dr, &wave).await?;
        for (name, seen) in &seen {
            report(&mut records, |record| &record.photo.name == name, &seen.outcome);
        }
        evaluation.held.retain(|held| wave.iter().all(|photo| &photo.photo_id != held));
        waves.push(seen);
        if records.iter().all(|record| record.report.is_some()) {
            break;
        }
        match next(&evaluation, &records, catalogue) {
            Next::Ask(more) => wave = more,
            Next::End => break report(&mut records, |record| record.report.is_none(), &not_needed()),
            Next::Wait => bail!("{}: production waits for photos that it has not asked about", dr.dr_number),
        }
    }
    let verdict = finalise(&evaluation, &records, catalogue, at).context("Every photo has its outcome")?;
    Ok(Evaluated { judgement: verdict.judgement, waves })
}

/// Gives these photos their outcome.
fn report(records: &mut [PhotoRecord], whose: impl Fn(&PhotoRecord) -> bool, outcome: &PhotoOutcome) {
    for record in records.iter_mut().filter(|record| whose(record)) {
        record.report = Some(Report::bare(outcome.clone(), Timestamp::default()));
    }
}

fn not_needed() -> PhotoOutcome {
    PhotoOutcome::not_evaluated(ReasonCode::NotNeeded, "Quick mode did not look at this photo.")
}

/// The verdict that the labels demand: all steps, all photos.
pub(crate) fn truth(way: &Way, dr: &LabelledDr) -> anyhow::Result<Judgement> {
    let label = |shown: &Shown| -> anyhow::Result<Finding> {
        let (step, score) = (StepKey::parse(&shown.step)?, Score::try_from(shown.score)?);
        Ok(Finding { step, score, comment: String::new(), fail_code: None, reading: shown.reading.clone() })
    };
    let mut results = Vec::new();
    for photo in &dr.photos {
        let findings = photo.shows.iter().map(label).collect::<anyhow::Result<Vec<_>>>()?;
        results.push(PhotoResult { name: photo.name.clone(), outcome: PhotoOutcome::Evaluated { findings } });
    }
    Ok(judge(&way.catalogue, &Scope::All.steps(&way.catalogue), &results, 0))
}

fn photos(way: &Way, dr: &LabelledDr) -> Vec<Photo> {
    let photo = |name: &str| Photo::new(&format!("photos/{}/{name}", dr.dr_number), name, name, &way.catalogue);
    dr.photos.iter().map(|labelled| photo(&labelled.name)).collect()
}

async fn look(eye: &Eye, way: &Way, dr: &LabelledDr, wave: &[Photo]) -> anyhow::Result<Vec<(String, Seen)>> {
    let looks = wave.iter().map(|photo| async move {
        let at = dr.photos.iter().position(|labelled| labelled.name == photo.name).unwrap_or(usize::MAX);
        let seen = eye.look(way, dr, at, &photo.scope.steps(&way.catalogue)).await?;
        anyhow::Ok((photo.name.clone(), seen))
    });
    stream::iter(looks).buffered(IN_FLIGHT).try_collect().await
}
