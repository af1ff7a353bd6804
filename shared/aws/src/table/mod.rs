//! The one DynamoDB table: reads, and carrying out the writes that `decide::updates` describes.
//!
//! | pk | sk | what | written by |
//! | --- | --- | --- | --- |
//! | `EVALUATION#{id}` | `META` | an evaluation | splitter, aggregator |
//! | `EVALUATION#{id}` | `PHOTO#{photo_id}` | one of its photos and its outcome | splitter, aggregator, sweeper (time of resending) |
//! | `FINGERPRINT#{hash}` | `CURRENT` | the evaluation that answers this question | splitter |
//! | `DR#{dr_number}` | `UPLOADS` | when a photo was uploaded last | splitter |
//! | `DR#{dr_number}` | `LAST#{mode}` | the question that was asked of the DR last | splitter |
//! | `CACHE#{dr_number}` | `VALID_FROM` | since when answers about this DR may be used | api |
//! | `CACHE` | `ALL` | since when answers about any DR may be used | api |
//! | `ANSWER#{hash}` | `KEPT` | the model's answer to a question about a photo | aggregator |
//! | `SIGHTING#{mark}` | `FIRST` | where a photo with this mark was seen first | aggregator |
//! | `SERIAL#{serial}` | `FIRST`, `AGAIN` | the DR in which a serial was seen first, and the next one; for ever | aggregator |
//! | `PLACE#{dr_number}` | `EXPECTED` | where a DR is expected to be | api, splitter (how long it is kept) |
//! | `NOTES#{dr_number}` | `NOTED` | what technicians noted of a DR's steps | api, splitter (how long they are kept) |
//! | `REVIEWS#{dr_number}` | `REVIEW#{number}` | what a person decided; written once, never changed | api |
//! | `CARDS#{dr_number}` | `CARD#{id}`, `CERTAINTY#{id}` | what the list across DRs shows of an evaluation; the second is listed by certainty | notifier |
//! | `COUNTS#{year}` | `{day}` | how many evaluations of a day are in each state | notifier |
//! | `KNOWN#{id}` | `TRUTH` | what an evaluation truly is, which reviewers are not told | api |
//! | `ACCURACY` | `LAST` | whether certainty may order what people look at | sweeper |
//! | `CLAIM#{dr_number}` | `HELD` | who claims a DR, and until when | api |
//! | `VLM` | `BREAKER` | what is known of the VLM | aggregator |
//! | `QUEUE#{queue}` | `PROGRESS` | how far a queue of batches has come | aggregator |
//! | `SWEEPER#{part}` | `SWEPT_TO` | where the sweeper goes on | sweeper |
//! | `CONNECTION#…`, `WATCH#…`, `PRINCIPAL#…` | | who is connected, and what they watch (`functions/notifier`) | notifier |
//!
//! Index `history` (`gsi_dr`, `gsi_created`) lists a DR's evaluations and holds what is shown of them there; index
//! `unfinished` (`gsi_active`, `gsi_due`) holds the unfinished ones only, keys alone, in parts. Index `listed` (`gsi_list`,
//! `gsi_at`) holds cards, by state, and claims: DynamoDB adds one index at a time to a table, so it has two orders in one.

mod cancellation;
mod cards;
mod expression;
mod failure;
mod history;
mod read;
#[cfg(test)]
mod size;
mod unfinished;
mod write;

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;

use crate::configuration::{ConfigError, required};

pub use self::failure::TableError;
pub use self::history::{Cursor, HistoryPage};

type Item = HashMap<String, AttributeValue>;

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// The table named by `TABLE_NAME`.
    pub fn from_env(config: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self::new(Client::new(config), required("TABLE_NAME")?))
    }

    /// The table of this name.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    serde_dynamo::from_item(item).map_err(TableError::corrupt)
}
