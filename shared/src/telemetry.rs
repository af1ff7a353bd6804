//! Logs: one JSON object a line under Lambda, filtered by `RUST_LOG`. A failure is logged once, where it is handled.

/// Starts logging; call it first.
pub fn start() {
    lambda_runtime::tracing::init_default_subscriber();
}
