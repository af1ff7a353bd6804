//! What the README promises fits: photos of every format, as large as the limits allow, can be decoded within the batch
//! function's memory. By their headers: what is reckoned covers what is taken, which `bench photos --memory` measures.

#[cfg(test)]
mod promised_photos {
    use heifer_isobmff::boxes::HevcConfig;
    use heifer_isobmff::writer::{HeifWriter, ImageSpec};
    use photos::size_policy::SizePolicy;
    use photos::{FORMATS, memory_needed};
    use vlm::memory::Memory;

    const TEMPLATE: &str = include_str!("../../../template.yaml");
    /// Versions of the size policy, all of which evaluations may still have.
    const POLICIES: [&str; 4] = ["s1", "s2", "s3", "s4"];
    /// Of a grid's tile; what phones write.
    const TILE: u32 = 512;

    /// A photo's beginning, up to where its pixels would start.
    struct Header {
        format: &'static str,
        variant: String,
        bytes: Vec<u8>,
    }

    /// The memory of the batch function, in megabytes.
    fn memory_of_the_template() -> usize {
        let (_, function) = TEMPLATE.split_once("\n  BatchFunction:\n").unwrap();
        let (_, memory) = function.split_once("\n      MemorySize: ").unwrap();
        memory.lines().next().unwrap().trim().parse().unwrap()
    }

    /// Sizes at the limits: nearly square, as photos are, and as long as can be.
    fn sizes(policy: &SizePolicy, most_edge: u32, scaled: bool) -> Vec<(u32, u32)> {
        let most = policy.limits.pixels(scaled);
        let of = |width: u32| (width, u32::try_from(most / u64::from(width)).unwrap());
        let edge = policy.limits.most_edge.min(most_edge);
        let (long, short) = of(edge);
        if scaled && most > policy.limits.most_pixels {
            return vec![of(13_400), (long, short), (short, long)];
        }
        vec![of(10_328), of(7_746), (long, short), (short, long)]
    }

    #[test]
    fn photos_of_every_format_as_large_as_is_promised_fit_into_the_functions_memory() {
        let memory = Memory::of_function(memory_of_the_template()).most_bytes();
        let (mut seen, mut too_large) = (Vec::new(), Vec::new());
        for version in POLICIES {
            let policy = SizePolicy::shipped(version).unwrap();
            for header in headers(policy) {
                seen.push(header.format);
                for long_edge in [policy.long_edge, policy.small_print_long_edge] {
                    let needed = memory_needed(&header.bytes, policy, long_edge);
                    if !needed.as_ref().is_ok_and(|needed| *needed <= memory) {
                        too_large.push((header.format, header.variant.clone(), needed));
                    }
                }
            }
        }
        assert!(too_large.is_empty(), "of {memory} bytes: {too_large:#?}");
        for format in FORMATS {
            assert!(seen.contains(&format), "say how a {format} begins");
        }
    }

    #[test]
    fn a_phones_photo_of_48_megapixels_takes_a_twentieth_of_the_memory() {
        let policy = SizePolicy::shipped("s4").unwrap();
        let photo = heic_grid((8064, 6048), 1);
        let needed = memory_needed(&photo, policy, policy.long_edge).unwrap();
        let memory = Memory::of_function(memory_of_the_template()).most_bytes();
        assert!(needed * 20 < memory, "{} MiB", needed >> 20);
    }

    #[test]
    fn phones_photos_of_108_and_200_megapixels_fit() {
        let policy = SizePolicy::shipped("s4").unwrap();
        let memory = Memory::of_function(memory_of_the_template()).most_bytes();
        for size in [(12_000, 9_000), (16_320, 12_240), (16_384, 12_288)] {
            for (format, photo) in [
                ("JPEG", jpeg(size, 0xC0, 3, 0x22)),
                ("progressive JPEG", jpeg(size, 0xC2, 3, 0x22)),
                ("HEIC", heic_grid(size, 1)),
            ] {
                let needed = memory_needed(&photo, policy, policy.small_print_long_edge).unwrap();
                assert!(needed < memory, "{format}, {size:?}: {} MiB", needed >> 20);
            }
            assert!(memory_needed(&png(size, 2, 8, 0), policy, 800).is_err());
        }
    }

    fn headers(policy: &SizePolicy) -> Vec<Header> {
        let mut headers = Vec::new();
        let mut add = |format, variant, bytes| {
            headers.push(Header {
                format,
                variant,
                bytes,
            });
        };
        for size in sizes(policy, u32::MAX, true) {
            for (frame, process) in [(0xC0, "baseline"), (0xC2, "progressive")] {
                for (components, sampling) in [(1, 0x11), (3, 0x22), (3, 0x11), (4, 0x11)] {
                    let variant = format!("{process}, {components} × {sampling:x}, {size:?}");
                    add("JPEG", variant, jpeg(size, frame, components, sampling));
                }
            }
            for chroma in 0..4 {
                let variant = format!("grid, chroma {chroma}, {size:?}");
                add("HEIC", variant, heic_grid(size, chroma));
            }
        }
        for size in sizes(policy, u32::MAX, false) {
            for colours in [0, 2, 4, 6] {
                for (bits, interlaced) in [(8, 0), (16, 0), (16, 1)] {
                    let variant = format!("colour type {colours}, {bits} bits, {size:?}");
                    add("PNG", variant, png(size, colours, bits, interlaced));
                }
            }
            for chroma in 0..4 {
                let variant = format!("one coded picture, chroma {chroma}, {size:?}");
                add("HEIC", variant, heic_alone(size, chroma));
            }
        }
        // WebP has no longer edge.
        for size in sizes(policy, 16_383, false) {
            for (name, bytes) in [
                ("lossy", webp_lossy(size)),
                ("lossless", webp_lossless(size, false)),
                ("lossless, transparent", webp_lossless(size, true)),
                ("lossy, transparent", webp_transparent(size)),
            ] {
                add("WebP", format!("{name}, {size:?}"), bytes);
            }
        }
        headers
    }

    fn jpeg((width, height): (u32, u32), frame: u8, components: u8, sampling: u8) -> Vec<u8> {
        let segment = |marker: u8, payload: &[u8]| {
            let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
            [&[0xFF, marker][..], &length, payload].concat()
        };
        let edge = |edge: u32| u16::try_from(edge).unwrap().to_be_bytes();
        let mut head = [&[8][..], &edge(height), &edge(width), &[components]].concat();
        let mut scan = vec![components];
        for number in 1..=components {
            let sampling = if number == 1 { sampling } else { 0x11 };
            head.extend([number, sampling, 0]);
            scan.extend([number, 0]);
        }
        scan.extend([0, 63, 0]);
        [
            &[0xFF, 0xD8][..],
            &segment(frame, &head),
            &segment(0xDA, &scan),
        ]
        .concat()
    }

    fn png((width, height): (u32, u32), colours: u8, bits: u8, interlaced: u8) -> Vec<u8> {
        let edges = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let head = [&edges[..], &[bits, colours, 0, 0, interlaced]].concat();
        let chunk = |name: &[u8; 4], data: &[u8]| {
            let checked = [&name[..], data].concat();
            let length = u32::try_from(data.len()).unwrap().to_be_bytes();
            [&length[..], &checked, &checksum(&checked).to_be_bytes()].concat()
        };
        let signature = b"\x89PNG\r\n\x1a\n";
        [
            &signature[..],
            &chunk(b"IHDR", &head),
            &chunk(b"IDAT", &[0x78, 1]),
        ]
        .concat()
    }

    /// PNG's, of 32 bits.
    fn checksum(bytes: &[u8]) -> u32 {
        let mut rest = u32::MAX;
        for byte in bytes {
            rest ^= u32::from(*byte);
            for _ in 0..8 {
                rest = (rest >> 1) ^ (0xEDB8_8320 * (rest & 1));
            }
        }
        !rest
    }

    fn webp(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        for (name, data) in chunks {
            body.extend(*name);
            body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
            body.extend(data);
            body.resize(body.len().next_multiple_of(2), 0);
        }
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&b"RIFF"[..], &length, &body].concat()
    }

    fn vp8((width, height): (u32, u32)) -> Vec<u8> {
        let edge = |edge: u32| u16::try_from(edge).unwrap().to_le_bytes();
        // A key frame that is shown.
        [
            &[0x10, 0, 0, 0x9D, 0x01, 0x2A][..],
            &edge(width),
            &edge(height),
            &[0; 16],
        ]
        .concat()
    }

    fn webp_lossy(size: (u32, u32)) -> Vec<u8> {
        webp(&[(b"VP8 ", vp8(size))])
    }

    fn webp_lossless((width, height): (u32, u32), transparent: bool) -> Vec<u8> {
        let bits = (width - 1) | (height - 1) << 14 | u32::from(transparent) << 28;
        webp(&[(
            b"VP8L",
            [&[0x2F][..], &bits.to_le_bytes(), &[0; 16]].concat(),
        )])
    }

    fn webp_transparent((width, height): (u32, u32)) -> Vec<u8> {
        let edge = |edge: u32| (edge - 1).to_le_bytes()[..3].to_vec();
        let head = [&[0x10, 0, 0, 0][..], &edge(width), &edge(height)].concat();
        webp(&[
            (b"VP8X", head),
            (b"ALPH", vec![0; 16]),
            (b"VP8 ", vp8((width, height))),
        ])
    }

    fn heic_grid((width, height): (u32, u32), chroma: u8) -> Vec<u8> {
        let (columns, rows) = (width.div_ceil(TILE), height.div_ceil(TILE));
        let mut writer = HeifWriter::new();
        let tile = coded(&mut writer, (TILE, TILE), chroma);
        let tiles = vec![tile; (columns * rows) as usize];
        let [columns, rows] = [columns, rows].map(|count| u16::try_from(count).unwrap());
        writer.add_grid(rows, columns, width, height, &tiles, None, None);
        writer.finish()
    }

    fn heic_alone(size: (u32, u32), chroma: u8) -> Vec<u8> {
        let mut writer = HeifWriter::new();
        coded(&mut writer, size, chroma);
        writer.finish()
    }

    fn coded(writer: &mut HeifWriter, size: (u32, u32), chroma: u8) -> u32 {
        let config = HevcConfig {
            profile_idc: 4,
            level_idc: 186,
            chroma_format: chroma,
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
            nal_length_size: 4,
            nal_units: vec![sequence_header(size, chroma)],
        };
        writer.add_image(&ImageSpec::new(
            size.0,
            size.1,
            config,
            &[vec![0x26, 1, 0xAF]],
        ))
    }

    /// A sequence parameter set (H.265, 7.3.2.2), with everything optional left out.
    fn sequence_header((width, height): (u32, u32), chroma: u8) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.fixed(0, 4).fixed(0, 3).fixed(1, 1);
        // Profile, tier and level.
        bits.fixed(4, 8)
            .fixed(0, 32)
            .fixed(0, 32)
            .fixed(0, 16)
            .fixed(186, 8);
        bits.number(0).number(chroma.into());
        if chroma == 3 {
            bits.fixed(0, 1);
        }
        // Coded in blocks of 8.
        bits.number(width.next_multiple_of(8))
            .number(height.next_multiple_of(8));
        bits.fixed(0, 1).number(0).number(0).number(4);
        bits.fixed(1, 1).number(0).number(0).number(0);
        // Blocks of 8 to 64, transforms of 4 to 32.
        bits.number(0)
            .number(3)
            .number(0)
            .number(3)
            .number(2)
            .number(2);
        bits.fixed(0, 4).number(0).fixed(0, 5).fixed(1, 1);
        let payload = bits.bytes();
        let mut unit = vec![33 << 1, 1];
        for byte in payload {
            if unit.ends_with(&[0, 0]) && byte <= 3 {
                unit.push(3);
            }
            unit.push(byte);
        }
        unit
    }

    /// Writes bit by bit.
    #[derive(Default)]
    struct Bits(Vec<bool>);

    impl Bits {
        fn fixed(&mut self, value: u32, bits: u32) -> &mut Self {
            self.0
                .extend((0..bits).rev().map(|bit| value >> bit & 1 == 1));
            self
        }

        /// As many zeros as there are bits behind the first one, and then the bits.
        fn number(&mut self, value: u32) -> &mut Self {
            let bits = (value + 1).ilog2();
            self.fixed(0, bits).fixed(value + 1, bits + 1)
        }

        fn bytes(&self) -> Vec<u8> {
            let byte = |bits: &[bool]| {
                let shifted = |(at, bit): (usize, &bool)| u8::from(*bit) << (7 - at);
                bits.iter().enumerate().map(shifted).sum()
            };
            self.0.chunks(8).map(byte).collect()
        }
    }
}
