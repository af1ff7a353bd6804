//! What the benchmark promises of the default set, and that it would notice if it were not so.

use super::*;

async fn default_tally(noise: &str) -> Tally {
    let mistakes = Mistakes::shipped().unwrap();
    let drs = made::drs(&mistakes, mistakes.drs, mistakes.seed).unwrap();
    let way = Way::new("v1", noise).unwrap();
    tally(&Eye::of(&way, None, mistakes.seed).unwrap(), way, &drs).await.unwrap()
}

#[tokio::test]
async fn quick_mode_asks_half_of_the_photos_and_agrees_on_95_percent_of_the_verdicts() {
    let tally = default_tally("assumed").await;
    let share = tally.cost(Mode::Quick).photos / tally.cost(Mode::Full).photos;
    assert!(share <= 0.5, "quick mode asks {:.1} % of the photos", 100.0 * share);
    assert!(tally.agreement().percent() >= 95.0, "{}", tally.agreement().text());
}
