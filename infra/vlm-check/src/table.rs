//! What was found, and what it means for this system: a row for each.

use serde::Serialize;

use crate::abilities::{Abilities, State};
use crate::probes::{Images, Schema};

/// Names of models that are shown.
const MOST_MODELS: usize = 5;
/// Of two pictures the larger one costs 2.5 times the tokens of the smaller, where a server looks at all its pixels.
const SEES_MORE: f64 = 1.2;

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    what: &'static str,
    found: String,
    means: String,
}

fn row(what: &'static str, found: impl Into<String>, means: impl Into<String>) -> Row {
    Row {
        what,
        found: found.into(),
        means: means.into(),
    }
}

/// All that was found.
pub(crate) fn rows(seen: &Abilities) -> Vec<Row> {
    let all = [
        models(seen),
        answer(seen),
        streaming(seen),
        usage(seen),
        fields(seen),
        schema(seen),
        images(seen),
        small_print(seen),
        context(seen),
        prefix_cache(seen),
        log_probabilities(seen),
    ];
    all.into_iter().flatten().collect()
}

fn models(seen: &Abilities) -> Option<Row> {
    let what = "models";
    Some(match &seen.models {
        None => row(
            what,
            "no list",
            "nothing: the server is asked by the model's name",
        ),
        Some(names) if names.is_empty() => row(
            what,
            "an empty list",
            "nothing: the server is asked by the model's name",
        ),
        Some(names) if seen.model_is_listed => row(
            what,
            format!("{}, this one among them", names.len()),
            "the model is there",
        ),
        Some(names) => {
            let shown: Vec<_> = names.iter().take(MOST_MODELS).map(String::as_str).collect();
            let found = format!("{}, not this one: {}", names.len(), shown.join(", "));
            row(
                what,
                found,
                "the server took the name all the same: which model answers is its choice",
            )
        }
    })
}

fn answer(seen: &Abilities) -> Option<Row> {
    let answer = &seen.answer;
    let what = "an answer";
    let detail = answer.detail.clone().unwrap_or_default();
    let seconds = answer.whole_ms as f64 / 1000.0;
    Some(match answer.state {
        State::Read => row(
            what,
            format!("understood, after {seconds:.1} s"),
            "photos are evaluated",
        ),
        State::Repaired => row(
            what,
            format!("understood when asked again, after {seconds:.1} s"),
            "such photos cost two requests",
        ),
        State::NotUnderstood => row(
            what,
            "not understood",
            format!(
                "such photos end as not evaluated; this was a picture of nothing, so try a photo: {detail}"
            ),
        ),
        State::None => row(
            what,
            format!("none within {seconds:.1} s"),
            format!("photos wait and are asked about again later: {detail}"),
        ),
    })
}

fn streaming(seen: &Abilities) -> Option<Row> {
    let first = seen.answer.first_token_ms;
    let first = first.map(|first| format!(", first token after {:.1} s", first as f64 / 1000.0));
    seen.stream.map(|stream| match stream.in_pieces {
        true => row(
            "streaming",
            format!("yes{}", first.unwrap_or_default()),
            "a server that falls silent is left early",
        ),
        false => row(
            "streaming",
            "no, in one piece",
            "a server that falls silent is waited for as for a whole answer",
        ),
    })
}

fn usage(seen: &Abilities) -> Option<Row> {
    let answer = &seen.answer;
    let found = match answer.prompt_tokens {
        0 => "counted".into(),
        read => format!("{read} read, {} written", answer.completion_tokens),
    };
    seen.stream.map(|stream| match stream.counted {
        true => row("tokens", found, "what a photo costs is shown"),
        false => row("tokens", "not counted", "what a photo costs can't be shown"),
    })
}

fn fields(seen: &Abilities) -> Option<Row> {
    if seen.refused_fields.is_empty() {
        return Some(row(
            "fields",
            "none is refused",
            "requests are sent as they are meant",
        ));
    }
    let means = seen.refused_fields.iter().map(|name| match *name {
        "priority" => "bulk work is held back by its own places alone",
        "seed" | "temperature" => "the same photo may get another answer",
        "stream_options" => "tokens are not counted",
        "max_tokens" => "it is called max_completion_tokens",
        "response_format" => "the schema stands in the prompt",
        _ => "answers are checked here alone",
    });
    let mut means: Vec<_> = means.collect();
    means.dedup();
    let found = format!("refuses {}", seen.refused_fields.join(", "));
    Some(row(
        "fields",
        found,
        format!("left out: {}", means.join("; ")),
    ))
}

fn schema(seen: &Abilities) -> Option<Row> {
    let (found, means) = match seen.schema {
        Schema::Held => (
            "held to, with its bounds",
            "answers have the form that is asked for",
        ),
        Schema::HeldWithoutBounds => (
            "held to, but for its bounds",
            "scores beyond the bounds are mended or asked again",
        ),
        Schema::Ignored => (
            "ignored",
            "the model must keep the form by itself: more repairs, more photos not evaluated",
        ),
        Schema::Refused => (
            "refused",
            "it stands in the prompt: more repairs, more photos not evaluated",
        ),
        Schema::Unknown => ("not known: no answer", ""),
    };
    Some(row("JSON schema", found, means))
}

fn images(seen: &Abilities) -> Option<Row> {
    let (found, most) = match seen.images_per_request {
        Images::Exactly(most) => (most.to_string(), most),
        Images::AtLeast(most) => (format!("{most} or more"), most),
        Images::Unknown => return Some(row("images a request", "not known: no answer", "")),
    };
    let means = match most {
        1 => "PhotosPerRequest must stay 1, the default".into(),
        most => format!("PhotosPerRequest may be up to {most}; 1, the default, is the most exact"),
    };
    Some(row("images a request", found, means))
}

fn small_print(seen: &Abilities) -> Option<Row> {
    let (Some(usual), Some(large)) = (seen.usual.tokens, seen.small_print.tokens) else {
        return Some(row("pixels", "not known: tokens are not counted", ""));
    };
    let found = format!(
        "{} tokens read at {} px, {} at {} px",
        usual.prompt, seen.usual.long_edge, large.prompt, seen.small_print.long_edge
    );
    let of_picture = |all: u64| all.saturating_sub(seen.answer.prompt_tokens) as f64;
    let more = of_picture(large.prompt) > SEES_MORE * of_picture(usual.prompt).max(1.0);
    let means = match more {
        true => "small print is looked at in more detail the second time",
        false => {
            "the server scales pictures down: the second look at small print shows no more than the first"
        }
    };
    Some(row("pixels", found, means))
}

fn context(seen: &Abilities) -> Option<Row> {
    let what = "context";
    let need = seen
        .small_print
        .tokens
        .map(|tokens| tokens.prompt + seen.most_answer_tokens);
    Some(match (seen.context_tokens, need) {
        (None, _) => row(
            what,
            "not said",
            "a photo that does not fit would wait, and say why",
        ),
        (Some(has), None) => row(what, format!("{has} tokens"), ""),
        (Some(has), Some(need)) if has < need => row(
            what,
            format!("{has} tokens"),
            format!("too small: a photo takes up to {need}"),
        ),
        (Some(has), Some(need)) => row(
            what,
            format!("{has} tokens"),
            format!("enough: a photo takes up to {need}"),
        ),
    })
}

fn prefix_cache(seen: &Abilities) -> Option<Row> {
    let of = [seen.usual.tokens, seen.small_print.tokens];
    let cached = of.iter().flatten().filter_map(|tokens| tokens.cached).max();
    let what = "prefix cache";
    Some(match cached {
        None => row(what, "not said", ""),
        Some(0) => row(
            what,
            "nothing was known",
            "the catalogue is read anew with each photo",
        ),
        Some(known) => row(
            what,
            format!("{known} tokens were known"),
            "the catalogue is read once for many photos",
        ),
    })
}

fn log_probabilities(seen: &Abilities) -> Option<Row> {
    let found = match seen.log_probabilities {
        None => "not known: no answer",
        Some(true) => "given",
        Some(false) => "not given",
    };
    Some(row(
        "log-probabilities",
        found,
        "none: this release does not use them",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abilities::{Answered, Picture};
    use crate::probes::{Stream, Tokens};

    fn picture(long_edge: u32, prompt: u64) -> Picture {
        let tokens = Tokens {
            prompt,
            cached: None,
        };
        Picture {
            long_edge,
            tokens: Some(tokens),
        }
    }

    /// A server that can do all, with pictures of these tokens.
    fn seen(usual: u64, large: u64) -> Abilities {
        Abilities {
            address: "http://127.0.0.1/v1/chat/completions".into(),
            models: Some(vec!["m".into()]),
            model_is_listed: true,
            context_tokens: Some(4_096),
            answer: Answered {
                state: State::Read,
                detail: None,
                whole_ms: 1_234,
                first_token_ms: Some(400),
                prompt_tokens: 738,
                completion_tokens: 11,
            },
            stream: Some(Stream {
                in_pieces: true,
                counted: true,
            }),
            refused_fields: Vec::new(),
            schema: Schema::Held,
            images_per_request: Images::Exactly(1),
            usual: picture(800, usual),
            small_print: picture(1280, large),
            most_answer_tokens: 664,
            log_probabilities: Some(true),
        }
    }

    fn means(seen: &Abilities, what: &str) -> String {
        let rows = rows(seen);
        let row = rows.into_iter().find(|row| row.what == what);
        row.map(|row| row.means).unwrap_or_default()
    }

    #[test]
    fn pictures_that_cost_the_same_at_every_size_are_scaled_down() {
        assert!(means(&seen(1_133, 1_858), "pixels").contains("more detail"));
        assert!(means(&seen(1_000, 1_010), "pixels").contains("scales pictures down"));
        assert!(means(&seen(738, 738), "pixels").contains("scales pictures down"));
    }

    #[test]
    fn a_context_that_a_photo_does_not_fit_into_is_said_to_be_too_small() {
        assert!(means(&seen(1_133, 3_432), "context").contains("enough"));
        assert!(means(&seen(1_133, 3_433), "context").contains("too small"));
    }

    #[test]
    fn what_is_refused_is_named_with_what_it_costs_once() {
        let mut seen = seen(1_133, 1_858);
        seen.refused_fields = vec!["priority", "seed", "temperature"];
        assert_eq!(
            means(&seen, "fields"),
            "left out: bulk work is held back by its own places alone; the same photo may get another answer"
        );
        assert!(means(&seen, "images a request").contains("must stay 1"));
    }
}
