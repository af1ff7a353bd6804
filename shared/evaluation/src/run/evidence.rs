//! What only reviewers see of an evaluation: which other DRs its devices and cameras were seen in.

use super::error::RunError;
use super::ports::Ports;
use super::show::{Shown, show};
use super::{plausibility, serials};
use crate::decide::cameras::Meeting;
use crate::decide::serials::{SerialOnPhoto, SerialSeen};
use crate::domain::ids::EvaluationId;

/// An evaluation as it is shown, and what was found in other DRs.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The evaluation, its photos, and how things stand with its DR.
    pub shown: Shown,
    /// Its serials that were seen in other DRs, with where.
    pub serials: Vec<(SerialOnPhoto, Vec<SerialSeen>)>,
    /// Its cameras that were in other DRs, too far away at about the same time.
    pub cameras: Vec<Meeting>,
}

/// Reads the evidence of this evaluation; none if there is no such.
pub async fn evidence(ports: &impl Ports, id: &EvaluationId) -> Result<Option<Evidence>, RunError> {
    let Some(shown) = show(ports, id).await? else {
        return Ok(None);
    };
    let Shown {
        evaluation, photos, ..
    } = &shown;
    let (mut serials, cameras) = tokio::try_join!(
        serials::seen(ports, evaluation, photos),
        plausibility::meetings(ports, evaluation, photos)
    )?;
    serials.retain(|(_, elsewhere)| !elsewhere.is_empty());
    Ok(Some(Evidence {
        shown,
        serials,
        cameras,
    }))
}
