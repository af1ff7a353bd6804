//! Writes as DynamoDB expressions. Every name and value is a placeholder, so none can clash with a reserved word.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::TableError;
use evaluation::decide::update::{Condition, Guard, UpdateAction};

/// Expressions and what their placeholders stand for.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    /// The update expression, empty for a put.
    pub(super) update: String,
    /// The condition, if there is one.
    pub(super) condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expressions {
    /// The expressions of a write, or, without actions, of the guards of a put.
    pub(super) fn of(guards: &[Guard], actions: &[UpdateAction]) -> Result<Self, TableError> {
        let mut all = Self::default();
        let mut clauses: [(&str, Vec<String>); 4] = [
            ("SET", vec![]),
            ("REMOVE", vec![]),
            ("DELETE", vec![]),
            ("ADD", vec![]),
        ];
        for change in actions {
            let (kind, clause) = all.change(change)?;
            if let Some((_, clauses)) = clauses.iter_mut().find(|(name, _)| *name == kind) {
                clauses.push(clause);
            }
        }
        let parts = clauses
            .iter()
            .filter(|(_, all)| !all.is_empty())
            .map(|(kind, all)| format!("{kind} {}", all.join(", ")));
        all.update = parts.collect::<Vec<_>>().join(" ");
        let guards = guards
            .iter()
            .map(|guard| all.guard(guard))
            .collect::<Result<Vec<_>, _>>()?;
        all.condition = (!guards.is_empty()).then(|| guards.join(" AND "));
        Ok(all)
    }

    /// Names, or nothing: DynamoDB takes no empty map.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// Values, or nothing.
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    fn change(&mut self, change: &UpdateAction) -> Result<(&'static str, String), TableError> {
        Ok(match change {
            UpdateAction::Set(name, value) => (
                "SET",
                format!("{} = {}", self.name(name), self.value(value)?),
            ),
            UpdateAction::SetIfAbsent(name, value) => {
                let name = self.name(name);
                (
                    "SET",
                    format!("{name} = if_not_exists({name}, {})", self.value(value)?),
                )
            }
            UpdateAction::Remove(name) => ("REMOVE", self.name(name)),
            UpdateAction::DeleteMembers(name, members) => {
                let members = self.placeholder(AttributeValue::Ss(members.as_slice().to_vec()));
                ("DELETE", format!("{} {members}", self.name(name)))
            }
            UpdateAction::Increment(name) => {
                let one = self.placeholder(AttributeValue::N("1".into()));
                ("ADD", format!("{} {one}", self.name(name)))
            }
            UpdateAction::Add(name, number) => {
                let number = self.placeholder(AttributeValue::N(number.to_string()));
                ("ADD", format!("{} {number}", self.name(name)))
            }
        })
    }

    fn guard(&mut self, guard: &Guard) -> Result<String, TableError> {
        let any = guard
            .any_of
            .iter()
            .map(|condition| self.condition(condition))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(format!("({})", any.join(" OR ")))
    }

    fn condition(&mut self, condition: &Condition) -> Result<String, TableError> {
        let mut compare =
            |name: &str, operator: &str, value: &Value| -> Result<String, TableError> {
                Ok(format!(
                    "{} {operator} {}",
                    self.name(name),
                    self.value(value)?
                ))
            };
        match condition {
            Condition::Exists(name) => Ok(format!("attribute_exists({})", self.name(name))),
            Condition::Absent(name) => Ok(format!("attribute_not_exists({})", self.name(name))),
            Condition::Is(name, value) => compare(name, "=", value),
            Condition::Below(name, number) => compare(name, "<", &(*number).into()),
            Condition::AtMost(name, number) => compare(name, "<=", &(*number).into()),
        }
    }

    /// A placeholder for each part of a path.
    fn name(&mut self, path: &str) -> String {
        let placeholder = |part: &str| format!("#{part}");
        self.names.extend(
            path.split('.')
                .map(|part| (placeholder(part), part.to_owned())),
        );
        path.split('.')
            .map(placeholder)
            .collect::<Vec<_>>()
            .join(".")
    }

    fn value(&mut self, value: &Value) -> Result<String, TableError> {
        let value = serde_dynamo::to_attribute_value(value).map_err(TableError::corrupt)?;
        Ok(self.placeholder(value))
    }

    fn placeholder(&mut self, value: AttributeValue) -> String {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), value);
        name
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use evaluation::decide::update::{GuardName, Members};

    #[test]
    fn a_write_becomes_expressions_with_placeholders_only() {
        let guards = [
            Guard::one(GuardName::OutcomeKnown, Condition::Exists("pk")),
            Guard::either(
                GuardName::OneProbe,
                Condition::Absent("judgement"),
                Condition::Is("judgement.verdict", json!("incomplete")),
            ),
        ];
        let actions = [
            UpdateAction::Set("ttl", json!(7)),
            UpdateAction::DeleteMembers("pending", Members::one("a")),
            UpdateAction::Increment("failures"),
            UpdateAction::Remove("since"),
        ];
        let all = Expressions::of(&guards, &actions).unwrap();
        assert_eq!(
            all.update,
            "SET #ttl = :v0 REMOVE #since DELETE #pending :v1 ADD #failures :v2"
        );
        assert_eq!(
            all.condition.unwrap(),
            "(attribute_exists(#pk)) AND (attribute_not_exists(#judgement) OR #judgement.#verdict = :v3)"
        );
        assert_eq!(all.values.len(), 4);
    }
}
