//! What events say of what was written, and what they keep back.

use super::rig::{Rig, now};
use super::user::{Broker, User};
use gsmgate::model::{EventKind, Label, ModemNotice, Notice, NoticeKind};
use gsmgate::store::{InboundPart, InboundPdu};
use gsmgate::tpdu::{Address, Deliver, Pdu, UserData, gsm7};
use serde_json::Value;

/// T-15: what was written stays on the box, and is read there.
#[tokio::test]
async fn a_discreet_gateway_publishes_no_content() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let mut user = User::connect(broker.address).await;
    let rig = Rig::start_discreet(dir.path(), broker.address);
    let secret = "the-secret-text";
    let (iccid, sim): (_, Label) = ("8949000000000001000".parse().unwrap(), "sim".parse().unwrap());
    let payload = gsm7::encode(secret).unwrap();
    let tpdu = Deliver {
        oa: Address::from_number("+491701234567"),
        ud: UserData { payload, ..Default::default() },
        ..Default::default()
    };
    let (raw, _) = Pdu { smsc: None, tpdu }.encode().unwrap();
    let part = |part| InboundPdu {
        id: "in-1".to_owned(),
        iccid,
        sim: sim.clone(),
        place: None,
        first_sweep: false,
        raw: raw.clone(),
        part,
        at: now(),
    };
    let message =
        InboundPart { sender: "91 +491701234567".to_owned(), reference: 0, wide: false, total: 1, seq: 1, scts: None };
    rig.store.receive(part(Ok(message))).await.unwrap();
    let notice = Notice { text: Some(secret.to_owned()), ..Notice::new(NoticeKind::Broadcast, "test", "a broadcast") };
    let notice = ModemNotice { modem: sim.clone(), sim: None, notice };
    rig.store.notice(notice, now()).await.unwrap();
    let seen = user.next_that("the message", |it| it.topic.ends_with("/inbound/sim")).await;
    assert_eq!((&seen.json["from"], &seen.json["text"]), (&"+491701234567".into(), &Value::Null));
    let told = user.next_of(&["event"]).await;
    assert_eq!((&told.json["event_type"], &told.json["text"]), (&"broadcast".into(), &Value::Null));
    let kept = rig.gateway.events(0, 10).await.unwrap();
    assert!(matches!(&kept[0].kind, EventKind::Inbound(it) if it.text.as_deref() == Some(secret)), "it is on the box");
    rig.stop().await;
}
