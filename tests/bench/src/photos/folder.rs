//! Which photos: a folder's, the shared ones where they exist, or some that the project draws itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use samples::drs::{Dr, samples};
use samples::photo;

/// The sample DR that stands in where there are no real photos: 7 photos of 12 megapixels.
const DRAWN: &str = "DR1733758";

/// A photo's file.
#[derive(Debug, Clone)]
pub(crate) struct Photo {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its name without its folder.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where made photos are kept: beside this program, that is where cargo builds.
pub(crate) fn made(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("Failed to find this program's file")?;
    let folder = program
        .parent()
        .context("this program lies in no folder")?
        .join("bench-photos")
        .join(name);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("Failed to make {}", folder.display()))?;
    Ok(folder)
}

/// The photos to measure, by name, and where they come from. All files of a folder are: what is no photo has a row that
/// says so.
pub(crate) fn photos(given: Option<&Path>) -> anyhow::Result<(String, Vec<Photo>)> {
    let shared = repository().join("../shared/photos");
    let (origin, photos) = match given {
        Some(folder) => (folder.display().to_string(), listed(folder)?),
        None if shared.join("real").is_dir() => (
            "../shared/photos".into(),
            [
                listed(&shared.join("real"))?,
                listed(&shared.join("special"))?,
            ]
            .concat(),
        ),
        None => ("drawn by the project itself".into(), drawn()?),
    };
    ensure!(!photos.is_empty(), "There are no files in {origin}");
    Ok((origin, photos))
}

/// The shared photos that are odd and whose colours can be compared all the same; none where a folder was given.
pub(crate) fn odd(given: Option<&Path>) -> anyhow::Result<Vec<Photo>> {
    let odd = repository().join("../shared/photos/odd");
    if given.is_some() || !odd.is_dir() {
        return Ok(vec![]);
    }
    listed(&odd)
}

fn listed(folder: &Path) -> anyhow::Result<Vec<Photo>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("Failed to list {}", folder.display()))?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    let mut photos: Vec<Photo> = paths
        .into_iter()
        .filter(|path| is_file(path))
        .map(|path| file(path.clone()).unwrap_or_else(|_| unreadable(path)))
        .collect();
    photos.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(photos)
}

/// A link to nowhere counts: its row says that there is nothing. A pipe does not: reading it might never end.
fn is_file(path: &Path) -> bool {
    path.is_file() || path.is_symlink() && !path.exists()
}

/// A photo's file, with its size.
pub(crate) fn file(path: PathBuf) -> anyhow::Result<Photo> {
    let path = path
        .canonicalize()
        .with_context(|| format!("Failed to find {}", path.display()))?;
    let bytes = std::fs::metadata(&path)?.len();
    let name = name(&path);
    Ok(Photo { path, name, bytes })
}

/// A file that can't be looked at is listed too: who reads it says why that fails.
fn unreadable(path: PathBuf) -> Photo {
    let name = name(&path);
    let bytes = 0;
    Photo { path, name, bytes }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn drawn() -> anyhow::Result<Vec<Photo>> {
    let folder = made("drawn")?;
    let dr = samples()?
        .into_iter()
        .find(|dr| dr.dr_number == DRAWN)
        .context("the sample DR is gone")?;
    eprintln!(
        "There is no ../shared/photos: drawing {} photos of 12 megapixels (once) …",
        dr.photos.len()
    );
    for (index, named) in dr.photos.iter().enumerate() {
        let (path, truth) = (
            folder.join(&named.name),
            dr.truth(index).context("a photo without truth")?,
        );
        if !path.exists() {
            std::fs::write(path, photo::jpeg(&truth, &Dr::view(index, 12.0, 1))?)?;
        }
    }
    listed(&folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_a_folder_are_listed_and_one_without_any_is_an_error() {
        let folder = made("listed").unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir_all(folder.join("folder.jpg")).unwrap();
        let error = photos(Some(&folder)).unwrap_err().to_string();
        assert!(error.contains("no files"), "{error}");
        for name in ["a.jpg", "b.dng", "c", ".d"] {
            std::fs::write(folder.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("nowhere", folder.join("e.jpg")).unwrap();
        let listed = photos(Some(&folder)).unwrap().1;
        let names: Vec<&str> = listed.iter().map(|photo| photo.name.as_str()).collect();
        assert_eq!(names, [".d", "a.jpg", "b.dng", "c", "e.jpg"]);
        assert!(photos(Some(Path::new("/nowhere"))).is_err());
    }
}
