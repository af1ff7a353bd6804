//! Calls that AWS answers with success although it did a part only: what was left over is asked for again, in rounds.

use std::time::Duration;

/// The wait before the second round; each later one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Calls until nothing is left over, at most so many rounds; gives what is left over then.
///
/// `call` is given what is wanted, and gives what was left over of it.
pub(crate) async fn until_nothing_is_left<T, E>(
    wanted: Vec<T>,
    rounds: u32,
    mut call: impl AsyncFnMut(Vec<T>) -> Result<Vec<T>, E>,
) -> Result<Vec<T>, E> {
    let mut left = wanted;
    for round in 0..rounds {
        if round > 0 {
            tokio::time::sleep(FIRST_WAIT.saturating_mul(1 << round.min(16))).await;
        }
        left = call(left).await?;
        if left.is_empty() {
            break;
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does one of what is wanted each time.
    async fn one_at_a_time(wanted: u32, rounds: u32) -> (Result<Vec<u32>, ()>, u32) {
        let mut calls = 0;
        let left = until_nothing_is_left((0..wanted).collect(), rounds, async |mut wanted| {
            calls += 1;
            wanted.pop();
            Ok(wanted)
        });
        (left.await, calls)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_over_is_asked_for_again_and_given_back_after_the_last_round() {
        assert_eq!(one_at_a_time(3, 6).await, (Ok(vec![]), 3));
        assert_eq!(one_at_a_time(3, 2).await, (Ok(vec![0]), 2));
    }

    #[tokio::test]
    async fn a_failure_ends_it() {
        let failed = until_nothing_is_left(vec![1], 6, async |_| Err::<Vec<i32>, _>("refused"));
        assert_eq!(failed.await, Err("refused"));
    }
}
