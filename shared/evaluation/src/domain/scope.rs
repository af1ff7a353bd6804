//! Which steps a photo is asked about.
//!
//! # Invariants
//! - `Critical` and `Others` share no step, and together they are `All`: what both say of a photo is what `All` says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::{Catalogue, Step};
use super::ids::StepKey;

/// Which steps a photo is asked about.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of the catalogue.
    #[default]
    All,
    /// The critical ones: quick mode's question.
    Critical,
    /// Those that are not critical: what full mode still wants to know of a photo that quick mode asked about.
    Others,
}

impl Scope {
    /// Its name in keys and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Critical => "critical",
            Self::Others => "others",
        }
    }

    /// Its steps, in catalogue order.
    pub fn steps(self, catalogue: &Catalogue) -> Vec<StepKey> {
        catalogue
            .steps
            .iter()
            .filter(|step| self.covers(step))
            .map(|step| step.key.clone())
            .collect()
    }

    /// The questions whose answers, together, answer this one; the best choice first.
    pub fn answered_by(self) -> &'static [&'static [Self]] {
        match self {
            Self::All => &[&[Self::All], &[Self::Critical, Self::Others]],
            Self::Critical => &[&[Self::Critical], &[Self::All]],
            Self::Others => &[&[Self::Others], &[Self::All]],
        }
    }

    /// Whether it is the usual one.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    fn covers(self, step: &Step) -> bool {
        match self {
            Self::All => true,
            Self::Critical => step.critical,
            Self::Others => !step.critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn whatever_answers_a_question_covers_its_steps() {
        let catalogue = Catalogue::shipped("v1").unwrap();
        let steps = |scope: Scope| scope.steps(catalogue).into_iter().collect::<BTreeSet<_>>();
        for wanted in [Scope::All, Scope::Critical, Scope::Others] {
            for answers in wanted.answered_by() {
                let known: BTreeSet<_> = answers.iter().flat_map(|scope| steps(*scope)).collect();
                assert!(steps(wanted).is_subset(&known), "{wanted:?} by {answers:?}");
            }
        }
        assert!(steps(Scope::Critical).is_disjoint(&steps(Scope::Others)));
    }
}
