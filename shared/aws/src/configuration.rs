//! Settings, read from the environment once, when a function starts. None has a default here: template.yaml sets them
//! all, and one that gets lost must not be replaced by a guess.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use evaluation::run::error::Cause;

/// Days that DynamoDB may take to delete what is due.
const DELETED_LATE_DAYS: u16 = 2;

/// A setting that is missing or wrong; for operators.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not set.
    #[error("the environment variable {0} is not set; template.yaml sets it")]
    Missing(String),
    /// It can't be read.
    #[error("the environment variable {name} is {value:?}")]
    Wrong {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
}

/// The text of a variable that must be there.
pub fn required(name: &str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name.into()))
}

/// The text of a variable, if it is set and not empty.
pub fn optional(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

/// The text of a variable that must be there, and may be empty.
pub fn present(name: &str) -> Result<String, ConfigError> {
    std::env::var(name).map_err(|_| ConfigError::Missing(name.into()))
}

/// A variable's value within `1..=most`.
///
/// ```
/// use aws::configuration::number;
///
/// let error = number::<u8>("PHOTOS_PER_BATCH", 10).unwrap_err();
/// assert!(error.to_string().contains("PHOTOS_PER_BATCH"), "template.yaml sets it, this test does not");
/// ```
pub fn number<T>(name: &str, most: T) -> Result<T, ConfigError>
where
    T: FromStr<Err: Error + Send + Sync + 'static> + PartialOrd + Display + From<u8>,
{
    let value = required(name)?;
    let wrong = |value, cause: Cause| ConfigError::Wrong {
        name: name.into(),
        value,
        cause,
    };
    match value.parse::<T>() {
        Ok(parsed) if parsed >= T::from(1) && parsed <= most => Ok(parsed),
        Ok(_) => Err(wrong(value, format!("it must be 1 to {most}").into())),
        Err(cause) => Err(wrong(value, cause.into())),
    }
}

/// A share of 100, from 0 on.
pub fn percent(name: &str) -> Result<u8, ConfigError> {
    match required(name)?.as_str() {
        "0" => Ok(0),
        _ => number(name, 100),
    }
}

/// `true` or `false`.
pub fn switch(name: &str) -> Result<bool, ConfigError> {
    let value = required(name)?;
    let wrong = |cause: std::str::ParseBoolError| ConfigError::Wrong {
        name: name.into(),
        value: value.clone(),
        cause: cause.into(),
    };
    value.parse().map_err(wrong)
}

/// A span in whole seconds, up to 30 days.
pub fn seconds(name: &str) -> Result<Duration, ConfigError> {
    number(name, 30 * 24 * 60 * 60).map(Duration::from_secs)
}

/// How long what is to be gone after so many days, up to ten years, is kept: DynamoDB deletes it up to two days late.
pub fn retention(name: &str) -> Result<Duration, ConfigError> {
    number::<u16>(name, 3650).map(kept_for)
}

fn kept_for(days: u16) -> Duration {
    let days = days.saturating_sub(DELETED_LATE_DAYS);
    Duration::from_secs(u64::from(days) * 24 * 60 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_told_by_its_name_and_has_no_default() {
        let error = number::<u8>("THERE_IS_NO_SUCH_SETTING", 10).unwrap_err();
        assert!(error.to_string().contains("THERE_IS_NO_SUCH_SETTING"));
    }

    #[test]
    fn a_switch_is_true_or_false_and_nothing_else() {
        assert!(switch("CARGO_PKG_NAME").is_err() && switch("THERE_IS_NO_SUCH_SETTING").is_err());
    }

    #[test]
    fn a_setting_out_of_range_or_of_another_kind_is_told_with_its_value() {
        // Cargo sets these for every test.
        let wrong = number::<u8>("CARGO_PKG_NAME", 10).unwrap_err();
        assert!(wrong.to_string().contains("aws"), "{wrong}");
        assert_eq!(number::<u8>("CARGO_PKG_VERSION_MINOR", 10).unwrap(), 1);
        assert!(
            number::<u8>("CARGO_PKG_VERSION_PATCH", 10).is_err(),
            "0 of 1 to 10"
        );
    }

    #[test]
    fn what_is_kept_is_due_two_days_before_it_must_be_gone() {
        assert_eq!(kept_for(92), Duration::from_secs(90 * 24 * 60 * 60));
        assert_eq!(kept_for(1), Duration::ZERO);
    }
}
