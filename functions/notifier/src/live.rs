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
use evaluation::run::error::{Class, RunError};
use evaluation::run::ports::Ports;
use evaluation::run::show::show;
use evaluation::run::tell::Change;
use evaluation::show::evaluation::seen;
use evaluation::show::live;
use futures::stream::{self, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use crate::checklists::Checklists;
use crate::connections::Connections;
use crate::sender::Sender;

/// Connections that are sent to at once.
const AT_ONCE: usize = 64;
/// States that are read at once, each with what there is of a DR.
const READ_AT_ONCE: usize = 8;
/// So long one batch of changes may take: completions wait behind it.
const WITHIN: Duration = Duration::from_secs(9);
/// Of that, so long numbers are drawn: what is not sent for want of time leaves a gap in them.
const DRAWN_WITHIN: Duration = Duration::from_secs(5);
/// So often a call of the table is made that fails, and so long after it failed first.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// What those who watch are sent from.
pub(crate) struct Live {
    pub(crate) ports: AwsPorts,
    pub(crate) table: Table,
    pub(crate) checklists: Checklists,
    pub(crate) connections: Connections,
    pub(crate) sender: Sender,
}

impl Live {
    /// Sends what is news in these changes to those who watch. Who misses a message finds a gap in the numbers, and
    /// subscribes again: for that numbers are drawn of all that is news before any of it is read. Where it can't be read
    /// who watches, nobody would find a gap. So if the changes may come again, nobody is sent anything, and the place of
    /// the first is given that is news; else nobody hears of these.
    pub(crate) async fn send_news(
        &self,
        changes: &[Change],
        may_come_again: bool,
    ) -> Option<usize> {
        let (news, begun) = (News::of(changes.iter().map(images)), Instant::now());
        let by = begun + DRAWN_WITHIN;
        let (drs, all_known) = self.drs(&news, by).await;
        let subjects = subjects(&news, &drs);
        let (subjects, all_read) = self.watched(subjects, by).await;
        if may_come_again && !(all_known && all_read) {
            return first_news(changes);
        }
        let (first, without) = self.draw(&subjects, by).await;
        let watching: Vec<_> = subjects
            .iter()
            .map(|(subject, watchers)| (watchers, subject.messages()))
            .collect();
        let numbered = numbered(&watching, first);
        let numbered = subjects.iter().map(|(subject, _)| subject).zip(numbered);
        // A checklist is read last, for its number is the highest.
        let (checklists, others): (Vec<_>, Vec<_>) =
            numbered.partition(|(subject, _)| matches!(subject, Subject::Checklist(_)));
        let all = async {
            // They connect again, and are sent the state.
            let ended = stream::iter(&without).map(|id| self.sender.disconnect(id));
            ended.buffer_unordered(AT_ONCE).collect::<()>().await;
            self.send_all(others).await;
            self.send_all(checklists).await;
        };
        if timeout_at(begun + WITHIN, all).await.is_err() {
            tracing::warn!("news were left out: they took too long");
        }
        None
    }

    /// The DRs of the evaluations of which there is news, and whether all could be read.
    async fn drs(&self, news: &News, by: Instant) -> (BTreeMap<EvaluationId, DrNumber>, bool) {
        let found = stream::iter(news.evaluations.keys()).map(|id| async move {
            let key = || Key::Evaluation(id.clone());
            let evaluation = tried(by, async || self.ports.get::<OfDr>(key()).await).await;
            (id.clone(), evaluation)
        });
        let found: Vec<_> = found.buffer_unordered(AT_ONCE).collect().await;
        let (found, all_known) = those_read(found);
        let of_dr = |(id, found): (_, Option<OfDr>)| found.map(|found| (id, found.dr_number));
        (found.into_iter().filter_map(of_dr).collect(), all_known)
    }

    /// Those of which somebody is to hear, with the connections that watch them, and whether all could be read.
    async fn watched<'a>(
        &self,
        subjects: Vec<Subject<'a>>,
        by: Instant,
    ) -> (Vec<(Subject<'a>, BTreeSet<String>)>, bool) {
        let all: BTreeSet<Watched> = subjects.iter().flat_map(Subject::watched).collect();
        let found = stream::iter(all).map(|what| async move {
            let watchers = tried(by, async || self.connections.watchers(&what).await).await;
            (what, watchers)
        });
        let found: Vec<_> = found.buffer_unordered(AT_ONCE).collect().await;
        let (found, all_read) = those_read(found);
        let with_watchers = |subject: Subject<'a>| {
            let watched = subject.watched();
            let watchers = watched.iter().filter_map(|what| found.get(what)).flatten();
            let watchers: BTreeSet<String> = watchers.cloned().collect();
            (subject.messages() > 0 && !watchers.is_empty()).then_some((subject, watchers))
        };
        let watched = subjects.into_iter().filter_map(with_watchers).collect();
        (watched, all_read)
    }

    /// Draws numbers for all messages of each connection: the first of them, and the connections that could have none.
    /// Who is gone is not among them.
    async fn draw(
        &self,
        subjects: &[(Subject<'_>, BTreeSet<String>)],
        by: Instant,
    ) -> (BTreeMap<String, u64>, Vec<String>) {
        let mut messages: BTreeMap<&String, usize> = BTreeMap::new();
        for (subject, watchers) in subjects {
            for id in watchers {
                *messages.entry(id).or_default() += subject.messages();
            }
        }
        let drawn = stream::iter(messages).map(|(id, messages)| async move {
            let drawn = tried(by, async || self.connections.draw(id, messages).await).await;
            (id, drawn)
        });
        let drawn: Vec<_> = drawn.buffer_unordered(AT_ONCE).collect().await;
        let (mut first, mut without) = (BTreeMap::new(), Vec::new());
        for (id, drawn) in drawn {
            match drawn {
                Ok(number) => first.extend(number.map(|number| (id.clone(), number))),
                Err(error) => {
                    not_sent(&error);
                    without.push(id.clone());
                }
            }
        }
        (first, without)
    }

    /// Reads some of these at once, and sends them one after another: of a connection's messages a later one has a
    /// higher number.
    async fn send_all(&self, numbered: Vec<(&Subject<'_>, BTreeMap<String, u64>)>) {
        let wanted = numbered.into_iter().filter(|(_, drawn)| !drawn.is_empty());
        let read = stream::iter(wanted)
            .map(async |(subject, drawn)| (self.messages(subject).await, drawn));
        let mut read = std::pin::pin!(read.buffered(READ_AT_ONCE));
        while let Some((messages, drawn)) = read.next().await {
            match messages {
                Ok(messages) => self.post(drawn, &messages).await,
                Err(error) => not_sent(&error),
            }
        }
    }

    /// What is sent, without its numbers.
    async fn messages(&self, subject: &Subject<'_>) -> Result<Vec<Value>, RunError> {
        Ok(match subject {
            Subject::Evaluation { id, of, .. } => {
                let shown = self.shown(id).await?.unwrap_or_default();
                live::news(of, shown)
            }
            Subject::Looks(dr, photos) => {
                let key = |photo: &PhotoId| Key::Look((*dr).clone(), photo.clone());
                let keys = photos.iter().map(key).collect();
                let (looks, now) = (self.ports.get_all::<LookRecord>(keys).await?, clock::now());
                let looks = looks.iter().flatten();
                looks
                    .map(|look| live::look(dr.as_str(), look, now))
                    .collect()
            }
            Subject::Checklist(dr) => {
                vec![live::checklist(dr, self.checklist(dr).await?)]
            }
        })
    }

    async fn checklist(&self, dr: &DrNumber) -> Result<Option<Value>, RunError> {
        let last = self.evaluations_of(dr).await?;
        self.checklists.of(&self.ports, dr, last.first()).await
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

/// An evaluation's DR: of the item no more is read, whichever release wrote the rest.
#[derive(Deserialize)]
struct OfDr {
    dr_number: DrNumber,
}

/// Something of which there is news.
#[derive(Debug)]
enum Subject<'a> {
    Evaluation {
        id: &'a EvaluationId,
        dr: DrNumber,
        of: &'a OfEvaluation,
    },
    /// Photos of a DR.
    Looks(&'a DrNumber, &'a BTreeSet<PhotoId>),
    /// A DR's.
    Checklist(DrNumber),
}

impl Subject<'_> {
    /// Who watches any of these hears of it.
    fn watched(&self) -> Vec<Watched> {
        match self {
            Self::Evaluation { id, dr, .. } => {
                vec![Watched::Evaluation((*id).clone()), Watched::Dr(dr.clone())]
            }
            Self::Looks(dr, _) => vec![Watched::Dr((*dr).clone())],
            Self::Checklist(dr) => vec![Watched::Dr(dr.clone())],
        }
    }

    /// How many messages that makes, at most.
    fn messages(&self) -> usize {
        match self {
            Self::Evaluation { of, .. } => of.messages(),
            Self::Looks(_, photos) => photos.len(),
            Self::Checklist(_) => 1,
        }
    }
}

/// Of what there is news, in the order in which it is sent; `drs` are those of the evaluations.
fn subjects<'a>(news: &'a News, drs: &BTreeMap<EvaluationId, DrNumber>) -> Vec<Subject<'a>> {
    let evaluations = news.evaluations.iter();
    let evaluations = evaluations.filter_map(|(id, of)| {
        let dr = drs.get(id)?.clone();
        Some(Subject::Evaluation { id, dr, of })
    });
    let is_seen = |of: &OfEvaluation| of.verdict || of.review || !of.photos.is_empty();
    let seen = news.evaluations.iter().filter(|(_, of)| is_seen(of));
    let seen = seen.filter_map(|(id, _)| drs.get(id));
    let changed = seen.chain(news.looks.keys()).chain(&news.noted);
    let changed: BTreeSet<DrNumber> = changed.cloned().collect();
    let looks = news.looks.iter();
    let looks = looks.map(|(dr, photos)| Subject::Looks(dr, photos));
    let checklists = changed.into_iter().map(Subject::Checklist);
    evaluations.chain(looks).chain(checklists).collect()
}

/// The first number of each watcher for each subject, with so many messages; `first` are the first numbers of all.
fn numbered(
    subjects: &[(&BTreeSet<String>, usize)],
    mut first: BTreeMap<String, u64>,
) -> Vec<BTreeMap<String, u64>> {
    let mut all = Vec::with_capacity(subjects.len());
    for (watchers, messages) in subjects {
        let mut of_subject = BTreeMap::new();
        for id in *watchers {
            if let Some(next) = first.get_mut(id) {
                of_subject.insert(id.clone(), *next);
                *next = next.saturating_add(*messages as u64);
            }
        }
        all.push(of_subject);
    }
    all
}

fn images(change: &Change) -> (Option<&Value>, Option<&Value>) {
    (change.old.as_ref(), change.new.as_ref())
}

/// The place of the first change that is news.
fn first_news(changes: &[Change]) -> Option<usize> {
    changes.iter().position(|change| {
        let news = News::of([images(change)]);
        !(news.evaluations.is_empty() && news.looks.is_empty() && news.noted.is_empty())
    })
}

/// What could be read, and whether that is all.
fn those_read<K: Ord, V>(found: Vec<(K, Result<V, RunError>)>) -> (BTreeMap<K, V>, bool) {
    let asked = found.len();
    let read = found.into_iter().filter_map(|(key, found)| {
        let found = found.inspect_err(not_sent).ok()?;
        Some((key, found))
    });
    let read: BTreeMap<K, V> = read.collect();
    let all = read.len() == asked;
    (read, all)
}

/// Does it again if it fails, until then.
async fn tried<T>(by: Instant, what: impl AsyncFn() -> Result<T, RunError>) -> Result<T, RunError> {
    let tries = async {
        for tried in 1..TRIES {
            match what().await {
                Err(error) if error.class() == Class::Retry => sleep(PAUSE * tried).await,
                done => return done,
            }
        }
        what().await
    };
    let late = || RunError::contended("the table takes too long");
    timeout_at(by, tries).await.unwrap_or_else(|_| Err(late()))
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

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
