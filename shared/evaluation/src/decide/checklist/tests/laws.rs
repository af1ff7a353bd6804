//! What holds of a checklist, whatever is known of the photos.

use super::*;

fn any_findings() -> impl Strategy<Value = Vec<Finding>> {
    let codes = prop_oneof![
        Just(None),
        Just(Some("unclear".to_owned())),
        Just(Some("not_sealed".to_owned()))
    ];
    let readings = prop_oneof![
        3 => Just(None),
        1 => Just(Some("DR7".to_owned())),
        1 => Just(Some("-30 dBm".to_owned())),
        1 => Just(Some("ALCLB1234567".to_owned()))
    ];
    let finding = (0..10usize, 0u8..=10, codes, readings).prop_map(|(at, score, code, reading)| {
        let known = finding(catalogue().steps[at].key.as_str(), score);
        Finding {
            fail_code: code,
            reading: reading.or(known.reading.clone()),
            ..known
        }
    });
    let few = proptest::collection::vec(finding, 0..4);
    let most = (6u8..=9).prop_map(|score| match all(score) {
        Answered(_, findings) => findings,
        _ => vec![],
    });
    prop_oneof![4 => few, 1 => most]
}

fn any_known() -> impl Strategy<Value = Known> {
    let scope = prop_oneof![4 => Just(Scope::All), 1 => Just(Scope::Critical)];
    prop_oneof![
        1 => Just(Nothing),
        1 => Just(Asked),
        1 => Just(Ended(ReasonCode::NotAnImage)),
        1 => Just(Ended(ReasonCode::NotAPhoto)),
        5 => (scope, any_findings()).prop_map(|(scope, findings)| Answered(scope, findings)),
    ]
}

/// The judgement of a full evaluation that begins with these answers and ends with what became of the others.
fn evaluated(known: &[(String, Known)]) -> Judgement {
    let photos: Vec<_> = known
        .iter()
        .map(|(name, known)| (name.as_str(), name.as_str(), known.clone()))
        .collect();
    let request = Request {
        dr_number: dr(),
        mode: Mode::Full,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 4,
        deadline: Duration::from_secs(3600),
        kept_for: Duration::from_secs(3600),
    };
    let before = FromCache {
        known: kept(&photos).known,
        ..FromCache::default()
    };
    let new = open(
        id(2),
        &request,
        planned(&photos),
        versions(),
        &limits,
        before,
        NOW,
    );
    let ended = |record: PhotoRecord| {
        let code = known.iter().find_map(|(name, known)| match known {
            Ended(code) if *name == record.photo.name => Some(*code),
            _ => None,
        });
        let code = code.unwrap_or(ReasonCode::Deadline);
        let outcome = PhotoOutcome::NotEvaluated {
            reason: reason(code),
        };
        PhotoRecord {
            report: record.report.clone().or(Some(Report::bare(outcome, NOW))),
            ..record
        }
    };
    let records: Vec<PhotoRecord> = new.photos.into_iter().map(ended).collect();
    finalise(&new.evaluation, &records, Some(catalogue()), NOW)
        .unwrap()
        .judgement
}

fn is_whole(known: &Known) -> bool {
    matches!(known, Answered(Scope::All, _) | Ended(_))
}

proptest! {
    #[test]
    fn once_all_photos_are_looked_at_it_says_what_a_full_evaluation_says(known in proptest::collection::vec(any_known().prop_filter("whole", is_whole), 0..6)) {
        let checklist = of_known(known.clone());
        let judgement = evaluated(&numbered(known));
        prop_assert_eq!(checklist.safe_to_leave, judgement.verdict == Verdict::Pass);
        prop_assert_eq!(checklist.verdict_so_far, judgement.verdict);
        prop_assert_eq!(checklist.photos_open, 0);
        for (step, row) in checklist.steps.iter().zip(&judgement.steps) {
            prop_assert_eq!(step.state == StepState::Seen, row.outcome == StepOutcome::Pass);
            prop_assert_eq!((step.score, &step.photo, &step.reading), (row.score, &row.photo, &row.reading));
            if row.outcome == StepOutcome::Fail {
                prop_assert!(!step.reason.as_ref().unwrap().contains("could not be evaluated"));
                prop_assert_eq!(step.remedy, row.remedy);
                prop_assert!(row.reason.as_ref().unwrap().starts_with(step.reason.as_ref().unwrap().as_str()));
            }
        }
    }

    #[test]
    fn an_open_photo_is_a_gap_whoever_is_asked_about_it(known in proptest::collection::vec(any_known(), 0..6)) {
        let checklist = of_known(known.clone());
        prop_assert_eq!(checklist.photos_open, known.iter().filter(|known| !is_whole(known)).count());
        if known.iter().any(|known| !is_whole(known)) {
            prop_assert_ne!(checklist.verdict_so_far, Verdict::Fail);
        }
    }

    #[test]
    fn one_answer_more_takes_nothing_back(known in proptest::collection::vec(any_known(), 1..6), at in 0..6usize, findings in any_findings()) {
        let at = at % known.len();
        let before = of_known(known.clone());
        let mut known = known;
        // What was said of the critical steps stands.
        let more = match &known[at] {
            Answered(Scope::Critical, earlier) => {
                let critical = Scope::Critical.steps(catalogue());
                let is_critical = |finding: &Finding| critical.contains(&finding.step);
                let others = findings.into_iter().filter(|finding| !is_critical(finding));
                Answered(Scope::All, earlier.iter().filter(|f| is_critical(f)).cloned().chain(others).collect())
            }
            Answered(Scope::All, _) => known[at].clone(),
            _ => Answered(Scope::All, findings),
        };
        known[at] = more;
        let after = of_known(known);
        for (one, other) in before.steps.iter().zip(&after.steps) {
            prop_assert!(one.state <= other.state, "{:?} {:?}", one, other);
            prop_assert!(one.score <= other.score);
        }
        prop_assert!(!before.safe_to_leave || after.safe_to_leave, "never falsely safe");
    }

    #[test]
    fn whatever_is_not_seen_is_to_be_done_critical_steps_first(known in proptest::collection::vec(any_known(), 0..6)) {
        let checklist = of_known(known);
        let left: Vec<_> = checklist.to_do.iter().filter_map(|to_do| to_do.step.clone()).collect();
        let unseen = checklist.steps.iter().filter(|step| step.state != StepState::Seen);
        prop_assert_eq!(left.len(), unseen.clone().count());
        prop_assert!(unseen.clone().all(|step| left.contains(&step.step)));
        let critical: Vec<bool> = checklist.to_do.iter().map(|to_do| to_do.critical).collect();
        prop_assert!(critical.is_sorted_by(|a, b| a >= b));
        if checklist.verdict_so_far == Verdict::Fail {
            prop_assert!(!checklist.to_do.is_empty());
        }
    }
}
