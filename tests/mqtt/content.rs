//! What events say of what was written, and what they keep back.

use super::rig::{Rig, now, receive};
use super::user::{Broker, User};
use gsmgate::model::{EventKind, ModemNotice, Notice, NoticeKind};
use serde_json::Value;

/// T-15: what was written stays on the box, and is read there.
#[tokio::test]
async fn a_discreet_gateway_publishes_no_content() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let mut user = User::connect(broker.address).await;
    let rig = Rig::start_discreet(dir.path(), broker.address);
    let secret = "the-secret-text";
    receive(&rig.store, 0, secret, now()).await;
    let notice = Notice { text: Some(secret.to_owned()), ..Notice::new(NoticeKind::Broadcast, "test", "a broadcast") };
    let notice = ModemNotice { modem: "m".parse().unwrap(), sim: None, notice };
    rig.store.notice(notice, now()).await.unwrap();
    let seen = user.next_that("the message", |it| it.topic.ends_with("/inbound/sim-0")).await;
    assert_eq!((&seen.json["from"], &seen.json["text"]), (&"+491701234567".into(), &Value::Null));
    let told = user.next_of(&["event"]).await;
    assert_eq!((&told.json["event_type"], &told.json["text"]), (&"broadcast".into(), &Value::Null));
    let kept = rig.gateway.events(0, 10).await.unwrap();
    assert!(matches!(&kept[0].kind, EventKind::Inbound(it) if it.text.as_deref() == Some(secret)), "it is on the box");
    rig.stop().await;
}
