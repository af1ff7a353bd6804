//! What the list across DRs is read from: cards and claims, by the index `listed`, which may lag behind by moments, and the
//! counts of days.

use evaluation::decide::card::Card;
use evaluation::decide::claim::{Claim, Kept, LISTED, MOST_CLAIMS};
use evaluation::decide::list::{Part, Reading};
use evaluation::decide::update::Key;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Item, Table, TableError, from_item, text};

/// Of a claimed DR so many of its last evaluations are listed.
const LAST_OF_DR: i32 = 25;

impl Table {
    /// The cards of one part of the index.
    pub async fn cards(&self, reading: &Reading) -> Result<Part, TableError> {
        let (cards, more) = self.listed(reading).await?;
        Ok(Part { cards, more })
    }

    /// What one part of the index lists, and whether there is more.
    pub(crate) async fn listed<T: DeserializeOwned>(
        &self,
        reading: &Reading,
    ) -> Result<(Vec<T>, bool), TableError> {
        let query = self.client.query().table_name(&self.name);
        let query = query.index_name("listed").limit(reading.most as i32);
        let query = query.scan_index_forward(!reading.backward);
        let query = query
            .key_condition_expression("gsi_list = :list AND gsi_at BETWEEN :low AND :high")
            .expression_attribute_values(":list", text(&reading.list))
            .expression_attribute_values(":low", text(&reading.low))
            .expression_attribute_values(":high", text(&reading.high));
        let page = query.send().await;
        let page = page.map_err(|cause| TableError::aws("Query", cause))?;
        let more = page.last_evaluated_key.is_some();
        Ok((read(page.items)?, more))
    }

    /// The cards of a DR's last evaluations, as they are now: who puts something onto all of them must miss none.
    pub async fn cards_of(&self, dr: &DrNumber) -> Result<Vec<Card>, TableError> {
        let any = EvaluationId::from_parts(Timestamp::default(), [0; 10]);
        let (pk, _) = Key::Card(dr.clone(), any).parts();
        let query = self.client.query().table_name(&self.name).limit(LAST_OF_DR);
        let query = query
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text("CARD#"));
        let page = query.send().await;
        read(page.map_err(|cause| TableError::aws("Query", cause))?.items)
    }

    /// The cards of a DR's evaluations from one to another, both included.
    pub async fn cards_between(
        &self,
        dr: &DrNumber,
        first: &EvaluationId,
        last: &EvaluationId,
    ) -> Result<Vec<Card>, TableError> {
        let (pk, low) = Key::Card(dr.clone(), first.clone()).parts();
        let (_, high) = Key::Card(dr.clone(), last.clone()).parts();
        let query = self.client.query().table_name(&self.name);
        let page = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":low", text(low))
            .expression_attribute_values(":high", text(high))
            .send()
            .await;
        read(page.map_err(|cause| TableError::aws("Query", cause))?.items)
    }

    /// The claims that hold, those that end first at the front.
    pub async fn claims(&self, now: Timestamp) -> Result<Vec<Claim>, TableError> {
        // Some more than there may be: of two who claim at the same moment neither sees the other's.
        let query = self.client.query().table_name(&self.name);
        let query = query.index_name("listed").limit(2 * MOST_CLAIMS as i32);
        let query = query
            .key_condition_expression("gsi_list = :list AND gsi_at > :now")
            .expression_attribute_values(":list", text(LISTED))
            .expression_attribute_values(":now", text(now.to_string()));
        let page = query.send().await;
        let page = page.map_err(|cause| TableError::aws("Query", cause))?;
        let kept: Vec<Kept> = read(page.items)?;
        let holding = kept.into_iter().filter_map(|kept| kept.holds(now));
        Ok(holding.collect())
    }

    /// What was counted on the days from one to another of the same year, both included.
    pub async fn counts(
        &self,
        from: &str,
        to: &str,
    ) -> Result<Vec<Map<String, Value>>, TableError> {
        let (pk, from) = Key::Counts(from.into()).parts();
        let query = self.client.query().table_name(&self.name);
        let mut items = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|cause| TableError::aws("Query", cause))?;
            found.push(from_item(item)?);
        }
        Ok(found)
    }
}

fn read<T: DeserializeOwned>(items: Option<Vec<Item>>) -> Result<Vec<T>, TableError> {
    items
        .unwrap_or_default()
        .into_iter()
        .map(from_item)
        .collect()
}
