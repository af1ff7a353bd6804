//! Releases of the functions: during a deployment and its roll-back two of them run at once.

use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::plan::{Mode, Photo, Plan, plan};
use evaluation::domain::scope::Scope;
use evaluation::domain::versions::{VersionPart, Versions};

/// A release: what it asks with, and which catalogues it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// The one that is there at first.
    Older,
    /// The one that takes its place: another model, and a catalogue that the older one does not know.
    Newer,
}

impl Release {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Older, Self::Newer];

    /// What it asks with.
    pub fn versions(self) -> Versions {
        let (catalogue, model) = match self {
            Self::Older => ("v1", "older"),
            Self::Newer => ("v2", "newer"),
        };
        Versions::from_fn(|part| {
            let version = match part {
                VersionPart::Catalogue => catalogue,
                VersionPart::Model => model,
                VersionPart::Prompt => "p",
                VersionPart::SizePolicy => "1",
            };
            version.to_owned()
        })
    }

    /// Whether it can ask with these versions.
    pub fn knows(self, versions: &Versions) -> bool {
        let own = self.versions();
        (&versions.model, &versions.prompt) == (&own.model, &own.prompt)
            && self.catalogue(&versions.catalogue).is_some()
    }

    /// A catalogue, if it knows it.
    pub fn catalogue(self, version: &str) -> Option<&'static Catalogue> {
        let known = self == Self::Newer || version == "v1";
        Catalogue::shipped(version).ok().filter(|_| known)
    }

    /// Its plan for these photos.
    pub fn plan(self, photos: &[Photo], mode: Mode) -> Option<Plan> {
        let versions = self.versions();
        let catalogue = self.catalogue(&versions.catalogue)?;
        let listed = photos.iter().map(|photo| Photo {
            scope: Scope::All,
            ..photo.clone()
        });
        Some(plan(listed.collect(), mode, catalogue, &versions))
    }
}
