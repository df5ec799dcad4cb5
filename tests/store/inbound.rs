//! What was received: kept before anything else, joined in any order, told once.

use super::rig::{NOW, Rig, later};
use gsmgate::model::{EventKind, InboundEvent};
use gsmgate::store::{InboundPdu, Receipt};

/// The SMS-DELIVER of a part, so that its text can be read back: sender +491700000001, 8 bit reference.
fn deliver(reference: u8, total: u8, seq: u8, text: char) -> Vec<u8> {
    // SMSC absent, SMS-DELIVER with UDHI, address, PID, UCS-2, SCTS, UDL, UDH, one character.
    let mut octets = vec![0, 0x44, 12, 0x91, 0x94, 0x71, 0x00, 0x00, 0x00, 0x10, 0, 8, 0x62, 0x11, 0x62, 0x21, 0, 0, 0];
    let mut unit = [0; 2];
    let text: Vec<u8> = text.encode_utf16(&mut unit).iter().flat_map(|unit| unit.to_be_bytes()).collect();
    octets.push(6 + u8::try_from(text.len()).unwrap());
    octets.extend([5, 0, 3, reference, total, seq]);
    octets.extend(text);
    octets
}

fn part(reference: u8, total: u8, seq: u8, text: char) -> InboundPdu {
    let raw = deliver(reference, total, seq, text);
    InboundPdu {
        id: format!("in-{reference}-{seq}"),
        place: Some(("ME".to_owned(), u16::from(seq))),
        ..Rig::pdu(&raw, Ok((reference.into(), total, seq)))
    }
}

async fn received(rig: &Rig) -> Vec<InboundEvent> {
    let of = |event: gsmgate::model::Event| match event.kind {
        EventKind::Inbound(inbound) => Some(inbound),
        _ => None,
    };
    rig.events().await.into_iter().filter_map(of).collect()
}

fn orders() -> Vec<[u8; 4]> {
    let mut found = Vec::new();
    for n in 0..256_u32 {
        let order = [0, 2, 4, 6].map(|shift| u8::try_from(n >> shift & 3).unwrap() + 1);
        if (1..=4).all(|seq| order.contains(&seq)) {
            found.push(order);
        }
    }
    found
}

#[tokio::test]
async fn parts_make_one_message_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    let orders = orders();
    assert_eq!(orders.len(), 24);
    for (reference, order) in (0..).zip(&orders) {
        for seq in order {
            let letter = char::from(b'a' + seq - 1);
            assert_eq!(rig.store.receive(part(reference, 4, *seq, letter)).await.unwrap(), Receipt::New);
        }
    }
    let told = received(&rig).await;
    assert_eq!(told.len(), 24);
    assert!(told.iter().all(|event| event.text.as_deref() == Some("abcd") && event.missing.is_empty()), "{told:?}");
    rig.close();
}

#[tokio::test]
async fn the_same_slot_read_again_is_the_same_message() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    assert_eq!(rig.store.receive(part(1, 1, 1, 'a')).await.unwrap(), Receipt::New);
    rig.close();
    // Committed, and the process was gone before it could delete.
    let rig = Rig::open_at(dir.path(), later(60));
    let again = InboundPdu { first_sweep: true, at: later(60), ..part(1, 1, 1, 'a') };
    assert_eq!(rig.store.receive(again).await.unwrap(), Receipt::Known);
    assert_eq!(received(&rig).await.len(), 1);
    // Another message in that slot.
    assert_eq!(rig.store.receive(part(2, 1, 1, 'b')).await.unwrap(), Receipt::New);
    assert_eq!(received(&rig).await.len(), 2);
    rig.close();
}

#[tokio::test]
async fn what_is_missing_is_said_and_a_late_part_completes_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for (seq, letter) in [(1, 'a'), (3, 'c')] {
        rig.store.receive(part(1, 3, seq, letter)).await.unwrap();
    }
    rig.store.expire(later(599)).await.unwrap();
    assert!(received(&rig).await.is_empty());
    rig.store.expire(later(601)).await.unwrap();
    let told = received(&rig).await;
    assert_eq!((told.len(), told[0].missing.as_slice(), told[0].revision), (1, &[2][..], 1));
    rig.store.receive(InboundPdu { at: later(3600), ..part(1, 3, 2, 'b') }).await.unwrap();
    let told = received(&rig).await;
    assert_eq!((told.len(), told[1].revision, told[1].text.as_deref()), (2, 2, Some("abc")));
    assert_eq!(told[0].id, told[1].id);
    rig.close();
}

#[tokio::test]
async fn halves_of_a_character_are_not_put_together_over_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for (seq, half) in [(1, [0xD8, 0x3D]), (3, [0xDE, 0x00])] {
        let mut part = part(1, 3, seq, 'x');
        let at = part.raw.len() - 2;
        part.raw[at..].copy_from_slice(&half);
        rig.store.receive(part).await.unwrap();
    }
    rig.store.expire(later(601)).await.unwrap();
    assert_eq!(received(&rig).await[0].text.as_deref(), Some("\u{FFFD}\u{FFFD}"));
    rig.close();
}

#[tokio::test]
async fn a_reference_used_again_is_another_message() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for (seq, letter) in [(1, 'a'), (1, 'x'), (2, 'y'), (2, 'b')] {
        rig.store.receive(part(1, 2, seq, letter)).await.unwrap();
    }
    rig.store.expire(later(601)).await.unwrap();
    let mut texts: Vec<_> = received(&rig).await.into_iter().filter(|event| event.missing.is_empty()).collect();
    texts.sort_by_key(|event| event.text.clone());
    let texts: Vec<_> = texts.iter().map(|event| event.text.as_deref().unwrap()).collect();
    assert_eq!(texts, ["ay", "xb"], "no letter is lost, and none stands twice in one place");
    rig.close();
}

/// I-23: the network repeats what the process before did not acknowledge, and only that.
#[tokio::test]
async fn a_routed_message_that_was_kept_and_not_acknowledged_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    let routed = || InboundPdu { place: None, ..part(1, 1, 1, 'a') };
    assert_eq!(rig.store.receive(routed()).await.unwrap(), Receipt::New);
    rig.close();
    let rig = Rig::open(dir.path());
    assert_eq!(rig.store.receive(routed()).await.unwrap(), Receipt::Known);
    assert_eq!(received(&rig).await.len(), 1);
    rig.close();
    // Two processes later it is an equal message.
    let rig = Rig::open(dir.path());
    assert_eq!(rig.store.receive(routed()).await.unwrap(), Receipt::New);
    assert!(received(&rig).await[1].same_as.is_some());
    rig.close();
}

/// I-22: what is announced is new, however equal it is: the slot was free in between.
#[tokio::test]
async fn an_equal_message_that_is_announced_is_another_one() {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..=3 {
        let rig = Rig::open(dir.path());
        assert_eq!(rig.store.receive(part(1, 1, 1, 'a')).await.unwrap(), Receipt::New);
        assert_eq!(rig.store.receive(part(1, 1, 1, 'a')).await.unwrap(), Receipt::New);
        let told = received(&rig).await;
        assert_eq!(told.len(), 2 * n);
        assert!(told[1..].iter().all(|event| event.same_as.is_some()), "and says so");
        rig.close();
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_as_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    assert_eq!(rig.receive(&[1, 2, 3], Err("TP-UDL at octet 3: too long")).await, Receipt::New);
    let events = rig.events().await;
    let EventKind::Raw(raw) = &events[0].kind else { panic!("{events:?}") };
    assert_eq!((raw.pdu.as_slice(), raw.reason.as_str()), (&[1, 2, 3][..], "TP-UDL at octet 3: too long"));
    assert_eq!(raw.received_at, NOW);
    rig.close();
}

#[tokio::test]
async fn two_senders_may_use_one_reference() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    let mut other = part(1, 2, 2, 'b');
    other.part.as_mut().unwrap().sender = "81491700000001".to_owned();
    rig.store.receive(part(1, 2, 1, 'a')).await.unwrap();
    rig.store.receive(other).await.unwrap();
    assert!(received(&rig).await.is_empty(), "the same digits of another type are another sender");
    rig.close();
}
