//! Which catalogue a DR is asked with: several may be in use, one for each of an operator's customers.

use super::catalogue::Catalogue;
use super::ids::DrNumber;
use super::published::is_own_version;

/// A catalogue for DR numbers that begin in the same way, and one for all others.
///
/// ```
/// use evaluation::domain::catalogue_rules::CatalogueRules;
/// use evaluation::domain::ids::DrNumber;
///
/// let rules = CatalogueRules::parse("v3", "FB=fibreco-1, FB9=fibreco-2").unwrap();
/// let of = |dr: &str| rules.version_for(&DrNumber::parse(dr).unwrap());
/// assert_eq!((of("DR1730550"), of("FB100"), of("FB900")), ("v3", "fibreco-1", "fibreco-2"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueRules {
    otherwise: String,
    /// The longest beginnings first.
    by_prefix: Vec<(String, String)>,
}

/// Why rules can't be read; for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rule {rule:?} can't be read: {problem}. Write PREFIX=VERSION, with commas between, such as FB=fibreco-1"
)]
pub struct BadRule {
    rule: String,
    problem: &'static str,
}

impl CatalogueRules {
    /// Reads rules such as `FB=fibreco-1, DR99=v2`; none in an empty text.
    pub fn parse(otherwise: &str, rules: &str) -> Result<Self, BadRule> {
        let parts = rules
            .split(',')
            .map(str::trim)
            .filter(|rule| !rule.is_empty());
        let mut by_prefix = parts.map(rule).collect::<Result<Vec<_>, _>>()?;
        by_prefix.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        let twice = by_prefix.iter().enumerate().find(|(at, (prefix, _))| {
            by_prefix
                .iter()
                .skip(at + 1)
                .any(|(other, _)| other == prefix)
        });
        if let Some((_, (prefix, version))) = twice {
            let rule = format!("{prefix}={version}");
            return Err(BadRule {
                rule,
                problem: "another rule has the same prefix",
            });
        }
        Ok(Self {
            otherwise: otherwise.into(),
            by_prefix,
        })
    }

    /// The version that a DR is asked with, unless a request names another one.
    pub fn version_for(&self, dr: &DrNumber) -> &str {
        let begins = |(prefix, _): &&(String, String)| dr.as_str().starts_with(prefix.as_str());
        let found = self.by_prefix.iter().find(begins);
        found.map_or(&self.otherwise, |(_, version)| version)
    }

    /// The version for DRs that no rule is for.
    pub fn otherwise(&self) -> &str {
        &self.otherwise
    }

    /// All versions that are in use.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        let by_prefix = self.by_prefix.iter().map(|(_, version)| version.as_str());
        std::iter::once(self.otherwise.as_str()).chain(by_prefix)
    }
}

fn rule(rule: &str) -> Result<(String, String), BadRule> {
    let bad = |problem| BadRule {
        rule: rule.into(),
        problem,
    };
    let (prefix, version) = rule.split_once('=').ok_or_else(|| bad("there is no ="))?;
    let (prefix, version) = (prefix.trim().to_ascii_uppercase(), version.trim());
    let plain = prefix
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if prefix.is_empty() || !plain {
        return Err(bad("a prefix has letters and digits, as DR numbers do"));
    }
    if !is_own_version(version) && Catalogue::shipped(version).is_err() {
        return Err(bad("that is no catalogue's version"));
    }
    Ok((prefix, version.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rule_that_can_t_be_read_says_what_to_write() {
        for rules in ["FB", "=x", "F-B=x", "FB=", "FB=v99", "FB=a b", "FB=a, fb=b"] {
            let error = CatalogueRules::parse("v3", rules).unwrap_err();
            assert!(
                error.to_string().contains("PREFIX=VERSION"),
                "{rules}: {error}"
            );
        }
        let none = CatalogueRules::parse("v3", " , ").unwrap();
        assert_eq!(none.versions().collect::<Vec<_>>(), ["v3"]);
    }

    proptest! {
        #[test]
        fn the_longest_beginning_decides_in_whatever_order_the_rules_stand(
            prefixes in prop::collection::btree_set("[A-C]{1,4}", 0..6), dr in "[A-C]{3,6}", shift in 0usize..6,
        ) {
            let mut rules: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}=own-{prefix}")).collect();
            let by = shift.min(rules.len());
            rules.rotate_left(by);
            let parsed = CatalogueRules::parse("v3", &rules.join(",")).unwrap();
            let found = parsed.version_for(&DrNumber::parse(&dr).unwrap()).to_owned();
            let expected = (1..=dr.len()).rev().find_map(|length| prefixes.get(&dr[..length]));
            prop_assert_eq!(found, expected.map_or("v3".to_owned(), |prefix| format!("own-{prefix}")));
        }
    }
}
