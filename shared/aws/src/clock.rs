//! The machine's clock, and ids that sort by it. The only place where they are read.

use std::time::{SystemTime, UNIX_EPOCH};

use evaluation::domain::ids::EvaluationId;
use evaluation::domain::time::Timestamp;
use evaluation::domain::trace::TraceId;

/// The time now.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A new trace id.
pub fn new_trace_id() -> TraceId {
    let seconds = u32::try_from(now().as_seconds()).unwrap_or_default();
    TraceId::made(seconds, uuid::Uuid::now_v7().as_u128())
}

/// A new id for what happens at this time: ids sort by it, to the millisecond.
///
/// ```
/// use evaluation::domain::ids::EvaluationId;
///
/// let now = aws::clock::now();
/// let id = aws::clock::new_evaluation_id(now);
/// assert!(EvaluationId::from_parts(now, [0; 10]) <= id && id <= EvaluationId::from_parts(now, [255; 10]));
/// ```
pub fn new_evaluation_id(now: Timestamp) -> EvaluationId {
    let [.., a, b, c, d, e, f, g, h, i, j] = uuid::Uuid::now_v7().into_bytes();
    EvaluationId::from_parts(now, [a, b, c, d, e, f, g, h, i, j])
}
