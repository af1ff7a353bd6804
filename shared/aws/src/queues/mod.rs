//! SQS: sending with a check of each entry, and reading an event record by record.

mod receive;
mod send;

pub use self::receive::Records;
pub use self::send::{QueueError, Queues};
