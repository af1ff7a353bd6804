//! The unfinished evaluations, page by page. The index may lag behind by moments: who looks at one reads it again.

use evaluation::decide::unfinished::{Page, Unfinished, key_of};
use evaluation::decide::update::Key;
use evaluation::domain::ids::EvaluationId;
use evaluation::domain::time::Timestamp;
use serde::Deserialize;

use super::{Item, Table, TableError, from_item, text};

/// Entries of a page: a few tens of kilobytes, and some seconds' work for the sweeper.
const ENTRIES: i32 = 500;

/// What the index holds of an evaluation: keys only.
#[derive(Deserialize)]
struct Listed {
    pk: String,
    gsi_due: String,
}

impl Table {
    /// Unfinished evaluations of a part, the earliest deadline first, from behind one of them on.
    pub async fn unfinished(
        &self,
        part: u8,
        after: Option<&Unfinished>,
    ) -> Result<Page, TableError> {
        let query = self.client.query().table_name(&self.name);
        let query = query.index_name("unfinished").limit(ENTRIES);
        let query = query.key_condition_expression("gsi_active = :part");
        let query = query.expression_attribute_values(":part", text(key_of(part)));
        let start = after.map(|after| start(part, after));
        let page = query.set_exclusive_start_key(start).send().await;
        let page = page.map_err(|cause| TableError::aws("Query", cause))?;
        let more = page.last_evaluated_key.is_some();
        let items = page.items.unwrap_or_default().into_iter();
        let entries = items.map(entry).collect::<Result<_, _>>()?;
        Ok(Page { entries, more })
    }
}

/// The key behind which a query goes on.
fn start(part: u8, after: &Unfinished) -> Item {
    let (pk, sk) = Key::Evaluation(after.evaluation_id.clone()).parts();
    let due = after.due_at.to_string();
    let keys = [
        ("pk", pk),
        ("sk", sk),
        ("gsi_active", key_of(part)),
        ("gsi_due", due),
    ];
    keys.into_iter()
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect()
}

fn entry(item: Item) -> Result<Unfinished, TableError> {
    let listed: Listed = from_item(item)?;
    let id = listed.pk.split_once('#').map_or("", |(_, id)| id);
    Ok(Unfinished {
        due_at: Timestamp::parse(&listed.gsi_due).map_err(TableError::corrupt)?,
        evaluation_id: EvaluationId::parse(id).map_err(TableError::corrupt)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_off_the_keys_and_a_query_goes_on_behind_it() {
        let id = EvaluationId::from_parts(Timestamp::default(), [1; 10]);
        let unfinished = Unfinished {
            due_at: Timestamp::from_millis(1_795_516_494_007),
            evaluation_id: id,
        };
        assert_eq!(entry(start(3, &unfinished)).unwrap(), unfinished);
    }
}
