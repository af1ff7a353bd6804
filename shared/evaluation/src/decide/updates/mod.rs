//! Every conditional write of the system, by what it is about.

mod evaluation;
mod people;
mod photo;
mod request;
mod seen;
mod system;
mod upload;

use serde::Serialize;
use serde_json::{Value, json};

use super::update::Condition::{Absent, Below, Exists};
use super::update::UpdateAction::Set;
use super::update::{Guard, GuardName, Key, Update};
use crate::domain::time::Timestamp;

pub use self::evaluation::*;
pub use self::people::*;
pub use self::photo::*;
pub use self::request::*;
pub use self::seen::*;
pub use self::system::*;
pub use self::upload::*;

fn value(of: &impl Serialize) -> Value {
    json!(of)
}

fn known(name: GuardName) -> Guard {
    Guard::one(name, Exists("pk"))
}

/// A time that only moves forward: of two, whichever comes first, the later one stays.
fn moved_forward(key: Key, guard: GuardName, name: &'static str, at: Timestamp) -> Update {
    let earlier = Below(name, at.as_millis());
    Update {
        key,
        guards: vec![Guard::either(guard, Absent(name), earlier)],
        actions: vec![Set(name, value(&at))],
    }
}
