//! One pass over entropy-coded data: which block comes when, restarts, and the end.

use super::bits::Bits;
use super::frame::{Component, Frame};
use super::header::segment;
use super::{CUT, JpegError};

/// What a scan's header says.
#[derive(Debug)]
pub(super) struct Scan {
    /// Which components, by their place in the frame, with the numbers of their DC and AC tables.
    pub(super) parts: Vec<Part>,
    /// The first and the last coefficient.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Bits that an earlier scan has left out, and that this one leaves out.
    pub(super) high: u8,
    pub(super) low: u8,
}

/// A component of a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) component: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

impl Scan {
    /// Reads the header that follows the marker `SOS`.
    pub(super) fn read(payload: &[u8], frame: &Frame) -> Result<Self, JpegError> {
        let damaged = || JpegError::Damaged("a scan header makes no sense");
        let (count, rest) = payload.split_first().ok_or_else(damaged)?;
        let (described, rest) = rest
            .split_at_checked(2 * usize::from(*count))
            .ok_or_else(damaged)?;
        let mut parts: Vec<Part> = Vec::new();
        for [id, tables] in described.as_chunks().0 {
            // Some files call all components the same: each name means the next one then.
            let is_free = |place: usize| parts.iter().all(|part| part.component != place);
            let mut named = (0..).zip(&frame.components);
            let named = named.find(|(place, known)| known.id == *id && is_free(*place));
            let component = named.map(|(place, _)| place).ok_or_else(damaged)?;
            parts.push(Part {
                component,
                dc: usize::from(tables >> 4),
                ac: usize::from(tables & 15),
            });
        }
        let [first, last, approximation, ..] = rest else {
            return Err(damaged());
        };
        let (high, low) = (approximation >> 4, approximation & 15);
        let (first, last) = if frame.progressive {
            (usize::from(*first), usize::from(*last))
        } else {
            (0, 63)
        };
        let band = last < 64
            && low < 14
            && (if first == 0 {
                last == 0
            } else {
                last >= first && parts.len() == 1
            });
        if parts.is_empty() || frame.progressive && !band {
            return Err(damaged());
        }
        Ok(Self {
            parts,
            first,
            last,
            high,
            low,
        })
    }
}

/// What is done with the blocks of a scan.
pub(super) trait Blocks {
    /// Predictions begin anew.
    fn restart(&mut self);
    /// Reads the block at column `x` and row `y` of the scan's part `part`.
    fn block(
        &mut self,
        part: usize,
        x: usize,
        y: usize,
        bits: &mut Bits<'_>,
    ) -> Result<(), JpegError>;
}

/// Walks over the blocks of a scan whose data begins at `at`; returns where to look for the next segment.
///
/// What is left over behind the last block, or before a restart, is passed over: writers fill up, and some put what is no
/// picture right behind it. All blocks were there.
pub(super) fn walk(
    bytes: &[u8],
    at: usize,
    scan: &Scan,
    frame: &Frame,
    restart_interval: usize,
    blocks: &mut impl Blocks,
) -> Result<usize, JpegError> {
    let components: Vec<&Component> = scan
        .parts
        .iter()
        .filter_map(|part| frame.components.get(part.component))
        .collect();
    let (wide, high, shapes) = match components.as_slice() {
        // A component alone has no units to fill up.
        [alone] => (alone.own_wide, alone.own_high, vec![(1, 1)]),
        several => (
            frame.units_wide,
            frame.units_high,
            several.iter().map(|c| (c.across, c.down)).collect(),
        ),
    };
    let mut bits = Bits::new(bytes, at);
    let (mut until_restart, mut restarts) = (restart_interval, 0u8);
    for row in 0..high {
        for column in 0..wide {
            if restart_interval > 0 && until_restart == 0 {
                bits = restarted(bytes, bits, restarts)?;
                blocks.restart();
                (until_restart, restarts) = (restart_interval, (restarts + 1) % 8);
            }
            until_restart = until_restart.wrapping_sub(1);
            for (part, (across, down)) in shapes.iter().copied().enumerate() {
                for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
                    let (x, y) = (column * across + x, row * down + y);
                    let block = blocks.block(part, x, y, &mut bits);
                    block.map_err(|error| or_cut(error, &bits))?;
                }
            }
        }
        if bits.overran() {
            return Err(JpegError::Damaged(CUT));
        }
    }
    bits.end()
}

/// Behind the end of a file stand zeros, which may mean anything.
#[cold]
fn or_cut(error: JpegError, bits: &Bits<'_>) -> JpegError {
    if bits.overran() {
        JpegError::Damaged(CUT)
    } else {
        error
    }
}

fn restarted<'a>(bytes: &'a [u8], bits: Bits<'_>, restarts: u8) -> Result<Bits<'a>, JpegError> {
    let marker = segment(bytes, bits.end()?)?;
    if marker.marker != 0xD0 + restarts {
        return Err(JpegError::Damaged("a restart marker is missing"));
    }
    Ok(Bits::new(bytes, marker.next))
}
