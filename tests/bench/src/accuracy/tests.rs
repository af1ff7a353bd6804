//! What the benchmark holds quick mode to on the default set, and that it would notice if it were not so.

use evaluation::domain::catalogue::Catalogue;

use super::*;

/// The share of full mode's photos that quick mode may ask, in percent. The aim is 50, which the first round of one
/// photo a critical step and "missing only when all were looked at" put out of reach: see `MOST_BEYOND_LEAST`.
const MOST_PHOTOS: f64 = 68.0;
/// The same beyond what it would ask that knew all after the first round, in percent of full mode's photos.
const MOST_BEYOND_LEAST: f64 = 5.0;
/// The share of verdicts that must be full mode's, in percent.
const LEAST_AGREEMENT: f64 = 95.0;

/// The catalogue that these figures are of: other lists of steps make other DRs.
const CALIBRATED_WITH: &str = "v3";

fn default_set() -> Vec<LabelledDr> {
    let mistakes = Mistakes::shipped().unwrap();
    let catalogue = Catalogue::shipped(CALIBRATED_WITH).unwrap();
    made::drs(&mistakes, catalogue, mistakes.drs, mistakes.seed).unwrap()
}

async fn evaluated(drs: &[LabelledDr], noise: &str) -> Tally {
    let way = Way::new(CALIBRATED_WITH, noise).unwrap();
    tally(&Model::of(&way, None, 1_730_550).unwrap(), way, drs)
        .await
        .unwrap()
}

#[tokio::test]
async fn quick_mode_agrees_on_95_percent_of_the_verdicts_and_asks_fewer_photos() {
    let tally = evaluated(&default_set(), "assumed").await;
    assert!(
        tally.agreement().percent() >= LEAST_AGREEMENT,
        "{}",
        tally.agreement().text()
    );
    let asked = tally.photos_asked(|_| true);
    assert!(
        asked.percent() <= MOST_PHOTOS,
        "quick mode asks {}",
        asked.text()
    );
    let [known, least] = [
        tally.photos_it_rests_on(),
        tally.photos_from_a_first_round_on(),
    ];
    assert!(
        known.hits < least.hits && least.hits < asked.hits,
        "{} {} {}",
        known.text(),
        least.text(),
        asked.text()
    );
    assert!(
        asked.percent() - least.percent() <= MOST_BEYOND_LEAST,
        "{} of {}",
        asked.text(),
        least.text()
    );
    let least = tally
        .critical()
        .iter()
        .map(|step| tally.step_agreement(step).percent())
        .fold(100.0, f64::min);
    assert!(
        least >= LEAST_AGREEMENT,
        "a critical step agrees in {least} %"
    );
}

/// A substring filter on step names matches none of the `_ph_` names: to it they are names that say nothing.
#[tokio::test]
async fn a_selection_by_substring_would_be_noticed() {
    let mut drs = default_set();
    for dr in &mut drs {
        for (at, photo) in dr
            .photos
            .iter_mut()
            .enumerate()
            .filter(|(_, photo)| photo.name.contains("_ph_"))
        {
            photo.name = format!("IMG-20260114-WB{at:04}.jpg");
        }
    }
    let asked = evaluated(&drs, "assumed").await.photos_asked(|_| true);
    assert!(
        asked.percent() > MOST_PHOTOS,
        "quick mode asks {}",
        asked.text()
    );
}

#[tokio::test]
async fn without_noise_full_mode_says_what_the_labels_demand() {
    let mut drs = default_set();
    drs.iter_mut()
        .flat_map(|dr| &mut dr.photos)
        .for_each(|photo| photo.looks_like = photo.shows.clone());
    let tally = evaluated(&drs, "none").await;
    assert_eq!(tally.accuracy(Mode::Full).percent(), 100.0);
    for step in tally.critical() {
        assert_eq!(
            tally.step_quality(Mode::Full, &step).recall.percent(),
            100.0,
            "{step}"
        );
    }
}

#[tokio::test]
async fn a_weaker_model_differs_significantly_and_a_way_from_itself_does_not() {
    let drs = default_set();
    let [good, weak] = [
        evaluated(&drs, "assumed").await,
        evaluated(&drs, "assumed-weaker").await,
    ];
    let found = differences(&[good.clone(), weak]);
    assert!(
        found.iter().any(|difference| difference.significant),
        "{found:?}"
    );
    let same = differences(&[good.clone(), good]);
    assert!(
        same.iter()
            .all(|difference| !difference.significant && difference.p_value == 1.0)
    );
}

/// A draft that sends everything at 640 pixels loses small print, and the comparison says so.
#[tokio::test]
async fn a_size_policy_that_loses_small_print_is_found_out() {
    let draft = std::env::temp_dir().join(format!("small-{}.json", std::process::id()));
    let limits = r#"{"most_bytes": 50000000, "most_pixels": 80000000, "most_edge": 16384}"#;
    let json = format!(
        r#"{{"version": "small", "long_edge": 416, "small_print_long_edge": 416, "jpeg_quality": 85, "limits": {limits}}}"#
    );
    std::fs::write(&draft, json).unwrap();
    let comparison: Comparison = format!("size-policy=s1,{}", draft.display())
        .parse()
        .unwrap();
    let base = Way::new(CURRENT_VERSION, "assumed").unwrap();
    let mut tallies = Vec::new();
    for way in comparison.ways(&base).unwrap() {
        tallies.push(
            tally(&Model::of(&way, None, 1).unwrap(), way, &default_set())
                .await
                .unwrap(),
        );
    }
    std::fs::remove_file(draft).unwrap();
    let found = differences(&<[Tally; 2]>::try_from(tallies).unwrap());
    assert!(
        found
            .iter()
            .any(|difference| difference.what == "power_meter" && difference.significant),
        "{found:?}"
    );
}
