//! Calls that are made again in rounds: what AWS left over though it answered with success, and what another
//! transaction was in the way of.

use std::time::Duration;

/// The wait before the second round; each later one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Waits before a round; before the first one not at all.
async fn before(round: u32) {
    if let Some(doublings) = round.checked_sub(1) {
        tokio::time::sleep(FIRST_WAIT.saturating_mul(1 << doublings.min(16))).await;
    }
}

/// What came of a round.
#[derive(Debug)]
pub(crate) enum Round<T, E> {
    /// There is an answer.
    Settled(T),
    /// The same again may get one; what is said if it never does.
    Again(E),
}

/// Calls until there is an answer, at most so many rounds; then it fails with what the last one said.
///
/// There is no chance in the waits: of two transactions in each other's way DynamoDB lets one through.
pub(crate) async fn until_settled<T, E>(
    rounds: u32,
    mut call: impl AsyncFnMut() -> Result<Round<T, E>, E>,
) -> Result<T, E> {
    let mut round = 0;
    loop {
        before(round).await;
        round += 1;
        match call().await? {
            Round::Settled(answer) => return Ok(answer),
            Round::Again(error) if round >= rounds => return Err(error),
            Round::Again(_) => (),
        }
    }
}

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
        before(round).await;
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

    /// Calls that are settled at the given one; how long that took in milliseconds.
    async fn settled_at(call: u32) -> (Result<u32, u32>, u128) {
        let (mut calls, begun) = (0, tokio::time::Instant::now());
        let settled = until_settled(6, async || {
            calls += 1;
            Ok(if calls == call {
                Round::Settled(calls)
            } else {
                Round::Again(calls)
            })
        });
        (settled.await, begun.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_settled_is_tried_again_with_longer_and_longer_waits() {
        assert_eq!(settled_at(1).await, (Ok(1), 0));
        assert_eq!(settled_at(3).await, (Ok(3), 150));
        assert_eq!(settled_at(7).await, (Err(6), 1_550));
    }

    #[tokio::test]
    async fn a_failure_ends_it() {
        let failed = until_nothing_is_left(vec![1], 6, async |_| Err::<Vec<i32>, _>("refused"));
        assert_eq!(failed.await, Err("refused"));
    }
}
