//! Chains of calls: AWS counts how often a function occurs in one, and ends it after sixteen times unless the function
//! allows recursion. A message carries its chain on (on AWS in the system attribute `AWSTraceHeader`).

use std::collections::BTreeSet;

/// So often a function may occur in a chain. AWS says "about 16".
const MOST: u16 = 16;

/// The functions that occur in chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Starts and joins.
    Splitter,
    /// Evaluates photos.
    Batch,
    /// Records and puts off.
    Aggregator,
    /// Repairs. Each round begins a chain.
    Sweeper,
    /// Tells. The stream begins a chain.
    Notifier,
}

/// How often each function occurs in a chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chain([u16; 5]);

impl Chain {
    /// The chain with one more call of this function.
    pub fn with(mut self, function: Function) -> Self {
        if let Some(calls) = self.0.get_mut(function as usize) {
            *calls = calls.saturating_add(1);
        }
        self
    }

    /// Whether AWS ends the chain at this function.
    pub fn is_cut(self, function: Function, allowed: &BTreeSet<Function>) -> bool {
        let calls = self.0.get(function as usize).copied().unwrap_or_default();
        calls > MOST && !allowed.contains(&function)
    }
}
