//! A JPEG up to its first scan: frame, tables, metadata.

use super::frame::Frame;
use super::huffman::{Kind, Table};
use super::{CUT, JpegError};
use crate::exif_data::is_exif;

/// Bytes of all parts of a colour profile: real ones have a few hundred, CMYK profiles up to 2 MB.
const MOST_ICC_BYTES: usize = 4_000_000;

/// How the components make colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// One component: grey.
    Grey,
    /// Luma and two colour differences.
    YCbCr,
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow and black, as ink.
    Inks,
    /// The same as the light that each leaves, as Adobe writes it.
    InksInverted,
    /// The same with the light of the first three as luma and two colour differences.
    Ycck,
}

/// Tables that segments define and scans use.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) quantisation: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Table>; 4],
    pub(super) ac: [Option<Table>; 4],
    pub(super) restart_interval: usize,
}

/// A segment: its marker, its content, and where the next one begins.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    pub(super) payload: &'a [u8],
    pub(super) next: usize,
}

pub(super) const SOS: u8 = 0xDA;
pub(super) const EOI: u8 = 0xD9;

/// The segment at or after `at`. What stands between segments is passed over, as all decoders do.
pub(super) fn segment(bytes: &[u8], at: usize) -> Result<Segment<'_>, JpegError> {
    let early = JpegError::Damaged(CUT);
    let rest = bytes.get(at..).unwrap_or_default();
    let is_marker = |pair: &[u8]| matches!(pair, [0xFF, 1..=0xFE]);
    let Some(found) = rest.windows(2).position(is_marker) else {
        return Err(early);
    };
    let (marker, after) = (
        rest.get(found + 1).copied().unwrap_or_default(),
        at + found + 2,
    );
    if matches!(marker, 0x01 | 0xD0..=0xD9) {
        return Ok(Segment {
            marker,
            payload: &[],
            next: after,
        });
    }
    let length = bytes
        .get(after..)
        .and_then(|rest| rest.first_chunk())
        .map(|length| usize::from(u16::from_be_bytes(*length)));
    let payload = length.and_then(|length| bytes.get(after + 2..after + length));
    match (length, payload) {
        (Some(length), Some(payload)) => Ok(Segment {
            marker,
            payload,
            next: after + length,
        }),
        _ => Err(early),
    }
}

/// Everything before the first scan.
pub(super) struct Header<'a> {
    pub(super) frame: Frame,
    pub(super) tables: Tables,
    pub(super) colours: Colours,
    pub(super) exif: Option<&'a [u8]>,
    pub(super) icc: Option<Vec<u8>>,
    /// Where the first scan's segment stands.
    pub(super) scan_at: usize,
}

/// What the application segments say.
#[derive(Default)]
struct Notes<'a> {
    exif: Option<&'a [u8]>,
    icc: Vec<(u8, &'a [u8])>,
    jfif: bool,
    adobe: Option<u8>,
}

impl<'a> Header<'a> {
    /// Reads up to the first scan. Takes no memory to speak of.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, JpegError> {
        let (mut tables, mut notes, mut frame) = (Tables::default(), Notes::default(), None);
        let mut at = 0;
        loop {
            let Segment {
                marker,
                payload,
                next,
            } = segment(bytes, at)?;
            match marker {
                SOS => break,
                EOI => return Err(JpegError::Damaged("it holds no picture")),
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if frame.is_none() => {
                    frame = Some(Frame::read(marker, payload)?);
                }
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(JpegError::Damaged("two frames"));
                }
                0xE0..=0xEF => notes.add(marker, payload),
                _ => tables.read(marker, payload)?,
            }
            at = next;
        }
        let frame: Frame = frame.ok_or(JpegError::Damaged("no frame header"))?;
        let colours = notes.colours(&frame);
        Ok(Self {
            frame,
            tables,
            colours,
            exif: notes.exif,
            icc: notes.icc(),
            scan_at: at,
        })
    }
}

impl<'a> Notes<'a> {
    fn add(&mut self, marker: u8, payload: &'a [u8]) {
        if marker == 0xE0 && payload.starts_with(b"JFIF\0") {
            self.jfif = true;
        } else if marker == 0xE1
            && self.exif.is_none()
            && payload.starts_with(b"Exif\0")
            && is_exif(payload)
        {
            self.exif = Some(payload);
        } else if let (0xE2, Some([number, _, part @ ..])) =
            (marker, payload.strip_prefix(b"ICC_PROFILE\0"))
        {
            self.icc.push((*number, part));
        } else if let (0xEE, Some([_, _, _, _, _, _, transform, ..])) =
            (marker, payload.strip_prefix(b"Adobe"))
        {
            self.adobe = Some(*transform);
        }
    }

    fn icc(mut self) -> Option<Vec<u8>> {
        self.icc.sort_by_key(|(number, _)| *number);
        let bytes: usize = self.icc.iter().map(|(_, part)| part.len()).sum();
        (bytes > 0 && bytes <= MOST_ICC_BYTES).then(|| {
            self.icc
                .iter()
                .flat_map(|(_, part)| *part)
                .copied()
                .collect()
        })
    }

    fn colours(&self, frame: &Frame) -> Colours {
        let ids: Vec<u8> = frame
            .components
            .iter()
            .map(|component| component.id)
            .collect();
        match (ids.as_slice(), self.adobe) {
            ([_], _) => Colours::Grey,
            ([_, _, _, _], None) => Colours::Inks,
            ([_, _, _, _], Some(2)) => Colours::Ycck,
            ([_, _, _, _], Some(_)) => Colours::InksInverted,
            // As libjpeg has it: who writes JFIF means YCbCr.
            _ if self.jfif => Colours::YCbCr,
            (_, Some(0)) | ([b'R', b'G', b'B'], None) => Colours::Rgb,
            _ => Colours::YCbCr,
        }
    }
}

impl Tables {
    /// Reads a segment of tables; others are passed over.
    pub(super) fn read(&mut self, marker: u8, payload: &[u8]) -> Result<(), JpegError> {
        match marker {
            0xC4 => self.read_huffman(payload),
            0xDB => self.read_quantisation(payload),
            0xDD => match payload {
                [high, low, ..] => {
                    self.restart_interval = usize::from(u16::from_be_bytes([*high, *low]));
                    Ok(())
                }
                _ => Err(JpegError::Damaged("a restart interval without a number")),
            },
            _ => Ok(()),
        }
    }

    fn read_huffman(&mut self, mut payload: &[u8]) -> Result<(), JpegError> {
        let damaged = JpegError::Damaged("a Huffman table is cut short");
        while let [selector, rest @ ..] = payload {
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else {
                return Err(damaged);
            };
            let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let Some((values, rest)) = rest.split_at_checked(total) else {
                return Err(damaged);
            };
            let (kind, tables) = if selector >> 4 == 0 {
                (Kind::Dc, &mut self.dc)
            } else {
                (Kind::Ac, &mut self.ac)
            };
            let Some(place) = tables.get_mut(usize::from(selector & 15)) else {
                return Err(JpegError::Damaged(
                    "a Huffman table of a number that does not exist",
                ));
            };
            *place = Some(Table::new(kind, counts, values)?);
            payload = rest;
        }
        Ok(())
    }

    fn read_quantisation(&mut self, mut payload: &[u8]) -> Result<(), JpegError> {
        let damaged = JpegError::Damaged("a quantisation table is cut short");
        while let [selector, rest @ ..] = payload {
            let wide = selector >> 4 != 0;
            let Some((values, rest)) = rest.split_at_checked(if wide { 128 } else { 64 }) else {
                return Err(damaged);
            };
            let Some(place) = self.quantisation.get_mut(usize::from(selector & 15)) else {
                return Err(JpegError::Damaged(
                    "a quantisation table of a number that does not exist",
                ));
            };
            let mut table = [0; 64];
            if wide {
                table
                    .iter_mut()
                    .zip(values.as_chunks().0)
                    .for_each(|(to, pair)| *to = u16::from_be_bytes(*pair));
            } else {
                table
                    .iter_mut()
                    .zip(values)
                    .for_each(|(to, from)| *to = u16::from(*from));
            }
            *place = Some(table);
            payload = rest;
        }
        Ok(())
    }
}
