//! What an answer depends on beside the photos and the question, each with a version.
//!
//! The list below is the only one: cache keys, misses, what makes a result stale, the table and the API follow from
//! it. A further version is a line here, and a line where its value comes from.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! versions {
    ($($(#[$doc:meta])* $field:ident, $part:ident, $published:tt;)+) => {
        /// The versions that an answer was, or is to be, given with.
        ///
        /// ```
        /// use evaluation::domain::versions::{VersionPart, Versions};
        ///
        /// let asked = Versions::from_fn(|part| format!("{part:?}-1"));
        /// let now = Versions { model: "another".into(), ..asked.clone() };
        /// assert_eq!(asked.differences(&now), [VersionPart::Model]);
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Versions {
            $($(#[$doc])* pub $field: String,)+
        }

        /// One of the versions, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum VersionPart {
            $($(#[$doc])* $part,)+
        }

        impl VersionPart {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$part),+];

            /// The field's name in the API.
            pub fn published_name(self) -> &'static str {
                match self {
                    $(Self::$part => $published,)+
                }
            }
        }

        // Their names are tokens: `ToSchema` reads no literal that a macro was given as one.
        /// The versions as the API shows them.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
        pub struct ShownVersions {
            $($(#[$doc])* #[serde(rename = $published)] pub $field: String,)+
        }

        impl From<&Versions> for ShownVersions {
            fn from(versions: &Versions) -> Self {
                Self { $($field: versions.$field.clone(),)+ }
            }
        }

        impl Versions {
            /// Each version as `value` gives it.
            pub fn from_fn(mut value: impl FnMut(VersionPart) -> String) -> Self {
                Self { $($field: value(VersionPart::$part),)+ }
            }

            /// The version of a part.
            pub fn get(&self, part: VersionPart) -> &str {
                match part {
                    $(VersionPart::$part => &self.$field,)+
                }
            }
        }
    };
}

versions! {
    /// The catalogue's version.
    catalogue, Catalogue, "catalogue_version";
    /// The model's name.
    model, Model, "model";
    /// The prompt's version.
    prompt, Prompt, "prompt_version";
    /// The size policy's version.
    size_policy, SizePolicy, "size_policy_version";
}

impl Versions {
    /// Each part with its version, in order.
    pub fn parts(&self) -> impl Iterator<Item = (VersionPart, &str)> {
        VersionPart::ALL.iter().map(|part| (*part, self.get(*part)))
    }

    /// The parts in which these differ from others.
    pub fn differences(&self, other: &Self) -> Vec<VersionPart> {
        let differs = |part: &VersionPart| self.get(*part) != other.get(*part);
        VersionPart::ALL.iter().copied().filter(differs).collect()
    }

    /// The same versions but for one part.
    pub fn with(&self, part: VersionPart, version: &str) -> Self {
        Self::from_fn(|other| {
            let version = if other == part {
                version
            } else {
                self.get(other)
            };
            version.to_owned()
        })
    }
}
