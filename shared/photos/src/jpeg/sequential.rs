//! Baseline and extended sequential scans: each block is read whole and at once becomes samples.

use super::JpegError;
use super::bits::{Bits, FULL};
use super::edges::{Edges, Inverses};
use super::huffman::{END, SKIP_LOOK, Table};
use super::idct::{Scaling, Sums, for_size};
use super::plane::Plane;
use super::scan::Blocks;

/// A component in a scan.
pub(super) struct Channel<'a> {
    pub(super) edges: &'a Edges,
    pub(super) inverses: Inverses,
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
    fn block(
        &mut self,
        part: usize,
        x: usize,
        y: usize,
        bits: &mut Bits<'_>,
    ) -> Result<(), JpegError> {
        match self.0.get_mut(part) {
            Some(channel) => for_size!(channel.edges.samples(), channel.block(x, y, bits)),
            None => Ok(()),
        }
    }
}

impl Channel<'_> {
    fn block<const N: usize, const LANES: usize>(
        &mut self,
        x: usize,
        y: usize,
        bits: &mut Bits<'_>,
    ) -> Result<(), JpegError> {
        let kind = self.edges.kind(x, y);
        let scaling = self.edges.scaling(kind);
        let mut sums = Sums::<N, LANES>::new(self.inverses.of(kind));
        bits.refill();
        self.prediction = self.prediction.wrapping_add(self.dc.step(bits)?.1);
        sums.add(0, self.prediction as i16);
        self.others(scaling, &mut sums, bits)?;
        let stride = self.plane.stride;
        sums.write(
            self.plane
                .samples
                .get_mut((y * stride + x) * N..)
                .unwrap_or_default(),
            stride,
        );
        Ok(())
    }

    /// Reads all coefficients but the first: those that are needed are added up, the rest only passed over.
    #[inline(always)]
    fn others<const N: usize, const LANES: usize>(
        &self,
        scaling: &Scaling,
        sums: &mut Sums<'_, N, LANES>,
        bits: &mut Bits<'_>,
    ) -> Result<(), JpegError> {
        let mut at = 1;
        let mut add = |at: &mut usize, (run, value): (u8, i32)| {
            *at += usize::from(run);
            let number = scaling.number.get(*at)?;
            sums.add(*number, value as i16);
            *at += 1;
            Some(())
        };
        while at <= scaling.last {
            // Of 56 bits the code before has left enough for a short one.
            if let Some(step) = self.ac.short_step(bits) {
                if add(&mut at, step).is_none() {
                    return ended(step);
                }
                if at > scaling.last {
                    break;
                }
            }
            bits.refill();
            let step = self.ac.step(bits)?;
            if add(&mut at, step).is_none() {
                return ended(step);
            }
        }
        self.pass_over(at, bits)
    }

    #[inline(always)]
    fn pass_over(&self, mut at: usize, bits: &mut Bits<'_>) -> Result<(), JpegError> {
        while at < 64 {
            bits.refill();
            let mut looks = 0;
            while let Some(advance) = self.ac.skip(bits, 64 - at) {
                at += advance;
                looks += 1;
                if at >= 64 {
                    return Ok(());
                }
                if looks == LOOKS {
                    break;
                }
            }
            if looks == LOOKS {
                continue;
            }
            bits.refill();
            let (run, _) = self.ac.step(bits)?;
            at += usize::from(run) + 1;
            if at > 64 && run != END {
                return Err(TOO_MANY);
            }
        }
        Ok(())
    }
}

/// Codes that one refill is enough for when they are passed over.
const LOOKS: u32 = FULL / SKIP_LOOK;

/// What a code says that leads out of a block.
fn ended((run, _): (u8, i32)) -> Result<(), JpegError> {
    if run == END { Ok(()) } else { Err(TOO_MANY) }
}

const TOO_MANY: JpegError = JpegError::Damaged("a block has too many coefficients");
