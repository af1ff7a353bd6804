//! Reports: the same of the same, within what a function may answer, and readable for who can't see them.

use std::collections::BTreeMap;
use std::time::Duration;

use aws::http;
use aws_lambda_events::http::HeaderValue;
use evaluation::decide::note::{LONGEST_REASON, SLOTS};
use evaluation::decide::review::{Next, Reviewed, Reviews, Wish, Wished, next};
use evaluation::domain::bounds::cut;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::published::MOST_STEPS;
use evaluation::domain::review::{Decision, MOST_REVIEWS, sort_key};
use evaluation::domain::time::Timestamp;
use evaluation::run::evidence::Evidence;
use image::codecs::jpeg::JpegEncoder;
use krilla::SerializeSettings;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use serde_json::json;

use super::*;
use crate::shown_tests::{LARGEST_ANSWER, largest, note};

/// The evidence of the largest evaluation, of whose DR people said as much as they may.
fn everything(text: &str) -> Evidence {
    let mut all = largest(text);
    let reason = cut(&text.repeat(LONGEST_REASON), LONGEST_REASON);
    all.shown.notes = vec![note(&reason); SLOTS.len()];
    all.shown.reviews = reviews(&all.shown, &reason);
    all
}

fn reviews(shown: &Shown, reason: &str) -> Reviews {
    let catalogue = Catalogue::shipped("v3").ok();
    let of = Reviewed::of(shown.evaluation.clone(), &shown.photos, catalogue);
    let (now, kept_for) = (Timestamp::default(), Duration::from_secs(99_999_999));
    let what = Wished::Decision {
        step: shown.evaluation.steps_asked.first().cloned(),
        decision: Decision::Pass,
        photo: None,
        reading: None,
    };
    let wish = Wish::new(what, Some(reason), Some("arn:aws:sts::1:a/b")).unwrap();
    let none = Reviews::of_items(Vec::new(), now);
    let Next::Write(first) = next(&none, &of, &wish, now, kept_for) else {
        panic!("not written");
    };
    let item = |number: u32| {
        let mut item = json!(first);
        item["number"] = number.into();
        item["sk"] = sort_key(number).into();
        item["previous"] = json!({"hash": "0".repeat(64), "kept_until": 99_999_999});
        item
    };
    Reviews::of_items((1..=MOST_REVIEWS).map(item).collect(), now)
}

fn report(all: &Evidence, whom: For) -> ReportView {
    let catalogue = Catalogue::shipped("v3").ok();
    let kept = all.shown.photos.iter().map(|record| {
        let kept = KeptPhoto {
            version_id: "3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY".into(),
            is_current: false,
            is_archived: false,
        };
        (record.photo.photo_id.clone(), kept)
    });
    let evidence = (whom == For::Reviewers).then(|| evidence::view(all));
    view(&all.shown, catalogue, &kept.collect(), evidence).unwrap()
}

/// As many pictures as a report may have, each as large as one gets.
fn pictures(report: &ReportView) -> BTreeMap<PhotoId, Look> {
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 13) as u8;
    let pixels: Vec<u8> = (0..THUMBNAIL * THUMBNAIL * 3).map(noise).collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 84)
        .encode(
            &pixels,
            THUMBNAIL,
            THUMBNAIL,
            image::ExtendedColorType::Rgb8,
        )
        .unwrap();
    let photos = report.photos.iter().take(2 * MOST_STEPS);
    let mut looks: BTreeMap<_, _> = photos
        .map(|photo| (photo.photo_id.clone(), Look::Picture(jpeg.clone())))
        .collect();
    let first = report.photos.first().unwrap();
    looks.insert(first.photo_id.clone(), Look::Without("It is gone.".into()));
    looks
}

#[test]
fn the_largest_report_is_within_what_a_function_may_answer() {
    for text in ["a", "\"", "\\", "\u{ad}", "ä", "\u{1f3e0}"] {
        let all = report(&everything(text), For::Reviewers);
        let answer = serde_json::to_vec(&http::json(200, &all)).unwrap();
        assert!(answer.len() < LARGEST_ANSWER, "{text:?}: {}", answer.len());
    }
    let mut all = report(&everything("ä"), For::Reviewers);
    // Every step is decided by another photo, by the model and by people.
    let steps: Vec<_> = all.steps.iter().map(|step| step.row.step.clone()).collect();
    for photo in all.photos.iter_mut().take(2 * MOST_STEPS) {
        photo.decides = steps.clone();
    }
    let pdf = document::write(&all, &pictures(&all)).unwrap();
    let answer = serde_json::to_vec(&http::file(PDF, "a.pdf", pdf)).unwrap();
    assert!(answer.len() < LARGEST_ANSWER, "{}", answer.len());
}

#[test]
fn the_same_report_is_the_same_bytes_and_another_one_is_not() {
    let all = report(&largest("a"), For::Reviewers);
    let looks = pictures(&all);
    let first = document::write(&all, &looks).unwrap();
    assert!(first.starts_with(b"%PDF-1."));
    assert!(document::write(&all, &looks).unwrap() == first);
    let later = ReportView { revision: 7, ..all };
    assert!(document::write(&later, &looks).unwrap() != first);
}

#[test]
fn who_can_t_see_it_can_have_it_read_out() {
    let mut all = report(&everything("a"), For::Reviewers);
    let step = all.steps[0].row.step.clone();
    all.photos[1].decides = vec![step];
    let accessible = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1);
    let settings = SerializeSettings {
        configuration: accessible.finish().unwrap(),
        ..SerializeSettings::default()
    };
    document::write_with(&all, &pictures(&all), settings).unwrap();
}

#[test]
fn everybody_s_report_says_nothing_that_is_for_reviewers() {
    let all = largest("a");
    let shown = json!(report(&all, For::Everybody));
    let text = shown.to_string();
    assert!(shown.get("evidence").is_none());
    assert!(!text.contains("26.204") && !text.contains("SECRET-7") && !text.contains("DR2"));
    let whole = json!(report(&all, For::Reviewers)).to_string();
    assert!(whole.contains("26.204") && whole.contains("SECRET-7") && whole.contains("DR2"));
}

#[test]
fn a_pdf_is_for_who_asks_for_it_first() {
    for (accept, expected) in [
        (None, false),
        (Some("*/*"), false),
        (Some("application/json"), false),
        (Some("application/json, application/pdf"), false),
        (Some("application/pdf"), true),
        (Some("Application/PDF; q=0.9, */*"), true),
        (Some("text/html, application/pdf, */*"), true),
    ] {
        let mut request = ApiGatewayV2httpRequest::default();
        if let Some(accept) = accept {
            let accept = HeaderValue::from_static(accept);
            request.headers.insert("accept", accept);
        }
        assert_eq!(wants_pdf(&request), expected, "{accept:?}");
    }
}
