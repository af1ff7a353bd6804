//! Claims: who is looking at a DR, so that two reviewers don't work on one.
//!
//! # Invariants
//! - A DR is claimed by one person at a time; a claim that is over counts as none, whenever it is deleted.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::update::Condition::{Absent, AtMost, Is};
use super::update::UpdateAction::{Remove, Set};
use super::update::{Guard, GuardName, Key, Update};
use crate::domain::ids::DrNumber;
use crate::domain::time::Timestamp;

/// How long a claim holds: a DR is looked through in some minutes, and who goes on renews it.
pub const CLAIMED_FOR: Duration = Duration::from_secs(10 * 60);
/// Claims at once: more reviewers than any operator has, and a list still shows all of them in one reading.
pub const MOST_CLAIMS: usize = 200;
/// The part of the index in which claims are listed by when they end.
pub const LISTED: &str = "CLAIMED";

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The DR.
    pub dr_number: DrNumber,
    /// Who claims it, as the gateway found out.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when, unless it is renewed.
    pub until: Timestamp,
}

/// What is kept of a DR's claim: nothing of it once it was given back.
#[derive(Debug, Default, Deserialize)]
pub struct Kept {
    #[serde(default)]
    dr_number: Option<DrNumber>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    since: Option<Timestamp>,
    #[serde(default)]
    until: Option<Timestamp>,
}

impl Kept {
    /// The claim, if it holds.
    pub fn holds(self, now: Timestamp) -> Option<Claim> {
        let claim = Claim {
            dr_number: self.dr_number?,
            by: self.by?,
            since: self.since?,
            until: self.until?,
        };
        (claim.until > now).then_some(claim)
    }
}

impl Claim {
    /// A claim from now on; one of the same person that holds is renewed.
    pub fn new(dr: &DrNumber, by: &str, before: Option<&Self>, now: Timestamp) -> Self {
        let mine = before.filter(|claim| claim.by == by);
        Self {
            dr_number: dr.clone(),
            by: by.to_owned(),
            since: mine.map_or(now, |claim| claim.since),
            until: now.after(CLAIMED_FOR),
        }
    }

    /// Puts it in place, unless another's holds now.
    pub fn made(&self, now: Timestamp) -> Update {
        let any_of = vec![
            Absent("until"),
            AtMost("until", now.as_millis()),
            Is("by", json!(self.by)),
        ];
        let actions = vec![
            Set("dr_number", json!(self.dr_number)),
            Set("by", json!(self.by)),
            Set("since", json!(self.since)),
            Set("until", json!(self.until)),
            Set("gsi_list", json!(LISTED)),
            Set(
                "gsi_at",
                json!(format!("{}#{}", self.until, self.dr_number)),
            ),
            Set("ttl", json!(self.until.as_seconds())),
        ];
        Update {
            key: Key::Claim(self.dr_number.clone()),
            guards: vec![Guard {
                name: GuardName::ClaimFree,
                any_of,
            }],
            actions,
        }
    }
}

/// The DR is given back by who claimed it.
pub fn given_back(dr: &DrNumber, by: &str) -> Update {
    let past = ["by", "since", "until", "gsi_list", "gsi_at"];
    Update {
        key: Key::Claim(dr.clone()),
        guards: vec![Guard::one(GuardName::ClaimFree, Is("by", json!(by)))],
        actions: past.map(Remove).into(),
    }
}
