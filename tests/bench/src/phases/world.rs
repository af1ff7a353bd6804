//! Evaluations and a VLM server in virtual time: waves of rounds, each round some requests in flight together.
//!
//! # Invariants
//! - At most `lanes` rounds run at once; the rest wait in the order in which they came.
//! - A wave begins when all rounds of the one before have ended.

use std::collections::{BTreeMap, VecDeque};

use simulated_vlm::engine::{Engine, Work};

/// Requests in flight together; the round ends with the last answer.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// Seconds before they are sent.
    pub(crate) before_s: f64,
    pub(crate) requests: Vec<Work>,
}

/// One DR's way to its verdict.
#[derive(Debug, Clone)]
pub(crate) struct Evaluation {
    pub(crate) before_s: f64,
    pub(crate) between_s: f64,
    pub(crate) after_s: f64,
    pub(crate) waves: VecDeque<Vec<Round>>,
}

#[derive(Default)]
struct World {
    timers: Vec<(f64, Due)>,
    queue: VecDeque<(usize, Round)>,
    open: BTreeMap<u64, Open>,
    round_of: BTreeMap<u64, u64>,
    rounds_left: Vec<usize>,
    finished_s: Vec<f64>,
    next_id: u64,
}

struct Open {
    evaluation: usize,
    left: usize,
}

enum Due {
    Wave(usize),
    Ask(u64, Vec<Work>),
}

/// When each evaluation has its verdict, in seconds, if all begin at once.
pub(crate) fn run(mut engine: Engine, lanes: usize, mut evaluations: Vec<Evaluation>) -> Vec<f64> {
    let begin = evaluations
        .iter()
        .enumerate()
        .map(|(at, evaluation)| (evaluation.before_s, Due::Wave(at)));
    let count = evaluations.len();
    let mut world = World {
        timers: begin.collect(),
        ..World::default()
    };
    (world.rounds_left, world.finished_s) = (vec![0; count], vec![0.0; count]);
    loop {
        let timer_s = world
            .timers
            .iter()
            .map(|(at_s, _)| *at_s)
            .min_by(f64::total_cmp);
        let Some(now_s) = timer_s
            .into_iter()
            .chain(engine.next_s())
            .min_by(f64::total_cmp)
        else {
            return world.finished_s;
        };
        for finished in engine.advance(now_s) {
            world.answered(finished.request, finished.at_s, &mut evaluations);
        }
        let (due, later) = std::mem::take(&mut world.timers)
            .into_iter()
            .partition(|(at_s, _)| *at_s <= now_s);
        world.timers = later;
        let due: Vec<(f64, Due)> = due;
        for (_, due) in due {
            match due {
                Due::Wave(at) => world.begin(at, now_s, &mut evaluations),
                Due::Ask(round, requests) => world.ask(round, requests, &mut engine),
            }
        }
        world.start(now_s, lanes);
    }
}

impl World {
    fn begin(&mut self, at: usize, now_s: f64, evaluations: &mut [Evaluation]) {
        let Some(evaluation) = evaluations.get_mut(at) else {
            return;
        };
        let after_s = evaluation.after_s;
        match evaluation.waves.pop_front() {
            Some(rounds) => {
                self.rounds_left
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|left| *left = rounds.len());
                self.queue
                    .extend(rounds.into_iter().map(|round| (at, round)));
            }
            None => self
                .finished_s
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|end_s| *end_s = now_s + after_s),
        }
    }

    fn start(&mut self, now_s: f64, lanes: usize) {
        while self.open.len() < lanes
            && let Some((evaluation, round)) = self.queue.pop_front()
        {
            self.next_id += 1;
            self.open.insert(
                self.next_id,
                Open {
                    evaluation,
                    left: round.requests.len(),
                },
            );
            self.timers.push((
                now_s + round.before_s,
                Due::Ask(self.next_id, round.requests),
            ));
        }
    }

    fn ask(&mut self, round: u64, requests: Vec<Work>, engine: &mut Engine) {
        for work in requests {
            self.next_id += 1;
            self.round_of.insert(self.next_id, round);
            engine.submit(self.next_id, work);
        }
    }

    fn answered(&mut self, request: u64, at_s: f64, evaluations: &mut [Evaluation]) {
        let Some(round) = self.round_of.remove(&request) else {
            return;
        };
        let Some(open) = self.open.get_mut(&round) else {
            return;
        };
        open.left = open.left.saturating_sub(1);
        if open.left > 0 {
            return;
        }
        let at = open.evaluation;
        self.open.remove(&round);
        let Some((left, evaluation)) = self.rounds_left.get_mut(at).zip(evaluations.get(at)) else {
            return;
        };
        *left = left.saturating_sub(1);
        if *left == 0 {
            let between_s = if evaluation.waves.is_empty() {
                0.0
            } else {
                evaluation.between_s
            };
            self.timers.push((at_s + between_s, Due::Wave(at)));
        }
    }
}
