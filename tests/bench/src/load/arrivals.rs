//! Who comes when, drawn by a seed: as in a day, in bursts, most by upload, some who wait, a few in a hurry, and some who
//! ask again about what was asked before.

use std::time::Duration;

use fastrand::Rng;

/// Of ten that come: those who ask again, those in a hurry, those who upload and ask. The others only upload.
const REPEATS: u64 = 1;
const IN_A_HURRY: u64 = 1;
const WHO_ASK: u64 = 4;
/// Photos of a DR.
const FEWEST: u64 = 7;
const MOST: u64 = 24;
/// Half of all come in bursts of three: crews end their day at the same hour.
const BURST: usize = 3;
const WITHIN_A_BURST: Duration = Duration::from_secs(2);

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Uploads, and leaves the rest to the uploads.
    Upload,
    /// Uploads, asks in full mode, and waits.
    Ask,
    /// Uploads, asks in quick mode, and waits.
    Hurry,
    /// Asks again, in full mode, about what was asked at this place.
    Repeat(usize),
}

/// Somebody who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// After the beginning.
    pub(crate) at: Duration,
    pub(crate) wish: Wish,
    /// Photos of the DR.
    pub(crate) photos: usize,
}

/// All who come in so long, so many DRs a minute.
pub(crate) fn arrivals(drs_per_minute: f64, span: Duration, seed: u64) -> Vec<Arrival> {
    let mut random = Rng::with_seed(seed);
    let count = (drs_per_minute * span.as_secs_f64() / 60.0).round() as usize;
    let mut times = Vec::with_capacity(count + BURST);
    while times.len() < count {
        let at = span.mul_f64(random.f64());
        // A burst counts three times as often as one alone comes: so half of all are in bursts.
        let together = if random.usize(..=BURST) == 0 {
            BURST
        } else {
            1
        };
        let each = |_| at + WITHIN_A_BURST.mul_f64(random.f64());
        times.extend((0..together).map(each));
    }
    times.truncate(count);
    times.sort_unstable();
    let mut asked = Vec::new();
    let each = |(place, at)| {
        let wish = wish(&mut random, &asked);
        if wish == Wish::Ask {
            asked.push(place);
        }
        let photos = (random.u64(FEWEST..=MOST) + random.u64(FEWEST..=MOST)) / 2;
        let photos = usize::try_from(photos).unwrap_or_default();
        Arrival { at, wish, photos }
    };
    times.into_iter().enumerate().map(each).collect()
}

fn wish(random: &mut Rng, asked: &[usize]) -> Wish {
    let drawn = random.u64(..10);
    match random.choice(asked) {
        Some(earlier) if drawn < REPEATS => Wish::Repeat(*earlier),
        _ if drawn < REPEATS + IN_A_HURRY => Wish::Hurry,
        _ if drawn < REPEATS + IN_A_HURRY + WHO_ASK => Wish::Ask,
        _ => Wish::Upload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn many() -> Vec<Arrival> {
        arrivals(100.0, HOUR, 7)
    }

    #[test]
    fn as_many_come_as_are_wanted_in_order_and_the_same_each_time() {
        let all = many();
        assert_eq!(all.len(), 6000);
        assert!(all.is_sorted_by_key(|arrival| arrival.at));
        assert_eq!(all, many());
        assert_ne!(all, arrivals(100.0, HOUR, 8));
    }

    #[test]
    fn a_tenth_asks_again_about_what_was_asked_before_and_a_tenth_is_in_a_hurry() {
        let all = many();
        let share = |fits: fn(&Wish) -> bool| {
            let found = all.iter().filter(|arrival| fits(&arrival.wish)).count();
            found as f64 / all.len() as f64
        };
        assert!((0.08..0.12).contains(&share(|wish| matches!(wish, Wish::Repeat(_)))));
        assert!((0.08..0.12).contains(&share(|wish| matches!(wish, Wish::Hurry))));
        assert!((0.37..0.43).contains(&share(|wish| matches!(wish, Wish::Ask))));
        for (place, arrival) in all.iter().enumerate() {
            if let Wish::Repeat(earlier) = arrival.wish {
                assert!(earlier < place);
                assert_eq!(all[earlier].wish, Wish::Ask);
            }
        }
    }

    #[test]
    fn they_come_in_bursts_with_seven_to_twenty_four_photos() {
        let few = arrivals(2.0, HOUR, 7);
        let close = few
            .windows(2)
            .filter(|pair| pair[1].at - pair[0].at < WITHIN_A_BURST);
        // Of 120 at random some 8 would be so close to the next.
        assert!(close.count() > 25);
        let photos = many()
            .iter()
            .map(|arrival| arrival.photos)
            .collect::<Vec<_>>();
        assert!(photos.iter().all(|photos| (7..=24).contains(photos)));
    }
}
