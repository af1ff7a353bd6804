//! A way to evaluate: catalogue, size policy, model. What is compared with another is one of them.

use std::fs;
use std::str::FromStr;

use anyhow::{Context, bail};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::versions::Versions;
use photos::size_policy::{CURRENT_VERSION, SizePolicy};
use vlm::versions::versions;

/// What a result depends on beside the photos.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    /// The steps.
    pub(crate) catalogue: Catalogue,
    /// How large photos are sent.
    pub(crate) size_policy: SizePolicy,
    /// The model's name, or that of a noise model.
    pub(crate) model: String,
}

impl Way {
    /// The catalogue of this version or in this file, the current size policy, this model.
    pub(crate) fn new(catalogue: &str, model: &str) -> anyhow::Result<Self> {
        let size_policy = SizePolicy::shipped(CURRENT_VERSION)?.clone();
        Ok(Self {
            catalogue: catalogue_of(catalogue)?,
            size_policy,
            model: model.into(),
        })
    }

    /// What production keeps with each result.
    pub(crate) fn versions(&self) -> Versions {
        let (catalogue, policy) = (&self.catalogue.version, &self.size_policy.version);
        versions(catalogue, &self.model, policy)
    }
}

/// Which two values of what are compared: `catalogue=v1,v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comparison {
    aspect: Aspect,
    /// The two values.
    pub(crate) values: [String; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aspect {
    Catalogue,
    SizePolicy,
    Model,
}

impl FromStr for Comparison {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, anyhow::Error> {
        const EXPECTED: &str = "Say catalogue=v1,v2 or size-policy=s2,s3 or model=a,b.";
        let (aspect, values) = text.split_once('=').context(EXPECTED)?;
        let aspect = match aspect {
            "catalogue" => Aspect::Catalogue,
            "size-policy" => Aspect::SizePolicy,
            "model" => Aspect::Model,
            _ => bail!(EXPECTED),
        };
        let (first, second) = values.split_once(',').context(EXPECTED)?;
        Ok(Self {
            aspect,
            values: [first.into(), second.into()],
        })
    }
}

impl Comparison {
    /// The two ways, alike in everything else.
    pub(crate) fn ways(&self, base: &Way) -> anyhow::Result<[Way; 2]> {
        let [first, second] = &self.values;
        Ok([self.way(base, first)?, self.way(base, second)?])
    }

    fn way(&self, base: &Way, value: &str) -> anyhow::Result<Way> {
        let base = base.clone();
        Ok(match self.aspect {
            Aspect::Catalogue => Way {
                catalogue: catalogue_of(value)?,
                ..base
            },
            Aspect::SizePolicy => Way {
                size_policy: size_policy_of(value)?,
                ..base
            },
            Aspect::Model => Way {
                model: value.into(),
                ..base
            },
        })
    }
}

/// A shipped catalogue, or a draft in a file.
fn catalogue_of(value: &str) -> anyhow::Result<Catalogue> {
    match draft(value)? {
        Some(json) => Catalogue::from_json(&json)
            .with_context(|| format!("Failed to use the catalogue {value}")),
        None => Catalogue::shipped(value).cloned().with_context(|| {
            format!("Failed to use the catalogue {value}; a draft is named by its file, draft.json")
        }),
    }
}

/// A shipped size policy, or a draft in a file.
fn size_policy_of(value: &str) -> anyhow::Result<SizePolicy> {
    match draft(value)? {
        Some(json) => SizePolicy::from_json(&json)
            .with_context(|| format!("Failed to use the size policy {value}")),
        None => SizePolicy::shipped(value).cloned().with_context(|| {
            format!(
                "Failed to use the size policy {value}; a draft is named by its file, draft.json"
            )
        }),
    }
}

fn draft(value: &str) -> anyhow::Result<Option<String>> {
    if !value.ends_with(".json") {
        return Ok(None);
    }
    Ok(Some(
        fs::read_to_string(value).with_context(|| format!("Failed to read {value}"))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_changes_one_thing() {
        let base = Way::new("v1", "assumed").unwrap();
        let [first, second] = "model=a,b"
            .parse::<Comparison>()
            .unwrap()
            .ways(&base)
            .unwrap();
        assert_eq!((first.model.as_str(), second.model.as_str()), ("a", "b"));
        assert_eq!(
            Way {
                model: "b".into(),
                ..first
            },
            second
        );
    }

    #[test]
    fn what_can_t_be_compared_is_refused_with_what_to_do() {
        for text in ["catalogue", "prompt=p1,p2", "model=a"] {
            assert!(
                text.parse::<Comparison>()
                    .unwrap_err()
                    .to_string()
                    .contains("size-policy=s2,s3")
            );
        }
        let base = Way::new("v1", "assumed").unwrap();
        let unknown = "size-policy=s1,s99"
            .parse::<Comparison>()
            .unwrap()
            .ways(&base)
            .unwrap_err();
        assert!(format!("{unknown:#}").contains("draft.json"));
    }
}
