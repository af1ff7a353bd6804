//! The decoder beside the library that decodes in full, and beside what is broken.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::*;

/// How a test file is written.
#[derive(Debug, Clone, Copy)]
struct Written {
    size: (u16, u16),
    sampling: SamplingFactor,
    progressive: bool,
    restarts: u16,
    grey: bool,
}

const PLAIN: Written = Written {
    size: (75, 53),
    sampling: SamplingFactor::F_2_2,
    progressive: false,
    restarts: 0,
    grey: false,
};

/// Levels by which a sample may differ in the mean: both sides round to whole levels.
const MOST_DIFFERENCE: f64 = 0.6;

/// Slopes with an edge in them: smooth enough to compare, not so smooth that little is coded.
fn pixels(size: (u16, u16), seed: u32) -> Vec<u8> {
    let level =
        |x: u32, y: u32, k: u32| (128.0 + 90.0 * (f64::from(x * k + y + seed) / 23.0).sin()) as u8;
    let of = |x: u32, y: u32| {
        if x > y {
            [level(x, y, 1), level(y, x, 2), 90]
        } else {
            [200, level(x, y, 3), level(y, x, 1)]
        }
    };
    (0..u32::from(size.1))
        .flat_map(|y| (0..u32::from(size.0)).flat_map(move |x| of(x, y)))
        .collect()
}

fn file(written: &Written, seed: u32) -> Vec<u8> {
    let (width, height) = written.size;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 92);
    encoder.set_progressive(written.progressive);
    encoder.set_restart_interval(written.restarts);
    encoder.set_sampling_factor(written.sampling);
    let pixels = pixels(written.size, seed);
    if written.grey {
        let luma: Vec<u8> = pixels.chunks(3).map(|pixel| pixel[1]).collect();
        encoder
            .encode(&luma, width, height, ColorType::Luma)
            .unwrap();
    } else {
        encoder
            .encode(&pixels, width, height, ColorType::Rgb)
            .unwrap();
    }
    bytes
}

fn decoded(bytes: &[u8], samples: usize) -> Result<Vec<Plane>, JpegError> {
    let jpeg = Jpeg::read(bytes)?;
    let components = jpeg.component_sizes().len();
    jpeg.decode(&vec![samples; components])
}

/// The luma as the library decodes it, in full. The coefficients of a file don't depend on the order in which it holds
/// them, so the library gets them in the plainest: of progressive files it loses rows where chroma has all columns and
/// half the rows.
fn oracle(written: &Written, seed: u32) -> Vec<u8> {
    let bytes = file(
        &Written {
            progressive: false,
            restarts: 0,
            ..*written
        },
        seed,
    );
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options)
        .decode()
        .unwrap()
}

/// The mean difference between the luma at `samples`/8 and what the definition makes of the library's: of each block
/// that lies wholly in the photo the `samples` × `samples` lowest frequencies, in floating point.
fn difference(plane: &Plane, full: &[u8], size: (u16, u16), samples: usize) -> f64 {
    let width = usize::from(size.0);
    let (wide, high) = (width / 8, usize::from(size.1) / 8);
    let mut sum = 0.0;
    for (column, row) in (0..high).flat_map(|row| (0..wide).map(move |column| (column, row))) {
        let block = |x: usize, y: usize| f64::from(full[(row * 8 + y) * width + column * 8 + x]);
        let expected = smaller(block, samples);
        for (x, y) in (0..samples).flat_map(|y| (0..samples).map(move |x| (x, y))) {
            let ours = plane.samples[(row * samples + y) * plane.stride + column * samples + x];
            sum += (expected[y][x].clamp(0.0, 255.0) - f64::from(ours)).abs();
        }
    }
    sum / (wide * high * samples * samples).max(1) as f64
}

/// A block of 8 × 8 as one of `samples` × `samples`: its transform without the high frequencies, transformed back.
fn smaller(block: impl Fn(usize, usize) -> f64, samples: usize) -> [[f64; 8]; 8] {
    let mut coefficients = [[0.0; 8]; 8];
    for (u, v) in (0..samples).flat_map(|v| (0..samples).map(move |u| (u, v))) {
        let terms = (0..64).map(|at| (at % 8, at / 8));
        coefficients[v][u] = terms
            .map(|(x, y)| block(x, y) * basis(8, u, x) * basis(8, v, y))
            .sum();
    }
    let mut smaller = [[0.0; 8]; 8];
    for (x, y) in (0..samples).flat_map(|y| (0..samples).map(move |x| (x, y))) {
        let terms = (0..samples * samples).map(|at| (at % samples, at / samples));
        let sum: f64 = terms
            .map(|(u, v)| coefficients[v][u] * basis(samples, u, x) * basis(samples, v, y))
            .sum();
        smaller[y][x] = sum * samples as f64 / 8.0;
    }
    smaller
}

/// The orthonormal cosine of a transform of `length`.
fn basis(length: usize, frequency: usize, at: usize) -> f64 {
    let scale = if frequency == 0 { 1.0 } else { 2.0 };
    let angle = std::f64::consts::PI * (2 * at + 1) as f64 * frequency as f64 / (2 * length) as f64;
    (scale / length as f64).sqrt() * angle.cos()
}

const SAMPLINGS: [SamplingFactor; 6] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
];

#[test]
fn every_sampling_process_and_interval_agrees_with_the_library() {
    for (sampling, progressive, restarts, grey) in
        SAMPLINGS.into_iter().take(4).flat_map(|sampling| {
            [
                (false, 0, false),
                (true, 0, false),
                (false, 3, false),
                (true, 3, false),
                (false, 0, true),
                (true, 2, true),
            ]
            .map(|(progressive, restarts, grey)| (sampling, progressive, restarts, grey))
        })
    {
        let written = Written {
            sampling,
            progressive,
            restarts,
            grey,
            ..PLAIN
        };
        let bytes = file(&written, 5);
        let full = oracle(&written, 5);
        for samples in 1..=8 {
            let planes =
                decoded(&bytes, samples).unwrap_or_else(|error| panic!("{written:?}: {error}"));
            let difference = difference(&planes[0], &full, written.size, samples);
            assert!(
                difference < MOST_DIFFERENCE,
                "{written:?} at {samples}/8 differs by {difference}"
            );
        }
    }
}

#[test]
fn chroma_is_right_too() {
    for sampling in SAMPLINGS {
        let written = Written {
            sampling,
            size: (64, 64),
            ..PLAIN
        };
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 95);
        encoder.set_sampling_factor(written.sampling);
        encoder
            .encode(&[200, 40, 90].repeat(64 * 64), 64, 64, ColorType::Rgb)
            .unwrap();
        let means = decoded(&bytes, 3)
            .unwrap()
            .iter()
            .map(|plane| f64::from(plane.samples[0]))
            .collect::<Vec<_>>();
        for (mean, expected) in means.iter().zip([93.5, 126.0, 203.9]) {
            assert!((mean - expected).abs() < 3.0, "{written:?}: {means:?}");
        }
    }
}

#[test]
fn cut_at_any_byte_it_is_an_error() {
    for (progressive, restarts) in [(false, 0), (false, 4), (true, 0)] {
        let bytes = file(
            &Written {
                progressive,
                restarts,
                ..PLAIN
            },
            1,
        );
        let whole = decoded(&bytes, 4).unwrap();
        // But for its end, which says only what is known.
        for kept in 0..bytes.len() - 2 {
            assert_eq!(
                decoded(&bytes[..kept], 4).unwrap_err(),
                JpegError::Damaged(CUT),
                "progressive {progressive}: {kept} of {}",
                bytes.len()
            );
        }
        for kept in bytes.len() - 2..bytes.len() {
            assert_eq!(decoded(&bytes[..kept], 4).unwrap(), whole);
        }
    }
}

#[test]
fn entropy_coded_data_that_ends_early_is_an_error_although_the_picture_is_ended_well() {
    let bytes = file(&PLAIN, 1);
    let scan = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap()
        + 14;
    for kept in scan..bytes.len() - 4 {
        let cut = [&bytes[..kept], &[0xFF, 0xD9]].concat();
        assert!(decoded(&cut, 2).is_err(), "{kept} of {}", bytes.len());
    }
}

/// What apps leave behind the last block, instead of the end or before it.
fn trailers() -> [Vec<u8>; 6] {
    let video = [&[0, 0, 0, 24][..], b"ftypmp42", &[0; 400]].concat();
    let as_a_frame = [0xFF, 0xC0, 0, 11, 8, 0, 9, 0, 9, 1, 1, 0x11, 0, 0xFF, 0xDA];
    [
        vec![],
        vec![0xFF],
        vec![0; 5000],
        vec![0x5A; 300],
        video,
        as_a_frame.to_vec(),
    ]
}

#[test]
fn what_stands_behind_the_last_block_does_not_matter() {
    for (progressive, restarts) in [(false, 0), (false, 4), (true, 0)] {
        let bytes = file(
            &Written {
                progressive,
                restarts,
                ..PLAIN
            },
            1,
        );
        let whole = decoded(&bytes, 4).unwrap();
        let blocks = &bytes[..bytes.len() - 2];
        for trailer in trailers() {
            for end in [&[][..], &[0xFF, 0xD9]] {
                let odd = [blocks, &trailer, end].concat();
                assert_eq!(decoded(&odd, 4).unwrap(), whole, "{trailer:?}");
            }
        }
    }
}

#[test]
fn bytes_too_many_before_a_restart_do_not_matter() {
    let written = Written {
        restarts: 3,
        ..PLAIN
    };
    let bytes = file(&written, 1);
    let whole = decoded(&bytes, 4).unwrap();
    for number in 0..4 {
        let marker = [0xFF, 0xD0 + number];
        let at = bytes.windows(2).position(|pair| pair == marker).unwrap();
        for filling in [&[0][..], &[0x55; 3], &[0xFF, 0xFF]] {
            let odd = [&bytes[..at], filling, &bytes[at..]].concat();
            assert_eq!(decoded(&odd, 4).unwrap(), whole);
        }
    }
}

/// The file without its segments of this marker.
fn without(bytes: &[u8], marker: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(2).position(|pair| pair == [0xFF, marker]) {
        let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        bytes.drain(at..at + 2 + length);
    }
    bytes
}

#[test]
fn a_frame_without_huffman_tables_takes_those_of_the_standard() {
    // The encoder writes the standard's.
    let bytes = file(&PLAIN, 1);
    let bare = without(&bytes, 0xC4);
    assert!(bare.len() + 400 < bytes.len());
    assert_eq!(decoded(&bare, 8).unwrap(), decoded(&bytes, 8).unwrap());
    // Where one is missing beside others, something is wrong.
    let at = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC4])
        .unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
    let one_missing = [&bytes[..at], &bytes[at + 2 + length..]].concat();
    assert!(decoded(&one_missing, 8).is_err());
}

#[test]
fn components_may_have_the_same_name() {
    let mut bytes = file(&PLAIN, 1);
    let expected = decoded(&bytes, 4).unwrap();
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    let scan = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    for component in 0..3 {
        bytes[frame + 10 + 3 * component] = 1;
        bytes[scan + 5 + 2 * component] = 1;
    }
    assert_eq!(decoded(&bytes, 4).unwrap(), expected);
}

#[test]
fn a_missing_restart_marker_is_an_error() {
    let bytes = file(
        &Written {
            restarts: 3,
            ..PLAIN
        },
        1,
    );
    let at = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xD1])
        .unwrap();
    let without = [&bytes[..at], &bytes[at + 2..]].concat();
    assert!(decoded(&without, 4).is_err());
    let mut wrong = bytes;
    wrong[at + 1] = 0xD5;
    assert!(decoded(&wrong, 4).is_err());
}

/// The file with another symbol in its Huffman tables of this class, 0 (first coefficients) or 1 (the others).
fn with_symbol(mut bytes: Vec<u8>, class: u8, from: u8, to: u8) -> Vec<u8> {
    let tables: Vec<usize> = (0..bytes.len() - 4)
        .filter(|at| bytes[*at..*at + 2] == [0xFF, 0xC4])
        .collect();
    for at in tables {
        if bytes[at + 4] >> 4 != class {
            continue;
        }
        let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        bytes[at + 21..end]
            .iter_mut()
            .filter(|symbol| **symbol == from)
            .for_each(|symbol| *symbol = to);
    }
    bytes
}

#[test]
fn a_code_without_a_value_ends_the_block_whatever_run_it_names() {
    let bytes = file(&PLAIN, 1);
    for samples in 1..=8 {
        let expected = decoded(&bytes, samples).unwrap();
        for run in 1..15 {
            let planes = decoded(&with_symbol(bytes.clone(), 1, 0, run << 4), samples).unwrap();
            let same = planes
                .iter()
                .zip(&expected)
                .all(|(plane, expected)| plane.samples == expected.samples);
            assert!(same, "{run} at {samples}/8");
        }
        let sixteen = decoded(&with_symbol(bytes.clone(), 1, 0, 0xF0), samples);
        assert!(sixteen.is_err(), "sixteen zeros end no block");
    }
}

#[test]
fn a_first_coefficient_of_more_than_15_bits_is_an_error() {
    assert!(decoded(&with_symbol(file(&PLAIN, 1), 0, 5, 0x15), 4).is_err());
}

#[test]
fn who_writes_jfif_means_luma_and_chroma_and_else_adobe_says_what_is_meant() {
    let jfif = file(&PLAIN, 1);
    assert_eq!(jfif[2..4], [0xFF, 0xE0]);
    let bare = [&jfif[..2], &jfif[4 + usize::from(jfif[5])..]].concat();
    let with = |bytes: &[u8], transform: u8| {
        let adobe = [
            &[0xFF, 0xEE, 0, 14],
            b"Adobe".as_slice(),
            &[0, 100, 0, 0, 0, 0, transform],
        ]
        .concat();
        [&bytes[..2], &adobe, &bytes[2..]].concat()
    };
    let cases = [
        (jfif.clone(), Colours::YCbCr),
        (bare.clone(), Colours::YCbCr),
        (with(&jfif, 0), Colours::YCbCr),
        (with(&bare, 0), Colours::Rgb),
        (with(&bare, 1), Colours::YCbCr),
    ];
    for (bytes, colours) in cases {
        assert_eq!(Jpeg::read(&bytes).unwrap().colours(), colours);
    }
}

#[test]
fn what_is_not_known_is_said() {
    let bytes = file(&PLAIN, 1);
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    for (place, value, said) in [
        (frame + 1, 0xC9, "arithmetic coding"),
        (frame + 1, 0xCA, "arithmetic coding"),
        (frame + 1, 0xC3, "lossless coding"),
        (frame + 1, 0xC5, "several resolutions"),
        (frame + 4, 12, "12 bits for each colour"),
        (frame + 9, 2, "an odd number of colours"),
    ] {
        let mut odd = bytes.clone();
        odd[place] = value;
        let error = Jpeg::read(&odd).err();
        assert_eq!(error, Some(JpegError::Unsupported(said)));
    }
}

/// A file as a careless encoder writes it: the filling of the last blocks is nothing like the photo.
fn with_odd_filling(size: (u16, u16), progressive: bool) -> Vec<u8> {
    let (wide, high) = (size.0.next_multiple_of(8), size.1.next_multiple_of(8));
    let of = |x: u16, y: u16| {
        if x < size.0 && y < size.1 {
            [180, 170, 175]
        } else {
            [0, 255, 0]
        }
    };
    let pixels: Vec<u8> = (0..high)
        .flat_map(|y| (0..wide).flat_map(move |x| of(x, y)))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder.set_progressive(progressive);
    encoder.encode(&pixels, wide, high, ColorType::Rgb).unwrap();
    let marker = [0xFF, if progressive { 0xC2 } else { 0xC0 }];
    let frame = bytes.windows(2).position(|pair| pair == marker).unwrap();
    let claimed = [size.1.to_be_bytes(), size.0.to_be_bytes()].concat();
    bytes[frame + 5..frame + 9].copy_from_slice(&claimed);
    bytes
}

// In full 8 levels are lost to the coding of the odd edge itself; mixed with it, a sample is 25 to 90 levels off.
#[test]
fn the_photos_edge_does_not_mix_with_what_fills_its_blocks() {
    for (size, progressive) in [((47, 33), false), ((47, 39), true), ((44, 42), false)] {
        let bytes = with_odd_filling(size, progressive);
        let inner = decoded(&bytes, 8).unwrap();
        for samples in 1..=8 {
            for (plane, inner) in decoded(&bytes, samples).unwrap().iter().zip(&inner) {
                let expected = inner.samples[0];
                let odd = plane.samples.iter().map(|level| level.abs_diff(expected));
                let most = odd.max().unwrap();
                assert!(most < 16, "{size:?} at {samples}/8 differs by {most}");
            }
        }
    }
}

#[test]
fn memory_is_told_before_it_is_taken() {
    for progressive in [false, true] {
        let bytes = file(
            &Written {
                progressive,
                size: (640, 480),
                ..PLAIN
            },
            1,
        );
        let jpeg = Jpeg::read(&bytes).unwrap();
        let told = jpeg.memory(&[4, 4, 4]);
        let planes = jpeg.decode(&[4, 4, 4]).unwrap();
        let taken: usize = planes.iter().map(|plane| plane.samples.len()).sum();
        assert!(taken <= told && told <= 6 * taken, "{told} {taken}");
    }
}

#[test]
fn the_filling_repeats_the_photos_edge() {
    for plane in decoded(&file(&PLAIN, 1), 8).unwrap() {
        let (wide, high) = (plane.width.ceil() as usize, plane.height.ceil() as usize);
        for row in plane.samples.chunks(plane.stride) {
            assert!(row[wide..].iter().all(|sample| *sample == row[wide - 1]));
        }
        let rows: Vec<&[u8]> = plane.samples.chunks(plane.stride).collect();
        assert!(rows[high..].iter().all(|row| *row == rows[high - 1]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_size_agrees_with_the_library(
        width in 16u16..150, height in 16u16..150, sampling in 0usize..4, progressive: bool, samples in 1usize..=8, seed in 0u32..99,
    ) {
        let written = Written { size: (width, height), sampling: SAMPLINGS[sampling], progressive, ..PLAIN };
        let bytes = file(&written, seed);
        let full = oracle(&written, seed);
        let planes = decoded(&bytes, samples).unwrap();
        let difference = difference(&planes[0], &full, written.size, samples);
        prop_assert!(difference < MOST_DIFFERENCE, "{}", difference);
    }

    #[test]
    fn arbitrary_data_behind_a_good_header_never_panics(
        tail in proptest::collection::vec(any::<u8>(), 0..2000), progressive: bool, samples in 1usize..=8,
    ) {
        let bytes = file(&Written { progressive, ..PLAIN }, 1);
        let scan = bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14;
        let _ = decoded(&[&bytes[..scan], &tail, &[0xFF, 0xD9]].concat(), samples);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 2usize..4000, value: u8, progressive: bool, restarts in 0u16..4) {
        let mut bytes = file(&Written { progressive, restarts, ..PLAIN }, 1);
        let length = bytes.len();
        bytes[at % length] = value;
        if let Ok(jpeg) = Jpeg::read(&bytes)
            && jpeg.size().0 < 2000 && jpeg.size().1 < 2000
        {
            let _ = jpeg.decode(&[3, 3, 3]);
        }
    }
}
