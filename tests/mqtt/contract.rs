//! The contract as an application sees it, through a real broker.

use super::rig::Rig;
use super::user::{Broker, User};
use rumqttc::{PublishOptions, PublishProperties, QoS};
use serde_json::{Value, json};

const GOOD: &str = r#"{"to":"+491701234567","text":"hello","id":"good"}"#;

fn error(code: &str, field: impl Into<Value>) -> (Value, Value) {
    (json!(code), field.into())
}

fn code_and_field(answer: &Value) -> (Value, Value) {
    (answer["error"]["code"].clone(), answer["error"]["field"].clone())
}

/// Each bad input is answered and logged as an event, and the next good command passes.
#[tokio::test]
async fn bad_input_is_answered_and_the_connection_kept() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let rig = Rig::start(dir.path(), broker.address);
    let mut user = User::of_gateway(broker.address).await;
    let long = format!(r#"{{"to":"+491701234567","text":"{}"}}"#, "x".repeat(100_000));
    let bulk = format!(r#"{{"to":"+491701234567","text":"a","tags":["{}"]}}"#, "x".repeat(100_000));
    for (payload, want) in [
        (&b"hello"[..], error("invalid_json", "1:1")),
        (b"{\"to\":\"\xff\"}", error("invalid_json", "1:8")),
        (br#"{"to":"+491701234567","text":"\ud800"}"#, error("invalid_json", "1:37")),
        (br#"{"to":"+491701234567","text":"a","colour":1}"#, error("invalid_field", "/colour")),
        (br#"{"text":"a"}"#, error("invalid_field", "/to")),
        (br#"{"to":"anna","text":"a"}"#, error("invalid_number", "/to")),
        (br#"{"to":"+49\"1","text":"a"}"#, error("invalid_number", "/to")),
        (br#"{"to":"+491\r\nAT","text":"a"}"#, error("invalid_number", "/to")),
        (br#"{"to":"+491\u001a","text":"a"}"#, error("invalid_number", "/to")),
        ("{\"to\":\"１２３\",\"text\":\"a\"}".as_bytes(), error("invalid_number", "/to")),
        (br#"{"to":"+1234567890123456","text":"a"}"#, error("invalid_number", "/to")),
        (br#"{"to":"112","text":"a"}"#, error("blocked", "/to")),
        (br#"{"to":"+491701234567","text":""}"#, error("invalid_field", "/text")),
        (br#"{"to":"+491701234567","text":"a","expires_in":-5}"#, error("invalid_field", "/expires_in")),
        (br#"{"to":"+491701234567","text":"a","expires_in":1e18}"#, error("invalid_field", "/expires_in")),
        (br#"{"to":"+491701234567","text":"a","sim":"nowhere"}"#, error("unknown_sim", "/sim")),
        (long.as_bytes(), error("too_long", "/text")),
        (bulk.as_bytes(), error("too_long", Value::Null)),
    ] {
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(60)]);
        user.send(payload).await;
        // The answer and the event come in either order.
        let mut got = Vec::new();
        while got.len() < 2 {
            let seen = user.next_of(&["response/send", "event"]).await;
            assert_eq!(code_and_field(&seen.json), want, "{shown}");
            got.push(seen.topic);
        }
        got.sort();
        assert_eq!(got, ["gsmgate/t/event", "gsmgate/t/response/send"], "{shown}");
    }
    // One of 1 MB never reaches us: we announced 128 KiB.
    user.send(vec![b'x'; 1_000_000]).await;
    user.send(GOOD).await;
    assert_eq!(user.next("status/good").await.json["state"], "queued");
    assert_eq!(rig.gateway.counts().await.unwrap().queued, 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_retained_command_is_refused_stored_and_live() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let mut user = User::connect(broker.address).await;
    let retained = || PublishOptions::new(QoS::AtLeastOnce).retained();
    user.publish("send", GOOD, retained()).await;
    let rig = Rig::start(dir.path(), broker.address);
    assert_eq!(user.next("event").await.json["error"]["code"], "retained_command");
    user.publish("send/491701234567", "hello", retained()).await;
    assert_eq!(user.next("event").await.json["error"]["code"], "retained_command");
    // To clear the topic is no command; unacknowledged, so many would fill the window (64).
    for _ in 0..70 {
        user.publish("send", "", retained()).await;
    }
    user.send(r#"{"id":"after"}"#).await;
    let seen = user.next("event").await.json;
    assert_eq!((&seen["error"]["code"], &seen["id"]), (&json!("invalid_field"), &json!("after")));
    assert_eq!(rig.gateway.counts().await.unwrap().queued, 0);
    rig.stop().await;
}

#[tokio::test]
async fn the_same_id_is_the_same_message() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let rig = Rig::start(dir.path(), broker.address);
    let mut user = User::of_gateway(broker.address).await;
    let asking = r#"{"to":"+491701234567","text":"hello","id":"good","transaction":"t"}"#;
    for repeated in [false, true] {
        user.send(asking).await;
        let message = json!({"id": "good", "state": "queued", "repeated": repeated, "parts": 1});
        let want = json!({"status": "ok", "data": {"messages": [message]}, "transaction": "t"});
        assert_eq!(user.next("response/send").await.json, want);
    }
    user.send(r#"{"to":"+491701234567","text":"other","id":"good"}"#).await;
    let refused = user.next("response/send").await.json;
    assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!("id_reused"), &json!("good")));
    assert_eq!(rig.gateway.counts().await.unwrap().queued, 1);
    rig.stop().await;
}

#[tokio::test]
async fn response_topic_and_properties_are_honoured() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let rig = Rig::start(dir.path(), broker.address);
    let mut user = User::of_gateway(broker.address).await;
    let ask = |topic: &str| {
        let properties = PublishProperties {
            response_topic: Some(topic.to_owned()),
            correlation_data: Some(b"c-1".to_vec().into()),
            user_properties: vec![("trace".to_owned(), "7".to_owned())],
            message_expiry_interval: Some(60),
            ..PublishProperties::default()
        };
        PublishOptions::new(QoS::AtLeastOnce).properties(properties)
    };
    let nameless = r#"{"to":"+491701234567","text":"hello"}"#;
    user.publish("send", nameless, ask("app/answers")).await;
    let first = user.next("app/answers").await;
    assert_eq!(first.properties.correlation_data.as_deref(), Some(&b"c-1"[..]));
    assert_eq!(first.properties.content_type.as_deref(), Some("application/json"));
    assert_eq!(first.properties.payload_format_indicator, Some(1));
    for pair in [("trace", "7"), ("schema", "1")] {
        let has = |(key, value): &(String, String)| (key.as_str(), value.as_str()) == pair;
        assert!(first.properties.user_properties.iter().any(has), "{pair:?}");
    }
    // A redelivery, as far as anybody can tell: the same message again.
    user.publish("send", nameless, ask("app/answers")).await;
    let second = user.next("app/answers").await.json;
    assert_eq!(second["data"]["messages"][0]["id"], first.json["data"]["messages"][0]["id"]);
    assert_eq!(second["data"]["messages"][0]["repeated"], true);
    let id = second["data"]["messages"][0]["id"].as_str().unwrap().parse().unwrap();
    let view = rig.gateway.message(&id).await.unwrap();
    assert!(view.accepted_at.until(view.expires_at).as_secs() <= 60);
    // We do not command ourselves.
    user.publish("send", nameless, ask("gsmgate/t/send")).await;
    assert_eq!(user.next("response/send").await.json["error"]["code"], "invalid_field");
    assert_eq!(rig.gateway.counts().await.unwrap().queued, 1);
    rig.stop().await;
}

#[tokio::test]
async fn other_commands() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let rig = Rig::start(dir.path(), broker.address);
    let mut user = User::of_gateway(broker.address).await;
    let plain = || PublishOptions::new(QoS::AtLeastOnce);
    user.publish("send/491701234567", "Grüße 👋", plain()).await;
    let queued = user.next_of_kind("status").await.json;
    assert_eq!(queued["state"], "queued");
    let id = queued["id"].as_str().unwrap().to_owned();
    let by_id = json!({"id": id, "transaction": "t"}).to_string();
    user.publish("request/get", by_id.clone(), plain()).await;
    let got = user.next("response/get").await.json;
    assert_eq!((&got["data"]["to"], &got["transaction"]), (&json!("+491701234567"), &json!("t")));
    user.publish("request/cancel", by_id.clone(), plain()).await;
    assert_eq!(user.next("response/cancel").await.json["data"], json!({"id": id, "state": "cancelled"}));
    user.publish("request/cancel", r#"{"id":"nobody"}"#, plain()).await;
    assert_eq!(user.next("response/cancel").await.json["error"]["code"], "not_found");
    for (topic, word) in [("request/reboot", "request"), ("notify/anna", "request")] {
        user.publish(topic, "{}", plain()).await;
        let refused = user.next(&format!("response/{word}")).await.json;
        assert_eq!(refused["error"]["code"], "unsupported", "{topic}");
    }
    rig.stop().await;
}
