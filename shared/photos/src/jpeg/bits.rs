//! The bits of entropy-coded data.
//!
//! # Invariants
//! - Behind the last byte come zeros without end, and they are counted: `overran` tells whether one was used, so that
//!   a file that ends early is found out.

/// Bits that are held after `refill`.
pub(super) const FULL: u32 = 56;

/// Reads bits, the highest first, and takes out the zero that is stuffed behind each byte `FF`.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// What is to come, up to the next byte `FF`.
    plain: &'a [u8],
    /// Where that ends.
    plain_to: usize,
    /// The next bits, from the highest down.
    window: u64,
    /// How many of them are held; behind them may stand some of the next byte.
    held: u32,
    /// How many zeros were added behind the end.
    padding: u32,
}

impl<'a> Bits<'a> {
    /// Reads from `at` on.
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        let mut bits = Self {
            data,
            plain: &[],
            plain_to: at,
            window: 0,
            held: 0,
            padding: 0,
        };
        bits.find_ff();
        bits
    }

    /// Makes sure that 56 bits are held: enough for the longest code (16) with its longest value (15), and a shorter one.
    ///
    /// It always fills up: whether bits are needed is as good as chance, and a wrong guess of the CPU costs more.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let Some((next, _)) = self.plain.split_first_chunk() else {
            return self.fill_bytes();
        };
        self.window |= u64::from_be_bytes(*next) >> self.held;
        // Whole bytes that there was room for; what came of one more comes again.
        let taken = (63 - self.held as usize) >> 3;
        self.plain = self.plain.get(taken..).unwrap_or_default();
        self.held |= FULL;
    }

    /// The next `count` bits (1 to 32), without taking them.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> u32 {
        (self.window >> (64 - count)) as u32
    }

    /// Takes `count` bits that are held.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.held = self.held.wrapping_sub(count);
    }

    /// Takes `count` bits that are held (0 to 16), as a number.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let value = ((self.window >> 1) >> (63 - count)) as u32;
        self.skip(count);
        value
    }

    /// Takes a value of `size` bits (1 to 15) that are held: the lower half of what they can say is negative.
    #[inline(always)]
    pub(super) fn value(&mut self, size: u32) -> i32 {
        signed(self.take(size), size)
    }

    /// Whether bits behind the end were taken.
    pub(super) fn overran(&self) -> bool {
        self.padding > self.held
    }

    /// Where to look for the marker that ends the data; what was not taken may lie before it.
    pub(super) fn end(self) -> Result<usize, super::JpegError> {
        if self.overran() {
            return Err(super::JpegError::Damaged(super::CUT));
        }
        Ok(self.plain_to - self.plain.len())
    }

    #[cold]
    fn fill_bytes(&mut self) {
        self.window &= !u64::MAX.checked_shr(self.held).unwrap_or(0);
        while self.held < FULL {
            let byte = if let Some((byte, rest)) = self.plain.split_first() {
                self.plain = rest;
                *byte
            } else if self
                .data
                .get(self.plain_to..)
                .is_some_and(|rest| rest.starts_with(&[0xFF, 0]))
            {
                self.plain_to += 2;
                self.find_ff();
                0xFF
            } else {
                return self.pad();
            };
            self.window |= u64::from(byte) << (56 - self.held);
            self.held += 8;
        }
    }

    /// Looks for the next byte `FF`.
    fn find_ff(&mut self) {
        let rest = self.data.get(self.plain_to..).unwrap_or_default();
        let (eights, _) = rest.as_chunks::<8>();
        let without = eights
            .iter()
            .take_while(|eight| !has_ff(u64::from_be_bytes(**eight)));
        let without = 8 * without.count();
        let behind = rest.iter().skip(without).take_while(|byte| **byte != 0xFF);
        let count = without + behind.count();
        self.plain = rest.get(..count).unwrap_or_default();
        self.plain_to += count;
    }

    fn pad(&mut self) {
        self.padding += 64 - self.held;
        self.held = 64;
    }
}

/// A value as JPEG writes it: of `size` bits, those that begin with 0 are negative.
#[inline(always)]
pub(super) fn signed(bits: u32, size: u32) -> i32 {
    let (bits, half) = (bits as i32, 1 << (size - 1));
    if bits < half {
        bits - 2 * half + 1
    } else {
        bits
    }
}

/// Whether one of the eight bytes is `FF`.
#[inline(always)]
fn has_ff(word: u64) -> bool {
    (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fast_look_finds_every_ff(bytes: [u8; 8], at in 0usize..8, with: bool) {
            let mut bytes = bytes;
            if with {
                bytes[at] = 0xFF;
            }
            prop_assert_eq!(has_ff(u64::from_be_bytes(bytes)), bytes.contains(&0xFF));
        }

        #[test]
        fn bits_come_out_as_they_went_in(bytes: Vec<u8>, sizes in proptest::collection::vec(1u32..16, 0..200)) {
            let stuffed: Vec<u8> = bytes.iter().flat_map(|b| if *b == 0xFF { vec![0xFF, 0] } else { vec![*b] }).collect();
            let mut bits = Bits::new(&stuffed, 0);
            let mut at = 0;
            for size in sizes {
                bits.refill();
                let bit = |i: usize| u32::from(bytes.get(i / 8).copied().unwrap_or(0) >> (7 - i % 8) & 1);
                let expected = (at..at + size as usize).fold(0, |value, i| value * 2 + bit(i));
                prop_assert_eq!(bits.take(size), expected);
                at += size as usize;
                prop_assert_eq!(bits.overran(), at > 8 * bytes.len());
            }
        }
    }
}
