//! The comparison: each photo in turns, who is first alternating, so that both sides meet the same neighbours.

use anyhow::Context;
use photos::image_tokens;

use super::folder::Photo;
use super::peer::Peer;
use super::quality;
use super::reference::Reference;
use super::result::{Refusal, Row, Sent};
use super::side::{Answer, Figures, Outcome, Request, Side};
use crate::report::spread::Spread;

/// What both sides do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Long edge in pixels.
    pub(crate) long_edge: u32,
    /// sharp's JPEG quality.
    pub(crate) quality: u8,
    /// How often each photo is measured.
    pub(crate) rounds: usize,
}

/// Photos of a set, as a batch has them.
pub(crate) const SET: usize = 5;

/// Time and CPU time over sharp's.
pub(crate) struct Ratios {
    /// Wall-clock time.
    pub(crate) time: f64,
    /// CPU time.
    pub(crate) cpu: f64,
}

/// Both sides, running.
pub(crate) struct Sides {
    ours: Side,
    sharp: Side,
    settings: Settings,
}

impl Sides {
    /// Starts both.
    pub(crate) fn start(peer: &Peer, settings: Settings) -> anyhow::Result<Self> {
        Ok(Self {
            ours: Side::ours()?,
            sharp: peer.start()?,
            settings,
        })
    }

    /// Prepares and scores each photo on both sides, then measures it round by round.
    pub(crate) fn rows(&mut self, photos: &[Photo]) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for (number, photo) in photos.iter().enumerate() {
            eprintln!("{:>3} of {}: {} …", number + 1, photos.len(), photo.name);
            rows.push(self.row(photo).with_context(|| photo.name.clone())?);
        }
        Ok(rows)
    }

    fn row(&mut self, photo: &Photo) -> anyhow::Result<Row> {
        let kept = self.settings.request(&[photo], 1, true);
        let (ours, sharp) = (
            outcome(self.ours.ask(&kept)?)?,
            outcome(self.sharp.ask(&kept)?)?,
        );
        let request = self.settings.request(&[photo], 1, false);
        let rounds = self.rounds(&request)?;
        let reference = Reference::decode(&std::fs::read(&photo.path)?).ok();
        let both = matches!(
            (&ours, &sharp),
            (Outcome::Prepared(_), Outcome::Prepared(_))
        );
        let ratio = |of: fn(&Answer) -> f64| {
            Spread::of(rounds.iter().map(|(ours, sharp)| of(ours) / of(sharp)))
        };
        Ok(Row {
            photo: photo.name.clone(),
            original_bytes: photo.bytes,
            megapixels: reference.as_ref().map(Reference::megapixels),
            time_ratio: ratio(first_ms).filter(|_| both),
            cpu_ratio: ratio(|answer| answer.cpu_ms)
                .filter(|_| both)
                .map(|spread| spread.median),
            ours: sent(
                ours,
                rounds.iter().map(|(ours, _)| ours),
                reference.as_ref(),
            )?,
            sharp: sent(
                sharp,
                rounds.iter().map(|(_, sharp)| sharp),
                reference.as_ref(),
            )?,
        })
    }

    /// A request to both sides, in turns.
    fn rounds(&mut self, request: &Request) -> anyhow::Result<Vec<(Answer, Answer)>> {
        let Self {
            ours,
            sharp,
            settings,
        } = self;
        let round = |round: usize| match round % 2 {
            0 => {
                let first = ours.ask(request)?;
                Ok((first, sharp.ask(request)?))
            }
            _ => {
                let first = sharp.ask(request)?;
                Ok((ours.ask(request)?, first))
            }
        };
        (0..settings.rounds).map(round).collect()
    }

    /// Sets of five photos at two threads, largest first: time and CPU time over sharp's, of every set and round.
    pub(crate) fn two_threads(&mut self, photos: &[Photo]) -> anyhow::Result<Vec<Ratios>> {
        let mut ratios = Vec::new();
        for set in sets(photos) {
            eprintln!("    {} photos at two threads …", set.len());
            let request = self.settings.request(&set, 2, false);
            ratios.extend(
                self.rounds(&request)?
                    .into_iter()
                    .map(|(ours, sharp)| Ratios {
                        time: ours.wall_ms / sharp.wall_ms,
                        cpu: ours.cpu_ms / sharp.cpu_ms,
                    }),
            );
        }
        Ok(ratios)
    }
}

impl Settings {
    /// A request for these photos.
    pub(crate) fn request(&self, photos: &[&Photo], workers: usize, keep: bool) -> Request {
        let photos = photos.iter().map(|photo| photo.path.clone()).collect();
        Request {
            photos,
            long_edge: self.long_edge,
            quality: self.quality,
            workers,
            keep,
        }
    }
}

/// Photos in sets of five, largest first; the last set is filled up from the front.
pub(crate) fn sets(photos: &[Photo]) -> Vec<Vec<&Photo>> {
    let sets = photos.len().div_ceil(SET);
    let mut sets: Vec<Vec<&Photo>> = (0..sets)
        .map(|set| {
            photos
                .iter()
                .cycle()
                .skip(set * SET)
                .take(SET.min(photos.len()))
                .collect()
        })
        .collect();
    sets.iter_mut()
        .for_each(|set| set.sort_by_key(|photo| std::cmp::Reverse(photo.bytes)));
    sets
}

fn first_ms(answer: &Answer) -> f64 {
    answer.photos.first().map_or(f64::NAN, |photo| photo.ms)
}

fn outcome(answer: Answer) -> anyhow::Result<Outcome> {
    Ok(answer
        .photos
        .into_iter()
        .next()
        .context("a side answered with no photo")?
        .outcome)
}

fn sent<'a>(
    outcome: Outcome,
    rounds: impl Iterator<Item = &'a Answer> + Clone,
    reference: Option<&Reference>,
) -> anyhow::Result<Result<Sent, Refusal>> {
    let figures = match outcome {
        Outcome::Prepared(figures) => figures,
        Outcome::Refused { error } => return Ok(Err(Refusal { refused: error })),
    };
    let quality = reference
        .map(|reference| quality::of(reference, &figures))
        .transpose()?;
    let Figures {
        bytes,
        width,
        height,
        ..
    } = figures;
    let of = |get: fn(&Answer) -> f64| {
        Spread::of(rounds.clone().map(get)).context("there must be a round at least")
    };
    let (ms, cpu_ms) = (of(first_ms)?, of(|answer| answer.cpu_ms)?.median);
    Ok(Ok(Sent {
        ms,
        cpu_ms,
        bytes,
        width,
        height,
        image_tokens: image_tokens(width, height),
        quality,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_of_five_and_leave_no_photo_out() {
        let photo = |bytes: u64| Photo {
            path: "a".into(),
            name: bytes.to_string(),
            bytes,
        };
        let photos: Vec<Photo> = (1..=7).map(photo).collect();
        let bytes = |set: &Vec<&Photo>| set.iter().map(|photo| photo.bytes).collect::<Vec<_>>();
        assert_eq!(
            sets(&photos).iter().map(bytes).collect::<Vec<_>>(),
            [[5, 4, 3, 2, 1], [7, 6, 3, 2, 1]]
        );
        assert_eq!(
            sets(&photos[..2]).iter().map(bytes).collect::<Vec<_>>(),
            [[2, 1]]
        );
    }
}
