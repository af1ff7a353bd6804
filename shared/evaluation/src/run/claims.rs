//! Claiming a DR, and giving it back.

use super::error::RunError;
use super::ports::Ports;
use crate::decide::claim::{Claim, Kept, given_back};
use crate::decide::update::Key;
use crate::domain::ids::DrNumber;

/// Others claim the same DR at the same moment: rarely, and never so often.
const TRIES: usize = 4;

/// Whose a DR is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimResult {
    /// The caller's.
    Mine(Claim),
    /// Another's.
    Anothers(Claim),
}

/// Claims a DR, or renews the claim.
pub async fn claim(ports: &impl Ports, dr: &DrNumber, by: &str) -> Result<ClaimResult, RunError> {
    for _ in 0..TRIES {
        let now = ports.now();
        let before = held(ports, dr).await?;
        if let Some(anothers) = before.as_ref().filter(|claim| claim.by != by) {
            return Ok(ClaimResult::Anothers(anothers.clone()));
        }
        let claim = Claim::new(dr, by, before.as_ref(), now);
        if ports.update(claim.made(now)).await?.is_applied() {
            return Ok(ClaimResult::Mine(claim));
        }
    }
    Err(RunError::contended("a DR was claimed again and again"))
}

/// Gives a DR back; another's claim stays, and is what comes back.
pub async fn give_back(
    ports: &impl Ports,
    dr: &DrNumber,
    by: &str,
) -> Result<Option<Claim>, RunError> {
    match held(ports, dr).await? {
        None => Ok(None),
        Some(claim) if claim.by != by => Ok(Some(claim)),
        // Whoever claimed it since did so because this claim was over.
        Some(_) => ports.update(given_back(dr, by)).await.map(|_| None),
    }
}

/// The claim that holds, if there is one.
pub async fn held(ports: &impl Ports, dr: &DrNumber) -> Result<Option<Claim>, RunError> {
    let kept: Option<Kept> = ports.get(Key::Claim(dr.clone())).await?;
    Ok(kept.and_then(|kept| kept.holds(ports.now())))
}
