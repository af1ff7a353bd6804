//! Lists of evaluations: a DR's history, and the unfinished ones.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Store, StoreError, evaluation_key, read, text};
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::protocol::evaluation::Evaluation;

/// Where the next page of a history begins: the last evaluation of the page before.
pub type Cursor = EvaluationId;

/// A page of a DR's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// Evaluations, newest first.
    pub evaluations: Vec<Evaluation>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

#[derive(Deserialize)]
struct Listed {
    evaluation_id: EvaluationId,
}

impl Store {
    /// A DR's evaluations, newest first. The index may lag behind by moments.
    pub async fn history(&self, dr: &DrNumber, limit: i32, after: Option<&Cursor>) -> Result<HistoryPage, StoreError> {
        let query =
            self.client.query().table_name(&self.table).index_name("by_dr").scan_index_forward(false).limit(limit);
        let query =
            query.key_condition_expression("gsi_dr = :dr").expression_attribute_values(":dr", text(dr.as_str()));
        let start = after.map(|id| {
            let (pk, sk) = evaluation_key(id);
            let keys = [("pk", pk), ("sk", sk), ("gsi_dr", dr.to_string()), ("gsi_created", id.to_string())];
            keys.into_iter().map(|(name, value)| (name.to_string(), text(value))).collect::<HashMap<_, _>>()
        });
        let page =
            query.set_exclusive_start_key(start).send().await.map_err(|cause| StoreError::aws("Query", cause))?;
        let more = page.last_evaluated_key.is_some();
        let evaluations =
            page.items.unwrap_or_default().into_iter().map(read).collect::<Result<Vec<Evaluation>, _>>()?;
        let next = evaluations.last().filter(|_| more).map(|last| last.evaluation_id.clone());
        Ok(HistoryPage { evaluations, next })
    }

    /// The ids of all unfinished evaluations, the earliest deadline first.
    pub async fn unfinished(&self) -> Result<Vec<EvaluationId>, StoreError> {
        let query = self.client.query().table_name(&self.table).index_name("active");
        let query = query
            .key_condition_expression("gsi_active = :active")
            .expression_attribute_values(":active", text("active"));
        let mut items = query.into_paginator().items().send();
        let mut ids = Vec::new();
        while let Some(item) = items.next().await {
            ids.push(read::<Listed>(item.map_err(|cause| StoreError::aws("Query", cause))?)?.evaluation_id);
        }
        Ok(ids)
    }
}
