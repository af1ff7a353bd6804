//! Which photos of a batch are still to be asked about, and whether they may be now.

use super::breaker::Breaker;
use super::evaluation::Evaluation;
use super::message::Batch;
use crate::domain::plan::Photo;

/// What a deployment asks, and with which prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedWith {
    /// The model's name.
    pub model: String,
    /// The version of the prompt.
    pub prompt: String,
}

/// The photos of a batch that have no outcome yet.
pub fn wanted<'a>(evaluation: &Evaluation, batch: &'a Batch) -> Vec<&'a Photo> {
    let pending = |photo: &&Photo| evaluation.pending.contains(&photo.photo_id);
    batch.photos.iter().filter(pending).collect()
}

/// Why an evaluation is not to be gone on with, if so.
pub fn outdated(evaluation: &Evaluation, asked_with: &AskedWith) -> Option<&'static str> {
    let AskedWith { model, prompt } = asked_with;
    if evaluation.superseded_by.is_some() {
        Some("A newer evaluation took this one's place.")
    } else if evaluation.versions.model != *model || evaluation.versions.prompt != *prompt {
        Some("The model or the prompt was changed while this evaluation ran. Ask for a new one.")
    } else {
        None
    }
}

/// Why nobody may be asked now, if so: the VLM is taken to be away, and this is no probe.
pub fn held_off(breaker: Breaker, batch: &Batch) -> Option<String> {
    let away = breaker.is_open() && !batch.probe;
    away.then(|| breaker.reason.unwrap_or_else(|| "The VLM is away".into()))
}
