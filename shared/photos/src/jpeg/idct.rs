//! From coefficients to samples, at N/8 of the size: the N × N lowest coefficients of a block give N × N samples.
//!
//! # Invariants
//! - Plain multiplications and additions in a fixed order: the same file gives the same samples on every machine.

/// Coefficients of a block that are kept, row by row, each row as wide as the lanes are (4 or 8).
pub(super) type Block = [i16; 64];

/// The order in which a block's coefficients are written: row and column of each.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// How a component is scaled: by `samples`/8.
#[derive(Clone)]
pub(super) struct Scaling {
    /// Samples of a block, across and down: 1 to 8.
    pub(super) samples: usize,
    /// Where a coefficient goes, by its place in the file's order; those not needed go where nothing looks.
    pub(super) place: [u8; 64],
    /// The coefficients that are needed, a bit each.
    pub(super) needed: u64,
    /// The last of them.
    pub(super) last: usize,
}

impl Scaling {
    /// Scaling by `samples`/8.
    pub(super) fn new(samples: usize) -> Self {
        let samples = samples.clamp(1, 8);
        let lanes = lanes(samples);
        let mut scaling = Self { samples, place: [63; 64], needed: 0, last: 0 };
        for (index, (place, natural)) in scaling.place.iter_mut().zip(ZIGZAG).enumerate() {
            let (row, column) = (usize::from(natural / 8), usize::from(natural % 8));
            if row < samples && column < samples {
                *place = (row * lanes + column) as u8;
                scaling.needed |= 1 << index;
                scaling.last = index;
            }
        }
        scaling
    }

    /// Coefficients that a block keeps.
    pub(super) fn kept(&self) -> usize {
        self.samples * lanes(self.samples)
    }

    /// The inverse transform, with the quantisation table that belongs to it.
    pub(super) fn inverse(&self, quantisation: &[u16; 64]) -> Inverse {
        let mut table = [0.0; 64];
        for (index, (place, factor)) in self.place.iter().zip(quantisation).enumerate() {
            if self.needed >> index & 1 == 1
                && let Some(to) = table.get_mut(usize::from(*place))
            {
                *to = f32::from(*factor);
            }
        }
        let mut basis = [[0.0; 8]; 8];
        for (frequency, row) in basis.iter_mut().enumerate().take(self.samples) {
            for (at, value) in row.iter_mut().enumerate().take(self.samples) {
                let scale = if frequency == 0 { 0.125f64.sqrt() } else { 0.5 };
                let angle = (2 * at + 1) as f64 * frequency as f64 * std::f64::consts::PI / (2 * self.samples) as f64;
                *value = (scale * angle.cos()) as f32;
            }
        }
        Inverse { samples: self.samples, quantisation: table, basis }
    }
}

fn lanes(samples: usize) -> usize {
    if samples <= 4 { 4 } else { 8 }
}

/// The inverse transform of a component.
pub(super) struct Inverse {
    samples: usize,
    quantisation: [f32; 64],
    /// For each frequency the wave at each sample.
    basis: [[f32; 8]; 8],
}

impl Inverse {
    /// Writes a block's samples to `samples`, whose rows are `stride` apart.
    #[inline]
    pub(super) fn write(&self, block: &Block, to: &mut [u8], stride: usize) {
        match self.samples {
            1 => self.write_as::<1, 4>(block, to, stride),
            2 => self.write_as::<2, 4>(block, to, stride),
            3 => self.write_as::<3, 4>(block, to, stride),
            4 => self.write_as::<4, 4>(block, to, stride),
            5 => self.write_as::<5, 8>(block, to, stride),
            6 => self.write_as::<6, 8>(block, to, stride),
            7 => self.write_as::<7, 8>(block, to, stride),
            _ => self.write_as::<8, 8>(block, to, stride),
        }
    }

    /// Writes a block that has one colour.
    #[inline]
    pub(super) fn write_flat(&self, first: i16, to: &mut [u8], stride: usize) {
        let [factor, ..] = self.quantisation;
        let value = sample(f32::from(first) * factor * 0.125 + 128.0);
        to.chunks_mut(stride.max(1)).take(self.samples).for_each(|row| {
            if let Some(row) = row.get_mut(..self.samples) {
                row.fill(value);
            }
        });
    }

    #[inline(never)]
    fn write_as<const N: usize, const LANES: usize>(&self, block: &Block, to: &mut [u8], stride: usize) {
        let basis: [[f32; LANES]; N] = std::array::from_fn(|frequency| {
            self.basis.get(frequency).and_then(|row| row.first_chunk()).copied().unwrap_or([0.0; LANES])
        });
        let columns = columns::<N, LANES>(block, &self.quantisation, &basis);
        for (row, to) in columns.iter().zip(to.chunks_mut(stride.max(1))) {
            let mut sums = [128.0; LANES];
            for (value, wave) in row.iter().zip(&basis) {
                sums.iter_mut().zip(wave).for_each(|(sum, wave)| *sum += value * wave);
            }
            let samples: [u8; LANES] = sums.map(sample);
            if let (Some(to), Some(samples)) = (to.first_chunk_mut::<N>(), samples.first_chunk::<N>()) {
                *to = *samples;
            }
        }
    }
}

/// The first of the two passes: each column of coefficients to a column of values.
#[inline(always)]
fn columns<const N: usize, const LANES: usize>(
    block: &Block,
    quantisation: &[f32; 64],
    basis: &[[f32; LANES]; N],
) -> [[f32; LANES]; N] {
    let mut values = [[0.0; LANES]; N];
    let rows = block.as_chunks::<LANES>().0.iter().zip(quantisation.as_chunks::<LANES>().0).take(N);
    for ((row, factors), wave) in rows.zip(basis) {
        if *row == [0; LANES] {
            continue;
        }
        let mut coefficients = [0.0; LANES];
        coefficients.iter_mut().zip(row.iter().zip(factors)).for_each(|(to, (c, q))| *to = f32::from(*c) * q);
        for (value, wave) in values.iter_mut().zip(wave) {
            value.iter_mut().zip(&coefficients).for_each(|(value, coefficient)| *value += coefficient * wave);
        }
    }
    values
}

/// The nearest sample, by adding 2^23: the low bits of the sum are then the integer.
#[inline(always)]
fn sample(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}
