//! AWS behind an evaluation. The clients are built once, when a function starts.

pub mod clock;
pub mod configuration;
pub mod deadline;
pub mod http;
pub mod listing;
pub mod ports;
pub mod queues;
#[cfg(test)]
mod replayed;
mod rounds;
pub mod stream;
pub mod table;
pub mod telemetry;
pub mod trace;
pub mod usage;
pub mod versions;

use std::time::Duration;

use aws_config::ConfigLoader;
pub use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;

/// A connection within a region stands in milliseconds; one that does not in this time never will.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Slow answers of table, queues and bucket take a tenth of a second, a hundred times less; one that takes longer than
/// this hangs, and a second attempt over another connection is likelier to be answered. Of a photo only the head counts:
/// when its bytes stop coming is noticed by the SDK's stalled-stream protection.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
/// Two attempts that hang. Shorter than every function's time-out: a call that hangs fails in the function, which can
/// still say so, and fails one record.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// Region and credentials from the environment, and the time-outs of every client.
pub async fn load() -> SdkConfig {
    with_timeouts().load().await
}

/// A configuration with the time-outs of every client.
fn with_timeouts() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT);
    aws_config::from_env().timeout_config(timeouts.build())
}

/// The bucket's client. Path style, where the endpoint is a number (a local emulator), is the SDK's own choice.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../template.yaml");
    const FUNCTIONS: [&str; 6] = [
        "Splitter",
        "Batch",
        "Aggregator",
        "Sweeper",
        "Api",
        "Notifier",
    ];

    /// The time-outs of a function in the template, one for each timing profile.
    fn timeouts_of(function: &str) -> Vec<u64> {
        let name = format!("{function}Timeout: ");
        let lines = TEMPLATE
            .lines()
            .filter_map(|line| line.trim().strip_prefix(&name));
        let numbers = lines.filter_map(|number| number.split_whitespace().next()?.parse().ok());
        numbers.collect()
    }

    #[test]
    fn a_call_that_hangs_fails_before_the_function_that_made_it() {
        for function in FUNCTIONS {
            let timeouts = timeouts_of(function);
            assert_eq!(timeouts.len(), 2, "{function}: one for each profile");
            for timeout in timeouts {
                let left = Duration::from_secs(timeout).checked_sub(OPERATION_TIMEOUT);
                assert!(left > Some(queues::MARGIN), "{function} has {timeout} s");
            }
        }
        assert!(CONNECT_TIMEOUT < ATTEMPT_TIMEOUT && ATTEMPT_TIMEOUT * 2 <= OPERATION_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_is_given_up_and_may_be_made_again_later() {
        let server = replayed::Server::new(vec![]).await;
        let client = aws_sdk_dynamodb::Client::new(&server.config().await);
        let table = table::Table::new(client, "table".into());
        let begun = tokio::time::Instant::now();
        let key = evaluation::decide::update::Key::Breaker;
        let answer = table.get::<serde_json::Value>(&key);
        let given_up = tokio::time::timeout(OPERATION_TIMEOUT * 2, answer).await;
        let error = given_up.unwrap().unwrap_err();
        assert_eq!(error.class(), evaluation::run::error::Class::Retry);
        assert!(begun.elapsed() <= OPERATION_TIMEOUT + Duration::from_millis(1));
    }
}
