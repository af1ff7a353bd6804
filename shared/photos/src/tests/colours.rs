//! Colours become sRGB, by the profile that a photo brings.

use super::*;

#[test]
fn grey_and_four_colour_jpegs_are_photos() {
    let mut grey = Vec::new();
    Encoder::new(&mut grey, 90)
        .encode(&[90; 64 * 64], 64, 64, ColorType::Luma)
        .unwrap();
    let prepared = opened(&prepare(&grey, &policy(), 800).unwrap());
    assert!(
        prepared
            .pixels()
            .all(|pixel| pixel.0.iter().all(|level| level.abs_diff(90) < 4))
    );
    // No cyan, full magenta and yellow, no black: red. The encoder, as Adobe, writes inks inverted.
    let mut inks = Vec::new();
    Encoder::new(&mut inks, 95)
        .encode(&[0, 255, 255, 0].repeat(64 * 64), 64, 64, ColorType::Cmyk)
        .unwrap();
    let [r, g, b] = opened(&prepare(&inks, &policy(), 800).unwrap())
        .get_pixel(30, 30)
        .0;
    assert!(r > 200 && g < 50 && b < 50, "{r} {g} {b}");
}

#[test]
fn colours_of_another_profile_become_srgb() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let srgb = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let red = RgbImage::from_pixel(64, 64, Rgb([200, 60, 60]));
    let with = |icc: &[u8]| {
        let photo = jpeg_with(&red, |encoder| encoder.add_icc_profile(icc).unwrap());
        opened(&prepare(&photo, &policy(), 800).unwrap())
            .get_pixel(30, 30)
            .0
    };
    let [plain, wide] = [with(&srgb), with(&profile)];
    assert!(
        plain[0].abs_diff(200) < 4 && plain[1].abs_diff(60) < 4,
        "{plain:?}"
    );
    assert!(
        wide[0] > 210 && wide[1] < 52,
        "P3's reds are redder: {wide:?}"
    );
    assert!(
        with(&profile[..profile.len() / 2])[0].abs_diff(200) < 4,
        "a profile that can't be read is none"
    );
}

/// A profile of four inks that lay grey over white: black ink 80 % of it, the others 20 % each.
fn profile_of_inks() -> Vec<u8> {
    let identity = |many: usize| (0..many).flat_map(|_| 0..=255u8).collect::<Vec<u8>>();
    let corner = |inks: usize| {
        let has = |ink: usize| (inks >> (3 - ink) & 1) as i32;
        let lightness = 255 - 51 * (has(0) + has(1) + has(2)) - 204 * has(3);
        [lightness.max(0) as u8, 128, 128]
    };
    let unit = |at: usize| u32::from(at.is_multiple_of(4)) << 16;
    let matrix: Vec<u8> = (0..9).flat_map(|at| unit(at).to_be_bytes()).collect();
    let table = [
        b"mft1\0\0\0\0\x04\x03\x02\0".to_vec(),
        matrix,
        identity(4),
        (0..16).flat_map(corner).collect(),
        identity(3),
    ]
    .concat();
    let mut profile = vec![0; 128];
    let size = (128 + 4 + 12 + table.len()) as u32;
    for (at, part) in [
        (0, &size.to_be_bytes()[..]),
        (8, &[2, 0x40, 0, 0]),
        (12, b"prtrCMYKLab "),
        (36, b"acsp"),
        (68, &[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]),
    ] {
        profile[at..at + part.len()].copy_from_slice(part);
    }
    let tag = [
        &1u32.to_be_bytes()[..],
        b"A2B0",
        &144u32.to_be_bytes(),
        &(table.len() as u32).to_be_bytes(),
    ];
    [profile, tag.concat(), table].concat()
}

/// A photo of one colour with this profile, as it is sent, and what is said of the profile.
fn with_profile(pixel: &[u8], colours: ColorType, icc: &[u8]) -> ([u8; 3], Option<ColourProfile>) {
    let mut photo = Vec::new();
    let mut encoder = Encoder::new(&mut photo, 95);
    encoder.add_icc_profile(icc).unwrap();
    encoder
        .encode(&pixel.repeat(64 * 64), 64, 64, colours)
        .unwrap();
    let prepared = prepare(&photo, &policy(), 800).unwrap();
    let sent = opened(&prepared).get_pixel(30, 30).0;
    (sent, prepared.colour_profile)
}

#[test]
fn grey_becomes_srgb_by_its_profile() {
    let gamma = |gamma| {
        moxcms::ColorProfile::new_gray_with_gamma(gamma)
            .encode()
            .unwrap()
    };
    let (sent, said) = with_profile(&[100], ColorType::Luma, &gamma(1.0));
    // Linear light of 100 / 255 in the curve of sRGB.
    assert!(sent.iter().all(|level| level.abs_diff(169) < 4), "{sent:?}");
    assert_eq!(said, None);
    let (sent, said) = with_profile(&[100], ColorType::Luma, &gamma(2.2));
    assert!(sent.iter().all(|level| level.abs_diff(100) < 6), "{sent:?}");
    assert_eq!(said, None);
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let (sent, said) = with_profile(&[100], ColorType::Luma, &p3);
    assert!(sent.iter().all(|level| level.abs_diff(100) < 4), "{sent:?}");
    assert_eq!(said, None);
    // In a PNG grey comes as red, green and blue.
    let grey = DynamicImage::ImageLuma8(GrayImage::from_pixel(64, 64, image::Luma([100])));
    let mut png = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
    image::ImageEncoder::set_icc_profile(&mut encoder, gamma(1.0)).unwrap();
    grey.write_with_encoder(encoder).unwrap();
    let prepared = prepare(&png, &policy(), 800).unwrap();
    let sent = opened(&prepared).get_pixel(30, 30).0;
    assert!(sent.iter().all(|level| level.abs_diff(169) < 4), "{sent:?}");
}

#[test]
fn inks_become_srgb_by_their_profile() {
    let icc = profile_of_inks();
    // No ink, and black ink alone, whose lightness is 20 %: 48 of 255.
    let (paper, said) = with_profile(&[0, 0, 0, 0], ColorType::Cmyk, &icc);
    assert!(paper.iter().all(|level| *level > 250), "{paper:?}");
    assert_eq!(said, None);
    let (black, said) = with_profile(&[0, 0, 0, 255], ColorType::Cmyk, &icc);
    assert!(
        black.iter().all(|level| level.abs_diff(48) < 6),
        "{black:?}"
    );
    assert_eq!(said, None);
    // A fifth less light for cyan, which this profile says is grey: 80 % are 198 of 255.
    let (cyan, _) = with_profile(&[255, 0, 0, 0], ColorType::Cmyk, &icc);
    assert!(cyan.iter().all(|level| level.abs_diff(198) < 6), "{cyan:?}");
}

#[test]
fn a_profile_that_can_not_be_applied_is_said() {
    let inks = profile_of_inks();
    let grey = moxcms::ColorProfile::new_gray_with_gamma(1.0)
        .encode()
        .unwrap();
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    for (pixel, colours, icc) in [
        (&[200, 60, 60][..], ColorType::Rgb, &inks),
        (&[200, 60, 60], ColorType::Rgb, &grey),
        (&[200, 60, 60], ColorType::Rgb, &p3[..300].to_vec()),
        (&[100], ColorType::Luma, &inks),
        (&[0, 255, 255, 0], ColorType::Cmyk, &p3),
    ] {
        let (_, said) = with_profile(pixel, colours, icc);
        assert_eq!(said, Some(ColourProfile::NotApplied), "{colours:?}");
    }
}

#[test]
fn a_profile_whose_colorants_have_an_odd_type_is_applied() {
    let mut p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let expected = with_profile(&[200, 60, 60], ColorType::Rgb, &p3);
    assert!(expected.0[0] > 210 && expected.1.is_none());
    let mut mended = 0;
    for at in 132..p3.len() - 20 {
        if &p3[at..at + 8] == b"XYZ \0\0\0\0" {
            p3[at..at + 4].copy_from_slice(&[0x17, 0xA5, 5, 0xB8]);
            mended += 1;
        }
    }
    assert!(mended >= 3, "{mended}");
    assert_eq!(with_profile(&[200, 60, 60], ColorType::Rgb, &p3), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_profile_never_panics(at in 0usize..400, value: u8, kept in 100usize..4000) {
        let gamma = moxcms::ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
        let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        for (icc, pixel, colours) in [
            (profile_of_inks(), &[9, 90, 200, 30][..], ColorType::Cmyk),
            (gamma, &[90], ColorType::Luma),
            (p3, &[9, 90, 200], ColorType::Rgb),
        ] {
            let mut icc = icc[..kept.min(icc.len())].to_vec();
            let at = at % icc.len();
            icc[at] = value;
            with_profile(pixel, colours, &icc);
        }
    }
}
