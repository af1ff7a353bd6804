//! An evaluation as the functions carry it out, wave after wave, but without queues and table: planned, opened, gone
//! on with and judged by production's own code.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::quick::{Next, next};
use evaluation::decide::record::finalise;
use evaluation::decide::start::{FromCache, Limits, Request, Reuse, open};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId, Score, StepKey};
use evaluation::domain::judge::Judgement;
use evaluation::domain::outcome::{Finding, PhotoOutcome, ReasonCode};
use evaluation::domain::plan::{Mode, Photo, plan};
use evaluation::domain::report::Report;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use samples::truth::Shown;

/// An evaluation on its way.
pub(crate) struct Drive<'a> {
    catalogue: &'a Catalogue,
    evaluation: Evaluation,
    records: Vec<PhotoRecord>,
    wave: Vec<Photo>,
}

impl<'a> Drive<'a> {
    /// Plans and opens the evaluation of these photos.
    pub(crate) fn new(
        dr_number: &DrNumber,
        mode: Mode,
        photos: Vec<Photo>,
        catalogue: &'a Catalogue,
        versions: Versions,
    ) -> Self {
        let plan = plan(photos, mode, catalogue, &versions);
        let wave = plan.selected.clone();
        let request = Request {
            dr_number: dr_number.clone(),
            mode,
            reuse: Reuse::Nothing,
            catalogue: None,
        };
        let limits = Limits {
            photos_per_batch: 1,
            deadline: Duration::ZERO,
            kept_for: Duration::from_secs(90 * 24 * 3600),
        };
        let id = EvaluationId::from_parts(Timestamp::default(), [0; 10]);
        let opened = open(
            id,
            &request,
            plan,
            versions,
            &limits,
            FromCache::default(),
            Timestamp::default(),
        );
        let mut records = opened.photos;
        records.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
        Self {
            catalogue,
            evaluation: opened.evaluation,
            records,
            wave,
        }
    }

    /// The steps that are asked.
    pub(crate) fn steps(&self) -> &[StepKey] {
        &self.evaluation.steps_asked
    }

    /// The photos that are to be asked about now; none once nothing more is needed.
    pub(crate) fn wave(&self) -> &[Photo] {
        &self.wave
    }

    /// Takes what became of the wave's photos, in their order, and goes on to the next wave.
    pub(crate) fn answered(&mut self, outcomes: Vec<PhotoOutcome>) -> anyhow::Result<()> {
        let wave = std::mem::take(&mut self.wave);
        ensure!(
            outcomes.len() == wave.len(),
            "{} answers about {} photos",
            outcomes.len(),
            wave.len()
        );
        for (photo, outcome) in wave.iter().zip(outcomes) {
            self.evaluation.held.remove(&photo.photo_id);
            self.report(|record| record.photo.photo_id == photo.photo_id, &outcome);
        }
        if self.records.iter().all(|record| record.report.is_some()) {
            return Ok(());
        }
        match next(&self.evaluation, &self.records, self.catalogue) {
            Next::Ask(more) => self.wave = more,
            Next::End => {
                let outcome = PhotoOutcome::not_evaluated(
                    ReasonCode::NotNeeded,
                    "Quick mode did not need this photo.",
                );
                self.report(|record| record.report.is_none(), &outcome);
            }
            Next::Wait => bail!(
                "{}: photos are waited for that nobody was asked about",
                self.evaluation.dr_number
            ),
        }
        Ok(())
    }

    fn report(&mut self, whose: impl Fn(&PhotoRecord) -> bool, outcome: &PhotoOutcome) {
        for record in self.records.iter_mut().filter(|record| whose(record)) {
            record.report = Some(Report::bare(outcome.clone(), Timestamp::default()));
        }
    }

    /// The verdict, once no photo is to be asked about any more.
    pub(crate) fn verdict(&self) -> anyhow::Result<Judgement> {
        let verdict = finalise(
            &self.evaluation,
            &self.records,
            Some(self.catalogue),
            Timestamp::default(),
        );
        Ok(verdict.context("A photo has no outcome yet")?.judgement)
    }
}

/// What a photo shows, as a model without errors would say it.
pub(crate) fn findings(shows: &[Shown]) -> anyhow::Result<Vec<Finding>> {
    let finding = |shown: &Shown| {
        let (step, score) = (StepKey::parse(&shown.step)?, Score::try_from(shown.score)?);
        Ok(Finding {
            step,
            score,
            comment: String::new(),
            fail_code: None,
            code: None,
            reading: shown.reading.clone(),
            certainty: None,
        })
    };
    shows.iter().map(finding).collect()
}
