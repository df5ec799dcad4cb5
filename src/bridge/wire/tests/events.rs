//! Each kind of event as it goes out, octet for octet, and the topics it may go to.

use super::super::*;
use crate::model::{
    Blame, Event, EventKind, Failure, FailureCause, InboundEvent, ModemNotice, Notice, NoticeKind, OrphanReport,
    PublicState, RawInbound, Refusal, RefusalCode, Scts, StatusChange, Timestamp, UncertainReason,
};
use proptest::prelude::*;

/// 2026-11-25T02:00:00.123Z
const AT: Timestamp = Timestamp(1_795_572_000_123);

fn json(kind: EventKind) -> String {
    let mut out = Vec::new();
    write(&Event { seq: 7, at: AT, kind }, "k3v9", &mut out);
    String::from_utf8(out).unwrap()
}

fn head(event_type: &str) -> String {
    format!(r#"{{"seq":7,"event_id":"k3v9-7","at":"2026-11-25T02:00:00.123Z","event_type":"{event_type}","#)
}

fn change() -> StatusChange {
    StatusChange {
        id: "a1".parse().unwrap(),
        state: PublicState::Sent,
        previous: Some(PublicState::Sending),
        sim: Some("sim-1".parse().unwrap()),
        attempt: 1,
        parts: 2,
        parts_sent: 2,
        failure: None,
        uncertain: None,
        report_status: None,
        duplicate_possible: false,
        restarted: false,
        tags: vec!["alarm".into()],
    }
}

fn inbound(from: &str) -> InboundEvent {
    InboundEvent {
        id: "01jd".into(),
        revision: 1,
        sim: "sim-1".parse().unwrap(),
        from: from.into(),
        text: Some("hé \"😀\"\n".into()),
        data: None,
        port: None,
        // 3GPP TS 23.040 §9.2.3.11: 2026-11-25 03:00:00, four quarters ahead of UTC.
        sent_at: Some(Scts { raw: [0x62, 0x11, 0x52, 0x30, 0x00, 0x00, 0x40] }),
        received_at: AT,
        parts: 3,
        missing: vec![2],
        class: Some(0),
        same_as: None,
    }
}

#[test]
fn what_modems_tell() {
    let of = |notice, sim: Option<&str>| {
        let sim = sim.map(|sim| sim.parse().unwrap());
        json(EventKind::Notice(ModemNotice { modem: "m-1".parse().unwrap(), sim, notice }))
    };
    let reset = Notice::new(NoticeKind::Recovery, "reset", "it does not answer");
    assert_eq!(
        of(reset, None),
        head("recovery") + r#""modem":"m-1","sim":null,"step":"reset","detail":"it does not answer"}"#
    );
    let call = Notice { number: Some("+491".into()), ..Notice::new(NoticeKind::Call, "hung_up", "a call") };
    assert_eq!(
        of(call, Some("sim-1")),
        head("call") + r#""modem":"m-1","sim":"sim-1","action":"hung_up","from":"+491","detail":"a call"}"#
    );
    let page = Notice { text: Some("ü".into()), ..Notice::new(NoticeKind::Broadcast, "flood", "page 1 of 1") };
    assert_eq!(
        of(page, Some("sim-1")),
        head("broadcast") + r#""modem":"m-1","sim":"sim-1","subject":"flood","text":"ü","detail":"page 1 of 1"}"#
    );
}

#[test]
fn golden_status() {
    let failed = StatusChange {
        state: PublicState::Failed,
        previous: None,
        sim: None,
        parts_sent: 0,
        failure: Some(Failure { blame: Blame::Message, cause: FailureCause::Recipient, code: Some(1) }),
        report_status: Some(0x41),
        duplicate_possible: true,
        restarted: false,
        tags: vec![],
        ..change()
    };
    let uncertain = StatusChange { uncertain: Some(UncertainReason::Timeout), ..failed.clone() };
    let uncertain = StatusChange { state: PublicState::Uncertain, failure: None, ..uncertain };
    for (change, want) in [
        (
            change(),
            r#""id":"a1","state":"sent","previous":"sending","sim":"sim-1","attempt":1,"parts":2,"parts_sent":2,"reason":null,"report_status":null,"duplicate_possible":false,"restarted":false,"tags":["alarm"]}"#,
        ),
        (
            failed,
            r#""id":"a1","state":"failed","previous":null,"sim":null,"attempt":1,"parts":2,"parts_sent":0,"reason":{"blame":"message","cause":"recipient","code":1},"report_status":65,"duplicate_possible":true,"restarted":false,"tags":[]}"#,
        ),
        (
            uncertain,
            r#""id":"a1","state":"uncertain","previous":null,"sim":null,"attempt":1,"parts":2,"parts_sent":0,"reason":{"blame":null,"cause":"timeout","code":null},"report_status":65,"duplicate_possible":true,"restarted":false,"tags":[]}"#,
        ),
    ] {
        assert_eq!(json(EventKind::Status(change)), head("status") + want);
    }
}

#[test]
fn golden_inbound() {
    let text = inbound("+491701234567");
    let data = InboundEvent {
        text: None,
        data: Some(vec![1, 2, 255]),
        port: Some(2948),
        sent_at: Some(Scts { raw: [0xff; 7] }),
        missing: vec![],
        class: None,
        same_as: Some("01jc".into()),
        revision: 2,
        ..inbound("Ihr Paket")
    };
    for (event, want) in [
        (
            text,
            r#""id":"01jd","revision":1,"from":"+491701234567","text":"hé \"😀\"\n","sim":"sim-1","sent_at":"2026-11-25T03:00:00+01:00","received_at":"2026-11-25T02:00:00.123Z","parts":3,"complete":false,"missing":[2],"class":0,"same_as":null}"#,
        ),
        (
            data,
            r#""id":"01jd","revision":2,"from":"Ihr Paket","text":null,"data":{"port":2948,"base64":"AQL/"},"sim":"sim-1","sent_at":null,"received_at":"2026-11-25T02:00:00.123Z","parts":3,"complete":true,"missing":[],"class":null,"same_as":"01jc"}"#,
        ),
    ] {
        assert_eq!(json(EventKind::Inbound(event)), head("received") + want);
    }
}

#[test]
fn golden_rest() {
    let raw = RawInbound {
        id: "01jd".into(),
        sim: "sim-1".parse().unwrap(),
        pdu: vec![0x00, 0xff, 0x1a],
        reason: "udl: octet 20".into(),
        received_at: AT,
    };
    let orphan = OrphanReport {
        sim: "sim-1".parse().unwrap(),
        iccid: "8949000000000001000".parse().unwrap(),
        mr: 255,
        recipient: "+491701234567".into(),
        status: 0,
    };
    let refusal = Refusal {
        id: Some("a1".into()),
        transaction: Some("t".into()),
        ..Refusal::new(RefusalCode::InvalidNumber, "no \"letters\"").at("/to")
    };
    for (kind, event_type, want) in [
        (
            EventKind::Raw(raw),
            "raw",
            r#""id":"01jd","sim":"sim-1","pdu":"00FF1A","reason":"udl: octet 20","received_at":"2026-11-25T02:00:00.123Z"}"#,
        ),
        (
            EventKind::Orphan(orphan),
            "orphan_report",
            r#""sim":"sim-1","iccid":"8949000000000001000","mr":255,"recipient":"+491701234567","report_status":0}"#,
        ),
        (
            EventKind::Refused(refusal),
            "refused",
            r#""id":"a1","transaction":"t","error":{"code":"invalid_number","detail":"no \"letters\"","field":"/to","retryable":false}}"#,
        ),
    ] {
        assert_eq!(json(kind), head(event_type) + want);
    }
}

proptest! {
    /// T-13: whatever the network calls its sender, the topic is made of the SIM's label alone, and the sender
    /// comes back whole from the payload.
    #[test]
    fn a_sender_stays_in_the_payload(from: String) {
        let event = Event { seq: 1, at: AT, kind: EventKind::Inbound(inbound(&from)) };
        prop_assert_eq!(topic(&event), Topic::Inbound(&"sim-1".parse().unwrap()));
        let mut out = Vec::new();
        write(&event, "k3v9", &mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(value["from"].as_str(), Some(from.as_str()));
    }
}
