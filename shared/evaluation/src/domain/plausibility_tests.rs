//! Place and time as values and as laws.

use proptest::prelude::*;

use super::*;

const UPLOADED: &str = "2026-01-14T12:00:00Z";

fn at(captured_at: Option<&str>, position: Option<(f64, f64)>) -> Metadata {
    Metadata {
        captured_at: captured_at.map(String::from),
        position: position.map(|(latitude, longitude)| Position {
            latitude,
            longitude,
        }),
        ..Metadata::default()
    }
}

fn found(photos: &[Metadata], expected: Option<(f64, f64)>) -> Vec<Vec<Doubt>> {
    let uploaded_at = Timestamp::parse(UPLOADED).ok();
    let photos: Vec<Taken<'_>> = photos
        .iter()
        .map(|metadata| Taken {
            metadata,
            uploaded_at,
        })
        .collect();
    let expected = expected.map(|(latitude, longitude)| Position {
        latitude,
        longitude,
    });
    doubts(&photos, expected, &Limits::default())
}

#[test]
fn a_photo_is_doubted_by_its_camera_s_clock() {
    for (captured_at, expected) in [
        ("2026-01-14T11:00:00Z", None),
        ("2026-01-14T13:00:00+02:00", None),
        ("2026-01-14T12:59:00Z", None),
        ("2026-01-14T14:00:00Z", Some(Doubt::InTheFuture)),
        ("2026-01-15T02:00:00", None),
        ("2026-01-15T04:00:00", Some(Doubt::InTheFuture)),
        ("2026-01-07T13:00:00Z", None),
        ("2026-01-07T11:00:00Z", Some(Doubt::LongBeforeUpload(169))),
        ("2026-01-07T05:00:00", None),
        ("2026-01-06T11:00:00", Some(Doubt::LongBeforeUpload(179))),
        ("1970-01-01T00:00:00", Some(Doubt::ClockNeverSet)),
        ("2002-12-08T12:00:00", Some(Doubt::ClockNeverSet)),
        ("yesterday", None),
    ] {
        let doubts = found(&[at(Some(captured_at), None)], None);
        assert_eq!(doubts, [Vec::from_iter(expected)], "{captured_at}");
    }
}

#[test]
fn one_photo_of_another_day_is_doubted_alone() {
    let day = [
        "2026-01-14T08:00:00",
        "2026-01-14T08:30:00",
        "2026-01-14T09:00:00",
    ];
    let mut photos = day.map(|time| at(Some(time), None)).to_vec();
    photos.push(at(Some("2026-01-12T08:00:00"), None));
    photos.push(at(None, None));
    photos.push(at(Some("2026-01-14T06:10:00Z"), None));
    let doubts = found(&photos, None);
    assert_eq!(doubts[3], [Doubt::HoursApart(48)]);
    let others = doubts.iter().enumerate().filter(|(at, _)| *at != 3);
    assert!(others.map(|(_, doubts)| doubts).all(Vec::is_empty));
}

#[test]
fn a_photo_far_from_the_others_is_doubted_and_one_that_says_nothing_is_not() {
    let here = (-26.2041, 28.0473);
    let far = (-26.2141, 28.0473);
    let photos = [here, here, far].map(|place| at(None, Some(place)));
    let silent = [at(None, None), at(None, Some((0.0, 0.0)))];
    let doubts = found(&[&photos[..], &silent[..]].concat(), None);
    assert_eq!(
        doubts,
        [
            vec![],
            vec![],
            vec![Doubt::MetresApart(1112)],
            vec![],
            vec![]
        ]
    );
    assert_eq!(
        found(&photos[..1], None),
        [vec![]],
        "nothing to compare it with"
    );
}

#[test]
fn of_two_photos_that_disagree_both_are_doubted() {
    let places = [(10.0, 20.0), (10.01, 20.0)].map(|place| at(None, Some(place)));
    let times = ["2026-01-13T08:00:00", "2026-01-14T08:00:00"].map(|time| at(Some(time), None));
    assert_eq!(
        found(&places, None),
        [[Doubt::MetresApart(1112)], [Doubt::MetresApart(1112)]]
    );
    assert_eq!(
        found(&times, None),
        [[Doubt::HoursApart(24)], [Doubt::HoursApart(24)]]
    );
}

#[test]
fn where_the_dr_is_expected_to_be_counts_before_where_its_photos_are() {
    let photos = [(10.0, 20.0), (10.0, 20.0)].map(|place| at(None, Some(place)));
    let doubts = found(&photos, Some((10.01, 20.0)));
    assert_eq!(
        doubts,
        [[Doubt::MetresApart(1112)], [Doubt::MetresApart(1112)]]
    );
    assert_eq!(
        Doubt::MetresApart(7).words(),
        "Taken 7 m from where the DR is"
    );
}

#[test]
fn the_date_line_is_no_distance() {
    let photos = [179.9999, -179.9999, 179.9999].map(|east| at(None, Some((-17.0, east))));
    assert!(found(&photos, None).iter().all(Vec::is_empty));
}

#[test]
fn without_the_time_of_the_upload_a_clock_that_was_set_is_not_doubted() {
    let old = at(Some("2019-01-01T00:00:00"), None);
    let photo = Taken {
        metadata: &old,
        uploaded_at: None,
    };
    assert_eq!(doubts(&[photo], None, &Limits::default()), [vec![]]);
}

#[test]
fn a_distance_is_told_of_photos_that_say_where_they_were_taken() {
    let place = Position {
        latitude: 10.0,
        longitude: 20.0,
    };
    assert_eq!(
        metres_from(place, &at(None, Some((10.01, 20.0)))),
        Some(1112)
    );
    assert_eq!(metres_from(place, &at(None, Some((0.0, 0.0)))), None);
    assert_eq!(metres_from(place, &at(None, None)), None);
}

#[test]
fn a_camera_is_in_two_far_places_at_once_if_nobody_goes_so_far_so_fast() {
    let limits = Limits::default();
    let was = |time: &str, north: f64| {
        Whereabouts::of(&at(Some(time), Some((north, 20.0))), &limits).unwrap()
    };
    let first = was("2026-01-14T08:00:00", 10.0);
    for (time, north, expected) in [
        // 1° north is 111 km.
        ("2026-01-14T08:10:00", 11.0, Some((111, 10))),
        ("2026-01-14T07:50:00", 11.0, Some((111, 10))),
        ("2026-01-14T08:34:00", 11.0, None),
        ("2026-01-14T08:00:00", 10.04, None),
        ("2026-01-14T08:00:00", 10.05, Some((6, 0))),
        ("2026-01-14T08:10:00Z", 11.0, None),
    ] {
        let other = was(time, north);
        assert_eq!(first.at_once(&other, &limits), expected, "{time} {north}");
        assert_eq!(other.at_once(&first, &limits), expected, "{time} {north}");
    }
}

#[test]
fn a_camera_that_does_not_say_when_or_where_was_nowhere() {
    let of = |metadata: &Metadata| Whereabouts::of(metadata, &Limits::default());
    let here = Some((10.0, 20.0));
    assert!(of(&at(Some("2026-01-14T08:00:00"), here)).is_some());
    for metadata in [
        at(None, here),
        at(Some("2026-01-14T08:00:00"), None),
        at(Some("1970-01-01T00:00:00"), here),
        at(Some("2026-01-14T08:00:00"), Some((0.0, 0.0))),
    ] {
        assert_eq!(of(&metadata), None, "{metadata:?}");
    }
}

proptest! {
    #[test]
    fn one_outlier_brings_no_other_into_doubt_wherever_it_is(
        latitude in -80.0f64..80.0, longitude in -180.0f64..180.0, others in 2usize..12,
        outlier in (-90.0f64..90.0, -180.0f64..180.0), first: bool,
    ) {
        let near = |at: usize| (latitude + 0.0001 * (at % 3) as f64, longitude);
        let mut places: Vec<_> = (0..others).map(near).collect();
        places.insert(if first { 0 } else { others }, outlier);
        let photos: Vec<Metadata> = places.into_iter().map(|place| at(None, Some(place))).collect();
        let mut doubts = found(&photos, None);
        doubts.remove(if first { 0 } else { others });
        prop_assert!(doubts.iter().all(Vec::is_empty), "{:?}", doubts);
    }

    #[test]
    fn any_metadata_is_looked_at_without_a_panic(text in ".{0,30}", latitude: f64, longitude: f64) {
        let odd = at(Some(&text), Some((latitude, longitude)));
        let _ = found(&[odd.clone(), odd, at(None, Some((1.0, 1.0)))], Some((latitude, 0.0)));
    }

    #[test]
    fn where_most_have_no_position_the_few_that_agree_are_not_doubted(
        latitude in -80.0f64..80.0, longitude in -180.0f64..180.0, few in 1usize..4, silent in 0usize..40,
    ) {
        let near = |at: usize| Some((latitude + 0.0001 * (at % 3) as f64, longitude));
        let said = (0..few).map(|one| at(None, near(one)));
        let photos: Vec<Metadata> = said.chain((0..silent).map(|_| at(None, None))).collect();
        let doubts = found(&photos, None);
        prop_assert!(doubts.iter().all(Vec::is_empty), "{:?}", doubts);
    }
}
