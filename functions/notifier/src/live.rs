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
use evaluation::show::evaluation::view;
use evaluation::show::live;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::connections::Connections;
use crate::sender::Sender;

/// Connections that are sent to at once.
const AT_ONCE: usize = 64;
/// So long one batch of changes may take: completions wait behind it.
const WITHIN: Duration = Duration::from_secs(4);

/// What those who watch are sent from.
pub(crate) struct Live {
    pub(crate) ports: AwsPorts,
    pub(crate) table: Table,
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
            for (id, of) in &news.evaluations {
                self.noted(self.of_evaluation(id, of).await);
            }
            for (dr, photos) in &news.looks {
                self.noted(self.of_looks(dr, photos).await);
            }
        };
        if timeout(WITHIN, all).await.is_err() {
            tracing::warn!("news were left out: they took too long");
        }
    }

    fn noted(&self, sent: Result<(), RunError>) {
        if let Err(error) = sent {
            tracing::warn!(error = %error.with_causes(), "news were not sent");
        }
    }

    async fn of_evaluation(&self, id: &EvaluationId, of: &OfEvaluation) -> Result<(), RunError> {
        let Some(evaluation) = self
            .ports
            .get::<Evaluation>(Key::Evaluation(id.clone()))
            .await?
        else {
            return Ok(());
        };
        let watched = [
            Watched::Evaluation(id.clone()),
            Watched::Dr(evaluation.dr_number),
        ];
        let messages = of.photos.len()
            + [of.progress, of.waiting, of.verdict]
                .into_iter()
                .filter(|is| *is)
                .count();
        let drawn = self.draw(&watched, messages).await?;
        if drawn.is_empty() {
            return Ok(());
        }
        let shown = self.shown(id).await?.unwrap_or_default();
        self.post(drawn, &live::news(of, shown)).await;
        Ok(())
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
        let (evaluations, looks) = match what {
            Watched::Evaluation(evaluation) => (vec![evaluation.clone()], Vec::new()),
            Watched::Dr(dr) => (self.evaluations_of(dr).await?, self.table.looks(dr).await?),
        };
        let mut shown = Vec::new();
        for evaluation in evaluations {
            shown.extend(self.shown(&evaluation).await?);
        }
        let state = live::state(what, shown, &looks, clock::now());
        self.sender.send(id, &[with_number(&state, number)]).await;
        Ok(())
    }

    /// The evaluations that answer what was asked of a DR last, in each mode.
    async fn evaluations_of(&self, dr: &DrNumber) -> Result<Vec<EvaluationId>, RunError> {
        let asked = [Mode::Full, Mode::Quick].map(|mode| Key::LastAsked(dr.clone(), mode));
        let asked = self.ports.get_all::<LastAsked>(asked.into()).await?;
        Ok(asked
            .into_iter()
            .flatten()
            .map(|asked| asked.last_evaluation_id)
            .collect())
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
        let (evaluation, photos) = (&shown.evaluation, &shown.photos);
        Ok(Some(view(
            evaluation,
            photos,
            &shown.flags,
            &shown.metres,
            &[],
            catalogue,
            &shown.notes,
        )))
    }
}

fn with_number(message: &Value, number: u64) -> Value {
    let mut numbered = message.clone();
    if let Some(fields) = numbered.as_object_mut() {
        fields.insert("sequence".into(), json!(number));
    }
    numbered
}
