//! What must hold for every file, whatever it is.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::catch_unwind;

use fastrand::Rng;
use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage, imageops};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use photos::size_policy::{CURRENT_VERSION, Limits, SizePolicy};
use photos::{ImageFigures, PhotoError, Prepared, memory_needed, prepare};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::photos::reference::Reference;

/// Pixels that a fuzzed file may have: enough for every path, few enough for many files a second.
const MOST_PIXELS: u64 = 1_000_000;
/// CPU milliseconds that a file may take: a hundred times what its pixels need, on a debug build.
const MOST_MS: f64 = 5_000.0;
/// Bytes that a photo may take beside what is reckoned from its header and its file's size once more: tables, and what is
/// known of its metadata and colours.
const BESIDE: usize = 4 << 20;
/// Mean difference from the library's picture, in levels of 255. Both are encoded in the same way, so that what
/// remains is how chroma is brought to full size.
const MOST_DIFFERENCE: f64 = 8.0;
/// A part of the picture is compared where less than this of it is black or white in some colour: damage makes
/// brighter and darker than that, and decoders cut it off at different places.
const MOST_CUT_OFF: f64 = 0.125;
/// The share of the picture that must be left to be compared.
const LEAST_COMPARED: f64 = 0.25;
/// Long edges that are tried.
const EDGES: [u32; 5] = [32, 64, 96, 160, 800];
/// An answer is new while it was seen less often than this.
const RARE: u32 = 3;
/// One file of so many is prepared twice, which must give the same.
const REPEATED: u32 = 16;

/// Something that must not be.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What.
    pub(super) what: String,
    /// The file.
    #[serde(skip)]
    pub(super) bytes: Vec<u8>,
}

/// What was seen of a file.
#[derive(Debug)]
pub(super) struct Seen {
    /// The kind of answer.
    pub(super) kind: &'static str,
    /// Whether an answer like this is rare.
    pub(super) is_new: bool,
    /// CPU time, in milliseconds.
    pub(super) cpu_ms: f64,
    /// The most bytes that were allocated beyond what is reckoned from the header.
    pub(super) beyond: i64,
    /// Mean difference from the library's picture, if both read the file.
    pub(super) difference: Option<f64>,
    /// What must not be.
    pub(super) finding: Option<Finding>,
}

type Answer = std::thread::Result<Result<Prepared, PhotoError>>;

/// Remembers which answers were seen.
#[derive(Debug)]
pub(super) struct Oracle {
    policy: SizePolicy,
    answers: BTreeMap<String, u32>,
}

impl Oracle {
    /// With the shipped policy, but bounds that keep a run short and a quality that hides nothing.
    pub(super) fn new() -> anyhow::Result<Self> {
        let policy = SizePolicy::shipped(CURRENT_VERSION)?.clone();
        let limits = Limits {
            most_pixels: MOST_PIXELS,
            most_pixels_scaled: None,
            ..policy.limits
        };
        Ok(Self {
            policy: SizePolicy {
                jpeg_quality: 100,
                chroma_quality: None,
                limits,
                ..policy
            },
            answers: BTreeMap::new(),
        })
    }

    /// Prepares a file and looks at what came of it.
    pub(super) fn try_out(&mut self, bytes: &[u8], random: &mut Rng) -> Seen {
        let edge = random.choice(EDGES).unwrap_or(800);
        let reckoned = catch_unwind(|| memory_needed(bytes, &self.policy, edge));
        let before = cpu_ms();
        let mut answer = Ok(Err(PhotoError::Empty));
        let taken = allocation_counter::measure(|| {
            answer = prepared(bytes, &self.policy, edge);
        });
        let cpu_ms = cpu_ms() - before;
        let beyond = beyond(taken.bytes_max, &reckoned);
        let difference = match &answer {
            Ok(Ok(prepared)) => difference(bytes, prepared),
            _ => None,
        };
        let (kind, said) = described(&answer, difference);
        let seen = self.answers.entry(said.clone()).or_default();
        *seen += 1;
        let is_new = *seen <= RARE;
        let doubt = random.u32(..REPEATED) == 0;
        let wrong = wrong(&answer, &said, edge, difference)
            .or_else(|| (cpu_ms > MOST_MS).then(|| format!("{cpu_ms:.0} ms of CPU time")))
            .or_else(|| {
                (doubt && !alike(&answer, &prepared(bytes, &self.policy, edge)))
                    .then(|| "another answer the second time".into())
            });
        let wrong = wrong
            .or_else(|| unlike_reckoned(&answer, &reckoned))
            .or_else(|| too_much(beyond, bytes.len()));
        let finding = wrong.map(|what| Finding {
            what,
            bytes: bytes.to_vec(),
        });
        Seen {
            kind,
            is_new,
            cpu_ms,
            beyond,
            difference,
            finding,
        }
    }
}

/// What was reckoned of a file before it was prepared.
type Reckoned = std::thread::Result<Result<usize, PhotoError>>;

/// Bytes taken beyond what was reckoned; of a file that is refused by its header, all of them.
fn beyond(taken: u64, reckoned: &Reckoned) -> i64 {
    let reckoned = match reckoned {
        Ok(Ok(bytes)) => *bytes,
        _ => 0,
    };
    i64::try_from(taken).unwrap_or(i64::MAX) - i64::try_from(reckoned).unwrap_or(i64::MAX)
}

fn too_much(beyond: i64, file: usize) -> Option<String> {
    let most = i64::try_from(file + BESIDE).unwrap_or(i64::MAX);
    (beyond > most).then(|| format!("{} KiB more than is reckoned by its header", beyond >> 10))
}

/// What can't be reckoned is refused, without a panic.
fn unlike_reckoned(answer: &Answer, reckoned: &Reckoned) -> Option<String> {
    match (answer, reckoned) {
        (_, Err(panic)) => Some(format!(
            "a panic over the header: {}",
            panic_message(panic.as_ref())
        )),
        (Ok(Ok(_)), Ok(Err(error))) => Some(format!(
            "it is prepared, and its header is refused: {error}"
        )),
        _ => None,
    }
}

fn prepared(bytes: &[u8], policy: &SizePolicy, edge: u32) -> Answer {
    catch_unwind(|| prepare(bytes, policy, edge))
}

/// The kind of answer, and the answer in words; answers in the same words count as the same.
fn described(answer: &Answer, difference: Option<f64>) -> (&'static str, String) {
    match answer {
        Err(panic) => ("panic", panic_message(panic.as_ref())),
        Ok(Ok(_)) => (
            "prepared",
            format!(
                "prepared, {:?}",
                difference.map(|levels| levels.log2().ceil() as i32)
            ),
        ),
        Ok(Err(error)) => {
            let kind = match error {
                PhotoError::Empty => "empty",
                PhotoError::Unknown(_) => "no known format",
                PhotoError::Unsupported(_) | PhotoError::UnsupportedJpeg(_) => "unsupported",
                PhotoError::NoPhoto(_) => "no photo",
                PhotoError::Wrapped(_) => "wrapped",
                PhotoError::Damaged(_) => "damaged",
                PhotoError::TooLarge { .. } | PhotoError::TooMuchMemory { .. } => {
                    return ("too large", "too large".into());
                }
                PhotoError::Processing(_) => "a bug of ours",
            };
            // The figures in a message are not what makes an answer new.
            (
                kind,
                error
                    .to_string()
                    .replace(|letter: char| letter.is_ascii_digit(), ""),
            )
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".into())
}

/// What is wrong with an answer, if anything.
fn wrong(answer: &Answer, said: &str, edge: u32, difference: Option<f64>) -> Option<String> {
    let prepared = match answer {
        Err(_) => return Some(format!("a panic: {said}")),
        Ok(Err(PhotoError::Processing(_))) => return Some(said.to_owned()),
        Ok(Err(_)) => return None,
        Ok(Ok(prepared)) => prepared,
    };
    let ImageFigures { width, height, .. } = prepared.figures;
    let Ok(sent) = image::load_from_memory(&prepared.jpeg) else {
        return Some("the JPEG sent can't be read".into());
    };
    if (sent.width(), sent.height()) != (width, height) || width.max(height) > edge {
        return Some(format!(
            "{} x {} sent, {width} x {height} said, {edge} wanted",
            sent.width(),
            sent.height()
        ));
    }
    if prepared.jpeg.windows(4).any(|bytes| bytes == b"Exif") {
        return Some("metadata is sent on".into());
    }
    difference
        .filter(|levels| *levels > MOST_DIFFERENCE)
        .map(|levels| format!("{levels:.1} levels from what the library reads, at {edge} px"))
}

/// Mean difference from what the library reads, strictly; none where it refuses the file, where colours are
/// converted, or where too little can be compared.
fn difference(bytes: &[u8], prepared: &Prepared) -> Option<f64> {
    let picture = strictly(bytes)?;
    let ImageFigures { width, height, .. } = prepared.figures;
    let expected =
        encoded(&DynamicImage::ImageRgb32F(picture.at(width, height).ok()?).into_rgb8())?;
    let cut_off = DynamicImage::ImageRgb32F(picture.cut_off().at(width, height).ok()?).into_rgb8();
    let sent = image::load_from_memory(&prepared.jpeg).ok()?.into_rgb8();
    mean_difference(&expected, &cut_off, &sent)
}

/// A picture after it was sent as ours is: damage makes colours that no screen has, which chroma of half the size
/// changes.
fn encoded(picture: &RgbImage) -> Option<RgbImage> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 100);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let (width, height) = (
        u16::try_from(picture.width()).ok()?,
        u16::try_from(picture.height()).ok()?,
    );
    encoder
        .encode(picture.as_raw(), width, height, ColorType::Rgb)
        .ok()?;
    Some(image::load_from_memory(&jpeg).ok()?.into_rgb8())
}

/// Of the means of 8 × 8 pixels: how finely colours are stored, and ringing in damaged blocks, average out; a block
/// that was read wrongly does not.
fn mean_difference(expected: &RgbImage, cut_off: &RgbImage, sent: &RgbImage) -> Option<f64> {
    let (width, height) = expected.dimensions();
    let means = |picture| imageops::thumbnail(picture, width.div_ceil(8), height.div_ceil(8));
    let (expected_means, cut_off, sent_means) = (means(expected), means(cut_off), means(sent));
    let differs = |(one, other): (&Rgb<u8>, &Rgb<u8>)| -> f64 {
        one.0
            .iter()
            .zip(other.0)
            .map(|(one, other)| f64::from(one.abs_diff(other)))
            .sum::<f64>()
            / 3.0
    };
    let pairs = expected_means
        .pixels()
        .zip(sent_means.pixels())
        .zip(cut_off.pixels());
    let compared = pairs
        .filter(|(_, Rgb([cut, ..]))| f64::from(*cut) < 255.0 * MOST_CUT_OFF)
        .map(|(pair, _)| pair);
    let differences: Vec<f64> = compared.map(differs).collect();
    let enough = differences.len() as f64
        >= LEAST_COMPARED * f64::from(expected_means.width() * expected_means.height());
    (sent.dimensions() == (width, height) && enough)
        .then(|| differences.iter().sum::<f64>() / differences.len() as f64)
}

/// The segment that says after how many units decoding starts anew. The library (zune-jpeg 0.5.15) takes such a file of
/// 4:2:0 chroma and a scan a component for another picture, 97 levels away from what sharp and our decoder read: it
/// can't be the judge there.
const RESTARTS: [u8; 4] = [0xFF, 0xDD, 0, 4];

/// What a colour profile's segment begins with. Of a profile whose parts are numbered wrongly we take what is there,
/// and the library none of it.
const PROFILE: &[u8] = b"ICC_PROFILE";

/// How EXIF data begins. Where its end is damaged, we find the data behind it all the same, and turn the picture; the
/// library does not.
const EXIF: &[u8] = b"Exif\0";
const WHOLE_EXIF: &[u8] = b"Exif\0\0";

/// A JPEG as the library reads it when it forgives nothing.
fn strictly(bytes: &[u8]) -> Option<Reference> {
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let damaged_exif = holds(EXIF) && !holds(WHOLE_EXIF);
    if holds(&RESTARTS) || holds(PROFILE) || damaged_exif {
        return None;
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let decode = || {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().ok()?;
        let exif = decoder.exif().cloned();
        let (width, height) = decoder.dimensions()?;
        let picture = RgbImage::from_raw(
            u32::try_from(width).ok()?,
            u32::try_from(height).ok()?,
            decoder.decode().ok()?,
        )?;
        let orientation = exif.and_then(|exif| Orientation::from_exif_chunk(&exif));
        Some(Reference::new(
            picture,
            orientation.unwrap_or(Orientation::NoTransforms),
        ))
    };
    // The library may stumble as well; that is not what is tested here.
    catch_unwind(decode).ok().flatten()
}

fn alike(one: &Answer, other: &Answer) -> bool {
    match (one, other) {
        (Ok(Ok(one)), Ok(Ok(other))) => one == other,
        (Ok(Err(one)), Ok(Err(other))) => one.to_string() == other.to_string(),
        (one, other) => one.is_err() && other.is_err(),
    }
}

/// CPU time of this thread, in milliseconds.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_not_reckoned_is_found() {
        let reckoned = Ok(Ok(1 << 20));
        assert_eq!(too_much(beyond(2 << 20, &reckoned), 500), None);
        assert!(
            too_much(beyond(6 << 20, &reckoned), 500)
                .unwrap()
                .contains("KiB more")
        );
        let refused = || Err(PhotoError::Empty);
        assert!(too_much(beyond(5 << 20, &Ok(refused())), 0).is_some());
        let photo = crate::fuzz::seeds::drawn().unwrap().remove(0);
        let right = prepared(&photo, &Oracle::new().unwrap().policy, 64);
        assert_eq!(unlike_reckoned(&right, &reckoned), None);
        assert!(unlike_reckoned(&right, &Ok(refused())).is_some());
        assert!(
            unlike_reckoned(&right, &catch_unwind(|| panic!("oh")))
                .unwrap()
                .contains("oh")
        );
    }

    #[test]
    fn what_must_not_be_is_found() {
        let photo = crate::fuzz::seeds::drawn().unwrap().remove(0);
        let right = prepared(&photo, &Oracle::new().unwrap().policy, 64);
        assert_eq!(wrong(&right, "", 64, Some(1.0)), None);
        assert!(
            wrong(&right, "", 64, Some(90.0))
                .unwrap()
                .contains("90.0 levels")
        );
        let sent = right.unwrap().unwrap();
        let figures = ImageFigures {
            width: 1,
            ..sent.figures
        };
        let claimed = Ok(Ok(Prepared {
            figures,
            ..sent.clone()
        }));
        assert!(
            wrong(&claimed, "", 64, None)
                .unwrap()
                .contains("1 x 47 said")
        );
        let cut = Ok(Ok(Prepared {
            jpeg: sent.jpeg[..9].to_vec(),
            ..sent
        }));
        assert!(wrong(&cut, "", 64, None).unwrap().contains("can't be read"));
        assert!(
            wrong(&catch_unwind(|| panic!("oh")), "oh", 64, None)
                .unwrap()
                .contains("oh")
        );
    }

    #[test]
    fn a_picture_that_is_half_grey_is_far_from_the_right_one() {
        let photo = crate::fuzz::seeds::drawn().unwrap().remove(0);
        let whole = strictly(&photo).unwrap().at(150, 111).unwrap();
        let whole = encoded(&DynamicImage::ImageRgb32F(whole).into_rgb8()).unwrap();
        let mut half = whole.clone();
        half.enumerate_pixels_mut()
            .filter(|(_, y, _)| *y > 55)
            .for_each(|(_, _, pixel)| pixel.0 = [128; 3]);
        let nothing = RgbImage::new(whole.width(), whole.height());
        assert!(mean_difference(&whole, &nothing, &half).unwrap() > MOST_DIFFERENCE);
        let all = RgbImage::from_pixel(whole.width(), whole.height(), Rgb([255; 3]));
        assert_eq!(
            mean_difference(&whole, &all, &half),
            None,
            "nothing is left to compare"
        );
    }
}
