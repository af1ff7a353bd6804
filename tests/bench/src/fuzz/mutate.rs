//! Damage: what transmission, storage and malice do to files.

use fastrand::Rng;

/// Bytes that decoders are apt to stumble over.
const TELLING: [u8; 8] = [0x00, 0x01, 0x7F, 0x80, 0xFF, 0xFE, 0xD8, 0xDA];
/// Numbers of two bytes of that kind.
const TELLING_PAIRS: [u16; 6] = [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0xFFD9];
/// A file grows to this at most, in bytes.
const MOST_BYTES: usize = 2_000_000;
/// How much of a file counts as its head, where structure is.
const HEAD: usize = 700;

/// How often a file is damaged; once most of the time, for most of what is damaged more is no photo any longer.
const TIMES: [u32; 6] = [1, 1, 1, 2, 4, 8];

/// A file of the corpus, damaged. Half of the time one of the first `seeds`: those that were kept are harmed already.
pub(super) fn damaged(corpus: &[Vec<u8>], seeds: usize, random: &mut Rng) -> Vec<u8> {
    let pick = |random: &mut Rng| {
        let most = if random.bool() { seeds } else { corpus.len() };
        corpus
            .get(random.usize(..most.max(1)))
            .cloned()
            .unwrap_or_default()
    };
    let mut bytes = pick(random);
    for _ in 0..random.choice(TIMES).unwrap_or(1) {
        damage(&mut bytes, &pick, random);
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn damage(bytes: &mut Vec<u8>, pick: &dyn Fn(&mut Rng) -> Vec<u8>, random: &mut Rng) {
    let at = place(bytes, random);
    match random.u32(..12) {
        0..=2 => set(
            bytes,
            at,
            |byte, random| byte ^ (1 << random.u32(..8)),
            random,
        ),
        3 => set(bytes, at, |_, random| random.u8(..), random),
        4 | 5 => set(
            bytes,
            at,
            |_, random| random.choice(TELLING).unwrap_or(0),
            random,
        ),
        6 => {
            let value = random.choice(TELLING_PAIRS).unwrap_or(0);
            let value = if random.bool() {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            };
            bytes
                .iter_mut()
                .skip(at)
                .zip(value)
                .for_each(|(to, from)| *to = from);
        }
        7 => drop(bytes.drain(at..(at + length(random)).min(bytes.len()))),
        8 => {
            let again: Vec<u8> = bytes
                .iter()
                .skip(at)
                .take(length(random))
                .copied()
                .collect();
            drop(bytes.splice(at..at, again));
        }
        9 => bytes.truncate(at),
        10 => {
            let other = pick(random);
            let from = place(&other, random);
            let part: Vec<u8> = other.into_iter().skip(from).take(length(random)).collect();
            drop(bytes.splice(at..(at + part.len()).min(bytes.len()), part));
        }
        _ => {
            // The head of one file and the rest of another.
            let other = pick(random);
            let from = place(&other, random);
            bytes.truncate(at);
            bytes.extend(other.into_iter().skip(from));
        }
    }
}

fn set(bytes: &mut [u8], at: usize, to: impl Fn(u8, &mut Rng) -> u8, random: &mut Rng) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = to(*byte, random);
    }
}

/// Anywhere, but more often in the head or just behind a marker, where structure is.
fn place(bytes: &[u8], random: &mut Rng) -> usize {
    let within = |most: usize, random: &mut Rng| if most == 0 { 0 } else { random.usize(..most) };
    match random.u32(..3) {
        0 => within(bytes.len(), random),
        1 => within(bytes.len().min(HEAD), random),
        _ => {
            let from = within(bytes.len(), random);
            let marker = bytes
                .iter()
                .skip(from)
                .take(4096)
                .position(|byte| *byte == 0xFF)
                .unwrap_or(0);
            (from + marker + random.usize(..8)).min(bytes.len())
        }
    }
}

/// Short most of the time.
fn length(random: &mut Rng) -> usize {
    let most = 1 << random.u32(1..11);
    1 + random.usize(..most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_changes_files_and_never_fails() {
        let corpus = vec![vec![], vec![0xFF], (0..=255).collect::<Vec<u8>>()];
        let mut random = Rng::with_seed(1);
        let changed = (0..2000)
            .filter(|_| !corpus.contains(&damaged(&corpus, 3, &mut random)))
            .count();
        assert!(changed > 500, "{changed}");
        assert!(damaged(&[], 0, &mut random).len() <= MOST_BYTES);
    }
}
