//! What a file is that is no photo of a known format: said in words, so that a user or an app's author knows what to do.

use image::ImageFormat;

use crate::PhotoError;

/// Bytes from the beginning in which something is looked for.
pub(super) const HEAD: usize = 1024;
/// How files of other kinds begin.
const OTHERS: [(&[u8], &str); 21] = [
    (b"%PDF-", "a PDF"),
    (b"\x1A\x45\xDF\xA3", "a video"),
    (b"\0\0\x01\xBA", "a video"),
    (b"\0\0\x01\xB3", "a video"),
    (b"FLV\x01", "a video"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "a drawing (SVG)"),
    (b"<?xml", "an XML document"),
    (b"{", "a JSON document"),
    (b"[", "a JSON document"),
    (b"bplist00", "a property list"),
    (b"ID3", "a sound"),
    (b"OggS", "a sound"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"SQLite format 3\0", "a database"),
    // Thumbs.db is one, and so are Office's documents of before.
    (
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "a Windows or Office file (such as Thumbs.db)",
    ),
    (b"MZ", "a program"),
];
/// How the formats that are read begin in base64.
const IN_BASE64: [&[u8]; 3] = [b"/9j/", b"iVBORw0KGgo", b"UklGR"];
/// Digits of a chunk's size, as S3's clients frame an upload.
const MOST_SIZE_DIGITS: usize = 8;

/// The name of a format that is not read.
pub(super) fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Gif => "GIF",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Avif => "AVIF",
        ImageFormat::Ico => "ICO",
        ImageFormat::Pnm => "PNM",
        ImageFormat::OpenExr => "OpenEXR",
        ImageFormat::Hdr => "Radiance HDR",
        ImageFormat::Qoi => "QOI",
        _ => "of this file",
    }
}

/// What the content is instead of a photo, if that is known.
pub(super) fn what_else(bytes: &[u8]) -> Option<PhotoError> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let text = text.trim_ascii_start();
    if let Some(how) = wrapping(text.strip_prefix(b"\"").unwrap_or(text)) {
        return Some(PhotoError::Wrapped(how));
    }
    if let Some(format) = picture(head) {
        return Some(PhotoError::Unsupported(format));
    }
    if is_video(head) {
        return Some(PhotoError::NoPhoto("a video"));
    }
    if is_riff(head, b"WAVE") {
        return Some(PhotoError::NoPhoto("a sound"));
    }
    let begins = |(beginning, _): &&(&[u8], &str)| {
        let same = text.get(..beginning.len());
        same.is_some_and(|same| same.eq_ignore_ascii_case(beginning))
    };
    let known = OTHERS.iter().find(begins).map(|(_, what)| *what);
    let known = known.or_else(|| is_text(head).then_some("a text"));
    known.map(PhotoError::NoPhoto)
}

/// Text: nothing but characters that people write. The last one may be cut.
fn is_text(head: &[u8]) -> bool {
    let written = |c: char| !c.is_control() || c.is_ascii_whitespace() || c == '\x1B';
    if let Some(wide) = wide(head) {
        return !wide.is_empty() && char::decode_utf16(wide).all(|c| c.is_ok_and(written));
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(cut) if cut.error_len().is_none() => {
            let whole = head.get(..cut.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(written)
}

/// The characters of a text in UTF-16, which begins with a mark that says so.
fn wide(head: &[u8]) -> Option<Vec<u16>> {
    let (from, rest): (fn([u8; 2]) -> u16, _) = match head.split_first_chunk()? {
        (b"\xFF\xFE", rest) => (u16::from_le_bytes, rest),
        (b"\xFE\xFF", rest) => (u16::from_be_bytes, rest),
        _ => return None,
    };
    let (pairs, _) = rest.as_chunks();
    Some(pairs.iter().copied().map(from).collect())
}

/// What an app wrapped the photo's bytes in.
fn wrapping(text: &[u8]) -> Option<&'static str> {
    if text.starts_with(b"data:") {
        Some("the head of a data URL")
    } else if text.starts_with(b"--") && contains(text, b"content-disposition:") {
        Some("the boundary of a form")
    } else if is_in_base64(text) {
        Some("base64 instead of the photo's bytes")
    } else if is_framed(text) {
        Some("the frame of an aws-chunked upload")
    } else {
        None
    }
}

fn is_in_base64(text: &[u8]) -> bool {
    // The length of a HEIC's first box takes the first characters.
    let is_heic = text.starts_with(b"AAAA") && text.get(6..11) == Some(b"Z0eXB");
    is_heic
        || IN_BASE64
            .iter()
            .any(|beginning| text.starts_with(beginning))
}

/// A size in hexadecimal digits, perhaps a signature, the end of a line, and the photo.
fn is_framed(text: &[u8]) -> bool {
    let is_digit = |byte: &&u8| byte.is_ascii_hexdigit();
    let digits = text.iter().take_while(is_digit).count();
    let rest = text.get(digits..).unwrap_or_default();
    if !(1..=MOST_SIZE_DIGITS).contains(&digits) {
        return false;
    }
    if rest.starts_with(b";chunk-signature=") {
        return true;
    }
    rest.strip_prefix(b"\r\n")
        .is_some_and(|photo| photo.get(4..8) == Some(b"ftyp") || image::guess_format(photo).is_ok())
}

/// Formats of pictures that the library does not know.
fn picture(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\xFF\x0A") || head.starts_with(b"\0\0\0\x0CJXL ") {
        Some("JPEG XL")
    } else if head.starts_with(b"\0\0\0\x0CjP  ") {
        Some("JPEG 2000")
    } else if head.starts_with(b"8BPS") {
        Some("PSD")
    } else {
        None
    }
}

/// AVI, and QuickTime without the box that names it.
fn is_video(head: &[u8]) -> bool {
    let avi = is_riff(head, b"AVI ");
    let boxes: [&[u8]; 4] = [b"moov", b"mdat", b"wide", b"free"];
    avi || head.get(4..8).is_some_and(|name| boxes.contains(&name))
}

fn is_riff(head: &[u8], of: &[u8]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(of)
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    let mut parts = text.windows(what.len());
    parts.any(|part| part.eq_ignore_ascii_case(what))
}
