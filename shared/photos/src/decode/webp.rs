//! What the decoder of WebP does not look at before it takes memory: a frame that is larger than the picture it is in.

/// What stands before the first chunk: `RIFF`, a size, `WEBP`.
const HEAD: usize = 12;
/// Of a chunk: its name and its size.
const CHUNK: usize = 8;
/// Of an animation's frame before its own chunks: its place, its size, how long it is shown.
const FRAME: usize = 16;

/// Whether a frame claims to be wider or higher than the picture. The decoder would find that out, too, but only once it
/// has decoded the frame.
pub(super) fn has_larger_frame(bytes: &[u8], (width, height): (u32, u32)) -> bool {
    let body = bytes.get(HEAD..).unwrap_or_default();
    let larger = |data: &[u8]| {
        size(data).is_some_and(|(own_width, own_height)| own_width > width || own_height > height)
    };
    chunks(body).any(|(name, data)| match &name {
        b"VP8 " => larger(data),
        b"ANMF" => {
            let within = data.get(FRAME..).unwrap_or_default();
            chunks(within).any(|(name, data)| name == *b"VP8 " && larger(data))
        }
        _ => false,
    })
}

/// The chunks, each with what is there of it.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let name = *rest.first_chunk()?;
        let size = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?) as usize;
        let data = rest.get(CHUNK..)?;
        let (data, behind) = data.split_at(size.min(data.len()));
        // Of an odd size a byte fills up.
        rest = behind.get(size % 2..).unwrap_or_default();
        Some((name, data))
    })
}

/// Width and height of a frame, behind its tag and three bytes that are always the same.
fn size(data: &[u8]) -> Option<(u32, u32)> {
    let [w0, w1, h0, h1] = *data.get(6..)?.first_chunk()?;
    let edge = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    Some((edge(w0, w1), edge(h0, h1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let filling = &[0][..data.len() % 2];
        [name, &(data.len() as u32).to_le_bytes()[..], data, filling].concat()
    }

    fn frame(width: u16, height: u16) -> Vec<u8> {
        let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
        chunk(
            b"VP8 ",
            &[&[0x10, 0, 0, 0x9D, 1, 0x2A][..], &size, &[7]].concat(),
        )
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP".to_vec(), chunks.concat()].concat()
    }

    #[test]
    fn a_frame_larger_than_its_picture_is_found_in_a_picture_and_in_an_animation() {
        let is_larger = |chunks: &[Vec<u8>]| has_larger_frame(&file(chunks), (48, 36));
        let odd = chunk(b"ICCP", &[1, 2, 3]);
        let animated = |frame: Vec<u8>| chunk(b"ANMF", &[vec![0; FRAME], frame].concat());
        for (width, height, expected) in [(48, 36, false), (49, 36, true), (48, 16_000, true)] {
            assert_eq!(is_larger(&[odd.clone(), frame(width, height)]), expected);
            assert_eq!(
                is_larger(&[odd.clone(), animated(frame(width, height))]),
                expected
            );
        }
        // The two highest bits scale what is shown, and do not count.
        assert!(!is_larger(&[frame(48 | 0xC000, 36 | 0x4000)]));
    }

    #[test]
    fn what_is_cut_anywhere_is_looked_at_as_far_as_it_goes() {
        let whole = file(&[frame(49, 36)]);
        for kept in 0..whole.len() {
            let found = has_larger_frame(&whole[..kept], (48, 36));
            assert_eq!(found, kept >= HEAD + CHUNK + 10, "{kept}");
        }
    }
}
