//! From coefficients to samples, at N/8 of the size: the N × N lowest coefficients of a block give N × N samples.
//!
//! A coefficient adds its wave to all samples of its block as soon as it is read. Few coefficients of a photo are not
//! zero: that is less work than transforming whole blocks, and a block's coefficients need be kept nowhere.
//!
//! # Invariants
//! - Plain multiplications and additions in a fixed order: the same file gives the same samples on every machine.

/// The order in which a block's coefficients are written: row and column of each.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// How a component is scaled: by `samples`/8.
#[derive(Clone)]
pub(super) struct Scaling {
    /// Samples of a block, across and down: 1 to 8.
    pub(super) samples: usize,
    /// The number of a coefficient among those needed, by its place in the file's order; those not needed have the
    /// number behind the last.
    pub(super) number: [u8; 64],
    /// The coefficients that are needed, a bit each.
    pub(super) needed: u64,
    /// The last of them.
    pub(super) last: usize,
    /// Columns and rows that are the photo's, of a block that it fills in part; 0 where it fills them all.
    own: (usize, usize),
}

impl Scaling {
    /// Scaling by `samples`/8.
    pub(super) fn new(samples: usize) -> Self {
        let samples = samples.clamp(1, 8);
        let mut scaling = Self {
            samples,
            number: [(samples * samples) as u8; 64],
            needed: 0,
            last: 0,
            own: (0, 0),
        };
        for (index, (number, natural)) in scaling.number.iter_mut().zip(ZIGZAG).enumerate() {
            let (row, column) = (usize::from(natural / 8), usize::from(natural % 8));
            if row < samples && column < samples {
                *number = scaling.needed.count_ones() as u8;
                scaling.needed |= 1 << index;
                scaling.last = index;
            }
        }
        scaling
    }

    /// The same for a block of which only so many columns and rows are the photo's (0: all). All coefficients are needed.
    pub(super) fn at_edge(samples: usize, wide: usize, high: usize) -> Self {
        let mut number = [0; 64];
        (0..)
            .zip(&mut number)
            .for_each(|(index, number)| *number = index);
        Self {
            samples: samples.clamp(1, 8),
            number,
            needed: u64::MAX,
            last: 63,
            own: (wide, high),
        }
    }

    /// Coefficients that a block keeps.
    pub(super) fn kept(&self) -> usize {
        self.needed.count_ones() as usize
    }

    /// The inverse transform, with the quantisation table that belongs to it.
    pub(super) fn inverse(&self, quantisation: &[u16; 64]) -> Inverse {
        let lanes = (self.samples * self.samples).next_multiple_of(4);
        let across = waves(self.samples, self.own.0);
        let down = waves(self.samples, self.own.1);
        let needed = ZIGZAG
            .iter()
            .zip(quantisation)
            .enumerate()
            .filter(|(index, _)| self.needed >> index & 1 == 1);
        let mut all = Vec::with_capacity((self.kept() + 1) * lanes);
        for (_, (natural, factor)) in needed {
            let (row, column) = (usize::from(natural / 8), usize::from(natural % 8));
            let (Some(across), Some(down)) = (across.get(column), down.get(row)) else {
                continue;
            };
            let samples = down.iter().take(self.samples);
            let samples =
                samples.flat_map(|y| across.iter().take(self.samples).map(move |x| (x, y)));
            all.extend(samples.map(|(x, y)| f64::from(*factor) * x * y));
            all.resize(all.len().next_multiple_of(lanes), 0.0);
        }
        all.resize(all.len() + lanes, 0.0);
        Inverse(all.into_iter().map(|value| value as f32).collect())
    }
}

/// For each frequency its wave in one direction, at `samples` of 8. Where only `own` of the 8 are the photo's, the last of
/// them is repeated before the block is scaled down; 0 stands for all.
fn waves(samples: usize, own: usize) -> [[f64; 8]; 8] {
    let mut waves = [[0.0; 8]; 8];
    for (frequency, wave) in (0..8u8).zip(&mut waves) {
        for (at, value) in wave.iter_mut().enumerate().take(samples) {
            *value = if own == 0 {
                cosine(samples, at, frequency)
            } else {
                let kept = (0..samples as u8).map(|low| {
                    let full =
                        (0..8).map(|x| cosine(8, x, low) * cosine(8, x.min(own - 1), frequency));
                    cosine(samples, at, low) * full.sum::<f64>()
                });
                kept.sum()
            };
        }
    }
    waves
}

/// The wave of a frequency at a sample of `samples`.
fn cosine(samples: usize, at: usize, frequency: u8) -> f64 {
    let scale = if frequency == 0 { 0.125f64.sqrt() } else { 0.5 };
    scale
        * ((2 * at + 1) as f64 * f64::from(frequency) * std::f64::consts::PI / (2 * samples) as f64)
            .cos()
}

/// The inverse transform of a component: for each needed coefficient its wave, times the factor that it was divided
/// by; and one of zeros for all others. Each is filled up to a multiple of 4.
pub(super) struct Inverse(Vec<f32>);

impl Inverse {
    /// That of no block.
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }
}

/// The samples of a block of N × N while they add up; `LANES` is N × N as a multiple of 4.
pub(super) struct Sums<'a, const N: usize, const LANES: usize> {
    waves: &'a [[f32; LANES]],
    sums: [f32; LANES],
}

impl<'a, const N: usize, const LANES: usize> Sums<'a, N, LANES> {
    /// A block in the middle of the range, without any wave.
    #[inline(always)]
    pub(super) fn new(inverse: &'a Inverse) -> Self {
        Self {
            waves: inverse.0.as_chunks().0,
            sums: [128.0; LANES],
        }
    }

    /// Adds the wave of this number.
    #[inline(always)]
    pub(super) fn add(&mut self, number: u8, coefficient: i16) {
        if let Some(wave) = self.waves.get(usize::from(number)) {
            let coefficient = f32::from(coefficient);
            self.sums
                .iter_mut()
                .zip(wave)
                .for_each(|(sum, wave)| *sum += coefficient * wave);
        }
    }

    /// Writes the samples; the rows of `to` are `stride` apart.
    #[inline(always)]
    pub(super) fn write(self, to: &mut [u8], stride: usize) {
        let samples = self.sums.map(sample);
        let (rows, _) = samples.as_chunks::<N>();
        for (row, to) in rows.iter().take(N).zip(to.chunks_mut(stride.max(1))) {
            if let Some(to) = to.first_chunk_mut() {
                *to = *row;
            }
        }
    }
}

/// The nearest sample, by adding 2^23: the low bits of the sum are then the integer.
#[inline(always)]
fn sample(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}

/// Calls a method that is made for blocks of a size, with N and `LANES` of that size.
macro_rules! for_size {
    ($samples:expr, $this:ident.$method:ident($($argument:expr),*)) => {
        match $samples {
            0 | 1 => $this.$method::<1, 4>($($argument),*),
            2 => $this.$method::<2, 4>($($argument),*),
            3 => $this.$method::<3, 12>($($argument),*),
            4 => $this.$method::<4, 16>($($argument),*),
            5 => $this.$method::<5, 28>($($argument),*),
            6 => $this.$method::<6, 36>($($argument),*),
            7 => $this.$method::<7, 52>($($argument),*),
            _ => $this.$method::<8, 64>($($argument),*),
        }
    };
}
pub(super) use for_size;
