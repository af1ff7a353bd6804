//! Why a photo can't be prepared: the cause, for operators.

/// A photo that can't be prepared. None of these gets better by trying again.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// The content is no image that is known.
    #[error("the content is not a known image format: {0}")]
    Unknown(String),
    /// The content is an image of a format that is not read.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The content is a JPEG that is coded in a way that only few programs know.
    #[error("JPEG with {0} is not supported")]
    UnsupportedJpeg(&'static str),
    /// The content is something else than a photo, which is known: `a video`.
    #[error("the content is {0}")]
    NoPhoto(&'static str),
    /// The content is what an upload was wrapped in: `the boundary of its form`.
    #[error("the content begins with {0}")]
    Wrapped(&'static str),
    /// The content is damaged or ends early.
    #[error("the image is damaged: {0}")]
    Damaged(String),
    /// The dimensions or the file exceed the limits.
    #[error("{width} x {height} pixels in {bytes} bytes exceed the limits")]
    TooLarge {
        /// Width as the header says.
        width: u64,
        /// Height as the header says.
        height: u64,
        /// Bytes of the file.
        bytes: u64,
    },
    /// Decoding it takes more memory than there is.
    #[error("decoding takes {needed} bytes of memory, more than there is")]
    TooMuchMemory {
        /// Bytes that decoding takes.
        needed: u64,
    },
    /// Scaling or encoding failed: a bug.
    #[error("the image could not be scaled or encoded: {0}")]
    Processing(String),
}
