//! For tests: a server on loopback that answers from a script, in the words that AWS documents, over real HTTP.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_config::Region;
use aws_sdk_dynamodb::config::Credentials;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A status and a body.
    Say(u16, &'static str),
    /// Takes the request, and says nothing for ever.
    Hang,
}

/// A server that gives these replies, one a request.
pub(crate) struct Server {
    url: String,
    requests: Arc<Mutex<usize>>,
}

impl Server {
    /// Listens. After the last reply it hangs.
    pub(crate) async fn new(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut replies = VecDeque::from(replies);
            while let Ok((mut stream, _)) = listener.accept().await {
                read_request(&mut stream).await;
                *seen.lock().unwrap() += 1;
                match replies.pop_front().unwrap_or(Reply::Hang) {
                    Reply::Say(status, body) => say(&mut stream, status, body).await,
                    Reply::Hang => {
                        tokio::spawn(async move {
                            std::future::pending::<()>().await;
                            drop(stream);
                        });
                    }
                }
            }
        });
        Self { url, requests }
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        *self.requests.lock().unwrap()
    }

    /// The configuration of a client that asks it, with the time-outs of all functions.
    pub(crate) async fn config(&self) -> aws_config::SdkConfig {
        let credentials = Credentials::new("id", "secret", None, None, "a test");
        crate::with_timeouts()
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials)
            .endpoint_url(&self.url)
            .load()
            .await
    }
}

async fn say(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
}

/// Reads a whole request: its head, and as much of a body as that says.
async fn read_request(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .split_once("content-length: ")
                .map_or("0", |(_, rest)| rest);
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if body.len() >= length {
                return;
            }
        }
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend(&chunk[..read]);
    }
}
