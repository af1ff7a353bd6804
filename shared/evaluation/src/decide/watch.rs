//! What those who watch hear of: which changes of the table are news, and of what.
//!
//! # Invariants
//! - A change says that something is news and never what: the contents are read afterwards, so that a later message never
//!   holds an earlier state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};

/// What can be watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// An evaluation.
    Evaluation(EvaluationId),
    /// A DR: its looks, and all of its evaluations.
    Dr(DrNumber),
}

impl Watched {
    /// How the table names it.
    pub fn key(&self) -> String {
        match self {
            Self::Evaluation(id) => format!("WATCH#{id}"),
            Self::Dr(dr) => format!("WATCH#{dr}"),
        }
    }
}

/// What is news about an evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfEvaluation {
    /// Photos that have an outcome, or a better one.
    pub photos: BTreeSet<PhotoId>,
    /// It has come further.
    pub progress: bool,
    /// It waits for the VLM, or waits no more.
    pub waiting: bool,
    /// It has a verdict, or another one.
    pub verdict: bool,
    /// A person decided something of it, or withdrew it.
    pub review: bool,
}

impl OfEvaluation {
    /// Whether there is news of progress that no verdict says.
    pub fn tells_progress(&self) -> bool {
        self.progress && !self.verdict
    }

    /// Whether there is news of a wait that no verdict says.
    pub fn tells_waiting(&self) -> bool {
        self.waiting && !self.verdict
    }

    /// How many messages that makes, at most.
    pub fn messages(&self) -> usize {
        let others = [
            self.tells_progress(),
            self.tells_waiting(),
            self.verdict,
            self.review,
        ];
        self.photos.len() + others.into_iter().filter(|is| *is).count()
    }
}

/// What is news.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// About evaluations.
    pub evaluations: BTreeMap<EvaluationId, OfEvaluation>,
    /// Photos of DRs that are looked at, or were.
    pub looks: BTreeMap<DrNumber, BTreeSet<PhotoId>>,
    /// DRs of whose steps technicians said something.
    pub noted: BTreeSet<DrNumber>,
}

impl News {
    /// The news in changes of items, each as it was before and after. What can't be read is no news.
    ///
    /// ```
    /// use evaluation::decide::watch::News;
    /// use serde_json::json;
    ///
    /// let item = json!({"pk": "LOOKS#DR1730550", "sk": "LOOK#0123456789abcdef"});
    /// let news = News::of([(None, Some(&item))]);
    /// assert_eq!(news.looks.len(), 1);
    /// assert!(news.evaluations.is_empty());
    /// ```
    pub fn of<'a>(
        changes: impl IntoIterator<Item = (Option<&'a Value>, Option<&'a Value>)>,
    ) -> Self {
        let mut news = Self::default();
        for (old, new) in changes {
            if let Some(new) = new {
                news.hear(old.unwrap_or(&Value::Null), new);
            }
        }
        news
    }

    fn hear(&mut self, old: &Value, new: &Value) -> Option<()> {
        let (pk, sk) = (new.get("pk")?.as_str()?, new.get("sk")?.as_str()?);
        match (pk.split_once('#')?, sk.split_once('#')) {
            (("EVALUATION", id), None) => {
                let changed = |name: &str| old.get(name) != new.get(name);
                let came_further = ["pending", "started_at", "completed_at"];
                let evaluation = self.evaluation(id)?;
                evaluation.progress |= came_further.iter().any(|name| changed(name));
                evaluation.waiting |= changed("waiting_since") || changed("waiting_reason");
                evaluation.verdict |= changed("revision") && new.get("verdict").is_some();
            }
            (("EVALUATION", id), Some(("PHOTO", photo)))
                if old.get("report") != new.get("report") =>
            {
                let photo = PhotoId::parse(photo).ok()?;
                self.evaluation(id)?.photos.insert(photo);
            }
            (("REVIEWS", _), Some(("REVIEW", _))) if old.is_null() => {
                let id = new.get("evaluation_id")?.as_str()?;
                self.evaluation(id)?.review = true;
            }
            (("NOTES", dr), None) => {
                self.noted.insert(DrNumber::parse(dr).ok()?);
            }
            (("LOOKS", dr), Some(("LOOK", photo))) => {
                let (dr, photo) = (DrNumber::parse(dr).ok()?, PhotoId::parse(photo).ok()?);
                self.looks.entry(dr).or_default().insert(photo);
            }
            _ => (),
        }
        Some(())
    }

    fn evaluation(&mut self, id: &str) -> Option<&mut OfEvaluation> {
        let id = EvaluationId::parse(id).ok()?;
        Some(self.evaluations.entry(id).or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decide::fixtures::id;

    const PHOTO: &str = "0123456789abcdef";

    fn item(sk: &str, more: Value) -> Value {
        let mut item = json!({"pk": format!("EVALUATION#{}", id(1)), "sk": sk});
        if let (Some(item), Value::Object(more)) = (item.as_object_mut(), more) {
            item.extend(more);
        }
        item
    }

    fn of(old: &Value, new: &Value) -> OfEvaluation {
        let mut news = News::of([(Some(old), Some(new))]);
        news.evaluations.remove(&id(1)).unwrap_or_default()
    }

    #[test]
    fn each_change_is_news_of_its_kind() {
        let running = item("META", json!({"pending": [PHOTO], "revision": 0}));
        let further = item("META", json!({"revision": 0}));
        let waits = item(
            "META",
            json!({"pending": [PHOTO], "revision": 0, "waiting_since": 7}),
        );
        let ended = item(
            "META",
            json!({"revision": 1, "verdict": "pass", "completed_at": 9}),
        );
        let news = |progress, waiting, verdict| OfEvaluation {
            progress,
            waiting,
            verdict,
            ..OfEvaluation::default()
        };
        assert_eq!(of(&running, &running), news(false, false, false));
        assert_eq!(of(&running, &further), news(true, false, false));
        assert_eq!(of(&running, &waits), news(false, true, false));
        assert_eq!(of(&waits, &running), news(false, true, false));
        assert_eq!(of(&further, &ended), news(true, false, true));
    }

    #[test]
    fn a_photo_is_news_when_its_outcome_is_and_not_when_it_is_put_off() {
        let sk = format!("PHOTO#{PHOTO}");
        let (pending, put_off) = (item(&sk, json!({})), item(&sk, json!({"attempt": 1})));
        let done = item(&sk, json!({"report": {"outcome": "x"}}));
        assert!(of(&pending, &put_off).photos.is_empty());
        let photos = of(&pending, &done).photos;
        assert_eq!(
            photos.into_iter().collect::<Vec<_>>(),
            [PhotoId::parse(PHOTO).unwrap()]
        );
    }

    #[test]
    fn a_review_is_news_of_its_evaluation_when_it_is_written() {
        let item = json!({"pk": "REVIEWS#DR1", "sk": "REVIEW#00000001", "evaluation_id": id(1)});
        let mut news = News::of([(None, Some(&item))]);
        let of = news.evaluations.remove(&id(1)).unwrap_or_default();
        assert!(of.review && of.messages() == 1);
        assert_eq!(News::of([(Some(&item), Some(&item))]), News::default());
    }

    #[test]
    fn what_a_technician_says_is_news_of_the_dr() {
        let item = json!({"pk": "NOTES#DR1", "sk": "NOTED", "note_01": {"reason": "x"}});
        let news = News::of([(None, Some(&item))]);
        let drs: Vec<_> = news.noted.iter().map(DrNumber::as_str).collect();
        assert_eq!((drs, news.evaluations.len()), (vec!["DR1"], 0));
    }

    #[test]
    fn what_is_gone_or_not_watched_is_no_news() {
        let other = json!({"pk": "CONNECTION#x", "sk": "OPEN", "sequence": 7});
        let gone = item("META", json!({}));
        let odd = json!({"pk": "EVALUATION#7", "sk": "META"});
        let changes = [
            (None, Some(&other)),
            (Some(&gone), None),
            (None, Some(&odd)),
        ];
        assert_eq!(News::of(changes), News::default());
    }
}
