//! What colours a HEIC is in, as a profile.
//!
//! Cameras write the transfer of BT.709 and mean the curve of sRGB, as all programs show it: only primaries count, and
//! curves that no camera means by mistake.

use heifer_isobmff::boxes::ColorInfo;
use heifer_isobmff::{HeifFile, ItemId};
use moxcms::{ColorProfile, ToneReprCurve};

use super::strips::nclx;
use super::{damaged, reckon};
use crate::PhotoError;

/// The code points of the standard (H.273) that change something.
const GAMMA_2_2: u16 = 4;
const GAMMA_2_8: u16 = 5;
const LINEAR: u16 = 8;
const PQ: u16 = 16;
const HLG: u16 = 18;
const BT_2020: u16 = 9;
const DISPLAY_P3: u16 = 12;

/// The file's own profile, or one for the colours that it names; none if they are those of sRGB.
pub(super) fn profile(file: &HeifFile<'_>) -> Result<Option<Vec<u8>>, PhotoError> {
    let own = file.icc_profile(file.primary_id).map_err(damaged)?;
    if let Some(own) = own {
        return Ok(Some(own.to_vec()));
    }
    match named(file) {
        None => Ok(None),
        Some((_, PQ | HLG)) => Err(PhotoError::Unsupported("HDR HEIC")),
        Some((primaries, transfer)) => Ok(made(primaries, transfer)),
    }
}

fn made(primaries: u16, transfer: u16) -> Option<Vec<u8>> {
    let mut profile = match primaries {
        BT_2020 => ColorProfile::new_bt2020(),
        DISPLAY_P3 => ColorProfile::new_display_p3(),
        _ => ColorProfile::new_srgb(),
    };
    let curve = match transfer {
        GAMMA_2_2 => ToneReprCurve::Parametric(vec![2.2]),
        GAMMA_2_8 => ToneReprCurve::Parametric(vec![2.8]),
        LINEAR => ToneReprCurve::Parametric(vec![1.0]),
        _ => ColorProfile::new_srgb().red_trc?,
    };
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
    // It would count more than the curves.
    profile.cicp = None;
    profile.encode().ok()
}

/// The primaries and the transfer that the photo names, or else its first part; its coded picture's, where nothing
/// stands beside it.
fn named(file: &HeifFile<'_>) -> Option<(u16, u16)> {
    let first = file.referenced_items(file.primary_id, b"dimg").first();
    let mut items = std::iter::once(file.primary_id).chain(first.copied());
    let told = |id| match nclx(file, id) {
        Some(ColorInfo::Nclx {
            primaries,
            transfer,
            ..
        }) => Some((primaries, transfer)),
        _ => coded(file, id),
    };
    items.find_map(told)
}

fn coded(file: &HeifFile<'_>, id: ItemId) -> Option<(u16, u16)> {
    let stream = file.hevc_bitstream(id).ok()?;
    let told = reckon::headers(&stream).find_map(|header| header.vui)?;
    Some((
        told.colour_primaries.into(),
        told.transfer_characteristics.into(),
    ))
}
