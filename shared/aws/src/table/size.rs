//! How large an item is, by DynamoDB's rules, rounded up where they leave a choice.

use aws_sdk_dynamodb::types::AttributeValue;

use super::Item;

/// DynamoDB's limit of an item, names included.
pub(super) const LARGEST_ITEM: usize = 400 * 1024;
/// What a list or map takes beside what is in it.
const CONTAINER: usize = 3;

/// The bytes that an item counts: its names and values.
pub(super) fn item_size(item: &Item) -> usize {
    let each = item.iter().map(|(name, value)| name.len() + size(value));
    each.sum()
}

fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Ss(members) => members.iter().map(String::len).sum(),
        AttributeValue::Ns(members) => members.iter().map(|n| number_size(n)).sum(),
        AttributeValue::Bs(members) => members.iter().map(|b| b.as_ref().len()).sum(),
        AttributeValue::L(values) => {
            CONTAINER + values.iter().map(|value| 1 + size(value)).sum::<usize>()
        }
        AttributeValue::M(fields) => {
            let field = |(name, value): (&String, &AttributeValue)| 1 + name.len() + size(value);
            CONTAINER + fields.iter().map(field).sum::<usize>()
        }
        _ => 1,
    }
}

/// A byte for two digits, one more, and one for the sign.
fn number_size(number: &str) -> usize {
    (number.len() / 2 + 3).min(21)
}
