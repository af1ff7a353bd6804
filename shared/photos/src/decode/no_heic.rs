//! A build without HEIC.

use super::Decoded;
use crate::PhotoError;
use crate::size_policy::Limits;

pub(super) fn decode(_: &[u8], _: &Limits, _: u32) -> Result<Decoded, PhotoError> {
    Err(PhotoError::Unsupported("HEIC"))
}

pub(super) fn memory(_: &[u8], _: &Limits, _: u32) -> Result<usize, PhotoError> {
    Err(PhotoError::Unsupported("HEIC"))
}
