//! How long one SMS takes in the codec, and in the crate sms-pdu in the same run. Expected on a quiet core: a SUBMIT of
//! 160 septets is written in at most 250 ns, a DELIVER of 160 septets is read in at most 400 ns, each 2.5 times faster than
//! there; typed values and text on one side, octets on the other.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use criterion::{Criterion, criterion_group, criterion_main};
use gsmgate_bench_codec::tpdu::*;
use std::hint::black_box;

/// 160 septets: the message that the other codecs are measured with.
const GSM7: &str = "The quick brown fox jumps over the lazy dog 0123456789. The quick brown fox jumps over the lazy dog \
                    0123456789. The quick brown fox jumps over the lazy dog 0123";

/// 160 septets of which a block of plain ASCII never comes.
const ACCENTS: &str = "Größe, Länge, Höhe: für Öl & Süßes, ¿Mañana, señor? Åse, Æsir, Søren. Prüfen für Übermüdete: Äpfel, Möhren, Gemüse; \
                       à la carte, très frappé. Déjà là? Grüße an J";

/// 70 UCS-2 units, two surrogate pairs among them.
const UCS2: &str = "Температура 78 °C, давление 2,1 бар. Насос 3 остановлен 😀. Проверь 😀";

fn submit(text: &str) -> Pdu<Submit> {
    let segment = segment::text(text, Choice::Auto).unwrap().remove(0);
    let da = Address::from_number(black_box("+491701234567"));
    let dcs = segment.dcs(None);
    Pdu { smsc: None, tpdu: Submit { da, dcs, srr: true, ud: segment.user_data(None, None), ..Submit::default() } }
}

fn deliver(text: &str) -> Vec<u8> {
    let Submit { da, dcs, ud, .. } = submit(text).tpdu;
    let scts = Scts::from_unix(1_700_000_000, 4).unwrap();
    let smsc = Some(Address::from_number("+491710760000"));
    Pdu { smsc, tpdu: Deliver { oa: da, dcs, scts, ud, ..Deliver::default() } }.encode().unwrap().0
}

fn read(octets: &[u8]) -> (Pdu<Deliver>, String) {
    let pdu = Pdu::<Deliver>::from_octets(octets).unwrap();
    let text = join::text(&[(&pdu.tpdu.dcs, &pdu.tpdu.ud)]);
    (pdu, text)
}

/// The same in the other crate, as its documentation does it.
fn peer(c: &mut Criterion) {
    use sms_pdu::gsm_encoding::GsmMessageData;
    use sms_pdu::pdu::{DeliverPdu, PduAddress, SubmitPdu};
    let octets = deliver(GSM7);
    let read = |octets: &[u8]| DeliverPdu::try_from(octets).unwrap().get_message_data().decode_message().unwrap().text;
    assert_eq!(read(&octets), GSM7);
    c.bench_function("sms-pdu: encode SUBMIT, 160 septets", |b| {
        b.iter(|| {
            let to: PduAddress = black_box("+491701234567").parse().unwrap();
            let data = GsmMessageData::encode_message(black_box(GSM7)).remove(0);
            SubmitPdu::make_simple_message(to, data).as_bytes()
        });
    });
    c.bench_function("sms-pdu: decode DELIVER, 160 septets", |b| b.iter(|| read(black_box(&octets))));
}

fn codec(c: &mut Criterion) {
    for (name, text) in [("160 septets", GSM7), ("160 septets with accents", ACCENTS), ("70 units", UCS2)] {
        let octets = deliver(text);
        assert_eq!(read(&octets).1, text, "{name}: one part, and the same text");
        let line = hex::encode(&octets);
        c.bench_function(&format!("encode SUBMIT, {name}"), |b| b.iter(|| submit(black_box(text)).encode()));
        c.bench_function(&format!("encode SUBMIT to hex, {name}"), |b| b.iter(|| submit(black_box(text)).to_hex()));
        c.bench_function(&format!("decode DELIVER, {name}"), |b| b.iter(|| read(black_box(&octets))));
        c.bench_function(&format!("decode DELIVER from hex, {name}"), |b| {
            b.iter(|| read(&hex::decode(black_box(&line)).unwrap()))
        });
    }
}

criterion_group!(benches, codec, peer);
criterion_main!(benches);
