//! Reads each photo in each way and counts.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use photos::prepare;
use photos::size_policy::SizePolicy;
use serde::{Deserialize, Serialize};

use super::score::{self, Read};
use super::sources::{Sample, Text};
use crate::child::Asked;
use crate::photos::attempt::{LeftOut, attempt};
use crate::photos::peer::Peer;
use crate::report::interval::Share;

/// How photos are prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Way {
    /// The long edge in pixels.
    pub(super) long_edge: u32,
    /// JPEG quality.
    pub(super) quality: u8,
    /// The same for chroma.
    pub(super) chroma_quality: u8,
    /// Whether the size policy has it so.
    pub(super) is_the_policys: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    /// The size policy whose sizes and quality are among the ways.
    pub(super) size_policy: String,
    /// Photos that were read.
    pub(super) photos: usize,
    /// Each way.
    pub(super) ways: Vec<OneWay>,
    /// Photos that were not prepared or not read.
    pub(super) left_out: Vec<LeftOut>,
}

/// What a way cost, and what was read.
#[derive(Debug, Serialize)]
pub(super) struct OneWay {
    /// The way.
    #[serde(flatten)]
    pub(super) way: Way,
    /// Bytes sent of a photo, mean.
    pub(super) bytes: f64,
    /// Image tokens of a photo, mean.
    pub(super) image_tokens: f64,
    /// All texts.
    pub(super) all: Count,
    /// By what a text stands on.
    pub(super) kinds: BTreeMap<String, Count>,
    /// By the height of letters, smallest first, where it is known.
    pub(super) heights: Vec<Height>,
}

/// Texts of one height.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Height {
    /// In thousandths of the long edge.
    pub(super) thousandths: f64,
    /// In pixels as they are sent.
    pub(super) pixels: f64,
    /// What was read.
    pub(super) count: Count,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Count {
    /// Characters that are right.
    #[serde(serialize_with = "as_json")]
    pub(super) characters: Share,
    /// Texts that are right as a whole.
    #[serde(serialize_with = "as_json")]
    pub(super) texts: Share,
}

fn as_json<S: serde::Serializer>(share: &Share, to: S) -> Result<S::Ok, S::Error> {
    share.json().serialize(to)
}

/// The engine that reads, as a process of its own.
pub(super) struct Reader(Asked);

#[derive(Serialize)]
struct Request {
    jpeg: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Lines(Vec<String>),
    Error(String),
}

impl Reader {
    /// Installs the engine unless it stands already, and starts it.
    pub(super) fn start() -> anyhow::Result<Self> {
        Asked::start("the reader", Peer::named("ocr")?.command()).map(Self)
    }
}

/// Who reads a JPEG, line by line.
pub(super) trait Reads {
    /// The lines.
    fn lines(&mut self, jpeg: &[u8]) -> anyhow::Result<Vec<String>>;
}

impl Reads for Reader {
    fn lines(&mut self, jpeg: &[u8]) -> anyhow::Result<Vec<String>> {
        let jpeg = STANDARD.encode(jpeg);
        match self.0.ask(&Request { jpeg })? {
            Answer::Lines(lines) => Ok(lines),
            Answer::Error(cause) => anyhow::bail!("the reader failed: {cause}"),
        }
    }
}

/// A photo as it was sent, and what was read of each of its texts.
struct Seen {
    bytes: f64,
    image_tokens: f64,
    texts: Vec<(String, Read)>,
}

impl Found {
    /// Reads each photo in each way.
    pub(super) fn measure(
        samples: Vec<Sample>,
        ways: &[Way],
        policy: &SizePolicy,
        reader: &mut impl Reads,
    ) -> Self {
        let (mut read, mut left_out) = (Vec::new(), Vec::new());
        for (number, sample) in samples.iter().enumerate() {
            eprintln!("{:>3} of {}: {} …", number + 1, samples.len(), sample.name);
            let all = attempt(|| {
                let (bytes, texts) = sample.load()?;
                let seen = |way: &Way| seen(&bytes, &texts, *way, policy, reader);
                ways.iter().map(seen).collect::<anyhow::Result<Vec<_>>>()
            });
            match all {
                Ok(seen) => read.push((sample.height(), seen)),
                Err(reason) => left_out.push(LeftOut {
                    photo: sample.name.clone(),
                    reason,
                }),
            }
        }
        let one = |(number, way): (usize, &Way)| {
            let photos = read
                .iter()
                .filter_map(|(height, seen)| Some((*height, seen.get(number)?)));
            OneWay::of(*way, &photos.collect::<Vec<_>>())
        };
        Self {
            size_policy: policy.version.clone(),
            photos: read.len(),
            ways: ways.iter().enumerate().map(one).collect(),
            left_out,
        }
    }
}

fn seen(
    bytes: &[u8],
    texts: &[Text],
    way: Way,
    policy: &SizePolicy,
    reader: &mut impl Reads,
) -> anyhow::Result<Seen> {
    let policy = SizePolicy {
        jpeg_quality: way.quality,
        chroma_quality: Some(way.chroma_quality),
        ..policy.clone()
    };
    let prepared = prepare(bytes, &policy, way.long_edge)?;
    let lines = reader.lines(&prepared.jpeg)?;
    let read = |text: &Text| (text.kind.clone(), score::read(&text.text, &lines));
    Ok(Seen {
        bytes: prepared.jpeg.len() as f64,
        image_tokens: f64::from(prepared.figures.image_tokens),
        texts: texts.iter().map(read).collect(),
    })
}

impl OneWay {
    fn of(way: Way, photos: &[(Option<f64>, &Seen)]) -> Self {
        let mean = |of: fn(&Seen) -> f64| {
            photos.iter().map(|(_, seen)| of(seen)).sum::<f64>() / photos.len().max(1) as f64
        };
        let mut all = Count::default();
        let (mut kinds, mut heights) = (BTreeMap::new(), BTreeMap::new());
        for (height, seen) in photos {
            for (kind, read) in &seen.texts {
                all.add(*read);
                kinds
                    .entry(kind.clone())
                    .or_insert_with(Count::default)
                    .add(*read);
                if let Some(millionths) = height.map(|height| (height * 1000.0).round() as u64) {
                    heights
                        .entry(millionths)
                        .or_insert_with(Count::default)
                        .add(*read);
                }
            }
        }
        let height = |(millionths, count): (u64, Count)| Height {
            thousandths: millionths as f64 / 1000.0,
            pixels: millionths as f64 * 1e-6 * f64::from(way.long_edge),
            count,
        };
        Self {
            way,
            bytes: mean(|seen| seen.bytes),
            image_tokens: mean(|seen| seen.image_tokens),
            all,
            kinds,
            heights: heights.into_iter().map(height).collect(),
        }
    }
}

impl Count {
    fn add(&mut self, read: Read) {
        self.characters.hits += read.right;
        self.characters.of += read.of;
        self.texts.hits += usize::from(read.whole);
        self.texts.of += 1;
    }
}

#[cfg(test)]
mod tests {
    use photos::size_policy::CURRENT_VERSION;

    use super::*;
    use crate::small_print::sources;

    /// Reads the truth at long edges of 200 pixels and more, and nothing below.
    struct Sighted(Vec<String>);

    impl Reads for Sighted {
        fn lines(&mut self, jpeg: &[u8]) -> anyhow::Result<Vec<String>> {
            let picture = image::load_from_memory(jpeg)?;
            let reads = picture.width().max(picture.height()) >= 200;
            Ok(if reads { self.0.clone() } else { vec![] })
        }
    }

    fn way(long_edge: u32) -> Way {
        Way {
            long_edge,
            quality: 80,
            chroma_quality: 83,
            is_the_policys: false,
        }
    }

    #[test]
    fn what_is_read_is_counted_by_kind_and_height_and_a_bad_file_is_told() {
        let mut samples = vec![sources::drawn(1).pop().unwrap()];
        let (_, texts) = samples[0].load().unwrap();
        samples.push(Sample {
            name: "nothing.jpg".into(),
            from: sources::From::File {
                path: "/nowhere/nothing.jpg".into(),
                texts: vec![],
            },
        });
        let mut reader = Sighted(texts.iter().map(|text| text.text.clone()).collect());
        let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
        let found = Found::measure(samples, &[way(96), way(320)], policy, &mut reader);
        let [blind, sighted] = found.ways.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((blind.all.characters.hits, blind.all.texts.hits), (0, 0));
        assert_eq!(sighted.all.characters.percent(), 100.0);
        assert_eq!(sighted.all.texts, Share { hits: 4, of: 4 });
        assert_eq!(sighted.kinds["label"].texts.of, 2);
        assert_eq!(sighted.heights.len(), 1);
        assert!((sighted.heights[0].pixels - 6.4).abs() < 1e-9);
        assert!(sighted.image_tokens > blind.image_tokens && sighted.bytes > blind.bytes);
        assert_eq!(found.left_out[0].photo, "nothing.jpg");
    }
}
