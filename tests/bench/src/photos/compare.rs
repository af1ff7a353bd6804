//! The comparison: each photo in turns, who is first alternating, so that both sides meet the same neighbours.

use anyhow::Context;
use photos::image_tokens;

use super::attempt::attempt;
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
    pub(crate) fn rows(&mut self, photos: &[Photo]) -> Vec<Row> {
        let mut rows = Vec::new();
        for (number, photo) in photos.iter().enumerate() {
            eprintln!("{:>3} of {}: {} …", number + 1, photos.len(), photo.name);
            rows.push(self.row(photo));
        }
        rows
    }

    fn row(&mut self, photo: &Photo) -> Row {
        let kept = self.settings.request(&[photo], 1, true);
        let seen = Seen {
            ours: outcome(self.ours.ask(&kept)),
            sharp: outcome(self.sharp.ask(&kept)),
        };
        let rounds = self.rounds(&self.settings.request(&[photo], 1, false));
        let reference = attempt(|| Reference::decode(&std::fs::read(&photo.path)?));
        row(photo, seen, &rounds, &reference)
    }

    /// A request to both sides, in turns.
    fn rounds(&mut self, request: &Request) -> Vec<Round> {
        let Self { ours, sharp, .. } = self;
        let round = |round: usize| match round % 2 {
            0 => {
                let ours = ours.ask(request);
                let sharp = sharp.ask(request);
                Round { ours, sharp }
            }
            _ => {
                let sharp = sharp.ask(request);
                let ours = ours.ask(request);
                Round { ours, sharp }
            }
        };
        (0..self.settings.rounds).map(round).collect()
    }

    /// Sets of five photos at two threads, largest first: time and CPU time over sharp's, of every set and round.
    pub(crate) fn two_threads(&mut self, photos: &[Photo]) -> Vec<Ratios> {
        let mut ratios = Vec::new();
        for set in sets(photos) {
            eprintln!("    {} photos at two threads …", set.len());
            let rounds = self.rounds(&self.settings.request(&set, 2, false));
            ratios.extend(rounds.iter().filter_map(Round::both).map(Ratios::of));
        }
        ratios
    }
}

/// What both sides made of a photo before the rounds.
pub(crate) struct Seen {
    /// This pipeline.
    pub(crate) ours: Outcome,
    /// sharp.
    pub(crate) sharp: Outcome,
}

/// What both sides answered in a round.
pub(crate) struct Round {
    /// This pipeline.
    pub(crate) ours: anyhow::Result<Answer>,
    /// sharp.
    pub(crate) sharp: anyhow::Result<Answer>,
}

impl Round {
    /// Both answers, if there are two.
    fn both(&self) -> Option<(&Answer, &Answer)> {
        Some((self.ours.as_ref().ok()?, self.sharp.as_ref().ok()?))
    }
}

impl Ratios {
    fn of((ours, sharp): (&Answer, &Answer)) -> Self {
        Self {
            time: ours.wall_ms / sharp.wall_ms,
            cpu: ours.cpu_ms / sharp.cpu_ms,
        }
    }
}

/// A photo's row, whatever went wrong with the photo.
pub(crate) fn row(
    photo: &Photo,
    seen: Seen,
    rounds: &[Round],
    reference: &Result<Reference, String>,
) -> Row {
    let ours = sent(seen.ours, rounds.iter().map(|round| &round.ours), reference);
    let sharp = sent(
        seen.sharp,
        rounds.iter().map(|round| &round.sharp),
        reference,
    );
    let both = ours.is_ok() && sharp.is_ok();
    let ratio = |of: fn(&Answer) -> f64| {
        let rounds = rounds.iter().filter_map(Round::both);
        Spread::of(rounds.map(|(ours, sharp)| of(ours) / of(sharp))).filter(|_| both)
    };
    Row {
        photo: photo.name.clone(),
        original_bytes: photo.bytes,
        megapixels: reference.as_ref().ok().map(Reference::megapixels),
        time_ratio: ratio(first_ms),
        cpu_ratio: ratio(|answer| answer.cpu_ms).map(|spread| spread.median),
        ours,
        sharp,
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

/// A side that ended over a photo, or said nothing of it, refused it.
fn outcome(answer: anyhow::Result<Answer>) -> Outcome {
    let first = answer.and_then(|answer| {
        let first = answer.photos.into_iter().next();
        first.context("a side answered with no photo")
    });
    match first {
        Ok(photo) => photo.outcome,
        Err(cause) => Outcome::Refused {
            error: format!("{cause:#}"),
        },
    }
}

fn sent<'a>(
    outcome: Outcome,
    rounds: impl Iterator<Item = &'a anyhow::Result<Answer>>,
    reference: &Result<Reference, String>,
) -> Result<Sent, Refusal> {
    let figures = match outcome {
        Outcome::Prepared(figures) => figures,
        Outcome::Refused { error } => return Err(Refusal { refused: error }),
    };
    let (ms, cpu_ms) = times(rounds).map_err(|cause| Refusal {
        refused: format!("{cause:#}"),
    })?;
    let quality = quality(reference, &figures);
    let Figures {
        bytes,
        width,
        height,
        ..
    } = figures;
    Ok(Sent {
        ms,
        cpu_ms,
        bytes,
        width,
        height,
        image_tokens: image_tokens(width, height),
        quality: quality.as_ref().ok().copied(),
        no_quality: quality.err(),
    })
}

/// Milliseconds and milliseconds of CPU time; an error if a round gave none.
fn times<'a>(
    rounds: impl Iterator<Item = &'a anyhow::Result<Answer>>,
) -> anyhow::Result<(Spread, f64)> {
    let answered = |round: &'a anyhow::Result<Answer>| {
        round.as_ref().map_err(|cause| anyhow::anyhow!("{cause:#}"))
    };
    let answers = rounds.map(answered).collect::<anyhow::Result<Vec<_>>>()?;
    let of = |get: fn(&Answer) -> f64| {
        Spread::of(answers.iter().map(|answer| get(answer)))
            .context("there must be a round at least")
    };
    Ok((of(first_ms)?, of(|answer| answer.cpu_ms)?.median))
}

fn quality(reference: &Result<Reference, String>, figures: &Figures) -> Result<f64, String> {
    match reference {
        Ok(reference) => attempt(|| quality::of(reference, figures)),
        Err(cause) => Err(format!("there is no reference: {cause}")),
    }
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
