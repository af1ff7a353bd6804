//! What is shown of things, as JSON: the same to who asks and to who watches, whoever that is, but for the evidence, which
//! is for reviewers.

pub mod evaluation;
pub mod evidence;
pub mod live;
