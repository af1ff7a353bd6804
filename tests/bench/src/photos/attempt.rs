//! The work on one photo. Whatever a file makes a library do, the files behind it are measured.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

/// A photo that something was not measured with, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LeftOut {
    /// The photo's name.
    pub(crate) photo: String,
    /// The reason.
    pub(crate) reason: String,
}

/// Does the work; an error, and a panic as well, is the reason why it gave nothing.
pub(crate) fn attempt<T>(work: impl FnOnce() -> anyhow::Result<T>) -> Result<T, String> {
    // Nothing that the work had begun outlives it, so that nothing half-done is seen.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|cause| format!("{cause:#}")),
        Err(panic) => Err(format!("a panic: {}", message(&*panic))),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// A line a photo, for people.
pub(crate) fn report(left_out: &[LeftOut]) -> String {
    let line = |LeftOut { photo, reason }: &LeftOut| format!("{photo} is left out: {reason}");
    left_out.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_and_a_panic_are_reasons() {
        assert_eq!(attempt(|| Ok(7)), Ok(7));
        let refused = attempt::<()>(|| Err(anyhow::anyhow!("inner").context("outer")));
        assert_eq!(refused, Err("outer: inner".into()));
        let number = 3;
        for panic in [
            attempt::<()>(|| panic!("number 3")),
            attempt::<()>(|| panic!("number {number}")),
        ] {
            assert_eq!(panic, Err("a panic: number 3".into()));
        }
    }
}
