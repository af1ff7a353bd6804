//! Which question a path asks, and which is refused.

use super::*;
use crate::samples::request;

fn asked(path: &str) -> Result<Question, Problem> {
    sent("GET", path)
}

fn sent(method: &str, path: &str) -> Result<Question, Problem> {
    question(&request(|event| {
        event["rawPath"] = path.into();
        event["requestContext"]["http"]["method"] = method.into();
    }))
}

#[test]
fn a_path_that_the_gateway_took_for_another_route_is_refused() {
    let id = clock::new_evaluation_id(clock::now());
    let by = |route: &str, path: &str| {
        question(&request(|event| {
            event["routeKey"] = route.into();
            event["rawPath"] = path.into();
        }))
    };
    let (dr, evaluation) = ("GET /drs/{dr_number}", "GET /evaluations/{evaluation_id}");
    assert!(by(dr, "/drs/DR1").is_ok());
    assert!(by(evaluation, &format!("/evaluations/{id}")).is_ok());
    for (route, path) in [
        (dr, "/health".to_owned()),
        (dr, "/drs/DR1/evaluations".to_owned()),
        (dr, format!("/evaluations/{id}")),
        ("GET /health", "/drs/DR1".to_owned()),
        ("PUT /drs/{dr_number}", "/drs/DR1".to_owned()),
    ] {
        let refused = by(route, &path).unwrap_err();
        assert_eq!(refused.status, 404, "{route} {path}");
    }
}

#[test]
fn the_cache_is_emptied_by_delete_alone() {
    let dr = DrNumber::parse("DR1").unwrap();
    assert_eq!(
        sent("DELETE", "/drs/dr1/cache").unwrap(),
        Question::EmptyCache(Some(dr))
    );
    assert_eq!(
        sent("DELETE", "/cache").unwrap(),
        Question::EmptyCache(None)
    );
    assert_eq!(sent("DELETE", "/drs/D-1/cache").unwrap_err().status, 400);
    for (method, path) in [
        ("GET", "/cache"),
        ("GET", "/drs/DR1/cache"),
        ("DELETE", "/drs/DR1/evaluations"),
    ] {
        assert_eq!(
            sent(method, path).unwrap_err().status,
            404,
            "{method} {path}"
        );
    }
}

#[test]
fn a_dr_is_asked_about_and_put_in_its_place() {
    let dr = DrNumber::parse("DR1").unwrap();
    assert_eq!(asked("/drs/dr1").unwrap(), Question::Dr(dr));
    assert_eq!(sent("PUT", "/drs/DR1").unwrap_err().status, 400, "no body");
    assert_eq!(sent("POST", "/drs/DR1").unwrap_err().status, 404);
    let dr = DrNumber::parse("DR1").unwrap();
    let claim = sent("PUT", "/drs/dr1/claim").unwrap();
    assert_eq!(claim, Question::Claim(dr.clone()));
    let given_back = sent("DELETE", "/drs/DR1/claim").unwrap();
    assert_eq!(given_back, Question::GiveBack(dr.clone()));
    assert_eq!(sent("GET", "/drs/DR1/claim").unwrap_err().status, 404);
    let note = sent("POST", "/drs/dr1/notes").unwrap();
    assert_eq!(note, Question::Note(dr));
    assert_eq!(sent("GET", "/drs/DR1/notes").unwrap_err().status, 404);
}

#[test]
fn a_review_is_of_an_evaluation_and_is_withdrawn_by_its_number() {
    let id = clock::new_evaluation_id(clock::now());
    let path = format!("/evaluations/{id}/reviews");
    assert_eq!(sent("POST", &path).unwrap(), Question::Review(id.clone()));
    assert!(matches!(asked(&path), Ok(Question::Reviews(..))));
    assert_eq!(
        sent("DELETE", &format!("{path}/7")).unwrap(),
        Question::Withdraw(id, 7)
    );
    for (method, path) in [
        ("DELETE", path.clone()),
        ("DELETE", format!("{path}/x")),
        ("DELETE", format!("{path}/-1")),
        ("PUT", format!("{path}/7")),
        ("GET", path.replace("reviews", "known")),
        ("POST", "/evaluations/7/reviews".into()),
    ] {
        assert_eq!(sent(method, &path).unwrap_err().status, 404, "{path}");
    }
}

#[test]
fn the_two_questions_are_told_apart() {
    let id = clock::new_evaluation_id(clock::now());
    assert_eq!(
        asked(&format!("/evaluations/{id}")).unwrap(),
        Question::Evaluation(id.clone())
    );
    assert_eq!(
        asked(&format!("/$default/evaluations/{id}")).unwrap(),
        Question::Evaluation(id)
    );
    assert!(matches!(
        asked("/drs/dr1730550/evaluations"),
        Ok(Question::History(..))
    ));
}

#[test]
fn other_paths_and_bad_ids_are_refused_with_what_to_do() {
    assert_eq!(asked("/evaluations").unwrap(), Question::List);
    assert_eq!(asked("/health").unwrap(), Question::Health);
    assert_eq!(asked("/accuracy").unwrap(), Question::Accuracy);
    assert_eq!(sent("DELETE", "/health").unwrap_err().status, 404);
    for (path, status) in [
        ("/page", 404),
        ("/page/1", 404),
        ("/claim", 404),
        ("/evaluations/7", 404),
        ("/evaluations/7/photos/0123456789abcdef", 404),
        ("/drs/D-1/evaluations", 400),
        ("/drs/D-1", 400),
        ("/drs/DR1/photos", 404),
    ] {
        assert_eq!(asked(path).unwrap_err().status, status, "{path}");
    }
}
