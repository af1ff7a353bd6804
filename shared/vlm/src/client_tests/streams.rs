//! Answers that come in pieces: their pace, stalls, and where they break off.

use super::*;

#[tokio::test]
async fn a_streamed_answer_is_read_with_its_pace() {
    let server = server(vec![Reply::Stream(
        chunks(GOOD, 50, Some("stop")),
        After::Close,
    )])
    .await;
    let asked = ask(&server).await.unwrap();
    assert_eq!(
        (
            asked.findings[0].score.value(),
            asked.usage.completion_tokens,
            asked.repaired
        ),
        (9, 40, false)
    );
    let timings = (
        asked.timings.first_token.unwrap(),
        asked.timings.generation.unwrap(),
    );
    assert!(
        timings.0 >= Duration::from_millis(50) && timings.1 >= Duration::from_millis(50),
        "{timings:?}"
    );
}

#[tokio::test]
async fn a_stall_is_noticed_soon_and_the_connection_dropped() {
    let begun = Instant::now();
    let server = server(vec![Reply::Stream(chunks(GOOD, 10, None), After::Hold)]).await;
    let failure = ask(&server).await.unwrap_err();
    assert!(
        matches!(
            &failure,
            VlmFailure::RetryLater {
                cause: RetryCause::TimedOut,
                ..
            }
        ),
        "{failure:?}"
    );
    assert!(
        failure.detail().contains("next token") && begun.elapsed() < Duration::from_millis(800),
        "{failure:?}"
    );
    server.is_left().await;
}

#[tokio::test]
async fn a_first_token_that_does_not_come_is_noticed_by_itself() {
    let server = server(vec![Reply::Stream(chunks("", 0, None), After::Hold)]).await;
    let failure = ask(&server).await.unwrap_err();
    assert!(failure.detail().contains("first token"), "{failure:?}");
}

#[tokio::test]
async fn a_client_that_is_dropped_drops_the_connection() {
    let server = server(vec![Reply::Stream(chunks(GOOD, 10, None), After::Hold)]).await;
    let asked = async {
        while server.requests.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = ask(&server) => panic!("the answer is not whole"),
        () = asked => (),
    }
    server.is_left().await;
}

#[tokio::test]
async fn a_stream_that_ends_before_the_answer_does_is_a_failure_to_retry() {
    let error = json!({"error": {"message": "EngineCore died", "code": 500}}).to_string();
    let mut broken = chunks(GOOD, 0, None);
    broken.extend([(0, error), (0, "[DONE]".into())]);
    for (events, words) in [
        (chunks(GOOD, 0, None), "no finish_reason"),
        (broken, "EngineCore died"),
        (chunks("", 0, Some("stop")), "no text"),
        (vec![(0, "{\"choices\": 7}".into())], "no chat completion"),
        (vec![], "no finish_reason"),
    ] {
        let server = server(vec![Reply::Stream(events, After::Close)]).await;
        let failure = ask(&server).await.unwrap_err();
        assert!(
            matches!(
                &failure,
                VlmFailure::RetryLater {
                    cause: RetryCause::Failed,
                    ..
                }
            ),
            "{failure:?}"
        );
        assert!(failure.detail().contains(words), "{failure:?}");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_at_the_most_tokens_is_salvaged() {
    let cut = &GOOD[..GOOD.len() - 2];
    let replies =
        [cut, cut].map(|text| Reply::Stream(chunks(text, 0, Some("length")), After::Close));
    let asked = ask(&server(replies.to_vec()).await).await.unwrap();
    assert_eq!((asked.findings.len(), asked.repaired), (1, true));
}

#[tokio::test]
async fn a_whole_answer_stands_though_the_count_of_its_tokens_does_not_come() {
    let mut events = chunks(GOOD, 0, Some("stop"));
    events.truncate(4);
    let asked = ask(&server(vec![Reply::Stream(events, After::Hold)]).await)
        .await
        .unwrap();
    assert_eq!((asked.findings.len(), asked.usage), (1, Usage::default()));
}
