//! How often quick mode comes to full mode's verdict, how often either is right, and what quick mode saves; and the
//! same for two catalogues, size policies or models.
//!
//! # Invariants
//! - Photos are selected, asked about, read and judged by the code that production runs; only the model itself may be a
//!   noise model, and then the report says so.

mod certainty;
mod compare;
mod evaluate;
pub(crate) mod labelled;
mod made;
mod mistakes;
mod model;
mod noise;
mod present;
mod seconds;
mod tally;
#[cfg(test)]
mod tests;
mod way;

use std::path::PathBuf;

use clap::Args;
use evaluation::domain::catalogue::CURRENT_VERSION;
use evaluation::domain::plan::Mode;
use serde_json::json;
use simulated_vlm::latency::Rates;

use self::certainty::Worth;
use self::compare::differences;
use self::labelled::LabelledDr;
use self::mistakes::Mistakes;
use self::model::Model;
use self::seconds::seconds;
use self::tally::{Case, Tally};
use self::way::{Comparison, Way};
use crate::report::print;

/// What is evaluated, by whom, and what is compared.
#[derive(Args)]
pub(crate) struct Options {
    /// A folder of labelled DRs (a folder each, with a labels.json); without it, DRs are made up.
    folder: Option<PathBuf>,
    /// Made-up DRs [default: as mistakes.json says].
    #[arg(long)]
    drs: Option<usize>,
    /// Where chance starts [default: as mistakes.json says].
    #[arg(long)]
    seed: Option<u64>,
    /// A VLM server that is sent the photos; without it, a noise model stands for the model.
    #[arg(long)]
    vlm_url: Option<String>,
    /// The server's model; without --vlm-url, a noise model of noise.json.
    #[arg(long, default_value = "assumed")]
    vlm_model: String,
    /// The catalogue's version, or the file of a draft.
    #[arg(long, default_value = CURRENT_VERSION)]
    catalogue: String,
    /// Compares two ways on the same DRs: catalogue=v1,v2, size-policy=s2,s3 or model=a,b; drafts by their .json files.
    #[arg(long)]
    compare: Option<Comparison>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Evaluates and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let base = Way::new(&options.catalogue, &options.vlm_model)?;
    let drs = options.set(&base)?;
    let report = match &options.compare {
        None => options.alone(base, &drs).await?,
        Some(comparison) => options.against(comparison, &base, &drs).await?,
    };
    print(&report)
}

impl Options {
    fn set(&self, base: &Way) -> anyhow::Result<Vec<LabelledDr>> {
        let mistakes = Mistakes::shipped()?;
        match &self.folder {
            Some(folder) => labelled::read(folder),
            None => made::drs(
                &mistakes,
                &base.catalogue,
                self.drs.unwrap_or(mistakes.drs),
                self.seed.unwrap_or(mistakes.seed),
            ),
        }
    }

    async fn alone(&self, base: Way, drs: &[LabelledDr]) -> anyhow::Result<String> {
        let tally = self.tally(base, drs).await?;
        if self.json {
            return Ok(
                json!({"set": self.about_set(drs)?, "model": self.about_model(), "result": tally.json(), "certainty": Worth::of_tally(&tally).json()}).to_string()
            );
        }
        Ok(format!(
            "{}\n{}\n\n{}",
            self.about_set(drs)?,
            self.about_model(),
            present::quick_against_full(&tally)
        ))
    }

    async fn against(
        &self,
        comparison: &Comparison,
        base: &Way,
        drs: &[LabelledDr],
    ) -> anyhow::Result<String> {
        let [first, second] = comparison.ways(base)?;
        let ways = [
            self.tally(first, drs).await?,
            self.tally(second, drs).await?,
        ];
        let found = differences(&ways);
        if self.json {
            let found: Vec<_> = found.iter().map(compare::Difference::json).collect();
            let about = json!({"set": self.about_set(drs)?, "model": self.about_model()});
            return Ok(
                json!({"about": about, "ways": ways.map(|way| way.json()), "differences": found})
                    .to_string(),
            );
        }
        let table = present::compared(&comparison.values, &found);
        Ok(format!(
            "{}\n{}\n\n{table}",
            self.about_set(drs)?,
            self.about_model()
        ))
    }

    async fn tally(&self, way: Way, drs: &[LabelledDr]) -> anyhow::Result<Tally> {
        let seed = self.seed.unwrap_or(Mistakes::shipped()?.seed);
        let model = Model::of(&way, self.vlm_url.as_deref(), seed)?;
        tally(&model, way, drs).await
    }

    fn about_set(&self, drs: &[LabelledDr]) -> anyhow::Result<String> {
        let photos: usize = drs.iter().map(|dr| dr.photos.len()).sum();
        let counts = format!("{} DRs, {photos} photos", drs.len());
        if let Some(folder) = &self.folder {
            let partly = drs.iter().filter(|dr| dr.decided.is_some()).count();
            let of_people = match partly {
                0 => String::new(),
                _ => format!(" Of {partly} of them only what people decided counts as known."),
            };
            return Ok(format!(
                "{counts}, labelled, from {}.{of_people}",
                folder.display()
            ));
        }
        let mistakes = Mistakes::shipped()?;
        let rates = mistakes
            .rates()
            .map(|(what, rate)| format!("{what} {:.0} %", 100.0 * rate.rate))
            .join(", ");
        Ok(format!(
            "{counts}, made up, with technicians' mistakes at ASSUMED rates (mistakes.json): {rates}."
        ))
    }

    fn about_model(&self) -> String {
        match &self.vlm_url {
            Some(url) => format!("Photos were prepared as in production and sent to {url}."),
            None => "No model has looked at a photo: the labels went through a NOISE MODEL of assumed errors (noise.json), then \
                     through production's own selection, reading and judging. --vlm-url asks a server."
                .into(),
        }
    }
}

/// Evaluates all DRs in both modes.
async fn tally(model: &Model, way: Way, drs: &[LabelledDr]) -> anyhow::Result<Tally> {
    let rates = Rates::realistic()?;
    let mut cases = Vec::with_capacity(drs.len());
    for dr in drs {
        let full = evaluate::evaluate(model, &way, dr, Mode::Full).await?;
        let quick = evaluate::evaluate(model, &way, dr, Mode::Quick).await?;
        let seconds = [seconds(rates, &full), seconds(rates, &quick)];
        cases.push(Case {
            dr_number: dr.dr_number.to_string(),
            truth: evaluate::truth(&way, dr)?,
            decided: dr.decided.clone(),
            full,
            quick,
            seconds,
        });
    }
    Ok(Tally { way, cases })
}
