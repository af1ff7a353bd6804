//! Pages of random lists, read from a model of the index.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::decide::update;
use crate::domain::certainty::Certainty;
use crate::domain::plan::Mode;

const ORDERS: [Order; 3] = [Order::Newest, Order::LeastCertain, Order::FlagsAndChance];
const HOUR_MS: i64 = 3_600_000;

fn dr(number: u8) -> DrNumber {
    DrNumber::parse(&format!("DR{number}")).unwrap()
}

fn at(hour: u8) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + i64::from(hour) * HOUR_MS)
}

fn card(number: u8, (hour, state, certainty, of): (u8, usize, Option<u8>, u8)) -> Card {
    let state = State::ALL[state];
    Card {
        evaluation_id: EvaluationId::from_parts(at(hour), [number; 10]),
        dr_number: dr(of),
        mode: Mode::Full,
        photos_total: 1,
        verdict: state.verdict,
        revision: 0,
        average_score: None,
        flags: usize::from(state.flagged),
        certainty: certainty.and_then(|share| Certainty::of(f64::from(share) / 10.0)),
        superseded_by: None,
        created_at: at(hour),
        completed_at: None,
        reviewed: state.reviewed,
        reviews: 0,
        reviews_at: None,
        reviewed_verdict: None,
        notes: u32::from(number % 3),
        sampled: state.sampled.then_some(2),
        made_from: 0,
        version: 1,
        ttl: 0,
    }
}

fn cards() -> impl Strategy<Value = Vec<Card>> {
    let one = (
        0u8..6,
        0..State::ALL.len(),
        prop::option::of(0u8..11),
        1u8..5,
    );
    prop::collection::vec(one, 0..60)
        .prop_map(|all| (0..).zip(all).map(|(n, of)| card(n, of)).collect())
}

fn filter() -> impl Strategy<Value = Filter> {
    let verdict = prop_oneof![
        Just(Ended::Unfinished),
        Just(Ended::With(Verdict::Pass)),
        Just(Ended::With(Verdict::Fail)),
    ];
    let truth = || prop::option::of(any::<bool>());
    let hour = || prop::option::of((0u8..7).prop_map(at));
    (
        prop::collection::vec(verdict, 0..3),
        truth(),
        truth(),
        truth(),
        hour(),
        hour(),
        any::<bool>(),
        truth(),
    )
        .prop_map(
            |(verdicts, flagged, reviewed, sampled, from, to, unclaimed, contested)| Filter {
                verdicts,
                flagged,
                reviewed,
                sampled,
                claimed: unclaimed.then_some(false),
                contested,
                from,
                to,
            },
        )
}

/// The index: what is put there of cards, by list and place.
type Index = BTreeMap<(String, String), Card>;

fn index(cards: &[Card]) -> Index {
    let parts = cards.iter().flat_map(|card| card.parts(None));
    let puts = parts.filter_map(|part| match part {
        update::Part::Put(put) => Some(put.item),
        update::Part::Update(_) => None,
    });
    let placed = puts.map(|item| {
        let of = |name: &str| item[name].as_str().unwrap().to_owned();
        let place = (of("gsi_list"), of("gsi_at"));
        (place, Card::deserialize(&item).unwrap())
    });
    placed.collect()
}

/// What the index gives for a reading.
fn read(index: &Index, reading: &Reading) -> Part {
    let place = |at: &String| (reading.list.clone(), at.clone());
    let there = index.range(place(&reading.low)..=place(&reading.high));
    let mut there: Vec<Card> = there.map(|(_, card)| card.clone()).collect();
    if reading.backward {
        there.reverse();
    }
    // DynamoDB says that there may be more where it was told to stop, also at the very end.
    let more = there.len() >= reading.most;
    there.truncate(reading.most);
    Part { cards: there, more }
}

/// All pages of a list, and the most cards that were read for one.
fn pages(
    cards: &[Card],
    filter: &Filter,
    order: Order,
    limit: usize,
    claims: &[Claim],
) -> (Vec<Card>, usize) {
    let index = index(cards);
    let (mut listed, mut after, mut most) = (Vec::new(), None::<Place>, 0);
    for _ in 0..200 {
        let readings = filter.readings(order, after.as_ref(), limit);
        assert!(readings.len() <= State::ALL.len());
        let parts: Vec<Part> = readings
            .iter()
            .map(|reading| read(&index, reading))
            .collect();
        most = most.max(parts.iter().map(|part| part.cards.len()).sum());
        let page = page(parts, order, after.as_ref(), limit, |card| {
            filter.takes(card, order, claims)
        });
        assert!(page.cards.len() <= limit);
        listed.extend(page.cards);
        match page.next {
            None => return (listed, most),
            Some(next) => after = Some(order.parse(&next.cursor()).unwrap()),
        }
    }
    panic!("the pages don't end");
}

fn claim(number: u8) -> Claim {
    Claim {
        dr_number: dr(number),
        by: "anna".into(),
        since: at(0),
        until: at(1),
    }
}

proptest! {
    #[test]
    fn pages_leave_nothing_out_repeat_nothing_and_read_no_further_than_bounded(
        cards in cards(), filter in filter(), limit in 1usize..6,
    ) {
        let claims = [claim(1), claim(2)];
        for order in ORDERS {
            let taken = cards.iter().filter(|card| filter.takes(card, order, &claims));
            let mut expected: Vec<Card> = taken.cloned().collect();
            expected.sort_by(|one, other| order.compare(&order.place(one), &order.place(other)));
            let (listed, most) = pages(&cards, &filter, order, limit, &claims);
            prop_assert_eq!(listed, expected);
            let looked_through = filter.from.is_some() || filter.to.is_some();
            let bound = match order {
                Order::LeastCertain if looked_through => LOOKED_THROUGH,
                _ => limit + 2,
            };
            prop_assert!(most <= State::ALL.len() * bound);
        }
    }

    #[test]
    fn a_cursor_is_taken_back_as_it_was_given_and_anything_else_is_refused(
        cards in cards(), text in "[ -~]{0,60}",
    ) {
        for order in ORDERS {
            for card in &cards {
                let place = order.place(card);
                prop_assert_eq!(order.parse(&place.cursor()).unwrap(), place);
            }
            if let Ok(place) = order.parse(&text) {
                prop_assert!(place.cursor().eq_ignore_ascii_case(&text));
            }
        }
    }
}

#[test]
fn the_least_certain_come_first_and_what_nothing_is_known_of_last() {
    let cards = [
        (0, 1, None, 1),
        (1, 5, Some(9), 1),
        (2, 1, Some(5), 1),
        (3, 0, Some(1), 1),
        (4, 5, Some(5), 1),
    ];
    let cards: Vec<Card> = (0..).zip(cards).map(|(n, of)| card(n, of)).collect();
    let (listed, _) = pages(&cards, &Filter::default(), Order::LeastCertain, 2, &[]);
    let hours: Vec<_> = listed.iter().map(|card| card.created_at).collect();
    assert_eq!(
        hours,
        [2, 4, 1, 0].map(at),
        "that without a verdict is not there"
    );
}

#[test]
fn flags_come_first_then_what_chance_drew_then_the_rest_each_the_newest_first() {
    let state = |name: &str| State::ALL.iter().position(|state| state.name() == name);
    let names = [
        "pass",
        "fail_flagged",
        "pass_sampled",
        "unfinished",
        "fail",
        "pass_flagged",
    ];
    let cards: Vec<Card> = (0..)
        .zip(names)
        .map(|(n, name)| card(n, (n, state(name).unwrap(), None, 1)))
        .collect();
    let filter = Filter::default();
    let (listed, _) = pages(&cards, &filter, Order::FlagsAndChance, 2, &[]);
    let hours: Vec<_> = listed.iter().map(|card| card.created_at).collect();
    assert_eq!(hours, [5, 1, 2, 4, 0].map(at));
}

#[test]
fn a_range_without_anything_in_it_is_not_read() {
    let filter = Filter {
        from: Some(at(3)),
        to: Some(at(1)),
        ..Filter::default()
    };
    assert_eq!(filter.readings(Order::Newest, None, 5), []);
}

#[test]
fn what_changes_its_state_while_the_states_are_read_is_on_a_page_once_and_as_it_is_now() {
    let before = card(1, (4, 1, None, 1));
    let now = Card {
        version: 2,
        ..card(1, (4, 2, None, 1))
    };
    for cards in [[before.clone(), now.clone()], [now.clone(), before]] {
        let parts = cards.map(|card| Part {
            cards: vec![card],
            more: false,
        });
        for order in [Order::Newest, Order::LeastCertain] {
            let page = page(parts.to_vec(), order, None, 9, |_| true);
            assert_eq!(page.cards, std::slice::from_ref(&now));
        }
    }
}

#[test]
fn a_page_ends_where_a_part_was_not_read_on_also_if_nothing_of_that_is_taken() {
    let of = |number, hour, state, of_dr| card(number, (hour, state, None, of_dr));
    let last_read = of(1, 4, 1, 1);
    let not_read_on = Part {
        cards: vec![of(0, 5, 1, 1), last_read.clone()],
        more: true,
    };
    let whole = Part {
        cards: vec![of(2, 3, 5, 3)],
        more: false,
    };
    let takes = |card: &Card| card.dr_number == dr(3);
    let page = page(vec![not_read_on, whole], Order::Newest, None, 2, takes);
    let end = Order::Newest.place(&last_read);
    assert_eq!((page.cards, page.next), (Vec::new(), Some(end)));
}
