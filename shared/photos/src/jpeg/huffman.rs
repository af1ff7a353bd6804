//! Huffman tables, and the look-ups that make decoding fast.
//!
//! One look at the next bits gives the code's length, the run of zeros, and the value itself where it fits. Where only
//! skipping is wanted, one look passes over several codes at once.

use super::JpegError;
use super::bits::{Bits, signed};

/// Bits of one look. Codes of photos are short: with 10, fewer than 1 in 50 needs a second look.
const LOOK: u32 = 10;
/// Bits of one look when skipping: two or three codes fit.
pub(super) const SKIP_LOOK: u32 = 12;

/// A code with its value. `length` 0: the code is longer than a look.
#[derive(Clone, Copy, Default)]
pub(super) struct Step {
    /// The value, if it fits into the look.
    value: i16,
    /// Zeros before the value. `END` ends the block.
    run: u8,
    /// Bits to take: the code's, and the value's if it fits; in the upper half the bits of a value that does not.
    lengths: u8,
}

/// The run that no block has room for: the block ends here.
pub(super) const END: u8 = 64;

/// Several codes to be skipped. `length` 0: none fits into the look.
#[derive(Clone, Copy, Default)]
pub(super) struct Skip {
    /// Bits to take.
    length: u8,
    /// Codes passed over with the zeros before them: so many coefficients, and `END` more if the last code ends the
    /// block.
    advance: u8,
}

/// Whether a symbol says that no more coefficients follow: one without a value does, whatever run of zeros it names,
/// except sixteen. The standard knows only the one without a run; libjpeg reads the others, which damage makes, like
/// this.
fn ends_block(symbol: u8) -> bool {
    symbol & 15 == 0 && symbol != 0xF0
}

/// What a table is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first coefficient of a block.
    Dc,
    /// The others.
    Ac,
}

/// A Huffman table.
pub(super) struct Table {
    kind: Kind,
    steps: Box<[Step; 1 << LOOK]>,
    skips: Box<[Skip; 1 << SKIP_LOOK]>,
    /// Length and symbol of the code that a look of `SKIP_LOOK` bits begins with.
    symbols: Box<[(u8, u8); 1 << SKIP_LOOK]>,
    /// For each length the first code that is longer, on 16 bits.
    limits: [u32; 17],
    /// For each length what makes a code an index of `values`.
    offsets: [i32; 17],
    values: Vec<u8>,
}

impl Table {
    /// A table from its numbers of codes of each length, 1 to 16, and its symbols.
    pub(super) fn new(kind: Kind, counts: &[u8; 16], values: &[u8]) -> Result<Self, JpegError> {
        if kind == Kind::Dc && values.iter().any(|symbol| *symbol > 15) {
            return Err(JpegError::Damaged(
                "a Huffman table has symbols that do not exist",
            ));
        }
        let (mut limits, mut offsets) = ([0; 17], [0; 17]);
        let mut symbols = Box::new([(0, 0); 1 << SKIP_LOOK]);
        let (mut code, mut rest) = (0u32, values);
        let lengths = (1u8..).zip(counts);
        for ((length, count), (limit, offset)) in
            lengths.zip(limits.iter_mut().zip(&mut offsets).skip(1))
        {
            *offset = values.len() as i32 - rest.len() as i32 - code as i32;
            let (own, others) = rest
                .split_at_checked((*count).into())
                .unwrap_or((rest, &[]));
            let room = 1 << SKIP_LOOK.saturating_sub(length.into());
            if u32::from(length) <= SKIP_LOOK {
                let places = symbols.chunks_exact_mut(room).skip(code as usize);
                for (places, symbol) in places.zip(own) {
                    places.fill((length, *symbol));
                }
            }
            rest = others;
            code += u32::from(*count);
            if code > 1 << length {
                return Err(JpegError::Damaged("a Huffman table has too many codes"));
            }
            *limit = code << (16 - length);
            code <<= 1;
        }
        let mut table = Self {
            kind,
            steps: Box::new([Step::default(); 1 << LOOK]),
            skips: Box::new([Skip::default(); 1 << SKIP_LOOK]),
            symbols,
            limits,
            offsets,
            values: values.to_vec(),
        };
        table.fill();
        Ok(table)
    }

    /// What looks tell, from the symbols.
    fn fill(&mut self) {
        let (kind, symbols) = (self.kind, &self.symbols);
        for (look, step) in (0..).zip(self.steps.iter_mut()) {
            *step = step_of(kind, symbols, look);
        }
        if kind == Kind::Ac {
            for (look, skip) in (0..).zip(self.skips.iter_mut()) {
                *skip = skip_of(symbols, look);
            }
        }
    }

    /// The next code with its value; `refill` first.
    #[inline(always)]
    pub(super) fn step(&self, bits: &mut Bits<'_>) -> Result<(u8, i32), JpegError> {
        match self.short_step(bits) {
            Some(step) => Ok(step),
            None => self.long_step(bits),
        }
    }

    /// The same of a code that one look tells, for which 25 bits do; takes nothing and returns `None` of another.
    #[inline(always)]
    pub(super) fn short_step(&self, bits: &mut Bits<'_>) -> Option<(u8, i32)> {
        let step = self
            .steps
            .get(bits.peek(LOOK) as usize)
            .copied()
            .unwrap_or_default();
        if step.lengths == 0 {
            return None;
        }
        bits.skip(u32::from(step.lengths & 15));
        let size = u32::from(step.lengths >> 4);
        let value = if size == 0 {
            i32::from(step.value)
        } else {
            bits.value(size)
        };
        Some((step.run, value))
    }

    /// Passes over codes of a block that has `most` coefficients left; `refill` first. Returns how many coefficients
    /// that were, and `END` more if the block ended; takes nothing and returns `None` if a look does not tell.
    #[inline(always)]
    pub(super) fn skip(&self, bits: &mut Bits<'_>, most: usize) -> Option<usize> {
        let skip = self
            .skips
            .get(bits.peek(SKIP_LOOK) as usize)
            .copied()
            .unwrap_or_default();
        let advance = usize::from(skip.advance);
        if skip.length == 0 || advance % usize::from(END) > most {
            return None;
        }
        bits.skip(u32::from(skip.length));
        Some(advance)
    }

    /// The next symbol; `refill` first.
    #[inline]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, JpegError> {
        let (mut length, mut symbol) = found(&self.symbols, bits.peek(SKIP_LOOK));
        if length == 0 {
            (length, symbol) = self.look(bits.peek(16));
        }
        if length == 0 {
            return Err(JpegError::Damaged("a code that is in no table"));
        }
        bits.skip(u32::from(length));
        Ok(symbol)
    }

    #[cold]
    fn long_step(&self, bits: &mut Bits<'_>) -> Result<(u8, i32), JpegError> {
        let symbol = self.symbol(bits)?;
        let size = u32::from(symbol & 15);
        Ok((
            run(self.kind, symbol),
            if size == 0 { 0 } else { bits.value(size) },
        ))
    }

    /// Length and symbol of the code that 16 bits begin with.
    #[cold]
    fn look(&self, bits: u32) -> (u8, u8) {
        let found = (1..=16)
            .zip(self.limits.iter().zip(&self.offsets).skip(1))
            .find(|(_, (limit, _))| bits < **limit);
        let symbol = found.and_then(|(length, (_, offset))| {
            let index = usize::try_from((bits >> (16 - length)) as i32 + offset).ok()?;
            Some((length as u8, *self.values.get(index)?))
        });
        symbol.unwrap_or_default()
    }
}

/// Length and symbol of the code that a look of `SKIP_LOOK` bits begins with.
#[inline(always)]
fn found(symbols: &[(u8, u8); 1 << SKIP_LOOK], look: u32) -> (u8, u8) {
    symbols.get(look as usize).copied().unwrap_or_default()
}

fn run(kind: Kind, symbol: u8) -> u8 {
    if kind == Kind::Ac && ends_block(symbol) {
        END
    } else {
        symbol >> 4
    }
}

fn step_of(kind: Kind, symbols: &[(u8, u8); 1 << SKIP_LOOK], look: u32) -> Step {
    let (length, symbol) = found(symbols, look << (SKIP_LOOK - LOOK));
    if u32::from(length) > LOOK || length == 0 {
        return Step::default();
    }
    let (size, run) = (symbol & 15, run(kind, symbol));
    if size == 0 || u32::from(length + size) > LOOK {
        return Step {
            value: 0,
            run,
            lengths: length | size << 4,
        };
    }
    let value = (look >> (LOOK - u32::from(length + size))) & ((1 << size) - 1);
    Step {
        value: signed(value, size.into()) as i16,
        run,
        lengths: length + size,
    }
}

fn skip_of(symbols: &[(u8, u8); 1 << SKIP_LOOK], look: u32) -> Skip {
    let mut skip = Skip::default();
    loop {
        let rest = look << skip.length & ((1 << SKIP_LOOK) - 1);
        let (length, symbol) = found(symbols, rest);
        let taken = skip.length + length + (symbol & 15);
        let ends = ends_block(symbol);
        let advance = skip.advance + if ends { 1 } else { (symbol >> 4) + 1 };
        if length == 0 || u32::from(taken) > SKIP_LOOK || advance >= END {
            return skip;
        }
        let advance = if ends { advance + END } else { advance };
        skip = Skip {
            length: taken,
            advance,
        };
        if ends {
            return skip;
        }
    }
}
