//! A JPEG decoder that gives a photo at N/8 of its size, N from 1 to 8, as planes.
//!
//! It decodes only the N × N lowest of a block's 8 × 8 coefficients and passes over the rest: for a photo that is to
//! be scaled down, that saves more than half of the time. Baseline, extended and progressive, 8 bits, grey, YCbCr, RGB
//! or four inks, any sampling. What it does not know (arithmetic coding, 12 bits) it says.
//!
//! # Invariants
//! - Every block was decoded, of a progressive file to its last bit or to the end that the file names, or there is an
//!   error: never a half-grey picture. Where all blocks are there, what is missing or left over behind them does not
//!   matter.
//! - `read` takes no memory to speak of; `memory` tells what `decode` will take.
//! - The same bytes give the same samples, on every machine.

mod bits;
mod edges;
mod frame;
mod header;
mod huffman;
mod idct;
mod plane;
mod progressive;
mod scan;
mod sequential;
mod standard;
#[cfg(test)]
mod tests;

use self::edges::Edges;
use self::frame::{Component, Frame};
use self::header::{EOI, Header, SOS, Segment, Tables, segment};
use self::progressive::{Coefficients, Progressive};
use self::scan::{Scan, walk};
use self::sequential::Sequential;

pub(crate) use self::header::Colours;
pub(crate) use self::plane::Plane;

/// Scans of one file. Encoders write up to 12; each costs a pass over all blocks.
const MOST_SCANS: usize = 100;
/// What is said of a file that ends early.
const CUT: &str = "not every block is there: it ends early";

/// Why a JPEG gives no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JpegError {
    /// The file is damaged or ends early.
    #[error("{0}")]
    Damaged(&'static str),
    /// It is coded in a way that this decoder does not know.
    #[error("{0}")]
    Unsupported(&'static str),
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

    /// How the components make colours.
    pub(crate) fn colours(&self) -> Colours {
        self.header.colours
    }

    /// The EXIF data.
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
        let of = |(component, edges): (&Component, Edges)| {
            let blocks = component.wide * component.high;
            let coefficients = if progressive {
                Coefficients::bytes(&edges, component.wide, component.high)
            } else {
                0
            };
            blocks * edges.samples() * edges.samples() + coefficients
        };
        let components = &self.header.frame.components;
        let edges = edges(components, eighths).into_iter();
        components.iter().zip(edges).map(of).sum()
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
        let edges = edges(&frame.components, eighths);
        let mut decoder = Decoder::new(bytes, &frame, &edges, tables);
        decoder.run(scan_at)?;
        decoder.finish()
    }
}

/// How the blocks of each component are scaled.
fn edges(components: &[Component], eighths: &[usize]) -> Vec<Edges> {
    let components = components.iter().zip(eighths);
    let edges = components.map(|(component, samples)| Edges::new(component, *samples));
    edges.collect()
}

/// Where decoding stands.
struct Decoder<'a> {
    bytes: &'a [u8],
    frame: &'a Frame,
    edges: &'a [Edges],
    tables: Tables,
    planes: Vec<Plane>,
    /// Of a progressive file.
    coefficients: Vec<Coefficients>,
    /// Each component's quantisation table, as it stood at its first scan.
    quantisation: Vec<Option<[u16; 64]>>,
    /// Of a progressive file, for each component how many bits of each coefficient are still to come.
    to_come: Vec<[u8; 64]>,
}

/// Bits that are to come before any did: more than there can be.
const ALL_BITS: u8 = u8::MAX;

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8], frame: &'a Frame, edges: &'a [Edges], tables: Tables) -> Self {
        let components = || frame.components.iter().zip(edges);
        let coefficients = |(component, edges): (&Component, &Edges)| {
            Coefficients::new(edges.clone(), component.wide, component.high)
        };
        Self {
            bytes,
            frame,
            edges,
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
            to_come: vec![[ALL_BITS; 64]; frame.components.len()],
        }
    }

    /// Goes through all segments from the first scan to the end of the picture, or to its last bit: what stands behind
    /// that is not looked at.
    fn run(&mut self, mut at: usize) -> Result<(), JpegError> {
        let mut scans = 0;
        while !self.is_complete() {
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
        Ok(())
    }

    /// Whether nothing more can come.
    fn is_complete(&self) -> bool {
        if self.frame.progressive {
            self.to_come.iter().flatten().all(|bits| *bits == 0)
        } else {
            self.quantisation.iter().all(Option::is_some)
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
        if !self.frame.progressive {
            self.tables.take_standard()?;
            return self.sequential(&scan, at);
        }
        let next = self.progressive(&scan, at)?;
        for part in &scan.parts {
            let to_come = self.to_come.get_mut(part.component);
            let band = to_come.and_then(|bits| bits.get_mut(scan.first..=scan.last));
            band.into_iter().flatten().for_each(|bits| *bits = scan.low);
        }
        Ok(next)
    }

    fn sequential(&mut self, scan: &Scan, at: usize) -> Result<usize, JpegError> {
        let missing = JpegError::Damaged("a scan without its Huffman table");
        let mut planes: Vec<Option<&mut Plane>> = self.planes.iter_mut().map(Some).collect();
        let mut channels = Vec::new();
        for part in &scan.parts {
            let (
                Some(edges),
                Some(Some(quantisation)),
                Some(Some(dc)),
                Some(Some(ac)),
                Some(plane),
            ) = (
                self.edges.get(part.component),
                self.quantisation.get(part.component),
                self.tables.dc.get(part.dc),
                self.tables.ac.get(part.ac),
                planes.get_mut(part.component).and_then(Option::take),
            )
            else {
                return Err(missing);
            };
            channels.push(sequential::Channel {
                edges,
                inverses: edges.inverses(quantisation),
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
            .zip(self.edges)
            .zip(&self.quantisation);
        // Coefficients go as their samples come: both together would be the peak of memory.
        for (coefficients, ((component, edges), quantisation)) in
            self.coefficients.into_iter().zip(components)
        {
            let mut plane = empty((component, edges));
            let inverses = edges.inverses(&quantisation.unwrap_or([0; 64]));
            coefficients.write(&inverses, &mut plane);
            self.planes.push(plane);
        }
        self.planes.iter_mut().for_each(Plane::fill_up);
        Ok(self.planes)
    }
}

fn empty((component, edges): (&Component, &Edges)) -> Plane {
    let samples = edges.samples();
    let scaled = |whole: f64| whole * samples as f64 / 8.0;
    Plane {
        samples: vec![0; component.wide * component.high * samples * samples],
        stride: component.wide * samples,
        width: scaled(component.width),
        height: scaled(component.height),
    }
}
