//! Baseline and extended sequential scans: each block is read whole and at once becomes samples.

use super::JpegError;
use super::bits::Bits;
use super::huffman::{END, Table};
use super::idct::{Block, Inverse, Scaling};
use super::plane::Plane;
use super::scan::Blocks;

/// A component in a scan.
pub(super) struct Channel<'a> {
    pub(super) scaling: &'a Scaling,
    pub(super) inverse: Inverse,
    pub(super) dc: &'a Table,
    pub(super) ac: &'a Table,
    pub(super) plane: &'a mut Plane,
    pub(super) prediction: i32,
}

/// The components of a scan.
pub(super) struct Sequential<'a>(pub(super) Vec<Channel<'a>>);

impl Blocks for Sequential<'_> {
    fn restart(&mut self) {
        self.0.iter_mut().for_each(|channel| channel.prediction = 0);
    }

    #[inline(always)]
    fn block(&mut self, part: usize, x: usize, y: usize, bits: &mut Bits<'_>) -> Result<(), JpegError> {
        match self.0.get_mut(part) {
            Some(channel) => channel.block(x, y, bits),
            None => Ok(()),
        }
    }
}

impl Channel<'_> {
    #[inline(always)]
    fn block(&mut self, x: usize, y: usize, bits: &mut Bits<'_>) -> Result<(), JpegError> {
        let mut block: Block = [0; 64];
        bits.refill();
        self.prediction = self.prediction.wrapping_add(self.dc.step(bits)?.1);
        let flat = self.others(&mut block, bits)?;
        let first = self.prediction as i16;
        let (samples, stride) = (self.scaling.samples, self.plane.stride);
        let to = self.plane.samples.get_mut((y * stride + x) * samples..).unwrap_or_default();
        if flat {
            self.inverse.write_flat(first, to, stride);
        } else {
            let [place, ..] = &mut block;
            *place = first;
            self.inverse.write(&block, to, stride);
        }
        Ok(())
    }

    /// Reads all coefficients but the first: those that are needed into the block, the rest only passed over. True if
    /// the block has no other than the first.
    #[inline(always)]
    fn others(&self, block: &mut Block, bits: &mut Bits<'_>) -> Result<bool, JpegError> {
        let (mut at, mut flat) = (1, true);
        while at <= self.scaling.last {
            bits.refill();
            let (run, value) = self.ac.step(bits)?;
            at += usize::from(run);
            let Some(place) = self.scaling.place.get(at) else {
                return if run == END { Ok(flat) } else { Err(TOO_MANY) };
            };
            if let Some(to) = block.get_mut(usize::from(*place)) {
                *to = value as i16;
            }
            (at, flat) = (at + 1, false);
        }
        self.pass_over(at, bits)?;
        Ok(flat)
    }

    #[inline(always)]
    fn pass_over(&self, mut at: usize, bits: &mut Bits<'_>) -> Result<(), JpegError> {
        while at < 64 {
            bits.refill();
            if let Some(advance) = self.ac.skip(bits, 64 - at) {
                at += advance;
                continue;
            }
            let (run, _) = self.ac.step(bits)?;
            at += usize::from(run) + 1;
            if at > 64 && run != END {
                return Err(TOO_MANY);
            }
        }
        Ok(())
    }
}

const TOO_MANY: JpegError = JpegError::Damaged("a block has too many coefficients");
