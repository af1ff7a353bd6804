//! What those who watch are sent: the contents of polling, cut into messages.
//!
//! # Invariants
//! - No message is larger than API Gateway takes. What does not fit is left out, said to be (`truncated`), and to be had
//!   by the link.

use serde_json::{Map, Value, json};

use crate::decide::look::{LookRecord, LookState};
use crate::decide::watch::{OfEvaluation, Watched};
use crate::domain::ids::DrNumber;
use crate::domain::time::Timestamp;

/// API Gateway takes 128 KB; the rest is for the sequence number and what JSON adds.
const LARGEST: usize = 120 * 1024;
/// Said of the present, with photos that may lie in other folders: only who asks gets to know.
const ONLY_POLLED: [&str; 2] = ["stale", "stale_because"];
/// What each message says of the evaluation that it is about.
const NAMES: [&str; 4] = ["evaluation_id", "dr_number", "status", "links"];

/// An evaluation as it is shown (`evaluation::view`), as those who watch see it.
fn watched(mut shown: Value) -> Value {
    if let Some(fields) = shown.as_object_mut() {
        ONLY_POLLED
            .iter()
            .for_each(|name| drop(fields.remove(*name)));
    }
    shown
}

/// What is being watched, for the client to tell its subscriptions apart.
fn name_of(what: &Watched) -> Value {
    match what {
        Watched::Evaluation(id) => json!({"evaluation_id": id}),
        Watched::Dr(dr) => json!({"dr_number": dr}),
    }
}

/// The state of what is watched: its evaluations as they are shown, of a DR the looks at its photos and its checklist.
pub fn state(
    what: &Watched,
    shown: Vec<Value>,
    looks: &[LookRecord],
    checklist: Option<Value>,
    now: Timestamp,
) -> Value {
    let evaluations: Vec<Value> = shown.into_iter().map(watched).collect();
    let names = names_and(&["progress", "verdict"]);
    let names: Vec<Value> = evaluations
        .iter()
        .map(|shown| picked(shown, &names))
        .collect();
    let looks: Vec<Value> = looks.iter().map(|look| of_look(look, now)).collect();
    let whole = json!({"type": "state", "watch": name_of(what), "evaluations": evaluations, "looks": looks,
        "checklist": checklist});
    let short = json!({"type": "state", "watch": name_of(what), "evaluations": names, "looks": [], "checklist": null,
        "truncated": true});
    if fits(&whole) { whole } else { short }
}

/// A DR's checklist. Where there is none (too many photos, an unknown catalogue), asking by the link says why: nobody is to
/// miss the message's number.
pub fn checklist(dr: &DrNumber, checklist: Option<Value>) -> Value {
    let links = json!({"self": format!("/drs/{dr}")});
    let is_none = checklist.is_none();
    let mut whole =
        json!({"type": "checklist", "dr_number": dr, "links": links, "checklist": checklist});
    if let Some(fields) = whole.as_object_mut().filter(|_| is_none) {
        fields.insert("truncated".into(), json!(true));
    }
    bounded(whole)
}

/// What is news about an evaluation, given how it is shown now: a message each. A verdict says progress and waits, too.
pub fn news(of: &OfEvaluation, shown: Value) -> Vec<Value> {
    let shown = watched(shown);
    let about = |kind: &str, fields: &[&str]| message(kind, picked(&shown, &names_and(fields)));
    let photos = shown.get("photos").and_then(Value::as_array);
    let photos = photos.into_iter().flatten().filter(|photo| {
        let id = photo.get("photo_id").and_then(Value::as_str);
        of.photos.iter().any(|news| Some(news.as_str()) == id)
    });
    let photos = photos.map(|photo| {
        let mut message = about("photo", &[]);
        if let Some(fields) = message.as_object_mut() {
            fields.insert("photo".into(), photo.clone());
        }
        message
    });
    let mut all: Vec<Value> = photos.collect();
    all.extend(
        of.tells_progress()
            .then(|| about("progress", &["progress"])),
    );
    all.extend(of.tells_waiting().then(|| about("waiting", &["waiting"])));
    all.extend(of.verdict.then(|| {
        let mut evaluation = shown.clone();
        if let Some(fields) = evaluation.as_object_mut() {
            fields.remove("photos");
        }
        let mut message = about("verdict", &["verdict", "revision"]);
        if let Some(fields) = message.as_object_mut() {
            fields.insert("evaluation".into(), evaluation);
        }
        message
    }));
    let said = ["verdict", "revision", "reviewed_verdict", "reviews"];
    all.extend(of.review.then(|| about("review", &said)));
    all.into_iter().map(bounded).collect()
}

/// What is news about a look at a photo.
pub fn look(dr_number: &str, look: &LookRecord, now: Timestamp) -> Value {
    json!({"type": "photo", "dr_number": dr_number, "look": of_look(look, now)})
}

fn of_look(look: &LookRecord, now: Timestamp) -> Value {
    let (state, shows, reason) = match look.state(now) {
        LookState::GoingOn => ("going_on", None, None),
        LookState::Answered(shows) => ("answered", Some(shows), None),
        LookState::Unreadable(reason) => ("unreadable", None, Some(reason)),
        LookState::PassedOver => ("passed_over", None, None),
    };
    json!({
        "photo_id": look.photo_id,
        "name": look.name,
        "state": state,
        "shows": shows.unwrap_or_default(),
        "reason": reason.map(|reason| json!({"code": reason.code, "message": reason.message})),
    })
}

fn names_and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    NAMES.iter().chain(more).copied().collect()
}

fn picked(shown: &Value, names: &[&str]) -> Value {
    let field = |name: &&str| Some(((*name).to_owned(), shown.get(*name)?.clone()));
    Value::Object(names.iter().filter_map(field).collect::<Map<_, _>>())
}

fn message(kind: &str, mut fields: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("type".into(), json!(kind));
    }
    fields
}

fn fits(message: &Value) -> bool {
    message.to_string().len() <= LARGEST
}

/// The message, or what of it surely fits.
fn bounded(whole: Value) -> Value {
    if fits(&whole) {
        return whole;
    }
    let mut short = picked(
        &whole,
        &names_and(&["type", "verdict", "revision", "reviewed_verdict"]),
    );
    if let Some(fields) = short.as_object_mut() {
        fields.insert("truncated".into(), json!(true));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{id, photo};
    use crate::domain::ids::PhotoId;

    fn shown(photos: usize, comment: usize) -> Value {
        let photo = |at: usize| json!({"photo_id": format!("{at:016x}"), "outcome": "evaluated", "comment": "x".repeat(comment)});
        json!({
            "evaluation_id": id(1), "dr_number": "DR1", "status": "completed", "links": {"self": "/evaluations/1"},
            "progress": {"photos_done": photos}, "waiting": null, "stale": true, "stale_because": ["photos"],
            "verdict": "pass", "revision": 1, "steps": [], "photos": (0..photos).map(photo).collect::<Vec<_>>(),
        })
    }

    fn all_of(photos: usize) -> OfEvaluation {
        OfEvaluation {
            photos: (0..photos)
                .map(|at| PhotoId::parse(&format!("{at:016x}")).unwrap())
                .collect(),
            progress: true,
            waiting: true,
            verdict: true,
            review: false,
        }
    }

    #[test]
    fn news_are_the_parts_of_what_polling_shows_photos_first_and_the_verdict_last() {
        let with_verdict = all_of(2);
        let without = OfEvaluation {
            verdict: false,
            ..with_verdict.clone()
        };
        let (sent, last) = (
            news(&without, shown(3, 4)),
            news(&with_verdict, shown(3, 4)),
        );
        let kinds = |sent: &[Value]| -> Vec<String> {
            let kinds = sent.iter().filter_map(|message| message["type"].as_str());
            kinds.map(str::to_owned).collect()
        };
        assert_eq!(kinds(&sent), ["photo", "photo", "progress", "waiting"]);
        assert_eq!(kinds(&last), ["photo", "photo", "verdict"]);
        assert_eq!(
            (sent.len(), last.len()),
            (without.messages(), with_verdict.messages())
        );
        assert_eq!(sent[1]["photo"], shown(3, 4)["photos"][1]);
        assert_eq!(sent[2]["progress"], shown(3, 4)["progress"]);
        assert_eq!(last[2]["evaluation"]["progress"], shown(3, 4)["progress"]);
        assert!(last[2]["evaluation"].get("photos").is_none());
        let all = || sent.iter().chain(&last);
        assert!(all().all(|message| message["evaluation_id"] == json!(id(1))));
        assert!(all().all(|message| !message.to_string().contains("stale")));
    }

    #[test]
    fn a_review_is_told_with_both_verdicts() {
        let of = OfEvaluation {
            review: true,
            ..OfEvaluation::default()
        };
        let mut seen = shown(1, 4);
        seen["reviewed_verdict"] = json!("fail");
        seen["reviews"] = json!({"standing": [], "records": 1});
        let sent = news(&of, seen.clone());
        assert_eq!((sent.len(), &sent[0]["type"]), (1, &json!("review")));
        for name in ["verdict", "reviewed_verdict", "reviews", "evaluation_id"] {
            assert_eq!(sent[0][name], seen[name], "{name}");
        }
    }

    #[test]
    fn what_is_too_large_is_left_out_and_said_to_be() {
        let what = Watched::Evaluation(id(1));
        let whole = state(
            &what,
            vec![shown(16, 1000)],
            &[],
            None,
            Timestamp::default(),
        );
        assert!(fits(&whole) && whole.get("truncated").is_none());
        let many = state(
            &what,
            vec![shown(200, 2000)],
            &[],
            None,
            Timestamp::default(),
        );
        assert!(fits(&many));
        assert_eq!(
            (&many["truncated"], &many["evaluations"][0]["verdict"]),
            (&json!(true), &json!("pass"))
        );
        let dr = DrNumber::parse("DR1").unwrap();
        for lacks in [Some(json!("x".repeat(200_000))), None] {
            let checklist = checklist(&dr, lacks);
            assert_eq!(
                (&checklist["truncated"], &checklist["links"]["self"]),
                (&json!(true), &json!("/drs/DR1"))
            );
            assert_eq!(checklist["checklist"], Value::Null);
        }
        let small = checklist(&dr, Some(json!({"steps": []})));
        assert_eq!(
            (small.get("truncated"), &small["checklist"]),
            (None, &json!({"steps": []}))
        );
        let huge = news(&all_of(1), shown(1, 200_000));
        assert!(huge.iter().all(fits));
        assert_eq!(huge[0]["truncated"], json!(true));
    }

    #[test]
    fn a_look_says_how_it_stands() {
        let record = LookRecord::sent(&photo("a.jpg"), Timestamp::default());
        let dr = DrNumber::parse("DR1").unwrap();
        let message = look(dr.as_str(), &record, Timestamp::default());
        assert_eq!(message["look"]["state"], "going_on");
        assert_eq!(message["look"]["name"], "a.jpg");
        let state = state(
            &Watched::Dr(dr),
            Vec::new(),
            &[record],
            None,
            Timestamp::default(),
        );
        assert_eq!(state["looks"][0], message["look"]);
    }
}
