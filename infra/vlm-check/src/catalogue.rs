//! A catalogue document, before it is published: whether it makes sense, and what its prompt costs.

use std::path::Path;

use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::published::check;
use evaluation::domain::scope::Scope;
use serde_json::{Value, json};
use vlm::prompt::Question;

/// English text has about so many characters a token with Qwen's tokenizer.
const CHARACTERS_PER_TOKEN: usize = 4;
/// A prompt of so many tokens is read in well under a second, and kept by servers with a prefix cache.
const MOST_TOKENS: usize = 3_000;

/// What is to be said of the document in this file; or what is wrong with it, in words.
pub(crate) fn look(path: &Path) -> Result<Value, String> {
    let document = std::fs::read_to_string(path)
        .map_err(|cause| format!("{} can't be read: {cause}", path.display()))?;
    // Its own words and those of its cause: where the JSON is wrong, the cause says at which line.
    let catalogue = check(&document).map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })?;
    let tokens = |scope: Scope| {
        let question = Question::new(&catalogue, &scope.steps(&catalogue));
        question.characters() / CHARACTERS_PER_TOKEN
    };
    let (all, critical) = (tokens(Scope::All), tokens(Scope::Critical));
    if all > MOST_TOKENS {
        return Err(format!(
            "its prompt has about {all} tokens, and {MOST_TOKENS} is the most: every photo is asked with it"
        ));
    }
    Ok(json!({
        "version": catalogue.version,
        "steps": catalogue.steps.len(),
        "critical": catalogue.steps.iter().filter(|step| step.critical).count(),
        "readings": catalogue.steps.iter().filter(|step| step.reads.is_some()).count(),
        "prompt_tokens": {"full": all, "quick": critical},
        "remarks": remarks(&catalogue),
    }))
}

/// What a person may have forgotten; none of it is wrong.
fn remarks(catalogue: &Catalogue) -> Vec<String> {
    let unnamed = catalogue
        .steps
        .iter()
        .filter(|step| catalogue.photo_types(&step.key).next().is_none());
    let unnamed = unnamed.map(|step| {
        format!(
            "no photo type hints at {}: its photos are all sent at the larger size",
            step.key
        )
    });
    let uncoded = catalogue
        .steps
        .iter()
        .filter(|step| step.fail_reasons.is_empty() && catalogue.fail_reasons.is_empty());
    let uncoded = uncoded.map(|step| {
        format!(
            "{} has no fail codes: a technician is told the one reason",
            step.key
        )
    });
    unnamed.chain(uncoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(document: &str) -> Result<Value, String> {
        let path = std::env::temp_dir().join(format!(
            "catalogue-{}-{}.json",
            std::process::id(),
            document.len()
        ));
        std::fs::write(&path, document).unwrap();
        let looked = look(&path);
        std::fs::remove_file(&path).unwrap();
        looked
    }

    #[test]
    fn a_good_one_is_summed_up_and_a_bad_one_says_where() {
        let shipped = include_str!("../../../shared/evaluation/src/catalogues/v3.json");
        let own = shipped.replace("\"v3\"", "\"own-1\"");
        let said = looked(&own).unwrap();
        assert_eq!((&said["steps"], &said["critical"]), (&json!(10), &json!(6)));
        assert!(said["prompt_tokens"]["full"].as_u64() > said["prompt_tokens"]["quick"].as_u64());
        assert!(looked(shipped).unwrap_err().contains("a release's"));
        let problem = looked(&own.replace("\"steps\"", "\"stebs\"")).unwrap_err();
        assert!(
            problem.contains("stebs") && problem.contains("line"),
            "{problem}"
        );
        assert!(
            look(Path::new("/no/such/file"))
                .unwrap_err()
                .contains("/no/such/file")
        );
    }
}
