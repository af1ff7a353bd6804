//! The table in `shared/photos/README.md` of what is read and what is refused, in which words: each of its rows has
//! examples here, and each example gets what its row says.

#[cfg(test)]
mod documented_files {
    use std::io::Cursor;
    use std::path::Path;

    use evaluation::domain::outcome::{Reason, ReasonCode};
    use evaluation::domain::photo_rules::reason;
    use image::{DynamicImage, ImageFormat, RgbImage};
    use photos::prepare;
    use photos::size_policy::{CURRENT_VERSION, SizePolicy};

    const README: &str = include_str!("../../photos/README.md");
    const HEADING: &str = "## What is read, and what is refused";

    /// A file that a row of the table is about.
    struct Example {
        row: &'static str,
        name: &'static str,
        bytes: Vec<u8>,
    }

    fn example(row: &'static str, bytes: impl Into<Vec<u8>>) -> Example {
        named(row, "a.jpg", bytes)
    }

    fn named(row: &'static str, name: &'static str, bytes: impl Into<Vec<u8>>) -> Example {
        let bytes = bytes.into();
        Example { row, name, bytes }
    }

    /// The rows: a file, and what becomes of it.
    fn rows() -> Vec<(&'static str, &'static str)> {
        let (_, table) = README.split_once(HEADING).unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| "));
        let cells = |row: &'static str| row.trim_matches('|').split_once(" | ").unwrap();
        let rows = rows.map(cells).skip(1);
        let rows = rows.map(|(file, result)| (file.trim(), result.trim()));
        rows.filter(|(file, _)| !file.starts_with("---")).collect()
    }

    fn picture(format: ImageFormat) -> Vec<u8> {
        let pixel = |x, y| image::Rgb([(x * 3) as u8, (y * 5) as u8, 90]);
        let picture = DynamicImage::ImageRgb8(RgbImage::from_fn(80, 60, pixel));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Where the segment with this marker begins.
    fn segment(jpeg: &[u8], marker: u8) -> usize {
        let mut pairs = jpeg.windows(2);
        pairs.position(|pair| pair == [0xFF, marker]).unwrap()
    }

    fn without_tables(mut jpeg: Vec<u8>) -> Vec<u8> {
        while let Some(at) = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
            let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            jpeg.drain(at..at + 2 + length);
        }
        jpeg
    }

    /// With all components named 1, in the frame and in the scan.
    fn of_one_name(mut jpeg: Vec<u8>) -> Vec<u8> {
        let (frame, scan) = (segment(&jpeg, 0xC0), segment(&jpeg, 0xDA));
        for at in 0..3 {
            jpeg[frame + 10 + 3 * at] = 1;
            jpeg[scan + 5 + 2 * at] = 1;
        }
        jpeg
    }

    fn with_marker(mut jpeg: Vec<u8>, frame: u8) -> Vec<u8> {
        let at = segment(&jpeg, 0xC0);
        jpeg[at + 1] = frame;
        jpeg
    }

    /// A PNG that says it is so large.
    fn claiming(width: u32, height: u32) -> Vec<u8> {
        let mut png = picture(ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc(&png[12..29]);
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        png
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        let all = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
        !bytes.iter().fold(u32::MAX, all)
    }

    /// A file of the collection of odd ones, where that is.
    fn odd(row: &'static str, name: &'static str) -> Option<Example> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/photos/odd");
        let bytes = std::fs::read(folder.join(name));
        if bytes.is_err() {
            eprintln!("{name} is not there: skipped, the photos' own tests make one of its kind");
        }
        Some(named(row, name, bytes.ok()?))
    }

    fn of_jpegs() -> Vec<Example> {
        let jpeg = picture(ImageFormat::Jpeg);
        let end = jpeg.len() - 2;
        let trailer = [&jpeg[..], b"\0\0\0\x18ftypmp42 a video of a second"].concat();
        vec![
            example("JPEG: baseline", jpeg.clone()),
            example("without EOI", &jpeg[..end]),
            example("without EOI", &jpeg[..end + 1]),
            example("without EOI", trailer),
            example("without Huffman tables", without_tables(jpeg.clone())),
            example("all components", of_one_name(jpeg.clone())),
            example(
                "cut before",
                &jpeg[..end - (end - segment(&jpeg, 0xDA)) / 2],
            ),
            example("arithmetic", with_marker(jpeg, 0xC9)),
        ]
    }

    fn of_others() -> Vec<Example> {
        let png = picture(ImageFormat::Png);
        vec![
            example("PNG:", &png[..png.len() - 12]),
            example("PNG:", png),
            example("PNG:", picture(ImageFormat::WebP)),
            example("AVIF, GIF", *b"\0\0\0\x18ftypavif\0\0\0\0avifmif1"),
            example("AVIF, GIF", *b"GIF89a"),
            example("AVIF, GIF", *b"II*\0\x08\0\0\0"),
            example("AVIF, GIF", *b"\xFF\x0A\0\0"),
            named("AVIF, GIF", "a.mov", *b"GIF89a"),
        ]
    }

    fn of_no_photos() -> Vec<Example> {
        let row = "a video, a sound";
        vec![
            example(row, *b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
            example(row, *b"RIFF\0\0\0\0WAVEfmt "),
            example(row, *b"%PDF-1.7\n"),
            example(row, "Der Kunde war nicht da."),
            example(row, *b"<html><body>"),
            example(row, *b"PK\x03\x04"),
            example(row, *b"{\"message\": 1}"),
            example(row, *b"<?xml version=\"1.0\"?><plist>"),
            named(row, "Thumbs.db", *b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
            named("anything else, or empty", "a.mov", [1, 2, 3, 0xFF]),
            named("anything else, or empty", "IMG.AAE", []),
            example("anything else |", [1, 2, 3, 0xFF]),
            named("anything else |", "no type", [1, 2, 3, 0xFF]),
            example("empty |", []),
        ]
    }

    fn of_wrapped() -> Vec<Example> {
        let row = "with the boundary of a form";
        let form = "--7d9\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
        let photo = picture(ImageFormat::Jpeg);
        vec![
            example(row, [form.as_bytes(), &photo].concat()),
            example(row, [b"A00\r\n", &photo[..]].concat()),
            example(row, *b"/9j/4AAQSkZJRg"),
            example(row, *b"data:image/jpeg;base64,/9j/"),
        ]
    }

    fn examples() -> Vec<Example> {
        let odd = [
            odd("HEIC: one picture", "single_640x426.heif"),
            odd("arithmetic", "arithmetic.jpg"),
        ];
        let all = [of_jpegs(), of_others(), of_no_photos(), of_wrapped()];
        let all = all.into_iter().flatten().chain(odd.into_iter().flatten());
        all.chain([example("JPEG and HEIC of a grid", claiming(20_000, 100))])
            .collect()
    }

    /// Why the file is refused, if it is.
    fn refused(example: &Example) -> Option<Reason> {
        let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
        let prepared = prepare(&example.bytes, policy, policy.long_edge);
        prepared.err().map(|error| reason(&error, example.name))
    }

    /// What the file is said to be, with the words around it, which all of a row have in common.
    fn frame(message: &str) -> (String, String) {
        let words: Vec<&str> = message.split(' ').collect();
        let (first, last) = (words.iter().take(2), words.iter().rev().take(2));
        let joined = |words: Vec<&&str>| words.into_iter().copied().collect::<Vec<_>>().join(" ");
        (joined(first.collect()), joined(last.rev().collect()))
    }

    #[test]
    fn every_file_gets_what_the_readme_says_of_its_kind() {
        let rows = rows();
        for example in examples() {
            let of_row = |(file, _): &&(&str, &str)| format!("{file} |").starts_with(example.row);
            let (file, result) = rows.iter().find(of_row).expect(example.row);
            let refused = refused(&example);
            let Some(reason) = refused else {
                assert!(
                    result.starts_with("read"),
                    "{file} {} is read",
                    example.name
                );
                continue;
            };
            let (_, said) = result.split_once('"').expect(file);
            let said = said.trim_end_matches('"');
            assert_eq!(
                frame(said),
                frame(&reason.message),
                "{file}: {}",
                reason.message
            );
            let is_no_photo = reason.code == ReasonCode::NotAPhoto;
            assert_eq!(is_no_photo, result.starts_with("no photo: "), "{file}");
        }
    }

    #[test]
    fn every_row_has_an_example_that_is_told_its_very_words() {
        let examples = examples();
        for (file, result) in rows() {
            let of_row = |one: &&Example| format!("{file} |").starts_with(one.row);
            let mut of_row = examples.iter().filter(of_row).peekable();
            // What takes a codec to make is made by the photos' own tests.
            if of_row.peek().is_none() {
                assert!(file.starts_with("HEIC"), "{file} has no example");
                continue;
            }
            let told = |one: &Example| match refused(one) {
                None => result.starts_with("read"),
                Some(reason) => result.contains(&format!("\"{}\"", reason.message)),
            };
            assert!(of_row.any(told), "{file}: nobody is told {result}");
        }
    }
}
