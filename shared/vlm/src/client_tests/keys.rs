//! What the server knows us by: keys that are rotated, wrong or missing, and signatures.

use super::*;

/// A server that wants this key, and answers whoever brings it.
async fn server_that_wants(key: &'static str, status: u16) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let request = request(&mut stream).await;
                let wanted = format!("authorization: bearer {key}\r\n");
                let fits = request.to_lowercase().contains(&wanted);
                seen.lock().unwrap().push(request);
                let reply = if fits {
                    says(GOOD)
                } else {
                    Reply::Say(status, "", r#"{"error": "Unauthorized"}"#.into())
                };
                if let Reply::Say(status, _, body) = reply {
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    let answer = format!("{head}{body}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    Server {
        url,
        requests,
        left: Arc::default(),
    }
}

#[tokio::test]
async fn a_rotated_key_reaches_a_client_within_the_same_question_and_stays() {
    for status in [401, 403] {
        let server = server_that_wants("rotated-key", status).await;
        let secret = Secret::holding("rotated-key");
        let client = client(&server).with_key_source(secret.clone());
        let bulk = client.for_bulk();
        assert!(ask_with(&client).await.is_ok());
        assert_eq!(server.requests.lock().unwrap().len(), 2);
        assert!(ask_with(&client).await.is_ok() && ask_with(&bulk).await.is_ok());
        let requests = server.requests.lock().unwrap().len();
        assert_eq!((requests, secret.reads()), (4, 1));
    }
}

#[tokio::test]
async fn questions_that_are_refused_together_share_one_reading_of_the_key() {
    let server = server_that_wants("rotated-key", 401).await;
    let secret = Secret::holding("rotated-key");
    let client = client(&server).with_key_source(secret.clone());
    let asked = futures::future::join_all((0..8).map(|_| ask_with(&client))).await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    assert_eq!(secret.reads(), 1);
}

#[tokio::test]
async fn a_key_that_stays_wrong_is_not_asked_with_twice_and_is_never_told() {
    let server = server_that_wants("another-key", 401).await;
    let secret = Secret::holding("secret-key");
    let client = client(&server).with_key_source(secret.clone());
    for _ in 0..3 {
        let failure = ask_with(&client).await.unwrap_err();
        let misconfigured = RetryCause::Misconfigured;
        assert!(
            matches!(&failure, VlmFailure::RetryLater { cause, .. } if *cause == misconfigured)
        );
        assert!(!format!("{failure:?}").contains("secret-key"));
    }
    let requests = server.requests.lock().unwrap().len();
    assert_eq!((requests, secret.reads()), (3, 1));
}

/// Signs with a word, or can't.
struct Word(Option<&'static str>);

impl Signer for Word {
    fn sign<'a>(&'a self, request: Unsigned<'a>) -> crate::signature::Signing<'a> {
        Box::pin(async move {
            let word = self.0.ok_or("no role gives credentials")?;
            let signed = format!("{word} {} {}", request.content_type, request.body.len());
            Ok(vec![("authorization".into(), signed)])
        })
    }
}

#[tokio::test]
async fn a_request_is_signed_as_long_as_there_is_no_key() {
    let server = server(vec![says(GOOD), says(GOOD)]).await;
    let settings = VlmSettings::new(&server.url, "m");
    let signer = Arc::new(Word(Some("signed")));
    let without = VlmClient::new(settings)
        .unwrap()
        .with_signer(signer.clone());
    ask_with(&without).await.unwrap();
    ask_with(&client(&server).with_signer(signer))
        .await
        .unwrap();
    let requests = server.requests.lock().unwrap();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!(
        "authorization: signed application/json {}",
        body.len()
    )));
    assert!(
        !requests[1].contains("signed application/json"),
        "a key is sent instead"
    );
}

#[tokio::test]
async fn a_signature_that_is_refused_or_cant_be_made_waits_for_the_operator() {
    let refusal = r#"{"message": "The request signature we calculated does not match the signature you provided."}"#;
    let headers = "x-amzn-errortype: InvalidSignatureException\r\n";
    let server = server(vec![Reply::Say(403, headers, refusal.into())]).await;
    for word in [Some("wrong"), None] {
        let client = VlmClient::new(VlmSettings::new(&server.url, "m")).unwrap();
        let failure = ask_with(&client.with_signer(Arc::new(Word(word))))
            .await
            .unwrap_err();
        assert_eq!(failure.about(), Some(About::Role), "{failure}");
        assert!(
            failure.detail().starts_with("the function's role"),
            "{failure}"
        );
        let addressed = failure.detail().contains("/v1/chat/completions");
        assert_eq!(addressed, word.is_some(), "{failure}");
    }
    assert_eq!(
        server.requests.lock().unwrap().len(),
        1,
        "nothing goes out unsigned"
    );
}
