use evaluation::domain::time::Timestamp;

use super::*;

fn dr(number: &str) -> DrNumber {
    DrNumber::parse(number).unwrap()
}

/// As the stream hands them over: an evaluation's photo and verdict, one that nobody knows, a note and
/// a look.
fn heard() -> News {
    let id = |number: u8| EvaluationId::from_parts(Timestamp::default(), [number; 10]);
    let of = |number: u8, rest: Value| {
        let mut item = json!({"pk": format!("EVALUATION#{}", id(number)), "sk": "EVALUATION"});
        for (name, value) in rest.as_object().unwrap() {
            item[name] = value.clone();
        }
        item
    };
    let items = [
        of(1, json!({"sk": "PHOTO#0123456789abcdef", "report": {}})),
        of(1, json!({"revision": 1, "verdict": "pass"})),
        of(2, json!({"revision": 1, "verdict": "pass"})),
        json!({"pk": "NOTES#DR2", "sk": "NOTED"}),
        json!({"pk": "LOOKS#DR3", "sk": "LOOK#0123456789abcdef"}),
    ];
    News::of(items.iter().map(|item| (None, Some(item))))
}

#[test]
fn of_all_that_is_news_it_is_known_beforehand_who_hears_of_it_and_checklists_are_last() {
    let news = heard();
    let first = news.evaluations.keys().next().unwrap().clone();
    let drs = BTreeMap::from([(first.clone(), dr("DR1"))]);
    let subjects = subjects(&news, &drs);
    let watched: Vec<_> = subjects.iter().map(Subject::watched).collect();
    let of = |number: &str| vec![Watched::Dr(dr(number))];
    let of_first = vec![Watched::Evaluation(first), Watched::Dr(dr("DR1"))];
    let checklists = [of("DR1"), of("DR2"), of("DR3")];
    assert_eq!(
        watched,
        [vec![of_first, of("DR3")], checklists.into()].concat()
    );
    let messages: Vec<_> = subjects.iter().map(Subject::messages).collect();
    assert_eq!(messages, [2, 1, 1, 1, 1]);
}

#[test]
fn each_connection_s_numbers_follow_on_each_other_whatever_it_hears_of() {
    let ids = |ids: &[&str]| {
        ids.iter()
            .map(|id| (*id).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let (both, one, gone) = (ids(&["a", "b"]), ids(&["b"]), ids(&["c"]));
    let subjects = [(&both, 3), (&one, 2), (&gone, 1), (&both, 1)];
    let of = |numbers: &[(&str, u64)]| {
        let numbers = numbers
            .iter()
            .map(|(id, number)| ((*id).to_owned(), *number));
        numbers.collect::<BTreeMap<_, _>>()
    };
    let expected = [
        of(&[("a", 7), ("b", 1)]),
        of(&[("b", 4)]),
        of(&[]),
        of(&[("a", 10), ("b", 6)]),
    ];
    assert_eq!(numbered(&subjects, of(&[("a", 7), ("b", 1)])), expected);
}

#[test]
fn what_can_t_be_read_is_noticed_and_comes_again_from_the_first_news_on() {
    let busy = || RunError::contended("busy");
    assert_eq!(
        those_read(vec![("a", Ok(1)), ("b", Ok(2))]),
        (BTreeMap::from([("a", 1), ("b", 2)]), true)
    );
    assert_eq!(
        those_read(vec![("a", Err(busy())), ("b", Ok(2))]),
        (BTreeMap::from([("b", 2)]), false)
    );
    let change = |new: Value| Change {
        old: None,
        new: Some(new),
        by_ttl: false,
    };
    let other = || change(json!({"pk": "CARDS#DR1", "sk": "CARD"}));
    let look = change(json!({"pk": "LOOKS#DR3", "sk": "LOOK#0123456789abcdef"}));
    assert_eq!(first_news(&[other(), look]), Some(1));
    assert_eq!(first_news(&[other()]), None);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_and_not_for_ever() {
    let by = || Instant::now() + DRAWN_WITHIN;
    let tries = std::cell::Cell::new(0);
    let fails = |times: u32| {
        tries.set(0);
        let tries = &tries;
        async move || {
            tries.set(tries.get() + 1);
            let busy = || RunError::contended("busy");
            (tries.get() > times).then_some(()).ok_or_else(busy)
        }
    };
    assert!(tried(by(), fails(TRIES - 1)).await.is_ok());
    assert!(tried(by(), fails(TRIES)).await.is_err());
    assert_eq!(tries.get(), TRIES);
    let hangs = tried(by(), async || std::future::pending::<Result<(), _>>().await);
    assert!(hangs.await.is_err());
}
