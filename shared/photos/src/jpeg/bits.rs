//! The bits of entropy-coded data.
//!
//! # Invariants
//! - Behind the last byte come zeros without end, and they are counted: `overran` tells whether one was used, so that
//!   a file that ends early is found out.

/// Reads bits, the highest first, and takes out the zero that is stuffed behind each byte `FF`.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest down.
    window: u64,
    /// How many of them are held.
    held: u32,
    /// How many zeros were added behind the end.
    padding: u32,
}

impl<'a> Bits<'a> {
    /// Reads from `at` on.
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            window: 0,
            held: 0,
            padding: 0,
        }
    }

    /// Makes sure that 32 bits are held: enough for the longest code (16) and its longest value (15).
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if self.held < 32 {
            self.fill();
        }
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
        Ok(self.at)
    }

    #[inline]
    fn fill(&mut self) {
        if let Some(four) = self
            .data
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<4>())
        {
            let word = u32::from_be_bytes(*four);
            if !has_ff(word) {
                self.window |= u64::from(word) << (32 - self.held);
                self.held += 32;
                self.at += 4;
                return;
            }
        }
        self.fill_bytes();
    }

    fn fill_bytes(&mut self) {
        while self.held <= 56 {
            let (byte, length) = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => (0xFF, 2),
                (Some(0xFF) | None, _) => return self.pad(),
                (Some(byte), _) => (*byte, 1),
            };
            self.window |= u64::from(byte) << (56 - self.held);
            self.held += 8;
            self.at += length;
        }
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

/// Whether one of the four bytes is `FF`.
#[inline(always)]
fn has_ff(word: u32) -> bool {
    (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fast_look_finds_every_ff(bytes: [u8; 4], at in 0usize..4, with: bool) {
            let mut bytes = bytes;
            if with {
                bytes[at] = 0xFF;
            }
            prop_assert_eq!(has_ff(u32::from_be_bytes(bytes)), bytes.contains(&0xFF));
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
