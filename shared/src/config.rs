//! Settings, read from the environment once, when a function starts.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use photos::size_policy;

use crate::domain::catalogue::CURRENT_VERSION;
use crate::domain::plan::Versions;
use crate::vlm::prompt::PROMPT_VERSION;

/// A setting that is missing or wrong; for operators.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not set.
    #[error("the environment variable {0} is not set; template.yaml sets it")]
    Missing(&'static str),
    /// It can't be read.
    #[error("the environment variable {name} is {value:?}: {problem}")]
    Wrong {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The versions that this deployment works with: of the catalogue and the model as the environment names them, of prompt and
/// size policy as this program holds them.
pub fn versions() -> Result<Versions, ConfigError> {
    Ok(Versions {
        catalogue: optional("CATALOGUE_VERSION").unwrap_or_else(|| CURRENT_VERSION.into()),
        model: required("VLM_MODEL")?,
        prompt: PROMPT_VERSION.into(),
        size_policy: size_policy::CURRENT_VERSION.into(),
    })
}

/// The text of a variable that must be there.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name))
}

/// The text of a variable, if it is set and not empty.
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name)
        .ok()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

/// A variable's value within `1..=most`, or `default` if it is not set.
pub fn number<T>(name: &'static str, default: T, most: T) -> Result<T, ConfigError>
where
    T: FromStr<Err: Display> + PartialOrd + Display + From<u8>,
{
    let Some(value) = optional(name) else {
        return Ok(default);
    };
    match value.parse::<T>() {
        Ok(parsed) if parsed >= T::from(1) && parsed <= most => Ok(parsed),
        Ok(_) => Err(ConfigError::Wrong {
            name,
            value,
            problem: format!("it must be 1 to {most}"),
        }),
        Err(cause) => Err(ConfigError::Wrong {
            name,
            value,
            problem: cause.to_string(),
        }),
    }
}

/// A span in whole seconds, up to 30 days, or `default` seconds if it is not set.
pub fn seconds(name: &'static str, default: u64) -> Result<Duration, ConfigError> {
    number(name, default, 30 * 24 * 60 * 60).map(Duration::from_secs)
}
