//! How long a photo waits before it is asked about again.

use std::time::Duration;

use crate::domain::hash::number_of;
use crate::domain::ids::PhotoId;

/// The ceiling of the first wait.
const FIRST: Duration = Duration::from_secs(2);
/// No wait is longer, so that work resumes within minutes of the VLM's return. SQS delays 15 minutes at most.
const LONGEST: Duration = Duration::from_secs(300);
/// What nobody waits for rests longer while the VLM is away: hundreds of thousands of photos must not turn round every
/// few minutes only to be put off again. Half of it at least, so that they come spread over the other half.
const LONGEST_OF_BULK: Duration = Duration::from_secs(900);
/// What a server may ask for at most: SQS's own limit of a delay.
pub(super) const LONGEST_ASKED: Duration = Duration::from_secs(900);

/// The wait before attempt `attempt + 1`: exponential with full jitter, never below what the server asked for.
///
/// The jitter is drawn from the photo's id and the attempt, so that the same deferral always waits equally long.
///
/// ```
/// use std::time::Duration;
///
/// use evaluation::decide::backoff::delay;
/// use evaluation::domain::ids::PhotoId;
///
/// let photo = PhotoId::of("a.jpg", "etag");
/// let asked = Duration::from_secs(30);
/// assert!(delay(&photo, 0, Some(asked)) >= asked);
/// assert!(delay(&photo, 20, None) < Duration::from_secs(300));
/// ```
pub fn delay(photo: &PhotoId, attempt: u32, retry_after: Option<Duration>) -> Duration {
    let ceiling = FIRST.saturating_mul(1 << attempt.min(16)).min(LONGEST);
    let millis = u64::try_from(ceiling.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let jittered =
        Duration::from_millis(number_of(&[photo.as_str(), &attempt.to_string()]) % millis);
    let asked = retry_after.unwrap_or_default().min(LONGEST_ASKED);
    asked.saturating_add(jittered).min(LONGEST_ASKED)
}

/// The wait of bulk work while the VLM is taken to be away.
pub fn delay_of_bulk(photo: &PhotoId, attempt: u32) -> Duration {
    let half = LONGEST_OF_BULK / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    let drawn = number_of(&[photo.as_str(), &attempt.to_string()]) % millis;
    half.saturating_add(Duration::from_millis(drawn))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds_and_respects_the_server(name in ".*", attempt: u32, asked in proptest::option::of(0u64..2000)) {
            let asked = asked.map(Duration::from_secs);
            let wait = delay(&PhotoId::of(&name, "e"), attempt, asked);
            prop_assert!(wait <= LONGEST_ASKED);
            prop_assert!(wait >= asked.unwrap_or_default().min(LONGEST_ASKED));
            prop_assert!(asked.is_some() || wait < LONGEST.min(FIRST * (1 << attempt.min(16))));
        }
    }

    #[test]
    fn bulk_work_rests_long_and_comes_back_spread() {
        let waits: Vec<_> = (0..1000)
            .map(|n| delay_of_bulk(&PhotoId::of(&n.to_string(), "e"), 20).as_secs())
            .collect();
        assert!(waits.iter().all(|wait| (450..900).contains(wait)));
        let early = waits.iter().filter(|wait| **wait < 675).count();
        assert!(
            (400..600).contains(&early),
            "{early} of 1000 in the first half"
        );
    }

    #[test]
    fn waits_of_many_photos_spread_over_the_whole_range() {
        let waits: Vec<_> = (0..1000)
            .map(|n| delay(&PhotoId::of(&n.to_string(), "e"), 20, None).as_secs())
            .collect();
        for quarter in 0..4 {
            let within = waits.iter().filter(|wait| **wait / 75 == quarter).count();
            assert!(
                (200..300).contains(&within),
                "{within} of 1000 in quarter {quarter}"
            );
        }
    }
}
