//! One hash for identities: SHA-256 over length-prefixed parts, so that no two lists of parts run together.

use sha2::{Digest, Sha256};

/// The SHA-256 of `parts`, each preceded by its length, in lower-case hex.
pub(crate) fn hex_of(parts: &[&str]) -> String {
    digest_of(parts)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The first eight bytes of the same hash as a number, for spreading things evenly and repeatably.
pub(crate) fn number_of(parts: &[&str]) -> u64 {
    digest_of(parts)
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn digest_of(parts: &[&str]) -> impl std::ops::Deref<Target = [u8]> {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_vec()
}
