//! Labelled DRs: photos, and what a reviewer says that they show.
//!
//! A folder of them holds a folder per DR, with its photos and a `labels.json`:
//! `{"dr_number": "DR1", "photos": {"a.jpg": {"steps": {"power_meter": {"score": 9, "reading": "-18.4 dBm"}}}}}`.
//! What `infra/local labels` writes says what people decided (`"decided": {"verdict": "pass", "steps": ["power_meter"]}`):
//! then only that counts as known. A score is 0 to 10; a photo that shows no step has no steps; `reading` may be left out. What `sample-photos` writes
//! (`DR1/` and beside it `DR1.truth.json`) is read as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use evaluation::domain::ids::{DrNumber, Score};
use evaluation::domain::judge::Verdict;
use samples::truth::Shown;
use serde::Deserialize;

/// A DR whose truth is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelledDr {
    /// Its number.
    pub(crate) dr_number: DrNumber,
    /// Its photos.
    pub(crate) photos: Vec<LabelledPhoto>,
    /// What is known of it, if that is not all.
    pub(crate) decided: Option<Decided>,
}

/// What people decided of a DR of which they did not decide all.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decided {
    /// The verdict, if they decided the whole.
    pub(crate) verdict: Option<Verdict>,
    /// The steps.
    pub(crate) steps: BTreeSet<String>,
}

/// A photo whose truth is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelledPhoto {
    /// The file's name, which production takes its hint from.
    pub(crate) name: String,
    /// What a reviewer says that it shows of this DR.
    pub(crate) shows: Vec<Shown>,
    /// What it looks like: the same, unless it was taken at another house.
    pub(crate) looks_like: Vec<Shown>,
    /// Whether it stands upright.
    pub(crate) portrait: bool,
    /// The file, if there is one.
    pub(crate) path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct LabelFile {
    dr_number: DrNumber,
    photos: BTreeMap<String, PhotoLabel>,
    #[serde(default)]
    decided: Option<Decided>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhotoLabel {
    steps: BTreeMap<String, StepLabel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepLabel {
    score: Score,
    #[serde(default)]
    reading: Option<String>,
}

/// Reads a folder of labelled DRs, or the folder of one.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<LabelledDr>> {
    if folder.join("labels.json").is_file() {
        return Ok(vec![read_dr(folder, &folder.join("labels.json"))?]);
    }
    let entries = fs::read_dir(folder)
        .with_context(|| format!("Failed to read the folder {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let labelled = paths
        .iter()
        .filter(|path| path.is_dir() && !is_hidden(path))
        .filter_map(|path| Some((path, labels_of(path)?)));
    let drs = labelled
        .map(|(path, labels)| read_dr(path, &labels))
        .collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(
        !drs.is_empty(),
        "There are no labelled DRs in {}. It looks for folders that hold a labels.json beside the photos.",
        folder.display()
    );
    Ok(drs)
}

/// Whether it is none of the DRs: one that is being written, for instance.
fn is_hidden(folder: &Path) -> bool {
    let name = folder.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with('.'))
}

/// A DR folder's labels: within, or as `sample-photos` lays them, beside it.
fn labels_of(folder: &Path) -> Option<PathBuf> {
    let beside = folder.with_extension("truth.json");
    [folder.join("labels.json"), beside]
        .into_iter()
        .find(|path| path.is_file())
}

fn read_dr(folder: &Path, labels: &Path) -> anyhow::Result<LabelledDr> {
    let json = fs::read(labels).with_context(|| format!("Failed to read {}", labels.display()))?;
    let file: LabelFile = serde_json::from_slice(&json)
        .with_context(|| format!("{} is not a file of labels", labels.display()))?;
    unlabelled(folder, &file)?;
    let photos = file
        .photos
        .into_iter()
        .map(|(name, label)| photo(folder, name, label))
        .collect::<Result<_, _>>()?;
    Ok(LabelledDr {
        dr_number: file.dr_number,
        photos,
        decided: file.decided,
    })
}

fn photo(folder: &Path, name: String, label: PhotoLabel) -> anyhow::Result<LabelledPhoto> {
    let path = folder.join(&name);
    ensure!(
        path.is_file(),
        "{} has a label, but there is no such photo.",
        path.display()
    );
    let shown = |(step, label): (String, StepLabel)| Shown {
        step,
        score: label.score.value(),
        reading: label.reading,
        code: None,
        fail: None,
    };
    let shows: Vec<Shown> = label.steps.into_iter().map(shown).collect();
    Ok(LabelledPhoto {
        name,
        looks_like: shows.clone(),
        shows,
        portrait: false,
        path: Some(path),
    })
}

/// A photo that nobody has looked at would count as one that shows nothing.
fn unlabelled(folder: &Path, file: &LabelFile) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)
        .with_context(|| format!("Failed to read the folder {}", folder.display()))?
    {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "labels.json" && !name.starts_with('.') && !file.photos.contains_key(&name) {
            bail!(
                "{}/{name} has no label. Write what it shows, or \"{name}\": {{\"steps\": {{}}}} if it shows no step.",
                folder.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, labels: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("labelled-{}-{name}", std::process::id()));
        let folder = root.join("DR1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.jpg"), b"x").unwrap();
        fs::write(folder.join("labels.json"), labels).unwrap();
        root
    }

    #[test]
    fn a_folder_of_labelled_photos_is_read() {
        let labels = r#"{"dr_number": "DR1", "photos": {"a.jpg": {"steps": {"power_meter": {"score": 9}}}}}"#;
        let root = folder("good", labels);
        let drs = read(&root).unwrap();
        assert_eq!(
            drs,
            read(&root.join("DR1")).unwrap(),
            "the folder of one DR"
        );
        assert_eq!(
            (
                drs[0].photos[0].shows[0].step.as_str(),
                drs[0].photos[0].shows[0].score
            ),
            ("power_meter", 9)
        );
        fs::create_dir(root.join(".DR2.part")).unwrap();
        fs::copy(
            root.join("DR1/labels.json"),
            root.join(".DR2.part/labels.json"),
        )
        .unwrap();
        assert_eq!(read(&root).unwrap(), drs, "one that is being written");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_people_decided_is_all_that_counts_as_known() {
        let labels = r#"{"dr_number": "DR1", "evaluation_id": "x", "decided": {"verdict": "fail", "steps": ["power_meter"]},
            "photos": {"a.jpg": {"steps": {"power_meter": {"score": 3}}}}}"#;
        let root = folder("decided", labels);
        let decided = read(&root).unwrap().remove(0).decided.unwrap();
        assert_eq!(decided.verdict, Some(Verdict::Fail));
        assert!(decided.steps.contains("power_meter"));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn labels_that_don_t_fit_the_photos_are_refused_with_what_to_do() {
        for (name, labels, says) in [
            (
                "missing",
                r#"{"dr_number": "DR1", "photos": {}}"#,
                "has no label. Write",
            ),
            (
                "stray",
                r#"{"dr_number": "DR1", "photos": {"a.jpg": {"steps": {}}, "b.jpg": {"steps": {}}}}"#,
                "no such photo",
            ),
            (
                "score",
                r#"{"dr_number": "DR1", "photos": {"a.jpg": {"steps": {"x": {"score": 11}}}}}"#,
                "not a file of labels",
            ),
        ] {
            let root = folder(name, labels);
            let error = format!("{:#}", read(&root).unwrap_err());
            assert!(error.contains(says), "{error}");
            fs::remove_dir_all(root).unwrap();
        }
        assert!(read(Path::new("/no/such/folder")).is_err());
    }
}
