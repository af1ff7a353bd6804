//! What is measured.

use clap::Args;

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Photos of the DR.
    #[arg(long, default_value_t = 16)]
    pub(crate) photos: usize,
    /// For how many seconds they come.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) over: f64,
    /// Megapixels of a photo.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) megapixels: f64,
    /// DRs that are uploaded while somebody waits for another one.
    #[arg(long, default_value_t = 20)]
    pub(crate) crowd: usize,
    /// How often somebody waits, alone and in the crowd.
    #[arg(long, default_value_t = 5)]
    pub(crate) asks: usize,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
