//! What a step's size policy is for: its small print is still read after the whole preparation.

use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::photo_name::hint;
use evaluation::domain::photo_rules::long_edge_for;
use photos::prepare;
use photos::size_policy::{CURRENT_VERSION, SizePolicy};
use samples::code::read;
use samples::drs::{Dr, samples};
use samples::photo::jpeg;
use samples::truth::Truth;

/// The size of phones' photos, in megapixels, and one that draws quickly.
const SIZES: [f64; 2] = [12.0, 2.2];

fn without_readings(mut truth: Truth) -> Truth {
    truth
        .shows
        .iter_mut()
        .for_each(|shown| shown.reading = shown.reading.take().map(|_| String::new()));
    truth
}

/// Whether the photo's small print came through; an error if anything else did not.
fn is_read(dr: &Dr, index: usize, megapixels: f64) -> bool {
    let (policy, catalogue) = (
        SizePolicy::shipped(CURRENT_VERSION).unwrap(),
        Catalogue::shipped("v1").unwrap(),
    );
    let (name, truth) = (&dr.photos[index].name, dr.truth(index).unwrap());
    let step = hint(name, catalogue).and_then(|key| catalogue.step(&key).cloned());
    let edge = long_edge_for(policy, step.as_ref());
    let photo = jpeg(&truth, &Dr::view(index, megapixels, 1)).unwrap();
    let sent = image::load_from_memory(&prepare(&photo, policy, edge).unwrap().jpeg)
        .unwrap()
        .into_rgb8();
    let seen = read(&sent);
    if edge < policy.small_print_long_edge {
        assert_eq!(seen, Ok(without_readings(truth)), "{name} at {edge} px");
        return false;
    }
    assert_eq!(
        seen,
        Ok(truth.clone()),
        "{name} at {edge} px, from {megapixels} MP"
    );
    truth.small_print().is_some()
}

#[test]
fn small_print_is_read_at_the_size_its_step_asks_for() {
    let drs = samples().unwrap();
    let all = drs
        .iter()
        .flat_map(|dr| (0..dr.photos.len()).map(move |index| (dr, index)));
    let read = all
        .filter(|(dr, index)| is_read(dr, *index, SIZES[1]))
        .count();
    assert!(read >= 10, "only {read} photos have small print to be read");
}

#[test]
fn small_print_of_a_photo_of_12_megapixels_is_read() {
    let dr = &samples().unwrap()[0];
    let read = (6..11)
        .filter(|index| is_read(dr, *index, SIZES[0]))
        .count();
    assert!(read >= 2, "only {read} photos have small print to be read");
}
