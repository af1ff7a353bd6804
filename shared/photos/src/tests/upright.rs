//! Photos end upright, whatever a camera wrote of how it was held.

use super::*;

#[test]
fn every_exif_orientation_ends_upright() {
    let upright = DynamicImage::ImageRgb8(marked(1200, 900));
    for value in 1..=8u8 {
        let orientation = Orientation::from_exif(value).unwrap();
        let undo = match orientation {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        };
        let mut stored = upright.clone();
        stored.apply_orientation(undo);
        let prepared = prepare(&jpeg_of(&stored.into_rgb8(), Some(value)), &policy(), 800).unwrap();
        assert_eq!(
            (prepared.figures.width, prepared.figures.height),
            (800, 600),
            "orientation {value}"
        );
        assert!(is_upright(&opened(&prepared)), "orientation {value}");
    }
}

#[test]
fn an_orientation_that_makes_no_sense_is_none() {
    for value in [0, 9, 99] {
        let prepared = prepare(&jpeg_of(&marked(400, 300), Some(value)), &policy(), 800).unwrap();
        assert!(is_upright(&opened(&prepared)));
    }
}

#[test]
fn every_orientation_ends_upright_whatever_the_sampling_and_the_rounding() {
    let upright = DynamicImage::ImageRgb8(marked(1201, 803));
    for (value, sampling) in (1..=8u8).zip(
        [
            SamplingFactor::F_1_1,
            SamplingFactor::F_2_1,
            SamplingFactor::F_2_2,
        ]
        .iter()
        .cycle(),
    ) {
        let orientation = Orientation::from_exif(value).unwrap();
        let undo = match orientation {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        };
        let mut stored = upright.clone();
        stored.apply_orientation(undo);
        let photo = jpeg_with(&stored.into_rgb8(), |encoder| {
            encoder.set_sampling_factor(*sampling);
            encoder.set_progressive(value % 2 == 0);
            encoder.add_app_segment(1, exif(value)).unwrap();
        });
        let prepared = prepare(&photo, &policy(), 800).unwrap();
        assert_eq!(
            (prepared.figures.width, prepared.figures.height),
            (800, 535),
            "orientation {value}"
        );
        assert!(is_upright(&opened(&prepared)), "orientation {value}");
    }
}
