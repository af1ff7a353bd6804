//! SQS: sending with a check of each entry, and reading an event record by record.

mod receive;
mod send;

#[cfg(test)]
pub(crate) use self::receive::MARGIN;
pub use self::receive::{Delivery, Records};
pub use self::send::{QueueError, Queues};
