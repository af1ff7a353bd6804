//! The table's model: it carries out the same writes, with the same guards, as the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use evaluation::decide::update::{
    Condition, Guard, GuardName, Key, Part, Put, Update, UpdateAction,
};
use evaluation::run::ports::UpdateResult;
use serde_json::{Map, Value, json};

/// Items by key, cheap to clone. A guard that is switched off is never against anything: the check that each guard is
/// needed.
#[derive(Debug, Clone, Default)]
pub struct Table {
    items: BTreeMap<Arc<(String, String)>, Arc<Item>>,
    /// The keys of the items in the index of unfinished evaluations.
    unfinished: BTreeSet<Arc<(String, String)>>,
    /// The guard that is switched off.
    pub without: Option<GuardName>,
    /// How often each guard was against a write.
    pub refusals: BTreeMap<GuardName, u64>,
}

#[derive(Debug, Default)]
struct Item {
    /// An object; shared with those who read it.
    value: Arc<Value>,
    digest: OnceLock<u64>,
}

impl Item {
    fn new(attributes: Map<String, Value>) -> Arc<Self> {
        Arc::new(Self {
            value: Arc::new(Value::Object(attributes)),
            digest: OnceLock::new(),
        })
    }

    fn attributes(&self) -> Option<&Map<String, Value>> {
        self.value.as_object()
    }

    fn digest(&self) -> u64 {
        *self.digest.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            self.value.hash(&mut hasher);
            hasher.finish()
        })
    }
}

/// The items alone: what was switched off or counted does not make another state.
impl Hash for Table {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for item in self.items.values() {
            // Its key is in it.
            item.digest().hash(state);
        }
    }
}

impl Table {
    /// One item.
    pub fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.items
            .get(&key.parts())
            .map(|item| Arc::clone(&item.value))
    }

    /// The items of a partition whose sort keys begin so.
    pub fn query(&self, partition: &str, prefix: &str) -> Vec<Arc<Value>> {
        let from = (partition.to_owned(), prefix.to_owned());
        let within = self
            .items
            .range(from..)
            .take_while(|(key, _)| key.0 == partition && key.1.starts_with(prefix));
        within.map(|(_, item)| Arc::clone(&item.value)).collect()
    }

    /// The items that have this attribute.
    pub fn having<'a>(
        &'a self,
        attribute: &'a str,
    ) -> impl Iterator<Item = &'a Map<String, Value>> {
        self.items
            .values()
            .filter_map(|item| item.attributes())
            .filter(move |item| item.contains_key(attribute))
    }

    /// Deletes what belongs to an evaluation, as the table's time-to-live does some day.
    pub fn purge(&mut self, partition: &str) {
        self.items.retain(|key, _| key.0 != partition);
        self.unfinished.retain(|key| key.0 != partition);
    }

    /// Changes an item.
    pub fn update(&mut self, update: &Update) -> UpdateResult {
        if !self.admits(&update.key, &update.guards) {
            return UpdateResult::Refused;
        }
        let (pk, sk) = update.key.parts();
        let key = (pk, sk);
        let before = self
            .items
            .get(&key)
            .and_then(|item| item.attributes().cloned());
        let mut item = before.unwrap_or_else(|| keys(&key.0, &key.1));
        update
            .actions
            .iter()
            .for_each(|change| apply(&mut item, change));
        let after = Value::Object(item.clone());
        self.store(key, item);
        UpdateResult::Applied(after)
    }

    fn store(&mut self, key: (String, String), item: Map<String, Value>) {
        let key = Arc::new(key);
        if item.contains_key("gsi_active") {
            self.unfinished.insert(Arc::clone(&key));
        } else {
            self.unfinished.remove(&key);
        }
        self.items.insert(key, Item::new(item));
    }

    /// The evaluations in the index of the unfinished ones.
    pub fn unfinished(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let items = self.unfinished.iter().filter_map(|key| self.items.get(key));
        items.filter_map(|item| item.attributes())
    }

    /// Puts an item.
    pub fn put(&mut self, put: &Put) -> bool {
        let admitted = self.admits(&put.key, &put.guards);
        if admitted {
            let (pk, sk) = put.key.parts();
            let mut item = keys(&pk, &sk);
            item.extend(put.item.as_object().cloned().unwrap_or_default());
            self.store((pk, sk), item);
        }
        admitted
    }

    /// Deletes an item.
    pub fn delete(&mut self, key: &Key) {
        self.items.remove(&key.parts());
        self.unfinished.remove(&key.parts());
    }

    /// Does all parts or none.
    pub fn transact(&mut self, parts: &[Part]) -> bool {
        let against: Vec<GuardName> = parts
            .iter()
            .flat_map(|part| self.against_part(part))
            .collect();
        self.count(&against);
        if against.is_empty() {
            for part in parts {
                match part {
                    Part::Put(put) => drop(self.put(put)),
                    Part::Update(update) => drop(self.update(update)),
                }
            }
        }
        against.is_empty()
    }

    /// Whether nothing is against any part.
    pub fn would_admit(&self, parts: &[Part]) -> bool {
        parts.iter().all(|part| self.against_part(part).is_empty())
    }

    fn against_part(&self, part: &Part) -> Vec<GuardName> {
        match part {
            Part::Put(put) => self.against(&put.key, &put.guards),
            Part::Update(update) => self.against(&update.key, &update.guards),
        }
    }

    fn admits(&mut self, key: &Key, guards: &[Guard]) -> bool {
        let against = self.against(key, guards);
        self.count(&against);
        against.is_empty()
    }

    fn count(&mut self, against: &[GuardName]) {
        against
            .iter()
            .for_each(|name| *self.refusals.entry(*name).or_default() += 1);
    }

    fn against(&self, key: &Key, guards: &[Guard]) -> Vec<GuardName> {
        let empty = Map::new();
        let item = self
            .items
            .get(&key.parts())
            .and_then(|item| item.attributes())
            .unwrap_or(&empty);
        let against = guards
            .iter()
            .filter(|guard| self.without != Some(guard.name));
        let against =
            against.filter(|guard| !guard.any_of.iter().any(|condition| holds(item, condition)));
        against.map(|guard| guard.name).collect()
    }
}

fn keys(pk: &str, sk: &str) -> Map<String, Value> {
    Map::from_iter([("pk".to_owned(), json!(pk)), ("sk".to_owned(), json!(sk))])
}

fn at<'a>(item: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = item.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

fn holds(item: &Map<String, Value>, condition: &Condition) -> bool {
    let number = |path: &str| at(item, path).and_then(Value::as_i64);
    match condition {
        Condition::Exists(path) => at(item, path).is_some(),
        Condition::Absent(path) => at(item, path).is_none(),
        Condition::Is(path, value) => at(item, path) == Some(value),
        Condition::Below(path, bound) => number(path).is_some_and(|number| number < *bound),
        Condition::AtMost(path, bound) => number(path).is_some_and(|number| number <= *bound),
    }
}

fn apply(item: &mut Map<String, Value>, change: &UpdateAction) {
    match change {
        UpdateAction::Set(name, value) => drop(item.insert((*name).into(), value.clone())),
        UpdateAction::SetIfAbsent(name, value) => {
            _ = item.entry(*name).or_insert_with(|| value.clone());
        }
        UpdateAction::Remove(name) => drop(item.remove(*name)),
        UpdateAction::Increment(name) => {
            let count = item.get(*name).and_then(Value::as_u64).unwrap_or(0);
            item.insert((*name).into(), json!(count + 1));
        }
        UpdateAction::Add(name, number) => {
            let count = item.get(*name).and_then(Value::as_i64).unwrap_or(0);
            item.insert((*name).into(), json!(count + number));
        }
        UpdateAction::DeleteMembers(name, members) => {
            let left: Vec<Value> = item
                .get(*name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter(|m| {
                    !m.as_str()
                        .is_some_and(|m| members.as_slice().iter().any(|other| other == m))
                })
                .cloned()
                .collect();
            if left.is_empty() {
                item.remove(*name);
            } else {
                item.insert((*name).into(), Value::Array(left));
            }
        }
    }
}
