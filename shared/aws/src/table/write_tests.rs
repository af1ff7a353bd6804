//! Writes against the answers that AWS documents, over real HTTP.

use evaluation::decide::update::{Key, Part, Update, UpdateAction};
use evaluation::run::error::Class;

use super::*;
use crate::replayed::{Reply, Server};

/// An answer of DynamoDB about a cancelled transaction, as its API reference has it.
macro_rules! cancelled {
    ($reasons:literal) => {
        Reply::Say(
            400,
            concat!(
                r#"{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "#,
                r#""Message": "Transaction cancelled, please refer cancellation reasons for specific reasons", "#,
                r#""CancellationReasons": ["#,
                $reasons,
                "]}"
            ),
        )
    };
}

const DONE: Reply = Reply::Say(200, "{}");
const CONFLICT: Reply = cancelled!(
    r#"{"Code": "None"}, {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}"#
);
const REFUSED: Reply = cancelled!(
    r#"{"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}, {"Code": "None"}"#
);
const THROTTLED: Reply = cancelled!(
    r#"{"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly."}, {"Code": "None"}"#
);
const TOO_LARGE: Reply = cancelled!(
    r#"{"Code": "None"}, {"Code": "ValidationError", "Message": "Item size to update has exceeded the maximum allowed size"}"#
);
/// What a single write gets while a transaction is at work on its item.
const SINGLE_CONFLICT: Reply = Reply::Say(
    400,
    r#"{"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": "Transaction is ongoing for the item"}"#,
);

async fn table(server: &Server) -> Table {
    let client = aws_sdk_dynamodb::Client::new(&server.config().await);
    Table::new(client, "table".into())
}

fn update() -> Update {
    Update {
        key: Key::Cache(None),
        guards: vec![],
        actions: vec![UpdateAction::Set("valid_from", 1.into())],
    }
}

async fn transact(replies: Vec<Reply>) -> (Result<bool, TableError>, usize) {
    let server = Server::new(replies).await;
    let parts = [Part::Update(update()), Part::Update(update())];
    let result = table(&server).await.transact(&parts).await;
    (result, server.requests())
}

#[tokio::test]
async fn a_condition_that_failed_is_an_answer_and_not_asked_again() {
    let (result, requests) = transact(vec![REFUSED, DONE]).await;
    assert!(!result.unwrap());
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_conflict_and_a_throttle_are_tried_again_until_there_is_an_answer() {
    let (result, requests) = transact(vec![CONFLICT, THROTTLED, DONE]).await;
    assert!(result.unwrap());
    assert_eq!(requests, 3);
    let (result, requests) = transact(vec![CONFLICT, REFUSED]).await;
    assert!(!result.unwrap());
    assert_eq!(requests, 2);
}

#[tokio::test]
async fn conflicts_without_end_are_said_to_be_so_and_the_record_comes_again() {
    let (result, requests) = transact(vec![CONFLICT; 6]).await;
    let error = result.unwrap_err();
    assert_eq!((error.class(), requests), (Class::Retry, 6));
    assert!(format!("{error:?}").contains("part 2: TransactionConflict"));
}

#[tokio::test]
async fn an_item_that_is_too_large_is_a_bug_and_never_taken_for_a_faster_writer() {
    let (result, requests) = transact(vec![TOO_LARGE, DONE]).await;
    let error = result.unwrap_err();
    assert_eq!((error.class(), requests), (Class::Bug, 1));
    assert!(
        format!("{error:?}").contains("exceeded the maximum allowed size"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_single_write_waits_for_a_transaction_on_its_item() {
    let server = Server::new(vec![SINGLE_CONFLICT, DONE]).await;
    let result = table(&server).await.update(&update()).await;
    assert!(matches!(result.unwrap(), UpdateResult::Applied(_)));
    assert_eq!(server.requests(), 2);
    let server = Server::new(vec![SINGLE_CONFLICT; 6]).await;
    let error = table(&server).await.update(&update()).await.unwrap_err();
    assert_eq!((error.class(), server.requests()), (Class::Retry, 6));
}

#[tokio::test]
async fn a_fault_of_the_table_itself_is_no_bug_whatever_it_is_called() {
    const BROKEN: Reply = Reply::Say(
        503,
        r#"{"__type": "com.amazonaws.dynamodb.v20120810#SomethingNew", "message": "try again"}"#,
    );
    let server = Server::new(vec![BROKEN; 4]).await;
    let error = table(&server).await.update(&update()).await.unwrap_err();
    assert_eq!(error.class(), Class::Retry);
}

#[tokio::test]
async fn a_right_that_is_missing_is_given_and_nothing_is_given_up_until_then() {
    macro_rules! refused {
        ($code:literal) => {
            Reply::Say(
                400,
                concat!(
                    r#"{"__type": "com.amazon.coral.service#"#,
                    $code,
                    r#"", "message": "no"}"#
                ),
            )
        };
    }
    let (denied, expired, unknown) = (
        refused!("AccessDeniedException"),
        refused!("ExpiredTokenException"),
        refused!("UnrecognizedClientException"),
    );
    for refused in [denied, expired, unknown] {
        // Of expired credentials the client may ask again by itself.
        let (result, _) = transact(vec![refused.clone(); 12]).await;
        assert_eq!(result.unwrap_err().class(), Class::Retry);
        let server = Server::new(vec![refused; 12]).await;
        let error = table(&server).await.update(&update()).await.unwrap_err();
        assert_eq!(error.class(), Class::Retry);
    }
}
