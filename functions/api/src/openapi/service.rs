//! The service itself.

use crate::health::Health;
use crate::route::CacheEmptied;

/// Read how the service does
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "getHealth",
    tag = "service",
    responses((status = 200, description = "The release, what it works with, and the VLM's state.", body = Health)),
)]
pub(super) fn get_health() {}

/// Read this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getContract",
    tag = "service",
    responses((status = 200, description = "This document.", body = Object)),
)]
pub(super) fn get_contract() {}

/// Empty the cache
///
/// No answer from before is used any more, for any DR. Running evaluations go on.
#[utoipa::path(
    delete,
    path = "/cache",
    operation_id = "emptyCache",
    tag = "service",
    responses((status = 200, description = "It is empty.", body = CacheEmptied)),
)]
pub(super) fn empty_cache() {}
