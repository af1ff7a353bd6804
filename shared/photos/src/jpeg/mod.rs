//! A JPEG decoder that gives a photo at N/8 of its size, N from 1 to 8, as planes.
//!
//! It decodes only the N × N lowest of a block's 8 × 8 coefficients and passes over the rest: for a photo that is to
//! be scaled down, that saves more than half of the time. Baseline, extended and progressive, 8 bits, grey, YCbCr or
//! RGB, any sampling. What it does not know (four colours, arithmetic coding, 12 bits) it says, and the caller asks a
//! library.
//!
//! # Invariants
//! - A file that ends early, or whose data is found damaged, is an error: never a half-grey picture.
//! - `read` takes no memory to speak of; `memory` tells what `decode` will take.
//! - The same bytes give the same samples, on every machine.

mod bits;
mod frame;
mod header;
mod huffman;
mod idct;
mod plane;
mod progressive;
mod scan;
mod sequential;
#[cfg(test)]
mod tests;

use self::frame::{Component, Frame};
use self::header::{EOI, Header, SOS, Segment, Tables, segment};
use self::idct::Scaling;
use self::progressive::{Coefficients, Progressive};
use self::scan::{MOST_LEFT_OVER, Scan, walk};
use self::sequential::Sequential;

pub(crate) use self::header::Colours;
pub(crate) use self::plane::Plane;

/// Scans of one file. Encoders write up to 12; each costs a pass over all blocks.
const MOST_SCANS: usize = 100;

/// Why a JPEG gives no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JpegError {
    /// The file is damaged or ends early.
    #[error("{0}")]
    Damaged(&'static str),
}

/// A JPEG of which the header was read.
pub(crate) struct Jpeg<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
}

impl<'a> Jpeg<'a> {
    /// Reads the header.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, JpegError> {
        Ok(Self {
            bytes,
            header: Header::read(bytes)?,
        })
    }

    /// Width and height in pixels, as stored.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.header.frame.width, self.header.frame.height)
    }

    /// What a library must decode, if this decoder can't.
    pub(crate) fn foreign(&self) -> Option<&'static str> {
        self.header.frame.foreign
    }

    /// How the components make colours.
    pub(crate) fn colours(&self) -> Colours {
        self.header.colours
    }

    /// The TIFF structure of the EXIF segment.
    pub(crate) fn exif(&self) -> Option<&'a [u8]> {
        self.header.exif
    }

    /// The colour profile.
    pub(crate) fn icc(&self) -> Option<&[u8]> {
        self.header.icc.as_deref()
    }

    /// The size of each component, in samples; fractional where the photo's pixels do not fill the last one.
    pub(crate) fn component_sizes(&self) -> Vec<(f64, f64)> {
        self.header
            .frame
            .components
            .iter()
            .map(|component| (component.width, component.height))
            .collect()
    }

    /// The bytes that `decode` takes at most.
    pub(crate) fn memory(&self, eighths: &[usize]) -> usize {
        let progressive = self.header.frame.progressive;
        let of = |(component, scaling): (&Component, Scaling)| {
            let blocks = component.wide * component.high;
            let coefficients = if progressive {
                Coefficients::bytes(&scaling, component.wide, component.high)
            } else {
                0
            };
            blocks * scaling.samples * scaling.samples + coefficients
        };
        self.header
            .frame
            .components
            .iter()
            .zip(scalings(eighths))
            .map(of)
            .sum()
    }

    /// Decodes; for each component, `eighths` is N.
    pub(crate) fn decode(self, eighths: &[usize]) -> Result<Vec<Plane>, JpegError> {
        let Self {
            bytes,
            header:
                Header {
                    frame,
                    tables,
                    scan_at,
                    ..
                },
        } = self;
        let scalings: Vec<Scaling> = scalings(eighths).collect();
        let mut decoder = Decoder::new(bytes, &frame, &scalings, tables);
        decoder.run(scan_at)?;
        decoder.finish()
    }
}

fn scalings(eighths: &[usize]) -> impl Iterator<Item = Scaling> + '_ {
    eighths.iter().map(|samples| Scaling::new(*samples))
}

/// Where decoding stands.
struct Decoder<'a> {
    bytes: &'a [u8],
    frame: &'a Frame,
    scalings: &'a [Scaling],
    tables: Tables,
    planes: Vec<Plane>,
    /// Of a progressive file.
    coefficients: Vec<Coefficients>,
    /// Each component's quantisation table, as it stood at its first scan.
    quantisation: Vec<Option<[u16; 64]>>,
}

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8], frame: &'a Frame, scalings: &'a [Scaling], tables: Tables) -> Self {
        let components = || frame.components.iter().zip(scalings);
        let coefficients = |(component, scaling): (&Component, &Scaling)| {
            Coefficients::new(scaling.clone(), component.wide, component.high)
        };
        Self {
            bytes,
            frame,
            scalings,
            tables,
            planes: if frame.progressive {
                vec![]
            } else {
                components().map(empty).collect()
            },
            coefficients: if frame.progressive {
                components().map(coefficients).collect()
            } else {
                vec![]
            },
            quantisation: vec![None; frame.components.len()],
        }
    }

    /// Goes through all segments from the first scan to the end of the picture.
    fn run(&mut self, mut at: usize) -> Result<(), JpegError> {
        let mut scans = 0;
        loop {
            let Segment {
                marker,
                payload,
                next,
            } = segment(self.bytes, at)?;
            at = match marker {
                EOI => return Ok(()),
                SOS if scans == MOST_SCANS => {
                    return Err(JpegError::Damaged("it has too many scans"));
                }
                SOS => {
                    scans += 1;
                    self.scan(payload, next)?
                }
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(JpegError::Damaged("a second frame"));
                }
                _ => {
                    self.tables.read(marker, payload)?;
                    next
                }
            };
        }
    }

    fn scan(&mut self, payload: &[u8], at: usize) -> Result<usize, JpegError> {
        let scan = Scan::read(payload, self.frame)?;
        for part in &scan.parts {
            let Some(place) = self.quantisation.get_mut(part.component) else {
                continue;
            };
            let number = self
                .frame
                .components
                .get(part.component)
                .map_or(0, |component| component.quantisation);
            match place {
                Some(_) if !self.frame.progressive => {
                    return Err(JpegError::Damaged("a component comes twice"));
                }
                Some(_) => {}
                None => {
                    *place = self
                        .tables
                        .quantisation
                        .get(usize::from(number))
                        .copied()
                        .flatten()
                }
            }
            if place.is_none() {
                return Err(JpegError::Damaged("a quantisation table is missing"));
            }
        }
        if self.frame.progressive {
            self.progressive(&scan, at)
        } else {
            self.sequential(&scan, at)
        }
    }

    fn sequential(&mut self, scan: &Scan, at: usize) -> Result<usize, JpegError> {
        let missing = JpegError::Damaged("a scan without its Huffman table");
        let mut planes: Vec<Option<&mut Plane>> = self.planes.iter_mut().map(Some).collect();
        let mut channels = Vec::new();
        for part in &scan.parts {
            let (
                Some(scaling),
                Some(Some(quantisation)),
                Some(Some(dc)),
                Some(Some(ac)),
                Some(plane),
            ) = (
                self.scalings.get(part.component),
                self.quantisation.get(part.component),
                self.tables.dc.get(part.dc),
                self.tables.ac.get(part.ac),
                planes.get_mut(part.component).and_then(Option::take),
            )
            else {
                return Err(missing);
            };
            let inverse = scaling.inverse(quantisation);
            channels.push(sequential::Channel {
                scaling,
                inverse,
                dc,
                ac,
                plane,
                prediction: 0,
            });
        }
        walk(
            self.bytes,
            at,
            scan,
            self.frame,
            self.tables.restart_interval,
            &mut Sequential(channels),
        )
    }

    fn progressive(&mut self, scan: &Scan, at: usize) -> Result<usize, JpegError> {
        let mut all: Vec<Option<&mut Coefficients>> =
            self.coefficients.iter_mut().map(Some).collect();
        let mut channels = Vec::new();
        for part in &scan.parts {
            let table = if scan.first == 0 {
                self.tables.dc.get(part.dc)
            } else {
                self.tables.ac.get(part.ac)
            };
            let table = table.and_then(Option::as_ref);
            if let Some(coefficients) = all.get_mut(part.component).and_then(Option::take) {
                channels.push(progressive::Channel {
                    coefficients,
                    table,
                    prediction: 0,
                });
            }
        }
        let mut blocks = Progressive {
            scan,
            channels,
            ended_blocks: 0,
        };
        walk(
            self.bytes,
            at,
            scan,
            self.frame,
            self.tables.restart_interval,
            &mut blocks,
        )
    }

    fn finish(mut self) -> Result<Vec<Plane>, JpegError> {
        if self.quantisation.iter().any(Option::is_none) {
            return Err(JpegError::Damaged("a component is missing"));
        }
        let components = self
            .frame
            .components
            .iter()
            .zip(self.scalings)
            .zip(&self.quantisation);
        // Coefficients go as their samples come: both together would be the peak of memory.
        for (coefficients, ((component, scaling), quantisation)) in
            self.coefficients.into_iter().zip(components)
        {
            let mut plane = empty((component, scaling));
            coefficients.write(
                &scaling.inverse(&quantisation.unwrap_or([0; 64])),
                &mut plane,
            );
            self.planes.push(plane);
        }
        self.planes.iter_mut().for_each(Plane::fill_up);
        Ok(self.planes)
    }
}

fn empty((component, scaling): (&Component, &Scaling)) -> Plane {
    let scaled = |samples: f64| samples * scaling.samples as f64 / 8.0;
    Plane {
        samples: vec![0; component.wide * component.high * scaling.samples * scaling.samples],
        stride: component.wide * scaling.samples,
        width: scaled(component.width),
        height: scaled(component.height),
    }
}
