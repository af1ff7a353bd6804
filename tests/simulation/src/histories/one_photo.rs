//! Evaluations of DRs that have one photo.

use std::time::Duration;

use evaluation::decide::start::{Limits, Request, Reuse};
use evaluation::domain::ids::{DrNumber, EvaluationId, PhotoId};
use evaluation::domain::plan::{Mode, Photo, plan};
use evaluation::domain::published;
use evaluation::domain::versions::Versions;
use evaluation::run::start::{StartResult, start};

use super::serial::{Serial, at_once};

/// How long they are kept.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// Starts the evaluation of a DR whose photo has this ETag: its identity, and its photo's.
pub(super) fn started(
    world: &Serial,
    dr: &str,
    etag: &str,
    versions: &Versions,
) -> (EvaluationId, PhotoId) {
    begun(world, dr, etag, versions, (None, Reuse::Nothing))
}

/// The same, as uploads start it.
pub(super) fn by_uploads(
    world: &Serial,
    dr: &str,
    etag: &str,
    versions: &Versions,
) -> (EvaluationId, PhotoId) {
    let reuse = Reuse::AskedSince(world.now.get());
    begun(world, dr, etag, versions, (None, reuse))
}

/// The same by a request that names its catalogue.
pub(super) fn named(
    world: &Serial,
    dr: &str,
    etag: &str,
    versions: &Versions,
    name: Option<&str>,
) -> (EvaluationId, PhotoId) {
    begun(world, dr, etag, versions, (name, Reuse::Nothing))
}

/// The same, of these photos.
pub(super) fn by_uploads_of(
    world: &Serial,
    dr: &str,
    photos: Vec<Photo>,
    versions: &Versions,
) -> EvaluationId {
    let reuse = Reuse::AskedSince(world.now.get());
    of_photos(world, dr, photos, versions, (None, reuse))
}

/// The same, asked by somebody who wants nothing from before.
pub(super) fn asked_again(
    world: &Serial,
    dr: &str,
    photos: Vec<Photo>,
    versions: &Versions,
) -> EvaluationId {
    of_photos(world, dr, photos, versions, (None, Reuse::Nothing))
}

fn begun(
    world: &Serial,
    dr: &str,
    etag: &str,
    versions: &Versions,
    how: (Option<&str>, Reuse),
) -> (EvaluationId, PhotoId) {
    let catalogue = published::known(&versions.catalogue).unwrap();
    let photo = Photo::new(&format!("photos/{dr}/a.jpg"), "a.jpg", etag, catalogue);
    let id = of_photos(world, dr, vec![photo.clone()], versions, how);
    (id, photo.photo_id)
}

fn of_photos(
    world: &Serial,
    dr: &str,
    photos: Vec<Photo>,
    versions: &Versions,
    (name, reuse): (Option<&str>, Reuse),
) -> EvaluationId {
    let catalogue = published::known(&versions.catalogue).unwrap();
    let planned = plan(photos, Mode::Full, catalogue, versions);
    let request = Request {
        dr_number: DrNumber::parse(dr).unwrap(),
        mode: Mode::Full,
        reuse,
        catalogue: name.map(str::to_owned),
    };
    let limits = Limits {
        photos_per_batch: 1,
        deadline: Duration::from_secs(3600),
        kept_for: KEPT_FOR,
    };
    let started = at_once(start(world, &request, &planned, versions, &limits)).unwrap();
    let StartResult::Started(it) = started else {
        panic!("it was not started")
    };
    it.evaluation_id
}
