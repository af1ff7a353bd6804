//! What a report says, as pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::error::BoxError;
use evaluation::domain::ids::PhotoId;
use evaluation::domain::judge::{StepOutcome, Verdict};
use evaluation::domain::reading::Flag;
use evaluation::domain::review_chain::Chain;
use evaluation::domain::reviewed::State;
use evaluation::show::evidence::{EvidenceView, PhotoEvidence};
use evaluation::show::report::{ReportView, ReportedPhoto, ReportedStep};
use evaluation::show::review::{ReviewSaid, ReviewView};
use krilla::SerializeSettings;
use krilla::image::Image;
use photos::metadata::Position;
use serde::Serialize;

use super::Look;
use super::font::Typeface;
use super::pdf;
use super::sheet::{SMALL, Sheet, Shown, Style, TEXT};

/// Characters of a record's hash that are printed; the JSON has it whole.
const SHOWN_OF_HASH: usize = 16;

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
    flags(&mut sheet, report);
    reviews(&mut sheet, report);
    notes(&mut sheet, report);
    photos(&mut sheet, report);
    if let Some(evidence) = &report.evidence {
        self::evidence(&mut sheet, evidence);
    }
    origin(&mut sheet, report);
    let (id, until) = (&report.evaluation_id, report.reviews_until);
    let (dr, revision) = (&report.dr_number, report.revision);
    sheet.foot(&format!(
        "{dr}  ·  evaluation {id}  ·  revision {revision}, records of reviews up to #{until}"
    ));
    Ok(sheet)
}

/// A word of the API as people write it.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("unknown").replace('_', " ")
}

fn optional(text: Option<&str>) -> String {
    text.unwrap_or("–").to_owned()
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

fn moment(moment: &impl Serialize) -> String {
    let text = serde_json::to_value(moment).unwrap_or_default();
    text.as_str().unwrap_or("–").replace('T', " ")
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

fn flags(sheet: &mut Sheet, report: &ReportView) {
    sheet.heading(2, "Flags");
    let all = report
        .evidence
        .as_ref()
        .map_or(&report.flags, |evidence| &evidence.flags);
    if all.is_empty() {
        return sheet.paragraph("None.", TEXT);
    }
    let columns = [
        ("Photo", 30.0),
        ("Step", 18.0),
        ("What", 44.0),
        ("Fails the step", 13.0),
    ];
    let row = |flag: &Flag| {
        vec![
            flag.photo.clone(),
            optional(flag.step.as_ref().map(|step| step.as_str())),
            flag.message.clone(),
            if flag.fails { "yes" } else { "no" }.to_owned(),
        ]
    };
    sheet.table(&columns, all.iter().map(row).collect());
    if report.flags_left_out > 0 {
        let more = format!("{} more are left out.", report.flags_left_out);
        sheet.paragraph(&more, SMALL);
    }
}

fn reviews(sheet: &mut Sheet, report: &ReportView) {
    sheet.heading(2, "What people decided");
    if report.reviews.is_empty() {
        return sheet.paragraph("Nobody decided anything.", TEXT);
    }
    let columns = [
        ("#", 4.0),
        ("When, who", 30.0),
        ("What", 22.0),
        ("Why", 28.0),
        ("Stands", 14.0),
        ("Hash", 15.0),
    ];
    sheet.table(&columns, report.reviews.iter().map(review).collect());
    let chain = match report.chain {
        Chain::Intact => "The chain of their hashes is intact.".to_owned(),
        Chain::Broken { at } => format!("The chain of their hashes is broken at #{at}."),
    };
    sheet.paragraph(&chain, SMALL);
}

fn review(review: &ReviewView) -> Vec<String> {
    let said = &review.said;
    let what = match (said.decision, said.withdraws) {
        (Some(decision), _) => {
            let of = said.step.as_ref().map_or("the whole", |step| step.as_str());
            let photo = said.photo.as_ref().map(|photo| format!(", by {photo}"));
            format!("{of}: {}{}", word(&decision), photo.unwrap_or_default())
        }
        (None, Some(number)) => format!("withdraws #{number}"),
        (None, None) => word(&said.kind),
    };
    let hash: String = review
        .hash
        .iter()
        .flat_map(|hash| hash.chars())
        .take(SHOWN_OF_HASH)
        .collect();
    vec![
        said.number.to_string(),
        format!("{} {}", moment(&said.at), optional(said.by.as_deref())),
        what,
        reason(said),
        state(review.state),
        hash,
    ]
}

fn state(state: State) -> String {
    match state {
        State::Stands => "yes".to_owned(),
        State::Covered { by } => format!("no: covered by #{by}"),
        State::Withdrawn { by } => format!("no: withdrawn by #{by}"),
        State::Lapsed { because } => format!("no: {}", word(&because)),
        State::Withdraws => "–".to_owned(),
    }
}

fn notes(sheet: &mut Sheet, report: &ReportView) {
    if report.notes.is_empty() {
        return;
    }
    sheet.heading(2, "Notes of technicians");
    let columns = [
        ("When, who", 30.0),
        ("Step", 20.0),
        ("What", 18.0),
        ("Why", 40.0),
    ];
    let rows = report.notes.iter().map(|note| {
        let at = note.at.to_string().replace('T', " ");
        vec![
            format!("{at} {}", optional(note.by.as_deref())),
            note.step.to_string(),
            word(&note.kind),
            note.reason.clone(),
        ]
    });
    sheet.table(&columns, rows.collect());
}

fn photos(sheet: &mut Sheet, report: &ReportView) {
    sheet.heading(2, "All photos");
    let columns = [
        ("Name", 29.0),
        ("What became of it", 17.0),
        ("Uploaded, bytes", 24.0),
        ("Content (hash), version kept", 38.0),
    ];
    sheet.table(&columns, report.photos.iter().map(photo).collect());
}

fn photo(photo: &ReportedPhoto) -> Vec<String> {
    let uploaded = photo
        .uploaded_at
        .as_ref()
        .map_or_else(|| "–".to_owned(), moment);
    let size = photo.size.map(|size| format!(", {size}"));
    let version = match &photo.kept {
        Some(kept) => {
            let now = if kept.is_current {
                ""
            } else {
                ", replaced or deleted since"
            };
            let archived = if kept.is_archived { ", archived" } else { "" };
            format!("version {}{now}{archived}", kept.version_id)
        }
        None => "kept no more".to_owned(),
    };
    let became = [Some(word(&photo.outcome)), photo.reason.clone()];
    vec![
        photo.name.clone(),
        became.into_iter().flatten().collect::<Vec<_>>().join(": "),
        format!("{uploaded}{}", size.unwrap_or_default()),
        format!("{}, {version}", photo.content),
    ]
}

fn evidence(sheet: &mut Sheet, evidence: &EvidenceView) {
    sheet.heading(2, "Evidence");
    let expected = evidence.expected_position.as_ref();
    let expected = expected.map_or_else(|| "–".to_owned(), position);
    let mut pairs = vec![("The DR is expected at", expected)];
    pairs.extend(evidence.serials.iter().map(|serial| {
        let others = serial.also_on.iter().map(|seen| seen.dr_number.to_string());
        let others = others.collect::<Vec<_>>().join(", ");
        (
            "Serial in other DRs",
            format!("{} ({}): {others}", serial.serial, serial.photo),
        )
    }));
    pairs.extend(evidence.cameras.iter().map(|camera| {
        let (other, far, apart) = (&camera.other, camera.kilometres, camera.minutes);
        let at = moment(&other.at);
        let dr = &other.dr_number;
        (
            "Camera in another DR",
            format!(
                "{} and {dr} {far} km away, {apart} minutes apart ({at})",
                camera.own.photo
            ),
        )
    }));
    sheet.pairs(&pairs);
    let columns = [
        ("Photo", 29.0),
        ("Taken (camera's clock)", 20.0),
        ("Camera, serial", 24.0),
        ("Where, metres from expected", 24.0),
        ("Used before in", 12.0),
    ];
    sheet.table(
        &columns,
        evidence.photos.iter().map(photo_evidence).collect(),
    );
}

fn photo_evidence(photo: &PhotoEvidence) -> Vec<String> {
    let camera = [photo.camera.as_deref(), photo.camera_serial.as_deref()];
    let camera: Vec<&str> = camera.into_iter().flatten().collect();
    let place = photo.position.as_ref().map(position);
    let metres = photo
        .metres_from_expected
        .map(|metres| format!("{metres} m"));
    let place: Vec<String> = [place, metres].into_iter().flatten().collect();
    vec![
        photo.name.clone(),
        optional(photo.captured_at.as_deref()),
        camera.join(", "),
        place.join(", "),
        photo
            .also_in
            .as_ref()
            .map(|seen| seen.dr_number.to_string())
            .unwrap_or_default(),
    ]
}

fn position(position: &Position) -> String {
    format!("{:.5}, {:.5}", position.latitude, position.longitude)
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
