//! What a report says, as pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::error::BoxError;
use evaluation::domain::ids::PhotoId;
use evaluation::domain::judge::{StepOutcome, Verdict};
use evaluation::show::report::{ReportView, ReportedPhoto, ReportedStep};
use evaluation::show::review::ReviewSaid;
use krilla::SerializeSettings;
use krilla::image::Image;

use super::Look;
use super::font::Typeface;
use super::pdf;
use super::sheet::{SMALL, Sheet, Shown, Style, TEXT};
use super::tables;
use super::words::{moment, optional, word};

/// The report as a PDF, with these looks at its deciding photos.
pub(super) fn write(
    report: &ReportView,
    looks: &BTreeMap<PhotoId, Look>,
) -> Result<Vec<u8>, BoxError> {
    write_with(report, looks, SerializeSettings::default())
}

/// The same with other settings, for tests.
pub(super) fn write_with(
    report: &ReportView,
    looks: &BTreeMap<PhotoId, Look>,
    settings: SerializeSettings,
) -> Result<Vec<u8>, BoxError> {
    let sheet = pages(report, looks)?;
    pdf::write(&sheet, &title(report), settings)
}

fn title(report: &ReportView) -> String {
    format!("Report on {}", report.dr_number)
}

fn pages(report: &ReportView, looks: &BTreeMap<PhotoId, Look>) -> Result<Sheet, BoxError> {
    let typeface = Typeface::load().ok_or("the typeface can't be read")?;
    let mut sheet = Sheet::new(typeface);
    sheet.heading(1, &title(report));
    verdict(&mut sheet, report);
    head(&mut sheet, report);
    steps(&mut sheet, report);
    deciding(&mut sheet, report, looks)?;
    tables::flags(&mut sheet, report);
    tables::reviews(&mut sheet, report);
    tables::notes(&mut sheet, report);
    tables::photos(&mut sheet, report);
    if let Some(evidence) = &report.evidence {
        tables::evidence(&mut sheet, evidence);
    }
    origin(&mut sheet, report);
    let (id, until) = (&report.evaluation_id, report.reviews_until);
    let (dr, revision) = (&report.dr_number, report.revision);
    sheet.foot(&format!(
        "{dr}  ·  evaluation {id}  ·  revision {revision}, records of reviews up to #{until}"
    ));
    Ok(sheet)
}

fn colour(verdict: Verdict) -> (u8, u8, u8) {
    match verdict {
        Verdict::Pass => (0x0b, 0x63, 0x2e),
        Verdict::Fail => (0xa1, 0x16, 0x16),
        Verdict::Incomplete => (0x7a, 0x4a, 0x00),
    }
}

/// The verdict that counts, in large letters.
fn verdict(sheet: &mut Sheet, report: &ReportView) {
    let counts = report.reviewed_verdict.unwrap_or(report.verdict);
    let by = match report.reviewed_verdict {
        Some(_) => format!(
            "as people decided; the model said {}",
            word(&report.verdict)
        ),
        None => "by the model; nobody decided otherwise".to_owned(),
    };
    let style = Style {
        size: 15.0,
        bold: true,
        colour: colour(counts),
    };
    sheet.paragraph(&word(&counts).to_uppercase(), style);
    sheet.paragraph(&by, TEXT);
    sheet.space(4.0);
}

fn head(sheet: &mut Sheet, report: &ReportView) {
    let versions = &report.versions;
    let rule = report.pass_mark.zip(report.pass_percent);
    let rule = rule.map(|(mark, percent)| {
        let mark = mark.value();
        format!("a step passes with {mark} of 10 or more; {percent} % of the steps and every critical one must pass")
    });
    let average = report
        .average_score
        .map(|score| format!("{score:.1} of 10"));
    sheet.pairs(&[
        ("DR", report.dr_number.to_string()),
        ("Evaluation", report.evaluation_id.to_string()),
        ("Mode", word(&report.mode)),
        ("Verdict of the model", word(&report.verdict)),
        (
            "With people's decisions",
            report
                .reviewed_verdict
                .map_or_else(|| "–".to_owned(), |verdict| word(&verdict)),
        ),
        ("Average score", optional(average.as_deref())),
        ("Rule", optional(rule.as_deref())),
        ("Asked for", moment(&report.created_at)),
        (
            "Completed",
            report
                .completed_at
                .as_ref()
                .map_or_else(|| "–".to_owned(), moment),
        ),
        ("Catalogue", versions.catalogue.clone()),
        ("Model", versions.model.clone()),
        ("Prompt", versions.prompt.clone()),
        ("Size policy", versions.size_policy.clone()),
    ]);
}

fn steps(sheet: &mut Sheet, report: &ReportView) {
    sheet.heading(2, "Steps");
    let columns = [
        ("", 4.0),
        ("Step", 19.0),
        ("Verdict", 11.0),
        ("Score", 6.0),
        ("Reading", 14.0),
        ("Deciding photo", 28.0),
        ("Why", 23.0),
    ];
    sheet.table(&columns, report.steps.iter().map(step).collect());
    if !report.steps_not_asked.is_empty() {
        let keys: Vec<&str> = report
            .steps_not_asked
            .iter()
            .map(|step| step.as_str())
            .collect();
        sheet.paragraph(
            &format!("Not asked in quick mode: {}.", keys.join(", ")),
            SMALL,
        );
    }
}

fn step(step: &ReportedStep) -> Vec<String> {
    let row = &step.row;
    let critical = if row.critical { " (critical)" } else { "" };
    let by_people = step.decided.as_ref().and_then(|said| said.decision);
    let verdict = match by_people {
        Some(decision) => format!("{} (model: {})", word(&decision), outcome(row.outcome)),
        None => outcome(row.outcome),
    };
    let said = step
        .decided
        .as_ref()
        .map(|said| format!("#{}: {}", said.number, reason(said)));
    let model = row.reason.as_deref().or(row.comment.as_deref());
    let why = [said.as_deref(), model].into_iter().flatten();
    vec![
        row.number.to_string(),
        format!("{}{critical}", row.label),
        verdict,
        row.score
            .map_or_else(|| "–".to_owned(), |score| score.value().to_string()),
        optional(row.reading.as_deref()),
        optional(row.photo.as_deref()),
        why.collect::<Vec<_>>().join(" · "),
    ]
}

fn outcome(outcome: StepOutcome) -> String {
    word(&outcome)
}

fn reason(said: &ReviewSaid) -> String {
    optional(said.reason.as_deref())
}

/// Small pictures of the deciding photos; where there are none, what they are called.
fn deciding(
    sheet: &mut Sheet,
    report: &ReportView,
    looks: &BTreeMap<PhotoId, Look>,
) -> Result<(), BoxError> {
    let photos = report
        .photos
        .iter()
        .filter(|photo| !photo.decides.is_empty());
    let shown: Result<Vec<Shown>, BoxError> = photos
        .filter_map(|photo| Some((photo, looks.get(&photo.photo_id)?)))
        .map(|(photo, look)| shown(report, photo, look))
        .collect();
    let shown = shown?;
    if !shown.is_empty() {
        sheet.heading_of_pictures(2, "Deciding photos");
        sheet.pictures(shown);
    }
    Ok(())
}

fn shown(report: &ReportView, photo: &ReportedPhoto, look: &Look) -> Result<Shown, BoxError> {
    let label = |step: &&ReportedStep| photo.decides.contains(&step.row.step);
    let labels = report.steps.iter().filter(label);
    let labels: Vec<&str> = labels.map(|step| step.row.label.as_str()).collect();
    let mut caption = vec![labels.join(", "), photo.name.clone()];
    let jpeg = match look {
        Look::Picture(jpeg) => {
            let jpeg = Arc::new(jpeg.clone());
            let (width, height) = Image::from_jpeg(jpeg.clone().into(), true)?.size();
            Some((jpeg, width, height))
        }
        Look::Without(why) => {
            caption.push(format!("No picture: {why}"));
            None
        }
    };
    caption.push(format!("content {}", photo.content));
    Ok(Shown {
        jpeg,
        alt: format!("Photo {}, which decides: {}", photo.name, labels.join(", ")),
        caption,
    })
}

/// What it is made of, so that it can be made again.
fn origin(sheet: &mut Sheet, report: &ReportView) {
    sheet.heading(2, "Where this comes from");
    let part = report.evidence.as_ref().map_or("", |_| "/evidence");
    sheet.paragraph(
        &format!(
            "Made of revision {} of the evaluation and of the records of people's decisions up to #{}. The same can be \
             made again as long as these are kept, from {}{part}/report. Times are in UTC.",
            report.revision, report.reviews_until, report.links.evaluation
        ),
        SMALL,
    );
    let left_out = sheet.typeface.left_out();
    if left_out > 0 {
        sheet.paragraph(
            &format!(
                "{left_out} characters are shown as \u{fffd}, since the typeface does not have them; the report as JSON does."
            ),
            SMALL,
        );
    }
}
