//! Planning an evaluation: which photos are asked about which steps, in which batches, under which fingerprint.
//!
//! # Invariants
//! - Every photo of the DR whose name is taken is either selected or held back, never both and never neither; of files
//!   that are the same, one is, and the others are its copies.
//! - The plan depends on the set of photos, not on the order in which they were listed.
//! - Quick mode never selects nothing: where the names don't help, it looks at everything and says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bounds::{name_bytes, shortened_name};
use super::catalogue::Catalogue;
use super::ids::{PhotoId, StepKey};
use super::key::{KeyPart, KeyParts, version_parts};
use super::photo_key::{Place, folder, place_of, printable, refused};
use super::photo_name::hint;
use super::scope::Scope;
use super::time::Timestamp;
use super::versions::Versions;

/// Where names promise no photo of a critical step, quick mode will look at other photos: if those that its first round
/// leaves are so few or fewer, they are asked about at once, since a round takes longer than two photos more.
const SMALL_REST: usize = 2;

/// A photo as the bucket lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// Its identity: name and content.
    pub photo_id: PhotoId,
    /// The S3 key.
    pub key: String,
    /// The key below `photos/{dr_number}/`.
    pub name: String,
    /// The content's ETag, as S3 gives it (quoted).
    pub etag: String,
    /// The step that the name hints at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_hint: Option<StepKey>,
    /// Which steps it is asked about.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
    /// When it was uploaded, as the bucket says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_at: Option<Timestamp>,
    /// How many bytes it has, where it was just listed: photos of the same size may be the same one.
    #[serde(skip)]
    pub size: Option<u64>,
}

impl Photo {
    /// The photo `name` with the content `etag`, stored at `key`.
    pub fn new(key: &str, name: &str, etag: &str, catalogue: &Catalogue) -> Self {
        Self {
            photo_id: PhotoId::of(name, etag),
            key: key.into(),
            name: name.into(),
            etag: etag.into(),
            step_hint: hint(name, catalogue),
            scope: Scope::All,
            uploaded_at: None,
            size: None,
        }
    }

    /// The same photo, known by what its bytes are: by this hash, if there is one, else by its ETag.
    pub fn known_by(&self, content: Option<&str>) -> Self {
        let etag = content.unwrap_or(&self.etag).to_owned();
        Self {
            etag,
            ..self.clone()
        }
    }

    /// The folder that it lies in: its DR's, however that is written.
    fn place(&self) -> String {
        match place_of(&self.key) {
            Place::Photo(dr, _) => folder(&dr),
            Place::Hidden | Place::Elsewhere => {
                let name = self.name.as_str();
                self.key.strip_suffix(name).unwrap_or(&self.key).to_owned()
            }
        }
    }
}

/// How much of a DR is evaluated.
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
pub enum Mode {
    /// All steps, all photos.
    #[default]
    Full,
    /// The critical steps, on as many photos as it takes to know.
    Quick,
}

impl Mode {
    /// The mode's name in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
        }
    }
}

/// A photo that is the same file as another one of its DR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The photo.
    pub photo: Photo,
    /// The name of the one that is asked about instead.
    pub of: String,
}

/// A photo whose name is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// The photo, under a name and key that can be shown.
    pub photo: Photo,
    /// What is wrong with its name.
    pub why: WrongName,
}

/// What is wrong with a photo's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongName {
    /// It has so many bytes.
    TooLong(usize),
    /// What it has or does that names must not.
    Refused(&'static str),
}

impl WrongName {
    /// What is wrong with this name, and how it is shown then.
    fn of(name: &str) -> Option<(Self, String)> {
        if let Some(shown) = shortened_name(name) {
            return Some((Self::TooLong(name_bytes(name)), shown));
        }
        let why = Self::Refused(refused(name)?);
        let shown = printable(name);
        Some((why, shortened_name(&shown).unwrap_or(shown)))
    }
}

/// A planned evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps asked, in catalogue order.
    pub steps: Vec<StepKey>,
    /// The photos asked, by name.
    pub selected: Vec<Photo>,
    /// The photos that quick mode asks about only if the selected ones leave a critical step open, by name.
    pub held: Vec<Photo>,
    /// The photos that are the same file as one of those, by name.
    pub copies: Vec<Copied>,
    /// The photos that nobody is asked about because of their names, by name.
    pub misnamed: Vec<Misnamed>,
    /// Why quick mode looked at everything, if it did.
    pub mode_note: Option<String>,
    /// The identity of the question: the same question has the same fingerprint.
    pub fingerprint: String,
}

impl Plan {
    /// All photos of the DR.
    pub fn photos(&self) -> impl Iterator<Item = &Photo> {
        self.selected
            .iter()
            .chain(&self.held)
            .chain(self.copies.iter().map(|copy| &copy.photo))
            .chain(self.misnamed.iter().map(|misnamed| &misnamed.photo))
    }
}

/// Plans the evaluation of these photos.
///
/// ```
/// use evaluation::domain::catalogue::Catalogue;
/// use evaluation::domain::plan::{Mode, Photo, plan};
/// use evaluation::domain::versions::Versions;
///
/// let catalogue = Catalogue::shipped("v1").unwrap();
/// let versions = Versions::from_fn(|part| format!("{part:?}-1"));
/// let photo = |name: &str| Photo::new(&format!("photos/DR1/{name}"), name, name, catalogue);
/// let photos = vec![photo("DR1_ph_powm1_1.jpg"), photo("IMG-2.jpg")];
/// let plan = plan(photos, Mode::Full, catalogue, &versions);
/// assert_eq!((plan.selected.len(), plan.steps.len()), (2, 10));
/// ```
pub fn plan(
    mut photos: Vec<Photo>,
    mode: Mode,
    catalogue: &Catalogue,
    versions: &Versions,
) -> Plan {
    in_order(&mut photos);
    let fingerprint = fingerprint(&photos, mode, versions).hash();
    let (photos, misnamed) = named(photos);
    let (photos, copies) = apart(photos);
    let full = |photos, copies, misnamed, mode_note| Plan {
        steps: Scope::All.steps(catalogue),
        selected: photos,
        held: Vec::new(),
        copies,
        misnamed,
        mode_note,
        fingerprint: fingerprint.clone(),
    };
    if mode == Mode::Full {
        return full(photos, copies, misnamed, None);
    }
    if photos.iter().all(|photo| photo.step_hint.is_none()) {
        let note = "No photo's name says what it shows, so all steps are asked of all photos.";
        return full(photos, copies, misnamed, Some(note.into()));
    }
    let steps = Scope::Critical.steps(catalogue);
    let first: BTreeSet<PhotoId> = wave(&steps.iter().collect::<Vec<_>>(), photos.iter())
        .into_iter()
        .map(|photo| photo.photo_id.clone())
        .collect();
    if first.is_empty() {
        let note =
            "No photo's name promises a critical step, so all steps are asked of all photos.";
        return full(photos, copies, misnamed, Some(note.into()));
    }
    let promised = |step: &StepKey| {
        photos
            .iter()
            .any(|photo| photo.step_hint.as_ref() == Some(step))
    };
    let at_once = photos.len() - first.len() <= SMALL_REST && !steps.iter().all(promised);
    let photos = photos.into_iter().map(|photo| Photo {
        scope: Scope::Critical,
        ..photo
    });
    let (selected, held) = photos.partition(|photo| at_once || first.contains(&photo.photo_id));
    Plan {
        steps,
        selected,
        held,
        copies,
        misnamed,
        mode_note: None,
        fingerprint,
    }
}

/// The fingerprint of the question about these photos, in whatever order they were listed.
pub fn fingerprint_of(mut photos: Vec<Photo>, mode: Mode, versions: &Versions) -> String {
    in_order(&mut photos);
    fingerprint(&photos, mode, versions).hash()
}

/// By name, each once.
fn in_order(photos: &mut Vec<Photo>) {
    photos.sort_by(|a, b| (&a.name, &a.photo_id).cmp(&(&b.name, &b.photo_id)));
    photos.dedup_by(|a, b| a.photo_id == b.photo_id);
}

/// The photos whose names are taken, and those whose names are not.
fn named(photos: Vec<Photo>) -> (Vec<Photo>, Vec<Misnamed>) {
    let mut misnamed = Vec::new();
    let named = |photo: Photo| match WrongName::of(&photo.name) {
        None => Some(photo),
        Some((why, name)) => {
            misnamed.push(Misnamed {
                photo: Photo {
                    key: format!("{}{name}", photo.place()),
                    name,
                    ..photo
                },
                why,
            });
            None
        }
    };
    (photos.into_iter().filter_map(named).collect(), misnamed)
}

/// Of files that are the same one, the first by name whose name says what it shows, and the copies.
fn apart(photos: Vec<Photo>) -> (Vec<Photo>, Vec<Copied>) {
    let mut asked: BTreeMap<String, Photo> = BTreeMap::new();
    for photo in &photos {
        let first = asked
            .entry(photo.etag.clone())
            .or_insert_with(|| photo.clone());
        if first.step_hint.is_none() && photo.step_hint.is_some() {
            *first = photo.clone();
        }
    }
    let of = |photo: &Photo| {
        let first = asked.get(&photo.etag);
        first.filter(|first| first.photo_id != photo.photo_id)
    };
    let (copies, photos): (Vec<Photo>, Vec<Photo>) =
        photos.into_iter().partition(|photo| of(photo).is_some());
    let copy = |photo: Photo| {
        Some(Copied {
            of: of(&photo)?.name.clone(),
            photo,
        })
    };
    (photos, copies.into_iter().filter_map(copy).collect())
}

/// For each of these steps the next photo whose name promises it; if there is a step without one, half of those whose
/// names promise nothing.
pub fn wave<'a>(
    steps: &[&StepKey],
    photos: impl Iterator<Item = &'a Photo> + Clone,
) -> Vec<&'a Photo> {
    let promised = |step: &&StepKey| {
        photos
            .clone()
            .find(|photo| photo.step_hint.as_ref() == Some(*step))
    };
    let mut wave: Vec<&Photo> = steps.iter().filter_map(promised).collect();
    if wave.len() < steps.len() {
        let silent: Vec<&Photo> = photos.filter(|photo| photo.step_hint.is_none()).collect();
        wave.extend(half(&silent));
    }
    wave.sort_by(|a, b| a.name.cmp(&b.name));
    wave
}

/// The first half, of one the one: looking through photos by halves spares some when they show what is looked for,
/// and takes few rounds when they don't.
pub fn half<'a>(photos: &[&'a Photo]) -> Vec<&'a Photo> {
    photos
        .iter()
        .copied()
        .take(photos.len().div_ceil(2))
        .collect()
}

/// The photos in groups of at most `photos_per_batch`, as equal as can be, so that no batch is a straggler. Photos with
/// as many bytes come together: whoever fetches them sees whether they are the same one.
pub fn batches(photos: &[Photo], photos_per_batch: usize) -> Vec<Vec<Photo>> {
    let most = photos_per_batch.max(1);
    let mut batches: Vec<Vec<Photo>> = vec![Vec::new(); photos.len().div_ceil(most)];
    let mut of_size = BTreeMap::new();
    for photo in photos {
        let has_room = |at: &usize| batches.get(*at).is_some_and(|batch| batch.len() < most);
        let together = photo.size.and_then(|size| of_size.get(&size).copied());
        let smallest = || (0..batches.len()).min_by_key(|at| batches.get(*at).map(Vec::len));
        let Some(at) = together.filter(has_room).or_else(smallest) else {
            continue;
        };
        if let Some(batch) = batches.get_mut(at) {
            batch.push(photo.clone());
        }
        if let Some(size) = photo.size {
            of_size.insert(size, at);
        }
    }
    batches
}

/// What an evaluation's result depends on: of each photo the place, that is the DR, the name and the content.
pub fn fingerprint(photos: &[Photo], mode: Mode, versions: &Versions) -> KeyParts {
    let settings = [(KeyPart::Mode, mode.as_str())]
        .into_iter()
        .chain(version_parts(versions));
    let of = |photo: &'_ Photo| {
        [
            (KeyPart::Dr, photo.place()),
            (KeyPart::Name, photo.name.clone()),
            (KeyPart::Content, photo.etag.clone()),
        ]
    };
    let contents: Vec<_> = photos.iter().flat_map(of).collect();
    KeyParts::new(settings.chain(contents.iter().map(|(part, value)| (*part, value.as_str()))))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
