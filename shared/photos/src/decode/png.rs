//! What the decoder of PNG does not read: EXIF data wherever it stands, and files that break off behind their pixels.

use std::borrow::Cow;

use crate::exif_data::is_exif;

/// What every file begins with.
const SIGNATURE: usize = 8;
/// The last chunk: its length, its name and its checksum.
const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";
/// How ImageMagick calls a text that holds EXIF data; `APP1` may hold something else.
const PROFILES: [&[u8]; 2] = [b"Raw profile type exif", b"Raw profile type APP1"];
/// Bytes of EXIF data, as a text; real ones have some thousands.
const MOST_TEXT_BYTES: usize = 1 << 20;

/// A chunk, up to where the next one begins.
struct Chunk<'a> {
    name: [u8; 4],
    data: &'a [u8],
    end: usize,
}

/// The chunks that are there as a whole.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut at = SIGNATURE;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let name = *rest.get(4..)?.first_chunk()?;
        let data = rest.get(8..)?.get(..length)?;
        rest.get(8 + length..)?.get(..4)?;
        at += 8 + length + 4;
        Some(Chunk {
            name,
            data,
            end: at,
        })
    })
}

/// The EXIF data, in front of the pixels or behind them, in its own chunk or in a text as ImageMagick writes it.
pub(super) fn exif(bytes: &[u8]) -> Option<Vec<u8>> {
    let own = chunks(bytes).filter(|chunk| chunk.name == *b"eXIf");
    let own = own.map(|chunk| chunk.data).find(|data| is_exif(data));
    own.map(<[u8]>::to_vec)
        .or_else(|| chunks(bytes).find_map(|chunk| profile(&chunk)))
}

/// The file with an end, where it has none, and where its last pixels break off, with what is there of them: whether all
/// are there tells the decoder then.
pub(super) fn ended(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut end = SIGNATURE;
    for chunk in chunks(bytes) {
        if chunk.name == *b"IEND" {
            return bytes.into();
        }
        end = chunk.end;
    }
    let Some((whole, rest)) = bytes.split_at_checked(end) else {
        return bytes.into();
    };
    let cut = cut_pixels(rest).unwrap_or_default();
    [whole, &cut, END].concat().into()
}

/// A chunk of pixels that breaks off, as a chunk of what is there.
fn cut_pixels(rest: &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
    let named = rest.get(4..)?;
    let data = named.strip_prefix(b"IDAT")?;
    let data = data.get(..length).unwrap_or(data);
    let named = named.get(..4 + data.len())?;
    let length = u32::try_from(data.len()).ok()?.to_be_bytes();
    let checksum = crc32fast::hash(named).to_be_bytes();
    Some([&length[..], named, &checksum].concat())
}

/// EXIF data in a text.
fn profile(chunk: &Chunk<'_>) -> Option<Vec<u8>> {
    let (keyword, rest) = behind_zero(chunk.data)?;
    if !PROFILES.contains(&keyword) {
        return None;
    }
    let text = match &chunk.name {
        b"tEXt" => rest.into(),
        b"zTXt" => inflated(rest.get(1..)?)?.into(),
        b"iTXt" => international(rest)?,
        _ => return None,
    };
    let exif = from_hexadecimal(&text)?;
    is_exif(&exif).then_some(exif)
}

/// The text of an `iTXt`: a flag, the method, a language and a translated keyword stand before it.
fn international(rest: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [is_deflated, _, rest @ ..] = rest else {
        return None;
    };
    let (_, rest) = behind_zero(rest)?;
    let (_, text) = behind_zero(rest)?;
    if *is_deflated == 0 {
        return Some(text.into());
    }
    inflated(text).map(Cow::from)
}

fn behind_zero(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = data.iter().position(|byte| *byte == 0)?;
    data.get(..at).zip(data.get(at + 1..))
}

fn inflated(data: &[u8]) -> Option<Vec<u8>> {
    fdeflate::decompress_to_vec_bounded(data, MOST_TEXT_BYTES).ok()
}

/// The bytes of a profile: its name and its length stand in lines of their own before the digits.
fn from_hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.trim_ascii_start().splitn(3, |byte| *byte == b'\n');
    let digits = digits
        .last()?
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace());
    let values: Option<Vec<u8>> = digits
        .map(|digit| u8::try_from(char::from(*digit).to_digit(16)?).ok())
        .collect();
    let (pairs, _) = values.as_deref()?.as_chunks::<2>();
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
