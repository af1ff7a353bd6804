//! Where each version comes from that an answer depends on.

use evaluation::domain::catalogue_rules::{BadRule, CatalogueRules};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::versions::{VersionPart, Versions};
use photos::size_policy::{SizePolicy, SizePolicyError};

use crate::prompt::PROMPT_VERSION;

/// What a deployment asks with: all functions of it that must agree read it from the same settings.
#[derive(Debug, Clone)]
pub struct AsksWith {
    /// Which catalogue a DR is asked with.
    pub catalogues: CatalogueRules,
    /// The model's name.
    pub model: String,
    /// The sizes.
    pub size_policy: &'static SizePolicy,
}

/// Why settings make no sense; for operators.
#[derive(Debug, thiserror::Error)]
pub enum AsksWithError {
    /// The rules for catalogues.
    #[error("CATALOGUE_RULES can't be read")]
    Rules(#[from] BadRule),
    /// The size policy's version.
    #[error("SIZE_POLICY_VERSION can't be read")]
    SizePolicy(#[from] SizePolicyError),
}

impl AsksWith {
    /// Of the settings' texts: the catalogue's version, rules for others, the model, the size policy's version.
    pub fn new(
        catalogue: &str,
        rules: &str,
        model: String,
        size_policy: &str,
    ) -> Result<Self, AsksWithError> {
        Ok(Self {
            catalogues: CatalogueRules::parse(catalogue, rules)?,
            model,
            size_policy: SizePolicy::shipped(size_policy)?,
        })
    }

    /// The versions with which a DR is asked: those of the catalogue that a request names, or of the rules.
    ///
    /// ```
    /// use evaluation::domain::ids::DrNumber;
    /// use vlm::versions::AsksWith;
    ///
    /// let asks = AsksWith::new("v3", "FB=fibreco-1", "a-model".into(), "s4").unwrap();
    /// let dr = DrNumber::parse("FB100").unwrap();
    /// assert_eq!(asks.versions_for(&dr, None).catalogue, "fibreco-1");
    /// assert_eq!(asks.versions_for(&dr, Some("v2")).catalogue, "v2");
    /// ```
    pub fn versions_for(&self, dr: &DrNumber, named: Option<&str>) -> Versions {
        self.versions(named.unwrap_or_else(|| self.catalogues.version_for(dr)))
    }

    /// The versions of a DR that no rule is for.
    pub fn usual(&self) -> Versions {
        self.versions(self.catalogues.otherwise())
    }

    fn versions(&self, catalogue: &str) -> Versions {
        versions(catalogue, &self.model, &self.size_policy.version)
    }
}

/// The versions of answers that this program asks for: catalogue, model and size policy as a deployment or a benchmark
/// chooses them, the prompt as the program holds it.
pub fn versions(catalogue: &str, model: &str, size_policy: &str) -> Versions {
    Versions::from_fn(|part| {
        let version = match part {
            VersionPart::Catalogue => catalogue,
            VersionPart::Model => model,
            VersionPart::Prompt => PROMPT_VERSION,
            VersionPart::SizePolicy => size_policy,
        };
        version.to_owned()
    })
}
