//! Writes sample photos: `sample-photos --out DIR [DR…] [--dr DR1 --photos N] [--seed S] [--megapixels M] [--hostile]
//! [--serial S] [--code C] [--fail F] [--catalogue FILE]`: the ONT of the made-up DR has this serial, and its bar code
//! says that; its first photo fails for that reason; its photos show the steps of this catalogue.
//!
//! Each DR's photos go to `DIR/{dr_number}/`, its truth to `DIR/{dr_number}.truth.json`; hostile files to
//! `DIR/hostile/`. A DR that stands already, made by the same options, is left as it is for some days: its photos say that
//! they were taken an hour before they were drawn.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::time::Timestamp;
use samples::drs::{Dr, made_up, made_up_of, samples};
use samples::hostile;
use samples::photo::jpeg_taken;

const USAGE: &str = "sample-photos --out DIR [DR1730550 …] [--dr DR1 --photos N] [--seed S] [--megapixels M] [--serial S] [--code C] [--fail F] [--catalogue FILE] [--hostile]";

struct Options {
    out: PathBuf,
    named: Vec<String>,
    made: Option<String>,
    photos: usize,
    seed: u64,
    megapixels: f64,
    hostile: bool,
    serial: Option<String>,
    code: Option<String>,
    fail: Option<String>,
    catalogue: Option<PathBuf>,
}

/// So old photos are drawn anew: later they would be taken for photos of another time.
const STAND_FOR: Duration = Duration::from_secs(4 * 24 * 60 * 60);

fn main() -> anyhow::Result<()> {
    let options = options(std::env::args().skip(1)).context(USAGE)?;
    fs::create_dir_all(&options.out)
        .with_context(|| format!("Failed to make {}", options.out.display()))?;
    for dr in wanted(&options)? {
        write_dr(&dr, &options)?;
    }
    if options.hostile {
        let folder = options.out.join("hostile");
        fs::create_dir_all(&folder)?;
        for (name, bytes, readable) in hostile::files()? {
            fs::write(folder.join(name), &bytes)?;
            say(&format!(
                "{name:<28} {:>9} bytes  {}",
                bytes.len(),
                if readable { "a photo" } else { "not a photo" }
            ))?;
        }
    }
    Ok(())
}

fn options(mut given: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options {
        out: PathBuf::new(),
        named: Vec::new(),
        made: None,
        photos: 12,
        seed: 1,
        megapixels: 12.0,
        hostile: false,
        serial: None,
        code: None,
        fail: None,
        catalogue: None,
    };
    while let Some(argument) = given.next() {
        let mut value = || {
            given
                .next()
                .with_context(|| format!("{argument} wants a value"))
        };
        match argument.as_str() {
            "--out" => options.out = value()?.into(),
            "--dr" => options.made = Some(value()?),
            "--photos" => options.photos = value()?.parse().context("--photos wants a number")?,
            "--seed" => options.seed = value()?.parse().context("--seed wants a number")?,
            "--megapixels" => {
                options.megapixels = value()?.parse().context("--megapixels wants a number")?
            }
            "--serial" => options.serial = Some(value()?),
            "--code" => options.code = Some(value()?),
            "--fail" => options.fail = Some(value()?),
            "--catalogue" => options.catalogue = Some(value()?.into()),
            "--hostile" => options.hostile = true,
            option if option.starts_with("--") => bail!("there is no option {option}"),
            dr => options.named.push(dr.into()),
        }
    }
    if options.out.as_os_str().is_empty() {
        bail!("--out is missing");
    }
    if !(0.1..=50.0).contains(&options.megapixels) {
        bail!("--megapixels is 0.1 to 50");
    }
    Ok(options)
}

fn wanted(options: &Options) -> anyhow::Result<Vec<Dr>> {
    let all = samples()?;
    let mut drs = Vec::new();
    for name in &options.named {
        let dr = all.iter().find(|dr| &dr.dr_number == name);
        drs.push(dr.cloned().with_context(|| {
            format!("there is no sample DR {name}; there are DR1730550, DR1733758 and DR1734014")
        })?);
    }
    if let Some(dr) = &options.made {
        let mut made = match &options.catalogue {
            None => made_up(dr, options.photos, options.seed)?,
            Some(path) => {
                let document = fs::read_to_string(path)
                    .with_context(|| format!("Failed to read {}", path.display()))?;
                let catalogue = Catalogue::from_json(&document)?;
                made_up_of(&catalogue, dr, options.photos, options.seed)
            }
        };
        made.label_ont(options.serial.as_deref(), options.code.as_deref());
        if let Some(code) = &options.fail {
            made.fail_first(code);
        }
        drs.push(made);
    }
    if drs.is_empty() && !options.hostile {
        Ok(all)
    } else {
        Ok(drs)
    }
}

/// Draws a DR's photos on two threads, unless they stand.
fn write_dr(dr: &Dr, options: &Options) -> anyhow::Result<()> {
    let folder = options.out.join(&dr.dr_number);
    let truth_path = options.out.join(format!("{}.truth.json", dr.dr_number));
    let mut truth = dr.truth_file();
    if let Some(fields) = truth.as_object_mut() {
        fields.insert(
            "made_by".into(),
            format!(
                "seed {} megapixels {} version 5",
                options.seed, options.megapixels
            )
            .into(),
        );
    }
    let truth = format!("{truth:#}\n");
    let same = fs::read_to_string(&truth_path).is_ok_and(|old| old == truth);
    let drawn = fs::metadata(&truth_path)
        .and_then(|file| file.modified())
        .ok();
    let age = drawn.and_then(|drawn| drawn.elapsed().ok());
    if same
        && age.is_some_and(|age| age < STAND_FOR)
        && dr
            .photos
            .iter()
            .all(|photo| folder.join(&photo.name).exists())
    {
        say(&format!(
            "{}: {} photos stand",
            dr.dr_number,
            dr.photos.len()
        ))?;
        return Ok(());
    }
    let _ = fs::remove_file(&truth_path);
    fs::create_dir_all(&folder)?;
    let (next, taken) = (AtomicUsize::new(0), an_hour_ago());
    let work = || -> anyhow::Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(photo), Some(truth)) = (dr.photos.get(index), dr.truth(index)) else {
                return Ok(());
            };
            write_photo(
                &folder,
                &photo.name,
                &jpeg_taken(
                    &truth,
                    &Dr::view(index, options.megapixels, options.seed),
                    &taken,
                )?,
                index,
            )?;
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work()?;
        other
            .join()
            .map_err(|_| anyhow::anyhow!("a drawing thread panicked"))?
    })?;
    fs::write(&truth_path, truth)?;
    Ok(())
}

/// An hour ago as cameras write it, by UTC.
fn an_hour_ago() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let hour_ago = now
        .unwrap_or_default()
        .saturating_sub(Duration::from_secs(3600));
    let at = Timestamp::default().after(hour_ago).to_string();
    let (day, time) = at.split_once('T').unwrap_or_default();
    let time: String = time.chars().take(8).collect();
    format!("{} {time}", day.replace('-', ":"))
}

fn write_photo(folder: &Path, name: &str, bytes: &[u8], index: usize) -> anyhow::Result<()> {
    fs::write(folder.join(name), bytes).with_context(|| format!("Failed to write {name}"))?;
    say(&format!(
        "{name:<55} {:>6.2} MB  orientation {}",
        bytes.len() as f64 / 1e6,
        index % 8 + 1
    ))
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
