//! A DR's evaluations.

use std::collections::HashMap;

use super::{Table, TableError, from_item, text};
use evaluation::decide::history::HistoryEntry;
use evaluation::decide::update::Key;
use evaluation::domain::ids::{DrNumber, EvaluationId};

/// Where the next page of a history begins: the last evaluation of the page before.
pub type Cursor = EvaluationId;

/// A page of a DR's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// Evaluations, newest first.
    pub evaluations: Vec<HistoryEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Table {
    /// A DR's evaluations, newest first. The index may lag behind by moments.
    pub async fn history(
        &self,
        dr: &DrNumber,
        limit: i32,
        after: Option<&Cursor>,
    ) -> Result<HistoryPage, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name("history")
            .scan_index_forward(false)
            .limit(limit);
        let query = query
            .key_condition_expression("gsi_dr = :dr")
            .expression_attribute_values(":dr", text(dr.as_str()));
        let start = after.map(|id| {
            let (pk, sk) = Key::Evaluation(id.clone()).parts();
            let keys = [
                ("pk", pk),
                ("sk", sk),
                ("gsi_dr", dr.to_string()),
                ("gsi_created", id.to_string()),
            ];
            keys.into_iter()
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect::<HashMap<_, _>>()
        });
        let page = query
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|cause| TableError::aws("Query", cause))?;
        let more = page.last_evaluated_key.is_some();
        let evaluations = page
            .items
            .unwrap_or_default()
            .into_iter()
            .map(from_item)
            .collect::<Result<Vec<HistoryEntry>, _>>()?;
        let next = evaluations
            .last()
            .filter(|_| more)
            .map(|last| last.evaluation_id.clone());
        Ok(HistoryPage { evaluations, next })
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
