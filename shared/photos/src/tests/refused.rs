//! What is no photo, or a damaged one, gets a reason.

use super::*;

fn refusal(bytes: &[u8]) -> PhotoError {
    prepare(bytes, &policy(), 800).unwrap_err()
}

#[test]
fn files_that_are_no_photos_get_a_reason() {
    let photo = jpeg_of(&marked(1600, 1200), None);
    let half = &photo[..photo.len() / 2];
    let headless = [&b"GIF89a"[..], &[0; 20]].concat();
    let heic = [&[0, 0, 0, 24][..], b"ftypheic", &[0; 20]].concat();
    for bytes in [
        &b""[..],
        &[0xFF, 0xD8, 0xFF],
        b"just a text",
        &photo[..100],
        half,
        &photo[..photo.len() - 40],
        &headless,
        &heic,
    ] {
        assert!(
            !matches!(
                refusal(bytes),
                PhotoError::TooLarge { .. } | PhotoError::Processing(_)
            ),
            "{} bytes",
            bytes.len()
        );
    }
    let avif = [&[0, 0, 0, 24][..], b"ftypavif", &[0; 20]].concat();
    assert!(matches!(refusal(&avif), PhotoError::Unsupported("AVIF")));
    let video = [&[0, 0, 0, 24][..], b"ftypisom", &[0; 20]].concat();
    assert!(matches!(refusal(&video), PhotoError::NoPhoto("a video")));
}

#[test]
fn what_an_app_wrapped_the_photo_in_is_said() {
    let photo = jpeg_of(&marked(40, 30), None);
    let head = |head: &str| [head.as_bytes(), &photo].concat();
    let form = "--7d9\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
    let signed = format!("a00;chunk-signature={}\r\n", "0".repeat(64));
    for (bytes, said) in [
        (head(form), "the boundary of a form"),
        (head(&signed), "the frame of an aws-chunked upload"),
        (head("A00\r\n"), "the frame of an aws-chunked upload"),
        (
            b"/9j/4AAQSkZJRg".to_vec(),
            "base64 instead of the photo's bytes",
        ),
        (
            b"\"iVBORw0KGgoAAAA".to_vec(),
            "base64 instead of the photo's bytes",
        ),
        (
            b"AAAAGGZ0eXBoZWlj".to_vec(),
            "base64 instead of the photo's bytes",
        ),
        (
            b"data:image/jpeg;base64,/9j/".to_vec(),
            "the head of a data URL",
        ),
    ] {
        let refusal = refusal(&bytes);
        assert!(
            matches!(refusal, PhotoError::Wrapped(how) if how == said),
            "{refusal}"
        );
    }
}

#[test]
fn what_is_something_else_than_a_photo_is_said() {
    let quicktime = [&[0, 0, 0, 8][..], b"wide", &[0; 20]].concat();
    let avi = b"RIFF\0\0\0\0AVI LIST".to_vec();
    for (bytes, said) in [
        (quicktime, "a video"),
        (avi, "a video"),
        (b"%PDF-1.7\n".to_vec(), "a PDF"),
        (b"PK\x03\x04".to_vec(), "a ZIP archive"),
        (b"\n<!DOCTYPE html><p>".to_vec(), "a web page"),
        (
            b"<?xml version=\"1.0\"?><Error>".to_vec(),
            "an XML document",
        ),
        (b"{\"message\": 1}".to_vec(), "a JSON document"),
        (b"RIFF\0\0\0\0WAVEfmt ".to_vec(), "a sound"),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(),
            "a Windows or Office file (such as Thumbs.db)",
        ),
        ("12 Meter, gemessen von Jürgen".into(), "a text"),
        ("é".repeat(2000).into_bytes(), "a text"),
        (b"\xFF\xFEh\0i\0".to_vec(), "a text"),
    ] {
        let refusal = refusal(&bytes);
        assert!(
            matches!(refusal, PhotoError::NoPhoto(what) if what == said),
            "{refusal}"
        );
    }
    for (bytes, said) in [
        (&b"\xFF\x0A\0\0"[..], "JPEG XL"),
        (b"\0\0\0\x0CjP  \r\n", "JPEG 2000"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "CR3 (raw)"),
        (b"GIF89a", "GIF"),
    ] {
        let refusal = refusal(bytes);
        assert!(
            matches!(refusal, PhotoError::Unsupported(what) if what == said),
            "{refusal}"
        );
    }
    assert!(matches!(refusal(&[1, 2, 3, 0xFF]), PhotoError::Unknown(_)));
}

#[test]
fn a_photo_cut_anywhere_is_an_error_and_never_half_grey() {
    let noise = RgbImage::from_fn(320, 240, |x, y| {
        Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, (x ^ y) as u8])
    });
    for progressive in [false, true] {
        let mut photo = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut photo, 90);
        encoder.set_progressive(progressive);
        encoder
            .encode(noise.as_raw(), 320, 240, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        for kept in (0..photo.len() - 16).step_by(97) {
            assert!(
                prepare(&photo[..kept], &policy(), 800).is_err(),
                "progressive {progressive}: {kept} of {}",
                photo.len()
            );
        }
        let appended = [&photo[..], &[0xFF, 0xDA, 1, 2, 0xFF, 0xD8, 3]].concat();
        assert!(
            prepare(&appended, &policy(), 800).is_ok(),
            "phones append data behind the image"
        );
    }
}

#[test]
fn a_png_is_read_without_its_end_and_refused_without_its_pixels() {
    let noise = RgbImage::from_fn(32, 24, |x, y| {
        Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, 9])
    });
    let photo = encoded(DynamicImage::ImageRgb8(noise), ImageFormat::Png);
    let whole = prepare(&photo, &policy(), 800).unwrap().jpeg;
    let pixels = photo.windows(4).position(|name| name == b"IDAT").unwrap();
    for kept in 8..photo.len() {
        match prepare(&photo[..kept], &policy(), 800) {
            Ok(prepared) => assert!(kept > pixels + 4 && prepared.jpeg == whole, "{kept}"),
            // Behind the pixels there are two checksums and the end.
            Err(_) => assert!(kept < photo.len() - 20, "{kept}"),
        }
    }
    assert!(pixels < photo.len() - 12);
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_memory_is_taken() {
    let mut photo = jpeg_of(&marked(64, 64), None);
    let frame = photo
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    photo[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
    assert!(matches!(refusal(&photo), PhotoError::TooLarge { .. }));
    let small = SizePolicy {
        limits: size_policy::Limits {
            most_pixels: 100,
            most_pixels_scaled: None,
            ..policy().limits
        },
        ..policy()
    };
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let bytes = encoded(DynamicImage::ImageRgb8(marked(40, 30)), format);
        assert!(matches!(
            prepare(&bytes, &small, 800),
            Err(PhotoError::TooLarge {
                width: 40,
                height: 30,
                ..
            })
        ));
    }
}
