//! Planning, as values and properties.

use proptest::prelude::*;

use super::*;
use crate::domain::versions::VersionPart;

fn catalogue() -> &'static Catalogue {
    Catalogue::shipped("v1").unwrap()
}

fn versions() -> Versions {
    Versions::from_fn(|part| format!("{part:?}-1"))
}

fn photos(names: &[&str]) -> Vec<Photo> {
    let photo = |name: &&str| {
        Photo::new(
            &format!("photos/DR1/{name}"),
            name,
            &format!("\"{name}\""),
            catalogue(),
        )
    };
    names.iter().map(photo).collect()
}

fn names(photos: &[Photo]) -> Vec<&str> {
    photos.iter().map(|photo| photo.name.as_str()).collect()
}

#[test]
fn full_mode_asks_every_step_of_every_photo() {
    let plan = plan(
        photos(&["b.jpg", "DR1_ph_wall_1.jpg"]),
        Mode::Full,
        catalogue(),
        &versions(),
    );
    assert_eq!(names(&plan.selected), ["DR1_ph_wall_1.jpg", "b.jpg"]);
    assert_eq!(
        (plan.steps.len(), plan.held.len(), plan.mode_note),
        (10, 0, None)
    );
}

#[test]
fn quick_mode_begins_with_a_photo_for_each_critical_step_through_the_name_map() {
    let all = photos(&[
        "X_ph_wall_1.jpg",
        "X_ph_powm1_2.jpg",
        "X_ph_powm2_3.jpg",
        "IMG-1.jpg",
        "IMG-2.jpg",
        "IMG-3.jpg",
    ]);
    let plan = plan(all, Mode::Quick, catalogue(), &versions());
    assert_eq!(
        names(&plan.selected),
        ["IMG-1.jpg", "IMG-2.jpg", "X_ph_powm1_2.jpg"],
        "of five steps nothing is promised"
    );
    assert_eq!(
        names(&plan.held),
        ["IMG-3.jpg", "X_ph_powm2_3.jpg", "X_ph_wall_1.jpg"]
    );
    assert!(
        plan.selected
            .iter()
            .chain(&plan.held)
            .all(|photo| photo.scope == Scope::Critical)
    );
    assert_eq!(plan.steps.len(), 6);
}

#[test]
fn of_the_same_file_twice_the_one_whose_name_helps_is_asked_about() {
    let same =
        |name: &str| Photo::new(&format!("photos/DR1/{name}"), name, "\"same\"", catalogue());
    let all = vec![
        same("IMG-1.jpg"),
        same("X_ph_wall_2.jpg"),
        same("X_ph_powm1_3.jpg"),
    ];
    let plan = plan(
        [all, photos(&["X_ph_prop_4.jpg"])].concat(),
        Mode::Full,
        catalogue(),
        &versions(),
    );
    assert_eq!(
        names(&plan.selected),
        ["X_ph_powm1_3.jpg", "X_ph_prop_4.jpg"]
    );
    let copies: Vec<_> = plan
        .copies
        .iter()
        .map(|copy| (copy.photo.name.as_str(), copy.of.as_str()))
        .collect();
    assert_eq!(
        copies,
        [
            ("IMG-1.jpg", "X_ph_powm1_3.jpg"),
            ("X_ph_wall_2.jpg", "X_ph_powm1_3.jpg")
        ]
    );
    assert_eq!(plan.photos().count(), 4);
}

#[test]
fn quick_mode_without_helpful_names_runs_in_full_and_says_so() {
    for all in [
        photos(&["IMG-1.jpg", "IMG-2.jpg"]),
        photos(&["DR1_ph_wall_1.jpg"]),
    ] {
        let plan = plan(all, Mode::Quick, catalogue(), &versions());
        assert_eq!(plan.steps.len(), 10);
        assert!(plan.held.is_empty() && plan.mode_note.is_some());
    }
}

#[test]
fn the_fingerprint_changes_with_each_of_its_parts() {
    let of = |photos: Vec<Photo>, mode, versions: &Versions| {
        plan(photos, mode, catalogue(), versions).fingerprint
    };
    let base = || photos(&["a.jpg", "b.jpg"]);
    let mut seen = BTreeSet::from([
        of(base(), Mode::Full, &versions()),
        of(base(), Mode::Quick, &versions()),
    ]);
    for part in VersionPart::ALL {
        let other = versions().with(*part, "another");
        seen.insert(of(base(), Mode::Full, &other));
    }
    let replaced = Photo::new("photos/DR1/a.jpg", "a.jpg", "\"other\"", catalogue());
    seen.insert(of(
        vec![replaced, base()[1].clone()],
        Mode::Full,
        &versions(),
    ));
    seen.insert(of(photos(&["a.jpg", "c.jpg"]), Mode::Full, &versions()));
    seen.insert(of(photos(&["a.jpg"]), Mode::Full, &versions()));
    seen.insert(of(
        photos(&["a.jpg", "b.jpg", "c.jpg"]),
        Mode::Full,
        &versions(),
    ));
    let elsewhere = ["a.jpg", "b.jpg"]
        .map(|name| Photo::new(&format!("photos/DR2/{name}"), name, name, catalogue()));
    seen.insert(of(elsewhere.to_vec(), Mode::Full, &versions()));
    assert_eq!(seen.len(), 7 + VersionPart::ALL.len());
}

proptest! {
    #[test]
    fn every_photo_is_selected_or_held_in_whatever_order_it_was_listed(
        mut names in proptest::collection::btree_set("(DR1_ph_(wall|powm1|prop|ups)_[0-9]|IMG-[0-9])\\.jpg", 1..20).prop_map(|s| s.into_iter().collect::<Vec<_>>()),
        quick: bool, turn in 0usize..20,
    ) {
        let mode = if quick { Mode::Quick } else { Mode::Full };
        let as_str = |names: &[String]| photos(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let one = plan(as_str(&names), mode, catalogue(), &versions());
        let at = turn % names.len();
        names.rotate_left(at);
        names.reverse();
        prop_assert_eq!(&one, &plan(as_str(&names), mode, catalogue(), &versions()));
        let mut both: Vec<_> = one.selected.iter().chain(&one.held).map(|p| p.name.clone()).collect();
        both.sort();
        names.sort();
        prop_assert_eq!(both, names);
        prop_assert!(!one.selected.is_empty());
    }

    #[test]
    fn batches_hold_every_photo_once_and_differ_by_one_at_most(count in 0usize..60, size in 0usize..12) {
        let all = photos(&(0..count).map(|n| format!("{n}.jpg")).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>());
        let batches = batches(&all, size);
        let mut flat: Vec<_> = batches.iter().flatten().map(|p| p.name.clone()).collect();
        flat.sort();
        let mut expected: Vec<_> = all.iter().map(|p| p.name.clone()).collect();
        expected.sort();
        prop_assert_eq!(flat, expected);
        let sizes: Vec<_> = batches.iter().map(Vec::len).collect();
        prop_assert!(sizes.iter().all(|s| (1..=size.max(1)).contains(s)));
        prop_assert!(sizes.iter().max().unwrap_or(&0) - sizes.iter().min().unwrap_or(&0) <= 1);
    }
}

#[test]
fn a_photo_whose_name_is_too_long_is_set_apart_and_is_part_of_the_question() {
    let long = |end: &str| format!("{}{end}", "ä".repeat(500));
    let planned = |names: &[&str]| plan(photos(names), Mode::Full, catalogue(), &versions());
    let (one, other) = (long(".jpg"), long("-2.jpg"));
    let longest = "a".repeat(255);
    let first = planned(&["b.jpg", &one, &longest]);
    assert_eq!(names(&first.selected), [longest.as_str(), "b.jpg"]);
    let [misnamed] = first.misnamed.as_slice() else {
        panic!("{:?}", first.misnamed);
    };
    assert_eq!(misnamed.why, WrongName::TooLong(1004));
    assert!(misnamed.photo.name.len() <= 255 && misnamed.photo.key.len() < 300);
    assert_eq!(
        misnamed.photo.key,
        format!("photos/DR1/{}", misnamed.photo.name)
    );
    assert_eq!(first.photos().count(), 3);
    let second = planned(&["b.jpg", &other, &longest]);
    assert_ne!(first.fingerprint, second.fingerprint);
    assert_ne!(misnamed.photo.photo_id, second.misnamed[0].photo.photo_id);
}

#[test]
fn a_photo_whose_name_is_refused_is_shown_and_nobody_is_asked_about_it() {
    let all = photos(&["../DR2/a.jpg", "b\n.jpg", "c.jpg"]);
    let plan = plan(all, Mode::Full, catalogue(), &versions());
    assert_eq!(names(&plan.selected), ["c.jpg"]);
    let shown: Vec<_> = plan
        .misnamed
        .iter()
        .map(|one| (one.photo.name.as_str(), one.why))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "../DR2/a.jpg",
                WrongName::Refused("has .. or . for a folder")
            ),
            (
                "b%0A.jpg",
                WrongName::Refused("has a control character in it")
            ),
        ]
    );
}

#[test]
fn the_question_is_the_same_however_the_drs_folder_is_written() {
    let of = |key: &str| {
        let photo = Photo::new(key, "a.jpg", "\"1\"", catalogue());
        fingerprint_of(vec![photo], Mode::Full, &versions())
    };
    assert_eq!(of("photos/DR1/a.jpg"), of("photos/dr1/a.jpg"));
    assert_ne!(of("photos/DR1/a.jpg"), of("photos/DR2/a.jpg"));
}

#[test]
fn photos_with_as_many_bytes_come_together_as_long_as_there_is_room() {
    let names: Vec<String> = (0..7).map(|at| format!("{at}.jpg")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sized = |sizes: [u64; 7]| {
        let photos = photos(&names).into_iter().zip(sizes);
        let photos: Vec<Photo> = photos
            .map(|(photo, size)| Photo {
                size: Some(size),
                ..photo
            })
            .collect();
        let batches = batches(&photos, 3);
        let names = |batch: &Vec<Photo>| batch.iter().map(|photo| photo.name.clone()).collect();
        batches.iter().map(names).collect::<Vec<Vec<String>>>()
    };
    let apart = sized([1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(apart.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 2]);
    let together = sized([1, 2, 3, 4, 2, 6, 2]);
    let with = |name: &str| {
        together
            .iter()
            .position(|batch| batch.iter().any(|one| one == name))
    };
    assert_eq!(
        (with("1.jpg"), with("1.jpg")),
        (with("4.jpg"), with("6.jpg"))
    );
    let all = sized([1; 7]);
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
}
