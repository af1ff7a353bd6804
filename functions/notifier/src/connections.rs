//! Who is connected, and what each watches: items of the one table, which forgets them by itself.
//!
//! | pk | sk | what |
//! | --- | --- | --- |
//! | `CONNECTION#{id}` | `OPEN` | a connection: whose, the number of its last message, its rate |
//! | `CONNECTION#{id}` | `WATCH#{watched}` | what it watches |
//! | `WATCH#{watched}` | `CONNECTION#{id}` | the same, for who looks for watchers |
//! | `PRINCIPAL#{principal}` | `CONNECTION#{id}` | whose connections there are |
//!
//! # Invariants
//! - A number is drawn before the state is read that its message holds: a higher number never holds an earlier state.
//! - `expires_at` is compared on reading: DynamoDB deletes late.

use std::collections::HashMap;
use std::time::Duration;

use aws::SdkConfig;
use aws::clock;
use aws::configuration::{ConfigError, required};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use evaluation::decide::watch::Watched;
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;

/// API Gateway ends a connection after two hours.
const OPEN_FOR: Duration = Duration::from_secs(2 * 60 * 60);
/// Connections of one client: a few apps and pages, and what they left behind when they lost the network.
const MOST_CONNECTIONS: usize = 20;
/// What one connection watches: a page of DRs.
const MOST_WATCHED: usize = 20;
/// A client's messages are counted in spans of so many seconds.
const SPAN_SECONDS: i64 = 10;
/// Messages within a span: several a second are a client gone wild.
pub(crate) const MOST_MESSAGES: u64 = 50;

type Item = HashMap<String, AttributeValue>;

/// The connections.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    client: Client,
    table: String,
}

/// Whether a bound lets something be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    Yes,
    /// It would be one too many.
    TooMany,
}

/// How a connection stands when its client says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// What the client said in this span.
    pub(crate) received: u64,
    /// The number of the last message that was meant for it.
    pub(crate) sequence: u64,
}

impl Counted {
    fn of(item: &Item) -> Self {
        let number = |name| counted(item, name).unwrap_or(0);
        Self {
            received: number("received"),
            sequence: number("sequence"),
        }
    }
}

impl Connections {
    /// Those in the table named by `TABLE_NAME`.
    pub(crate) fn from_env(config: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            client: Client::new(config),
            table: required("TABLE_NAME")?,
        })
    }

    /// Notes a new connection of a client, unless it has too many.
    pub(crate) async fn open(&self, id: &str, principal: &str) -> Result<Added, RunError> {
        let of_client = format!("PRINCIPAL#{principal}");
        if self.current(&of_client, "CONNECTION#").await?.len() >= MOST_CONNECTIONS {
            return Ok(Added::TooMany);
        }
        let more = Item::from([("principal".into(), text(principal))]);
        self.put(&of_client, &connection(id), Item::new()).await?;
        self.put(&connection(id), "OPEN", more).await?;
        Ok(Added::Yes)
    }

    /// Forgets a connection and all that it watches.
    pub(crate) async fn close(&self, id: &str) -> Result<(), RunError> {
        for item in self.items(&connection(id), "").await? {
            let Some(sk) = string(&item, "sk") else {
                continue;
            };
            if let Some(principal) = string(&item, "principal") {
                let of_client = format!("PRINCIPAL#{principal}");
                self.delete(&of_client, &connection(id)).await?;
            }
            if sk.starts_with("WATCH#") {
                self.delete(sk, &connection(id)).await?;
            }
            self.delete(&connection(id), sk).await?;
        }
        Ok(())
    }

    /// A connection watches this from now on, unless it watches too much.
    pub(crate) async fn watch(&self, id: &str, what: &Watched) -> Result<Added, RunError> {
        let watches = self.current(&connection(id), "WATCH#").await?;
        let key = what.key();
        if watches.len() >= MOST_WATCHED && !watches.contains(&key) {
            return Ok(Added::TooMany);
        }
        self.put(&connection(id), &key, Item::new()).await?;
        self.put(&key, &connection(id), Item::new()).await?;
        Ok(Added::Yes)
    }

    /// It watches this no more.
    pub(crate) async fn unwatch(&self, id: &str, what: &Watched) -> Result<(), RunError> {
        let key = what.key();
        self.delete(&key, &connection(id)).await?;
        self.delete(&connection(id), &key).await
    }

    /// The connections that watch this.
    pub(crate) async fn watchers(&self, what: &Watched) -> Result<Vec<String>, RunError> {
        let found = self.current(&what.key(), "CONNECTION#").await?;
        let id = |sk: String| sk.strip_prefix("CONNECTION#").map(str::to_owned);
        Ok(found.into_iter().filter_map(id).collect())
    }

    /// Draws numbers for so many messages to a connection: the first of them. None if it is gone.
    pub(crate) async fn draw(&self, id: &str, messages: usize) -> Result<Option<u64>, RunError> {
        let drawn = self
            .of_open(id)
            .update_expression("ADD #sequence :messages")
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_values(":messages", number(messages));
        let last = applied(drawn.send().await)?.and_then(|item| counted(&item, "sequence"));
        let before = u64::try_from(messages).unwrap_or(0).saturating_sub(1);
        Ok(last.map(|last| last.saturating_sub(before)))
    }

    /// Counts a message of the client. None if the connection is gone.
    pub(crate) async fn count(&self, id: &str) -> Result<Option<Counted>, RunError> {
        let span = number(clock::now().as_seconds().div_euclid(SPAN_SECONDS));
        let (names, values) = ([("#span", "span"), ("#received", "received")], number(1));
        let update = |expression: &str| {
            let update = self.of_open(id).update_expression(expression);
            let update = names.iter().fold(update, |update, (name, field)| {
                update.expression_attribute_names(*name, *field)
            });
            let update = update.expression_attribute_values(":span", span.clone());
            update.expression_attribute_values(":one", values.clone())
        };
        let again = update("ADD #received :one").condition_expression("#span = :span");
        if let Some(item) = applied(again.send().await)? {
            return Ok(Some(Counted::of(&item)));
        }
        let first = update("SET #span = :span, #received = :one").send().await;
        Ok(applied(first)?.as_ref().map(Counted::of))
    }

    /// A change of a connection that is there.
    fn of_open(&self, id: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .key("pk", text(connection(id)))
            .key("sk", text("OPEN"));
        update
            .condition_expression("attribute_exists(pk)")
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
    }

    async fn put(&self, pk: &str, sk: &str, mut item: Item) -> Result<(), RunError> {
        let expires_at = clock::now().after(OPEN_FOR);
        item.insert("pk".into(), text(pk));
        item.insert("sk".into(), text(sk));
        item.insert("expires_at".into(), number(expires_at.as_millis()));
        item.insert("ttl".into(), number(expires_at.as_seconds()));
        let put = self.client.put_item().table_name(&self.table);
        let put = put.set_item(Some(item)).send().await;
        put.map(drop).map_err(failed)
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), RunError> {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete.key("pk", text(pk)).key("sk", text(sk));
        delete.send().await.map(drop).map_err(failed)
    }

    /// The sort keys that begin so of items that have not expired.
    async fn current(&self, pk: &str, prefix: &str) -> Result<Vec<String>, RunError> {
        let now = clock::now();
        let lasts = |item: &Item| {
            let expires_at = counted(item, "expires_at").and_then(|at| i64::try_from(at).ok());
            expires_at.is_some_and(|at| Timestamp::from_millis(at) > now)
        };
        let items = self.items(pk, prefix).await?.into_iter().filter(lasts);
        Ok(items
            .filter_map(|item| string(&item, "sk").map(str::to_owned))
            .collect())
    }

    async fn items(&self, pk: &str, prefix: &str) -> Result<Vec<Item>, RunError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true);
        let query = query.expression_attribute_values(":pk", text(pk));
        let query = match prefix {
            "" => query.key_condition_expression("pk = :pk"),
            _ => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix)),
        };
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(failed)?);
        }
        Ok(items)
    }
}

fn connection(id: &str) -> String {
    format!("CONNECTION#{id}")
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn counted(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The item as it then stands; none if the condition did not hold.
fn applied(
    answer: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Option<Item>, RunError> {
    match answer {
        Ok(output) => Ok(output.attributes),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed(error)),
    }
}

fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> RunError {
    RunError::retry("the connections", cause)
}
