//! What a request asks of the server.

/// What a request asks of the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Tokens of text and images.
    pub prompt_tokens: f64,
    /// Tokens of the answer.
    pub answer_tokens: f64,
    /// The beginning that other prompts share, if any.
    pub prefix: Option<Prefix>,
    /// Whether the answer ever ends; one that hangs keeps its place until its client goes.
    pub ends: bool,
}

/// A prompt's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The same for the same text.
    pub id: u64,
    /// Its length.
    pub tokens: u32,
}
