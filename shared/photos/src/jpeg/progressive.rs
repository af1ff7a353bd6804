//! Progressive scans: coefficients come bit by bit, so they are kept until the last scan.
//!
//! Only the coefficients that the scaling needs are kept; of the others, whether they are zero, because refining scans
//! write bits only for those that are not. A 12-megapixel photo at 4/8 so takes 12 MB instead of 37.

use super::JpegError;
use super::bits::Bits;
use super::edges::{Edges, Inverses};
use super::huffman::Table;
use super::idct::{Sums, for_size};
use super::plane::Plane;
use super::scan::{Blocks, Scan};

/// A component's coefficients.
pub(super) struct Coefficients {
    edges: Edges,
    /// Blocks of a row, and rows.
    wide: usize,
    high: usize,
    /// Those of all blocks; behind them, of the blocks at the edges, all 64.
    kept: Vec<i16>,
    /// For each block a bit for each coefficient that is not zero.
    known: Vec<u64>,
}

/// Where a block's coefficients are.
#[derive(Clone, Copy)]
struct Place {
    block: usize,
    kind: usize,
    /// Of the first one that is kept.
    starts_at: usize,
}

impl Coefficients {
    /// All zero, for `wide` × `high` blocks.
    pub(super) fn new(edges: Edges, wide: usize, high: usize) -> Self {
        let kept = wide * high * edges.inside().kept() + 64 * edges.blocks(wide, high);
        Self {
            wide,
            high,
            kept: vec![0; kept],
            known: vec![0; wide * high],
            edges,
        }
    }

    /// The bytes that `new` takes.
    pub(super) fn bytes(edges: &Edges, wide: usize, high: usize) -> usize {
        wide * high * (2 * edges.inside().kept() + 8) + 2 * 64 * edges.blocks(wide, high)
    }

    #[inline]
    fn place(&self, x: usize, y: usize) -> Place {
        let (block, kind) = (y * self.wide + x, self.edges.kind(x, y));
        let each = self.edges.inside().kept();
        let starts_at = if kind == 0 {
            block * each
        } else {
            let behind = self.wide * self.high * each;
            behind + 64 * self.edges.place(x, y, self.high)
        };
        Place {
            block,
            kind,
            starts_at,
        }
    }

    /// The samples of all blocks.
    pub(super) fn write(&self, inverses: &Inverses, plane: &mut Plane) {
        for_size!(self.edges.samples(), self.write_sized(inverses, plane));
    }

    fn write_sized<const N: usize, const LANES: usize>(
        &self,
        inverses: &Inverses,
        plane: &mut Plane,
    ) {
        let stride = plane.stride;
        for (y, strip) in plane.samples.chunks_mut(stride * N).enumerate() {
            for x in 0..self.wide {
                let Place {
                    kind, starts_at, ..
                } = self.place(x, y);
                let many = self.edges.scaling(kind).kept();
                let kept = self.kept.get(starts_at..starts_at + many);
                let mut sums = Sums::<N, LANES>::new(inverses.of(kind));
                let numbered = (0..)
                    .zip(kept.unwrap_or_default())
                    .filter(|(_, coefficient)| **coefficient != 0);
                numbered.for_each(|(number, coefficient)| sums.add(number, *coefficient));
                sums.write(strip.get_mut(x * N..).unwrap_or_default(), stride);
            }
        }
    }

    #[inline]
    fn kept_at(&mut self, place: Place, index: usize) -> Option<&mut i16> {
        let scaling = self.edges.scaling(place.kind);
        if scaling.needed >> index & 1 == 0 {
            return None;
        }
        let number = usize::from(scaling.number.get(index).copied()?);
        self.kept.get_mut(place.starts_at + number)
    }

    #[inline]
    fn set(&mut self, place: Place, index: usize, value: i32) {
        if let Some(known) = self.known.get_mut(place.block) {
            *known |= 1 << index;
        }
        if let Some(kept) = self.kept_at(place, index) {
            *kept = value as i16;
        }
    }

    /// One more bit of a coefficient that is not zero.
    #[inline]
    fn refine(&mut self, place: Place, index: usize, bits: &mut Bits<'_>, low: u8) {
        bits.refill();
        let more = bits.take(1) as i16 * (1 << low);
        if let Some(kept) = self.kept_at(place, index)
            && *kept & (1 << low) == 0
        {
            *kept = kept.wrapping_add(if *kept < 0 { -more } else { more });
        }
    }
}

/// A component in a scan.
pub(super) struct Channel<'a> {
    pub(super) coefficients: &'a mut Coefficients,
    /// The table of this scan; a scan that refines first coefficients needs none.
    pub(super) table: Option<&'a Table>,
    pub(super) prediction: i32,
}

/// The components of a scan.
pub(super) struct Progressive<'a> {
    pub(super) scan: &'a Scan,
    pub(super) channels: Vec<Channel<'a>>,
    /// Blocks to come that have nothing more in this band.
    pub(super) ended_blocks: u32,
}

impl Blocks for Progressive<'_> {
    fn restart(&mut self) {
        self.ended_blocks = 0;
        self.channels
            .iter_mut()
            .for_each(|channel| channel.prediction = 0);
    }

    fn block(
        &mut self,
        part: usize,
        x: usize,
        y: usize,
        bits: &mut Bits<'_>,
    ) -> Result<(), JpegError> {
        let Some(channel) = self.channels.get_mut(part) else {
            return Ok(());
        };
        let place = channel.coefficients.place(x, y);
        match (self.scan.first, self.scan.high) {
            (0, 0) => channel.first(place, bits, self.scan.low),
            (0, _) => channel.refine_first(place, bits, self.scan.low),
            (_, 0) => channel.band(place, bits, self.scan, &mut self.ended_blocks),
            _ => channel.refine_band(place, bits, self.scan, &mut self.ended_blocks),
        }
    }
}

impl Channel<'_> {
    fn table(&self) -> Result<&Table, JpegError> {
        self.table
            .ok_or(JpegError::Damaged("a scan without its Huffman table"))
    }

    fn first(&mut self, place: Place, bits: &mut Bits<'_>, low: u8) -> Result<(), JpegError> {
        bits.refill();
        self.prediction = self.prediction.wrapping_add(self.table()?.step(bits)?.1);
        self.coefficients
            .set(place, 0, self.prediction.wrapping_shl(low.into()));
        Ok(())
    }

    fn refine_first(
        &mut self,
        place: Place,
        bits: &mut Bits<'_>,
        low: u8,
    ) -> Result<(), JpegError> {
        bits.refill();
        let more = bits.take(1) as i16 * (1 << low);
        if let Some(kept) = self.coefficients.kept_at(place, 0) {
            *kept |= more;
        }
        Ok(())
    }

    fn band(
        &mut self,
        place: Place,
        bits: &mut Bits<'_>,
        scan: &Scan,
        ended: &mut u32,
    ) -> Result<(), JpegError> {
        if *ended > 0 {
            *ended -= 1;
            return Ok(());
        }
        let mut at = scan.first;
        while at <= scan.last {
            bits.refill();
            let symbol = self.table()?.symbol(bits)?;
            let (run, size) = (symbol >> 4, u32::from(symbol & 15));
            match (run, size) {
                (15, 0) => at += 16,
                (_, 0) => {
                    *ended = (1 << run) - 1 + bits.take(run.into());
                    return Ok(());
                }
                _ => {
                    at += usize::from(run);
                    if at > scan.last {
                        return Err(TOO_MANY);
                    }
                    let value = bits.value(size) << scan.low;
                    self.coefficients.set(place, at, value);
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn refine_band(
        &mut self,
        place: Place,
        bits: &mut Bits<'_>,
        scan: &Scan,
        ended: &mut u32,
    ) -> Result<(), JpegError> {
        let mut at = scan.first;
        while *ended == 0 && at <= scan.last {
            bits.refill();
            let symbol = self.table()?.symbol(bits)?;
            let (run, size) = (symbol >> 4, symbol & 15);
            let new = match (run, size) {
                (15, 0) => 0,
                (_, 0) => {
                    *ended = (1 << run) + bits.take(run.into());
                    break;
                }
                (_, 1) => (2 * bits.take(1) as i32 - 1) * (1 << scan.low),
                _ => return Err(JpegError::Damaged("a new coefficient of more than one bit")),
            };
            at = self.pass_zeros(place, at, run, bits, scan);
            if new != 0 {
                if at > scan.last {
                    return Err(TOO_MANY);
                }
                self.coefficients.set(place, at, new);
            }
            at += 1;
        }
        if *ended > 0 {
            *ended -= 1;
            self.refine_rest(place, at, bits, scan);
        }
        Ok(())
    }

    /// Passes over `zeros` zeros, refining what lies between them; returns where the zero behind them stands.
    fn pass_zeros(
        &mut self,
        place: Place,
        mut at: usize,
        mut zeros: u8,
        bits: &mut Bits<'_>,
        scan: &Scan,
    ) -> usize {
        let known = self
            .coefficients
            .known
            .get(place.block)
            .copied()
            .unwrap_or_default();
        while at <= scan.last {
            if known >> at & 1 == 1 {
                self.coefficients.refine(place, at, bits, scan.low);
            } else if zeros == 0 {
                break;
            } else {
                zeros -= 1;
            }
            at += 1;
        }
        at
    }

    fn refine_rest(&mut self, place: Place, at: usize, bits: &mut Bits<'_>, scan: &Scan) {
        let known = self
            .coefficients
            .known
            .get(place.block)
            .copied()
            .unwrap_or_default();
        let up_to_last = u64::MAX >> (63 - scan.last);
        let mut rest = known & up_to_last & u64::MAX.checked_shl(at as u32).unwrap_or(0);
        while rest != 0 {
            self.coefficients
                .refine(place, rest.trailing_zeros() as usize, bits, scan.low);
            rest &= rest - 1;
        }
    }
}

const TOO_MANY: JpegError = JpegError::Damaged("a block has too many coefficients");
