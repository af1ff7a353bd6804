//! What is shown of things, as JSON: the same to who asks and to who watches.

pub mod evaluation;
pub mod live;
pub mod review;
