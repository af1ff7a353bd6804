//! Evaluations and photos for tests.

use std::time::Duration;

use super::evaluation::Evaluation;
use super::start::{FromCache, Limits, Request, Reuse, open};
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::plan::{Mode, Photo, plan};
use crate::domain::time::Timestamp;
use crate::domain::versions::{VersionPart, Versions};

/// The id of this number.
pub(crate) fn id(number: u8) -> EvaluationId {
    EvaluationId::from_parts(Timestamp::from_millis(0), [number; 10])
}

pub(crate) fn evaluation_of(names: &[&str]) -> Evaluation {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let photos = names.iter().map(|name| photo(name)).collect();
    let versions = Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v1".into(),
        other => format!("{other:?}-1"),
    });
    let request = Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode: Mode::Full,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 4,
        deadline: Duration::from_secs(3600),
        kept_for: Duration::from_secs(90 * 24 * 3600),
    };
    open(
        id(1),
        &request,
        plan(photos, Mode::Full, catalogue, &versions),
        versions,
        &limits,
        FromCache::default(),
        Timestamp::from_millis(0),
    )
    .evaluation
}

pub(crate) fn photo(name: &str) -> Photo {
    Photo::new(
        &format!("photos/DR1/{name}"),
        name,
        &format!("\"{name}\""),
        Catalogue::shipped("v1").unwrap(),
    )
}
