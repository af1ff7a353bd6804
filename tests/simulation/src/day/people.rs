//! What people do on a day beside asking: they claim DRs, and say something of steps.

use std::time::Duration;

use evaluation::decide::note::{Note, NoteKind};
use evaluation::domain::ids::{DrNumber, StepKey};
use evaluation::run::error::RunError;
use evaluation::run::{claims, notes};

use super::Day;
use crate::chain::Function;

/// Longer than any day.
const NOTES_KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

impl Day {
    /// Two reviewers claim the DR at the same time, and give it back at some time, if this is such a day.
    pub(super) fn claim(&mut self, dr: &DrNumber) {
        let rate = self.world.borrow().rates.twice;
        if !self.world.borrow_mut().fault("claimed_at_once", rate) {
            return;
        }
        for by in ["anna", "ben"] {
            let ports = self.called(Function::Splitter);
            let (mine, dr) = (ports.clone(), dr.clone());
            self.begin(ports, None, async move {
                claims::claim(&mine, &dr, by).await?;
                claims::give_back(&mine, &dr, by).await.map(drop)
            });
        }
    }

    /// A technician says something of a step, if this is such a day; so that it may be there before the evaluation is, come
    /// in the midst of it, or be put onto its card when the verdict is.
    pub(super) fn say_something(&mut self, dr: &DrNumber) {
        let rate = self.world.borrow().rates.twice;
        if !self.world.borrow_mut().fault("noted", rate) {
            return;
        }
        let (step, at) = (StepKey::parse("power_meter"), self.world.borrow().now);
        let said = step.and_then(|step| Note::new(step, NoteKind::Disagree, "why", None, at));
        let ports = self.called(Function::Splitter);
        let (mine, dr) = (ports.clone(), dr.clone());
        self.begin(ports, None, async move {
            let said = said.map_err(|cause| RunError::bug("a note", cause))?;
            notes::note(&mine, &dr, said, NOTES_KEPT_FOR)
                .await
                .map(drop)
        });
    }
}
