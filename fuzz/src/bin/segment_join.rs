//! A text cut, written, read and joined. The first octet chooses how.
#![no_main]
use gsmgate_fuzz::tpdu::{Choice, Concat, Deliver, Layout, Ports, Tpdu, advice, join, segment};

libfuzzer_sys::fuzz_target!(|input: (u8, &str)| {
    let (how, text) = input;
    let choice = Choice::WORDS[usize::from(how & 0x07) % Choice::WORDS.len()].1;
    let layout = Layout { wide: how & 0x10 != 0, port: (how & 0x20 != 0).then_some(2948) };
    if how & 0x40 != 0 {
        let _ = advice::on(layout, text, choice);
    }
    let Ok(segments) = segment::text_in(layout, text, choice) else { return };
    let total = u8::try_from(segments.len()).expect("at most 255");
    let parts: Vec<Deliver> = (1..=total)
        .zip(segments)
        .map(|(seq, segment)| {
            let concat = Concat { reference: 7, wide: layout.wide, total, seq };
            let dcs = segment.dcs(None);
            let ud = segment.user_data((total > 1).then_some(concat), layout.port.map(Ports::to));
            let deliver = Deliver { dcs, ud, ..Deliver::default() };
            Deliver::decode(&deliver.encode().expect("it was cut to fit")).expect("it was written by us")
        })
        .collect();
    // No character is cut: each part says the same alone.
    let alone: String = parts.iter().map(|part| join::text(&[(&part.dcs, &part.ud)])).collect();
    let messages = join::messages(&parts);
    assert_eq!((messages.len(), messages[0].text()), (1, alone.clone()));
    if !matches!(choice, Choice::Transliterate(_)) {
        assert_eq!(alone, text);
    }
});
