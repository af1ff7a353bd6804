//! A simulated VLM server: it says so in its name, its answers and its output. It reads the codes in sample photos,
//! takes the time that `engine` works out from the rates of `latency.json`, and has the words and forms of whom it takes
//! on (`personalities.json`).

mod chunks;
mod control;
pub mod engine;
pub mod faults;
pub mod latency;
mod look;
mod odds;
pub mod personality;
mod routes;
mod server;
mod sigv4;
mod stream;
pub mod tokens;
pub mod work;

use std::sync::Arc;

pub use crate::server::Options;
use crate::server::Server;

/// Serves until the future is dropped.
///
/// # Errors
/// If the listener fails, or nobody is called as the options say.
pub async fn serve(listener: tokio::net::TcpListener, options: Options) -> anyhow::Result<()> {
    let server = Arc::new(Server::new(options)?);
    Ok(axum::serve(listener, routes::routes(server)).await?)
}
