//! A simulated VLM server: it says so in its name, its answers and its output. It reads the codes in sample photos, and
//! takes the time that `engine` works out from the rates of `latency.json`.

pub mod engine;
pub mod faults;
pub mod latency;
mod look;
mod routes;
mod server;
mod stream;
pub mod tokens;
pub mod work;

use std::sync::Arc;

pub use crate::server::Options;
use crate::server::Server;

/// Serves until the future is dropped.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: tokio::net::TcpListener, options: Options) -> std::io::Result<()> {
    axum::serve(listener, routes::routes(Arc::new(Server::new(options)))).await
}
