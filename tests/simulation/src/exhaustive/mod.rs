//! The exhaustive check: every order of everything that can happen in small worlds.
//!
//! The checker is `stateright`; it explores, remembers states and finds the way to a violation. The model is ours,
//! because the processes are the flows of `evaluation::run` themselves: `step` turns a flow into an automaton by
//! replaying it.
//!
//! "Eventually" is checked in the states where nothing can happen any more. That is enough, because every way leads
//! to one: faults are bounded, the clock only moves forward, and the sweeper stops after two rounds that changed
//! nothing. (The checker's own `eventually` misses what it meets on a second way to the same state.)

pub mod model;
pub mod process;
pub mod projection;
pub mod scenario;
pub mod scenarios;
pub mod state;
pub mod step;
pub mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use evaluation::decide::update::GuardName;
use stateright::{Checker, HasDiscoveries, Model};

use model::{Action, Bounded};
use scenario::Scenario;

fn digest_of(of: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// What the exploration of a scenario came to.
#[derive(Debug)]
pub struct Explored {
    /// The scenario.
    pub name: &'static str,
    /// Different states.
    pub states: usize,
    /// Ways from state to state that were followed.
    pub transitions: usize,
    /// The most steps to a state.
    pub depth: usize,
    /// What must occur, and whether it did.
    pub occurred: BTreeMap<&'static str, bool>,
    /// What must never be and was, and the way there.
    pub violations: Vec<(&'static str, Vec<Action>)>,
    /// How long it took.
    pub seconds: f64,
}

impl Explored {
    /// Whether nothing was violated, and all that must occur did.
    pub fn is_fine(&self) -> bool {
        self.violations.is_empty() && self.occurred.values().all(|occurred| *occurred)
    }
}

/// Explores a scenario, with one guard switched off if so named; then the first violation ends it.
pub fn explore(scenario: Scenario, without: Option<GuardName>) -> Explored {
    let begun = Instant::now();
    let name = scenario.name;
    let model = Bounded { scenario, without };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let finish = if without.is_some() {
        HasDiscoveries::AnyFailures
    } else {
        HasDiscoveries::AllFailures
    };
    let checker = model
        .checker()
        .threads(threads)
        .finish_when(finish)
        .spawn_dfs()
        .join();
    let discoveries = checker.discoveries();
    let properties = checker.model().properties();
    let (sometimes, always): (Vec<_>, Vec<_>) = properties
        .iter()
        .partition(|property| property.expectation == stateright::Expectation::Sometimes);
    Explored {
        name,
        states: checker.unique_state_count(),
        transitions: checker.state_count(),
        depth: checker.max_depth(),
        occurred: sometimes
            .iter()
            .map(|property| (property.name, discoveries.contains_key(property.name)))
            .collect(),
        violations: always
            .iter()
            .filter_map(|property| {
                Some((
                    property.name,
                    discoveries.get(property.name)?.clone().into_actions(),
                ))
            })
            .collect(),
        seconds: begun.elapsed().as_secs_f64(),
    }
}
