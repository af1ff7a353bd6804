//! EXIF as a phone writes it: orientation, camera, time, GPS.

/// One entry of a directory: tag, type, count, and its value or data.
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    data: Vec<u8>,
}

fn ascii(tag: u16, text: &str) -> Entry {
    let data = [text.as_bytes(), &[0]].concat();
    Entry {
        tag,
        kind: 2,
        count: data.len() as u32,
        data,
    }
}

fn short(tag: u16, value: u16) -> Entry {
    Entry {
        tag,
        kind: 3,
        count: 1,
        data: value.to_be_bytes().to_vec(),
    }
}

fn long(tag: u16, value: u32) -> Entry {
    Entry {
        tag,
        kind: 4,
        count: 1,
        data: value.to_be_bytes().to_vec(),
    }
}

fn degrees(tag: u16, value: [u32; 3]) -> Entry {
    let data = value
        .iter()
        .flat_map(|part| [part.to_be_bytes(), 1u32.to_be_bytes()].concat())
        .collect();
    Entry {
        tag,
        kind: 5,
        count: 3,
        data,
    }
}

/// A directory at `offset`: its entries, then the data that does not fit into them.
fn directory(entries: &[Entry], offset: u32) -> Vec<u8> {
    let mut head = (entries.len() as u16).to_be_bytes().to_vec();
    let mut tail: Vec<u8> = Vec::new();
    let data_at = offset + 2 + 12 * entries.len() as u32 + 4;
    for entry in entries {
        head.extend(entry.tag.to_be_bytes());
        head.extend(entry.kind.to_be_bytes());
        head.extend(entry.count.to_be_bytes());
        if entry.data.len() <= 4 {
            head.extend(&entry.data);
            head.extend(vec![0; 4 - entry.data.len()]);
        } else {
            head.extend((data_at + tail.len() as u32).to_be_bytes());
            tail.extend(&entry.data);
        }
    }
    head.extend([0; 4]);
    head.extend(tail);
    head
}

/// The APP1 segment of a photo: `orientation` 1 to 8, taken at `time` (`2026:01:14 10:15:02`).
pub fn segment(orientation: u8, time: &str) -> Vec<u8> {
    let first = |exif_at: u32, gps_at: u32| {
        [
            ascii(0x010F, "Sample"),
            ascii(0x0110, "Drawn phone"),
            short(0x0112, orientation.into()),
            long(0x8769, exif_at),
            long(0x8825, gps_at),
        ]
    };
    let exif_at = 8 + directory(&first(0, 0), 8).len() as u32;
    let exif = directory(&[ascii(0x9003, time)], exif_at);
    let gps_at = exif_at + exif.len() as u32;
    let gps = [
        ascii(1, "S"),
        degrees(2, [26, 12, 14]),
        ascii(3, "E"),
        degrees(4, [28, 2, 50]),
    ];
    let tiff = [
        b"MM\0*\0\0\0\x08".to_vec(),
        directory(&first(exif_at, gps_at), 8),
        exif,
        directory(&gps, gps_at),
    ]
    .concat();
    [b"Exif\0\0".to_vec(), tiff].concat()
}
