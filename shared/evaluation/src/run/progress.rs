//! Noting how far the queues of batches have come.

use super::error::RunError;
use super::ports::Ports;
use crate::decide::message::Received;
use crate::decide::progress::is_sample;
use crate::decide::updates;
use crate::domain::ids::PhotoId;

/// Notes how far a queue of batches has come, now and then: the sweeper tells by it what merely queues from what is
/// lost.
pub(super) async fn note_progress(
    ports: &impl Ports,
    photo: &PhotoId,
    received: Option<Received>,
) -> Result<(), RunError> {
    let Some(received) = received.filter(|received| is_sample(photo, received.due_at)) else {
        return Ok(());
    };
    let (queue, due_at) = (received.queue(), received.due_at);
    let progress = updates::progress(queue, due_at, ports.now());
    ports.update(progress).await.map(drop)
}
