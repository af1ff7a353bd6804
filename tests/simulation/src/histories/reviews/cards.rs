//! Cards that are kept of what is decided: each says what its evaluation does, whichever way a decision came about or went.

use evaluation::decide::card::Card;
use evaluation::decide::update::Key;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::judge::Verdict;
use evaluation::run::cards::keep;
use evaluation::run::ports::Ports;
use evaluation::run::tell::Change;
use serde_json::Value;

use crate::histories::serial::{Serial, at_once};

/// Puts what is written here onto the cards, as the table's stream hands it over.
pub(super) fn kept(world: &Serial, key: Key) {
    let new: Option<Value> = at_once(world.get(key)).unwrap();
    let change = Change {
        old: None,
        new,
        by_ttl: false,
    };
    assert!(at_once(keep(world, &[change], 0)).is_empty());
}

/// The card of an evaluation.
fn card(world: &Serial, dr: DrNumber, id: &EvaluationId) -> Option<Card> {
    at_once(world.get(Key::Card(dr, id.clone()))).unwrap()
}

/// The verdict with what people decided, by the card.
pub(super) fn verdict(world: &Serial, dr: DrNumber, id: &EvaluationId) -> Option<Verdict> {
    let card = card(world, dr, id)?;
    assert_eq!(card.reviewed, card.reviewed_verdict.is_some());
    card.reviewed_verdict
}

#[cfg(test)]
mod tests {
    use evaluation::decide::known::Known;
    use evaluation::domain::review::Decision;

    use super::super::{Event, KEPT_FOR, Life, decides, dr, evaluated, versions, withdraws};
    use super::*;

    /// More evaluations than the cards that are read of a DR at once.
    const MANY: usize = 30;

    #[test]
    fn what_is_taken_back_at_a_later_evaluation_stands_on_no_earlier_card() {
        for between in [0, MANY] {
            let mut life = Life::new();
            life.happens(&Event::Evaluate);
            life.says(life.evaluation(0), decides(None, Decision::Fail, "a"));
            (0..=between).for_each(|_| life.happens(&Event::Evaluate));
            let first = life.evaluations[0].clone();
            assert_eq!(verdict(&life.world, dr(), &first), Some(Verdict::Fail));
            life.says(life.evaluation(0), withdraws(1, "b"));
            assert_eq!(life.read().len(), 2);
            for id in [Some(first), life.evaluation(0)].into_iter().flatten() {
                assert_eq!(verdict(&life.world, dr(), &id), None, "{between} between");
            }
        }
    }

    /// Two shards of the stream hand over that a case is known and its verdict: in no order.
    #[test]
    fn a_known_case_is_listed_for_people_although_its_card_has_no_verdict_yet() {
        let world = Serial::new(versions(), None);
        let id = evaluated(&world, &[0, 1]);
        let known = Known {
            evaluation_id: id.clone(),
            dr_number: dr(),
            truly_passes: false,
            known_by: None,
            known_at: world.now(),
        };
        at_once(world.update(known.kept(KEPT_FOR))).unwrap();
        kept(&world, Key::Known(id.clone()));
        let listed = card(&world, dr(), &id);
        let shown = listed.as_ref().map(|card| (card.verdict, card.sampled));
        assert_eq!(shown, Some((Some(Verdict::Pass), Some(0))));
        kept(&world, Key::Evaluation(id.clone()));
        assert_eq!(card(&world, dr(), &id), listed, "its verdict comes late");
    }
}
