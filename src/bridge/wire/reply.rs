//! The answer to one command.

use crate::gateway::Receipt;
use crate::model::Refusal;
use serde::Serialize;
use serde_json::{Value, json};

/// What went wrong.
#[derive(Debug, Serialize)]
pub(super) struct ErrorJson<'a> {
    code: &'static str,
    detail: &'a str,
    field: Option<&'a str>,
    retryable: bool,
}

impl ErrorJson<'_> {
    pub(super) fn of(refusal: &Refusal) -> ErrorJson<'_> {
        ErrorJson {
            code: refusal.code.word(),
            detail: &refusal.detail,
            field: refusal.field.as_deref(),
            retryable: refusal.code.is_retryable(),
        }
    }
}

/// `{"status":"ok","data":…,"transaction"?}`.
pub fn ok(data: Value, transaction: Option<&str>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        status: &'static str,
        data: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        transaction: Option<&'a str>,
    }
    serde_json::to_vec(&Reply { status: "ok", data, transaction }).expect("a value goes into a Vec")
}

/// `{"status":"error","error":{code,detail,field,retryable},"id"?,"transaction"?}`.
pub fn error(refusal: &Refusal) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        status: &'static str,
        error: ErrorJson<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        transaction: Option<&'a str>,
    }
    let reply = Reply {
        status: "error",
        error: ErrorJson::of(refusal),
        id: refusal.id.as_deref(),
        transaction: refusal.transaction.as_deref(),
    };
    serde_json::to_vec(&reply).expect("strings go into a Vec")
}

/// The data of an accepted `send`: one receipt a recipient.
pub fn receipts(receipts: &[Receipt]) -> Value {
    let one = |receipt: &Receipt| {
        json!({
            "id": receipt.id.as_str(),
            "state": receipt.state.word(),
            "repeated": receipt.repeated,
            "parts": receipt.parts,
        })
    };
    json!({ "messages": receipts.iter().map(one).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PublicState, RefusalCode};

    #[test]
    fn golden_replies() {
        let receipt = Receipt { id: "a.1".parse().unwrap(), state: PublicState::Queued, repeated: false, parts: 2 };
        for (got, want) in [
            (
                ok(receipts(&[receipt]), Some("t1")),
                r#"{"status":"ok","data":{"messages":[{"id":"a.1","state":"queued","repeated":false,"parts":2}]},"transaction":"t1"}"#,
            ),
            (ok(json!({}), None), r#"{"status":"ok","data":{}}"#),
            (
                error(&Refusal { id: Some("x".into()), ..Refusal::new(RefusalCode::QueueFull, "the queue is full") }),
                r#"{"status":"error","error":{"code":"queue_full","detail":"the queue is full","field":null,"retryable":true},"id":"x"}"#,
            ),
            (
                error(&Refusal::new(RefusalCode::InvalidField, "missing").at("/to")),
                r#"{"status":"error","error":{"code":"invalid_field","detail":"missing","field":"/to","retryable":false}}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(got).unwrap(), want);
        }
    }
}
