//! The means of each channel beside Pillow's (libheif's for HEIC): a wrong tone curve, range, matrix or profile moves them.
//!
//! # Invariants
//! - Ours are those of the JPEG that is sent, decoded again; Pillow's are of the whole picture.
//! - What only one side reads is a row with its reason, and no difference.

use std::path::Path;

use anyhow::Context;
use photos::size_policy::SizePolicy;
use photos::{ColourProfile, prepare};
use serde::{Deserialize, Serialize};

use super::attempt::attempt;
use super::folder::Photo;
use super::peer::Peer;
use crate::child::Asked;
use crate::report::table::Table;

/// Levels of 255 that a channel's mean may be away.
const MOST: f64 = 2.0;

/// Characters of a reason that are shown; `--json` has all of them.
const REASON: usize = 24;

/// Red, green and blue, in levels of 255.
type Means = [f64; 3];

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    /// The largest difference of a channel, in levels; none if nothing was read by both.
    pub(crate) largest: Option<f64>,
    /// Levels that it may be.
    pub(crate) limit: f64,
    /// Each photo.
    pub(crate) rows: Vec<Row>,
}

/// A photo.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) photo: String,
    /// Ours, or why there are none.
    pub(crate) ours: Result<Means, String>,
    /// Whether a profile is there and was not applied.
    pub(crate) profile_not_applied: bool,
    /// Pillow's, or why there are none.
    pub(crate) pillow: Result<Means, String>,
    /// The name of the photo's profile.
    pub(crate) profile: String,
}

impl Row {
    /// The difference of the channel that differs most.
    fn difference(&self) -> Option<f64> {
        let (ours, pillow) = (self.ours.as_ref().ok()?, self.pillow.as_ref().ok()?);
        let each = ours.iter().zip(pillow).map(|(one, other)| one - other);
        each.max_by(|one, other| one.abs().total_cmp(&other.abs()))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Read { means: Means, profile: String },
    Refused { error: String },
}

/// Who tells the means of a photo, and its profile.
pub(crate) trait Judge {
    /// The means, and the name of the profile.
    fn means(&mut self, photo: &Path) -> anyhow::Result<(Means, String)>;
}

/// Pillow, as a process of its own.
pub(crate) struct Pillow(Asked);

impl Pillow {
    /// Installs it unless it stands already, and starts it.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Asked::start("Pillow", Peer::named("pillow")?.command()).map(Self)
    }
}

impl Judge for Pillow {
    fn means(&mut self, photo: &Path) -> anyhow::Result<(Means, String)> {
        match self.0.ask(&photo)? {
            Answer::Read { means, profile } => Ok((means, profile)),
            Answer::Refused { error } => anyhow::bail!(error),
        }
    }
}

/// Compares each photo.
pub(crate) fn measure(photos: &[Photo], policy: &SizePolicy, judge: &mut impl Judge) -> Compared {
    let mut rows = Vec::new();
    for photo in photos {
        eprintln!("    {} …", photo.name);
        let ours = attempt(|| ours(&photo.path, policy));
        let pillow = attempt(|| judge.means(&photo.path));
        rows.push(Row {
            photo: photo.name.clone(),
            profile_not_applied: matches!(ours, Ok((_, Some(ColourProfile::NotApplied)))),
            ours: ours.map(|(means, _)| means),
            profile: pillow
                .as_ref()
                .map_or_else(|_| String::new(), |(_, name)| name.clone()),
            pillow: pillow.map(|(means, _)| means),
        });
    }
    let each = rows.iter().filter_map(Row::difference).map(f64::abs);
    Compared {
        largest: each.max_by(f64::total_cmp),
        limit: MOST,
        rows,
    }
}

fn ours(path: &Path, policy: &SizePolicy) -> anyhow::Result<(Means, Option<ColourProfile>)> {
    let prepared = prepare(&std::fs::read(path)?, policy, policy.long_edge)?;
    let sent = image::load_from_memory(&prepared.jpeg)
        .context("what is sent can't be read")?
        .into_rgb8();
    let mut sums = [0u64; 3];
    for pixel in sent.pixels() {
        let channels = sums.iter_mut().zip(pixel.0);
        channels.for_each(|(sum, level)| *sum += u64::from(level));
    }
    let pixels = f64::from(sent.width()) * f64::from(sent.height());
    Ok((sums.map(|sum| sum as f64 / pixels), prepared.colour_profile))
}

/// The report for a person.
pub(crate) fn report(found: &Compared) -> String {
    let mut table = Table::new([
        "means of red, green, blue",
        "ours",
        "Pillow's",
        "most",
        "profile",
    ]);
    for row in &found.rows {
        let difference = row.difference();
        let marked = difference.map(|most| {
            let missed = if most.abs() > MOST { " ✗" } else { "" };
            format!("{most:+.1}{missed}")
        });
        let not_applied = if row.profile_not_applied {
            " (not applied)"
        } else {
            ""
        };
        table.row([
            row.photo.chars().take(40).collect(),
            shown(&row.ours),
            shown(&row.pillow),
            marked.unwrap_or_else(|| "–".into()),
            format!("{}{not_applied}", row.profile),
        ]);
    }
    let largest = found.largest.map_or_else(
        || "No photo was read by both.".into(),
        |largest| {
            let kept = if largest <= MOST { "✓" } else { "✗ MISSED" };
            format!(
                "Largest difference of a channel: {largest:.1} levels; promised ≤ {MOST} {kept}"
            )
        },
    );
    format!("{}\n\n{largest}", table.render())
}

fn shown(means: &Result<Means, String>) -> String {
    match means {
        Ok(means) => means.map(|mean| format!("{mean:.1}")).join(" "),
        Err(reason) => {
            let first = reason.lines().next().unwrap_or_default();
            format!(
                "refused: {}",
                first.chars().take(REASON).collect::<String>()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};
    use photos::size_policy::CURRENT_VERSION;

    use super::*;
    use crate::photos::folder::{self, made};

    /// A judge who sees each photo as red as it is said to be.
    struct Sees(f64);

    impl Judge for Sees {
        fn means(&mut self, photo: &Path) -> anyhow::Result<(Means, String)> {
            anyhow::ensure!(
                photo.extension().is_some_and(|suffix| suffix == "png"),
                "no photo"
            );
            Ok(([self.0, 60.0, 40.0], "none".into()))
        }
    }

    #[test]
    fn a_channel_that_is_too_far_away_is_marked_and_what_is_not_read_says_why() {
        let folder = made("means").unwrap();
        RgbImage::from_pixel(64, 48, image::Rgb([120, 60, 40]))
            .save_with_format(folder.join("red.png"), ImageFormat::Png)
            .unwrap();
        std::fs::write(folder.join("text.jpg"), "text").unwrap();
        let photos = folder::photos(Some(&folder)).unwrap().1;
        let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
        let near = measure(&photos, policy, &mut Sees(120.5));
        assert!(near.largest.unwrap() < MOST && report(&near).contains('✓'));
        let far = report(&measure(&photos, policy, &mut Sees(110.0)));
        assert!(
            far.contains("✗ MISSED") && far.contains("refused: no photo"),
            "{far}"
        );
    }
}
