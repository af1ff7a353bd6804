//! What those who watch are sent: the state when they subscribe, and then each change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws::clock;
use aws::ports::AwsPorts;
use aws::table::Table;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::look::LookRecord;
use evaluation::decide::miss::LastAsked;
use evaluation::decide::update::Key;
use evaluation::decide::watch::{News, OfEvaluation, Watched};
use evaluation::domain::ids::{DrNumber, EvaluationId, PhotoId};
use evaluation::domain::plan::Mode;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use evaluation::run::show::show;
use evaluation::run::tell::Change;
use evaluation::show::evaluation::seen;
use evaluation::show::live;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::checklists::Checklists;
use crate::connections::Connections;
use crate::sender::Sender;

/// Connections that are sent to at once.
const AT_ONCE: usize = 64;
/// So long one batch of changes may take: completions wait behind it.
const WITHIN: Duration = Duration::from_secs(9);

/// What those who watch are sent from.
pub(crate) struct Live {
    pub(crate) ports: AwsPorts,
    pub(crate) table: Table,
    pub(crate) checklists: Checklists,
    pub(crate) connections: Connections,
    pub(crate) sender: Sender,
}

impl Live {
    /// Sends what is news in these changes to those who watch. It never fails: who misses a message finds a gap in the
    /// numbers, and subscribes again.
    pub(crate) async fn send_news(&self, changes: &[Change]) {
        let images = changes
            .iter()
            .map(|change| (change.old.as_ref(), change.new.as_ref()));
        let news = News::of(images);
        let all = async {
            let looked_at = news.looks.keys().cloned();
            let mut drs: BTreeSet<DrNumber> = looked_at.chain(news.noted).collect();
            for (id, of) in &news.evaluations {
                match self.of_evaluation(id, of).await {
                    Ok(dr) => drs.extend(dr),
                    Err(error) => not_sent(&error),
                }
            }
            for (dr, photos) in &news.looks {
                let sent = self.of_looks(dr, photos).await;
                sent.unwrap_or_else(|error| not_sent(&error));
            }
            for dr in drs {
                let sent = self.of_checklist(&dr).await;
                sent.unwrap_or_else(|error| not_sent(&error));
            }
        };
        if timeout(WITHIN, all).await.is_err() {
            tracing::warn!("news were left out: they took too long");
        }
    }

    /// Sends what is news about an evaluation; gives its DR if that changes the DR's checklist.
    async fn of_evaluation(
        &self,
        id: &EvaluationId,
        of: &OfEvaluation,
    ) -> Result<Option<DrNumber>, RunError> {
        let key = Key::Evaluation(id.clone());
        let Some(evaluation) = self.ports.get::<Evaluation>(key).await? else {
            return Ok(None);
        };
        let dr = evaluation.dr_number;
        let watched = [Watched::Evaluation(id.clone()), Watched::Dr(dr.clone())];
        let drawn = self.draw(&watched, of.messages()).await?;
        if drawn.is_empty() {
            return Ok(None);
        }
        let shown = self.shown(id).await?.unwrap_or_default();
        self.post(drawn, &live::news(of, shown)).await;
        let is_seen = of.verdict || of.review || !of.photos.is_empty();
        Ok(is_seen.then_some(dr))
    }

    /// Sends a DR's checklist to who watches the DR.
    async fn of_checklist(&self, dr: &DrNumber) -> Result<(), RunError> {
        let drawn = self.draw(&[Watched::Dr(dr.clone())], 1).await?;
        if drawn.is_empty() {
            return Ok(());
        }
        if let Some(checklist) = self.checklist(dr).await? {
            self.post(drawn, &[live::checklist(dr, checklist)]).await;
        }
        Ok(())
    }

    async fn checklist(&self, dr: &DrNumber) -> Result<Option<Value>, RunError> {
        let last = self.evaluations_of(dr).await?;
        self.checklists.of(&self.ports, dr, last.first()).await
    }

    async fn of_looks(&self, dr: &DrNumber, photos: &BTreeSet<PhotoId>) -> Result<(), RunError> {
        let drawn = self.draw(&[Watched::Dr(dr.clone())], photos.len()).await?;
        if drawn.is_empty() {
            return Ok(());
        }
        let keys = photos
            .iter()
            .map(|photo| Key::Look(dr.clone(), photo.clone()))
            .collect();
        let looks = self.ports.get_all::<LookRecord>(keys).await?;
        let now = clock::now();
        let messages = looks
            .iter()
            .flatten()
            .map(|look| live::look(dr.as_str(), look, now));
        self.post(drawn, &messages.collect::<Vec<_>>()).await;
        Ok(())
    }

    /// Draws numbers for so many messages to each who watches any of these; who is gone has none.
    async fn draw(
        &self,
        watched: &[Watched],
        messages: usize,
    ) -> Result<BTreeMap<String, u64>, RunError> {
        let mut watchers = BTreeSet::new();
        for what in watched.iter().filter(|_| messages > 0) {
            watchers.extend(self.connections.watchers(what).await?);
        }
        let drawn = stream::iter(watchers).map(|id| async move {
            let drawn = self.connections.draw(&id, messages).await;
            drawn.ok().flatten().map(|first| (id, first))
        });
        Ok(drawn
            .buffer_unordered(AT_ONCE)
            .filter_map(async |drawn| drawn)
            .collect()
            .await)
    }

    async fn post(&self, drawn: BTreeMap<String, u64>, messages: &[Value]) {
        let posts = stream::iter(drawn).map(|(id, first)| async move {
            let numbered: Vec<Value> = (first..)
                .zip(messages)
                .map(|(number, message)| with_number(message, number))
                .collect();
            self.sender.send(&id, &numbered).await;
        });
        posts.buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    /// Sends a connection the state of what it watches.
    pub(crate) async fn send_state(&self, id: &str, what: &Watched) -> Result<(), RunError> {
        let Some(number) = self.connections.draw(id, 1).await? else {
            return Ok(());
        };
        let state = match what {
            Watched::Evaluation(evaluation) => {
                let shown = self.shown(evaluation).await?;
                live::state(what, shown.into_iter().collect(), &[], None, clock::now())
            }
            Watched::Dr(dr) => {
                let mut shown = Vec::new();
                for evaluation in self.evaluations_of(dr).await? {
                    shown.extend(self.shown(&evaluation).await?);
                }
                let (looks, checklist) = (self.table.looks(dr).await?, self.checklist(dr).await?);
                live::state(what, shown, &looks, checklist, clock::now())
            }
        };
        self.sender.send(id, &[with_number(&state, number)]).await;
        Ok(())
    }

    /// The evaluations that answer what was asked of a DR last, in each mode, the last one first.
    async fn evaluations_of(&self, dr: &DrNumber) -> Result<Vec<EvaluationId>, RunError> {
        let asked = [Mode::Full, Mode::Quick].map(|mode| Key::LastAsked(dr.clone(), mode));
        let asked = self.ports.get_all::<LastAsked>(asked.into()).await?;
        let ids = asked.into_iter().flatten();
        let ids: BTreeSet<_> = ids.map(|asked| asked.last_evaluation_id).collect();
        Ok(ids.into_iter().rev().collect())
    }

    /// Whether there is this evaluation.
    pub(crate) async fn is_known(&self, id: &EvaluationId) -> Result<bool, RunError> {
        let found = self
            .ports
            .get::<Evaluation>(Key::Evaluation(id.clone()))
            .await?;
        Ok(found.is_some())
    }

    async fn shown(&self, id: &EvaluationId) -> Result<Option<Value>, RunError> {
        let Some(shown) = show(&self.ports, id).await? else {
            return Ok(None);
        };
        let catalogue = self
            .ports
            .catalogue(&shown.evaluation.versions.catalogue)
            .await?;
        Ok(Some(json!(seen(&shown, &[], catalogue))))
    }
}

fn not_sent(error: &RunError) {
    tracing::warn!(error = %error.with_causes(), "news were not sent");
}

fn with_number(message: &Value, number: u64) -> Value {
    let mut numbered = message.clone();
    if let Some(fields) = numbered.as_object_mut() {
        fields.insert("sequence".into(), json!(number));
    }
    numbered
}
