//! The TIFF structure that holds EXIF data: directories of tags and their values.
//!
//! # Invariants
//! - What stands before the structure is passed over: many programs put `Exif\0\0` there, in formats that know no such
//!   thing.
//! - A number is a number whatever its type: programs write LONG where SHORT is meant, and signed ones for unsigned.
//! - What can't be read is left out, and no offset leads outside of the data.

/// Bytes that may stand before the structure.
const MOST_BEFORE: usize = 32;
/// How a structure begins: its byte order, and 42 in it.
const BEGINNINGS: [&[u8; 4]; 2] = [b"II*\0", b"MM\0*"];
/// Bytes of an entry: tag, type, count, and the value or where it stands.
const ENTRY: usize = 12;

/// A TIFF structure.
#[derive(Clone, Copy)]
pub(super) struct Tiff<'a> {
    bytes: &'a [u8],
    little_endian: bool,
}

/// A directory, by where it begins.
#[derive(Clone, Copy)]
pub(super) struct Directory(usize);

/// What a directory says of a tag.
pub(super) struct Entry<'a> {
    little_endian: bool,
    kind: u16,
    value: &'a [u8],
}

impl<'a> Tiff<'a> {
    /// Finds the structure in a block of EXIF data.
    pub(super) fn find(data: &'a [u8]) -> Option<Self> {
        let head = data.get(..MOST_BEFORE + 4).unwrap_or(data);
        let begins = |four: &[u8]| BEGINNINGS.iter().any(|beginning| four == *beginning);
        let at = head.windows(4).position(begins)?;
        let bytes = data.get(at..)?;
        Some(Self {
            bytes,
            little_endian: bytes.starts_with(b"II"),
        })
    }

    /// The directory about the photo itself.
    pub(super) fn first(&self) -> Option<Directory> {
        self.long(4).map(|at| Directory(at as usize))
    }

    /// The directory that a tag points to.
    pub(super) fn behind(&self, directory: Directory, tag: u16) -> Option<Directory> {
        let at = self.entry(directory, tag)?.number(0)?;
        (at >= 8.0 && at <= f64::from(u32::MAX)).then_some(Directory(at as usize))
    }

    /// What a directory says of a tag.
    pub(super) fn entry(&self, Directory(at): Directory, tag: u16) -> Option<Entry<'a>> {
        let count = usize::from(self.short(at)?);
        let entries = (0..count).map(|index| at.saturating_add(2 + index * ENTRY));
        let mut known = entries.map_while(|at| self.short(at).map(|found| (found, at)));
        let (_, at) = known.find(|(found, _)| *found == tag)?;
        self.entry_at(at)
    }

    fn entry_at(&self, at: usize) -> Option<Entry<'a>> {
        let (kind, count) = (self.short(at + 2)?, self.long(at + 4)? as usize);
        let length = size(kind)?.checked_mul(count)?;
        let starts_at = if length <= 4 {
            at + 8
        } else {
            self.long(at + 8)? as usize
        };
        let value = self.bytes.get(starts_at..)?.get(..length)?;
        Some(Entry {
            little_endian: self.little_endian,
            kind,
            value,
        })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(short(*bytes, self.little_endian))
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(long(*bytes, self.little_endian))
    }
}

impl<'a> Entry<'a> {
    /// The bytes of a text.
    pub(super) fn text(&self) -> Option<&'a [u8]> {
        let text = matches!(self.kind, 2 | 129).then_some(self.value)?;
        text.split(|byte| *byte == 0).next()
    }

    /// One of its numbers, of any type.
    pub(super) fn number(&self, index: usize) -> Option<f64> {
        let size = size(self.kind)?;
        let bytes = self.value.chunks_exact(size).nth(index)?;
        let two = || Some(short(*bytes.first_chunk()?, self.little_endian));
        let four = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk()?;
            Some(long(*bytes, self.little_endian))
        };
        match self.kind {
            1 => bytes.first().map(|byte| f64::from(*byte)),
            6 => bytes.first().map(|byte| f64::from(byte.cast_signed())),
            3 => two().map(f64::from),
            8 => two().map(|number| f64::from(number.cast_signed())),
            4 | 13 => four(0).map(f64::from),
            9 => four(0).map(|number| f64::from(number.cast_signed())),
            5 => Some(f64::from(four(0)?) / f64::from(four(4)?)),
            10 => Some(f64::from(four(0)?.cast_signed()) / f64::from(four(4)?.cast_signed())),
            11 => four(0).map(|bits| f64::from(f32::from_bits(bits))),
            _ => None,
        }
    }
}

/// Bytes of a value, by the number of its type.
fn size(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 | 129 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}

fn short(bytes: [u8; 2], little_endian: bool) -> u16 {
    if little_endian {
        u16::from_le_bytes(bytes)
    } else {
        u16::from_be_bytes(bytes)
    }
}

fn long(bytes: [u8; 4], little_endian: bool) -> u32 {
    if little_endian {
        u32::from_le_bytes(bytes)
    } else {
        u32::from_be_bytes(bytes)
    }
}
