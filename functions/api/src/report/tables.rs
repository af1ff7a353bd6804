//! The tables of a report, behind its steps: flags, what people decided, notes, photos, evidence.

use evaluation::domain::reading::Flag;
use evaluation::domain::review_chain::Chain;
use evaluation::domain::reviewed::State;
use evaluation::show::evidence::{EvidenceView, PhotoEvidence};
use evaluation::show::report::{ReportView, ReportedPhoto};
use evaluation::show::review::ReviewView;
use photos::metadata::Position;

use super::sheet::{SMALL, Sheet, TEXT};
use super::words::{moment, optional, word};

/// Characters of a record's hash that are printed; the JSON has it whole.
const SHOWN_OF_HASH: usize = 16;

/// What people should look at.
pub(super) fn flags(sheet: &mut Sheet, report: &ReportView) {
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

/// Every record, the newest last.
pub(super) fn reviews(sheet: &mut Sheet, report: &ReportView) {
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
        optional(said.reason.as_deref()),
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

/// What technicians said, if they did.
pub(super) fn notes(sheet: &mut Sheet, report: &ReportView) {
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

/// All photos, by name.
pub(super) fn photos(sheet: &mut Sheet, report: &ReportView) {
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

/// What only reviewers see.
pub(super) fn evidence(sheet: &mut Sheet, evidence: &EvidenceView) {
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
