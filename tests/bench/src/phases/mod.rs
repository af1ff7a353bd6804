//! The predecessor's plan, phase by phase, and this system, on the same simulated VLM in virtual time.
//!
//! The server is the engine of `simulated-vlm`, which answers the HTTP requests of the local stack, too. Its rates are
//! fitted once to published times (`published.json`); every report shows what is left of each.

mod fit;
mod report;
mod spread;
mod systems;
mod workload;
mod world;

use clap::Args;
use samples::drs::Dr;
use serde_json::{Value, json};
use simulated_vlm::latency::{Latency, Rates};

use self::fit::{Fit, Residual};
use self::systems::{Cost, Setting, System};
use crate::report::print;

/// What the server runs at once.
const LIMITS: [usize; 3] = [4, 8, 16];
/// DRs of a busy hour: the samples in turn, 12 photos in the mean.
const MANY: usize = 20;
/// Photos in a request, at most (vLLM's `--limit-mm-per-prompt` of the simulated VLM).
const MOST_PHOTOS_PER_REQUEST: usize = 8;

/// What is reported.
#[derive(Args)]
pub(crate) struct Options {
    /// A JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Only fits the server's rates to the published times, and shows what is left of each.
    #[arg(long)]
    fit: bool,
    /// A server's rates, as `bench servers --latency-file` writes them, instead of those fitted to published times.
    #[arg(long, value_name = "FILE", conflicts_with = "fit")]
    latency: Option<String>,
    /// Only how long evaluations take where sixteen places are spread over few invocations or many.
    #[arg(long, conflicts_with = "fit")]
    spread: bool,
}

/// A system on a set of DRs, where the server runs so many requests.
pub(crate) struct Row {
    system: System,
    drs: String,
    photos: usize,
    limit: usize,
    cost: Cost,
    /// How many times as fast as phase 0.
    ratio: f64,
}

/// Seconds for each number of photos in a request, 1 to 8.
pub(crate) struct Optimum {
    drs: String,
    limit: usize,
    seconds: Vec<f64>,
}

/// Everything that was found.
pub(crate) struct Report {
    /// The file that the server's rates are from, if they are not fitted to published times.
    latency: Option<String>,
    fit: Fit,
    residuals: Vec<Residual>,
    rows: Vec<Row>,
    optima: Vec<Optimum>,
}

/// Prints the report.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let fitted = fit::fit()?;
    let residuals = fit::residuals(&fitted)?;
    if options.fit {
        let text = if options.json {
            fit_json(&fitted, &residuals).to_string()
        } else {
            report::fit(&fitted, &residuals)
        };
        return print(&text);
    }
    let rates = match &options.latency {
        Some(path) => Latency::parse(path)?.rates(),
        None => Rates::realistic()?,
    };
    let setting = Setting::new(rates)?;
    if options.spread {
        let found = spread::of(setting)?;
        return print(&if options.json {
            spread::json(&found).to_string()
        } else {
            spread::text(&found)
        });
    }
    let report = Report {
        latency: options.latency.clone(),
        rows: rows(&setting)?,
        optima: optima(setting)?,
        fit: fitted,
        residuals,
    };
    print(&if options.json {
        report.json().to_string()
    } else {
        report::text(&report)
    })
}

fn sets(setting: &Setting) -> Vec<(String, Vec<&Dr>)> {
    let drs = &setting.workload.drs;
    let single = drs.iter().map(|dr| (dr.dr_number.clone(), vec![dr]));
    single
        .chain([(
            format!("{MANY} DRs at once"),
            drs.iter().cycle().take(MANY).collect(),
        )])
        .collect()
}

fn rows(setting: &Setting) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, drs) in sets(setting) {
        for limit in LIMITS {
            let baseline_s = setting.cost(System::Sequential, &drs, limit)?.last_s;
            for system in System::ALL {
                let cost = setting.cost(system, &drs, limit)?;
                let photos = drs.iter().map(|dr| dr.photos.len()).sum();
                rows.push(Row {
                    system,
                    drs: name.clone(),
                    photos,
                    limit,
                    cost,
                    ratio: baseline_s / cost.last_s,
                });
            }
        }
    }
    Ok(rows)
}

/// This system in full mode, with 1 to 8 photos in a request.
fn optima(mut setting: Setting) -> anyhow::Result<Vec<Optimum>> {
    let mut all: Vec<Optimum> = Vec::new();
    for limit in LIMITS {
        let mut curves = vec![Vec::new(); 2];
        for photos in 1..=MOST_PHOTOS_PER_REQUEST {
            setting.photos_per_request = photos;
            let sets = sets(&setting);
            for (curve, (_, drs)) in curves
                .iter_mut()
                .zip([sets.first(), sets.last()].into_iter().flatten())
            {
                curve.push(setting.cost(System::Full, drs, limit)?.last_s);
            }
        }
        let names = ["DR1730550".to_owned(), format!("{MANY} DRs at once")];
        all.extend(names.into_iter().zip(curves).map(|(drs, seconds)| Optimum {
            drs,
            limit,
            seconds,
        }));
    }
    Ok(all)
}

impl Optimum {
    /// The number of photos in a request that takes the least time.
    fn best(&self) -> usize {
        let least = self
            .seconds
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(b.1));
        least.map_or(1, |(at, _)| at + 1)
    }
}

fn fit_json(fit: &Fit, residuals: &[Residual]) -> Value {
    let Rates {
        prefill_ms_per_token,
        decode_ms_per_token,
        decode_ms_per_token_and_other_request,
        kv_tokens,
        prefix_block_tokens,
    } = fit.rates;
    json!({
        "prefill_ms_per_token": prefill_ms_per_token, "decode_ms_per_token": decode_ms_per_token,
        "decode_ms_per_token_and_other_request": decode_ms_per_token_and_other_request, "kv_tokens": kv_tokens,
        "kv_tokens_as_good": [fit.kv_range.0, fit.kv_range.1], "prefix_block_tokens": prefix_block_tokens,
        "one_prompt_tokens": fit.one_prompt_tokens, "residuals": residuals,
    })
}

impl Report {
    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let Cost { last_s, mean_s, tokens_in, tokens_out, requests, payload_mb } = row.cost;
            json!({
                "system": row.system.name(), "drs": row.drs, "photos": row.photos, "limit": row.limit, "seconds": last_s,
                "mean_seconds": mean_s, "ratio": row.ratio, "tokens_in": tokens_in, "tokens_out": tokens_out,
                "requests": requests, "payload_mb": payload_mb,
            })
        });
        let optima = self.optima.iter().map(|optimum| {
            json!({"drs": optimum.drs, "limit": optimum.limit, "photos_per_request": optimum.best(), "seconds": optimum.seconds})
        });
        json!({
            "simulation": true, "latency": self.latency, "rows": rows.collect::<Vec<_>>(), "optimum": optima.collect::<Vec<_>>(),
            "fit": fit_json(&self.fit, &self.residuals),
        })
    }
}

#[cfg(test)]
mod tests;
