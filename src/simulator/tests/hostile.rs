//! Any octets from the host: no panic, bounded memory, and a modem that can still be talked to.

use super::*;
use proptest::prelude::*;

/// Octets that get somewhere: pieces of the language, and noise.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "AT",
        "^RESET",
        "^SIMSWITCH=1",
        "+CPOWD=1",
        "+CFUN=1",
        "+CUSD=1,\"*100#\"",
        "ATE1",
        "ATZ",
        "ATV0",
        "ATQ1",
        "+CMGS=",
        "+CMGW=",
        "+CMGL=4",
        "+CMGR=",
        "+CMGD=1,4",
        "+CNMI=2,2,0,1,0",
        "+CSMS=1",
        "+CNMA",
        "+CPMS=\"ME\",\"ME\",\"ME\"",
        "+CFUN=0",
        "+CFUN=1,1",
        "+CSCS=\"UCS2\"",
        "+CSCA=\"",
        "\r",
        "\n",
        "\x1a",
        "\x1b",
        ";",
        "?",
        "=?",
        "=",
        ",",
        "\"",
        "20",
        "23",
        "0011000C91947121436587000000",
        "-1",
        "99999999999999999999",
    ]);
    let piece = prop_oneof![
        8 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn fault() -> impl Strategy<Value = Fault> {
    let kind = prop_oneof![
        Just(FaultKind::FinalLost),
        Just(FaultKind::NeverAccepted),
        Just(FaultKind::MemoryFull),
        Just(FaultKind::Echo { doubled_cr: true }),
        Just(FaultKind::FinalLate { by: SECOND }),
        Just(FaultKind::Mute { lasts: Some(SECOND) }),
        Just(FaultKind::Prompt { prompt: OddPrompt::LateMs(10) }),
        Just(FaultKind::Replug { back: SECOND }),
        Just(FaultKind::HangUp { step: None, back: Some(MS) }),
        Just(FaultKind::DeleteFails { delete: OddDelete::WrongIndex }),
        Just(FaultKind::Pieces { most: 3, gap: MS }),
        Just(FaultKind::Noise { noise: Noise::Framing, octets: 5000 }),
        Just(FaultKind::Busy { code: 14, lasts: SECOND }),
        Just(FaultKind::InPrompt),
        Just(FaultKind::Stall { lasts: None }),
        Just(FaultKind::OtherMemory { told: true }),
        Just(FaultKind::SimGone { back: Some(SECOND), swapped: true }),
        Just(FaultKind::NoNetwork { network: NoNetwork::Denied, lasts: SECOND }),
        Just(FaultKind::Drops { every: SECOND, back: SECOND }),
        Just(FaultKind::SlowReset { back: SECOND }),
        Just(FaultKind::Foreigner { foreign: Foreign::Stolen }),
    ];
    (kind, 1..5_u32).prop_map(|(kind, n)| Fault::once(kind).when(When::Nth(n)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_modem_survives_any_host(
        turns in prop::collection::vec((octets(), 0..3000_u64, any::<bool>()), 1..12),
        faults in prop::collection::vec(fault(), 0..4),
        make in prop::sample::select(vec!["generic", "huawei", "simcom-2g", "wavecom"]),
        baud in prop::sample::select(vec![0, 9600, 115_200]),
    ) {
        let mut bench = Bench::new(LabConfig { personalities: vec![Personality::named(make).unwrap()], baud, faults, latency: 100 * MS, slots: 3, ..quick(2) });
        for (octets, wait, listens) in turns {
            bench.network.inject(bench.now, 0, "+491701", "hello").unwrap();
            bench.network.handle_bytes(bench.now, 0, &octets);
            bench.take();
            if listens {
                let end = bench.now + wait as u32 * MS;
                while let Some(next) = bench.network.poll_timeout().filter(|next| *next <= end) {
                    bench.now = bench.now.max(next);
                    bench.network.handle_timeout(bench.now);
                    (0..2).for_each(|modem| _ = bench.network.poll_transmit(bench.now, modem));
                }
                bench.now = end;
            } else {
                bench.now += wait as u32 * MS;
                bench.network.handle_timeout(bench.now);
            }
        }
        // Whatever it was in, once it has power and time it answers.
        bench.network.clear_faults(None).unwrap();
        bench.network.unplug(bench.now, 0, None).unwrap();
        bench.network.plug(bench.now, 0).unwrap();
        bench.wait(0, SECOND);
        bench.network.handle_bytes(bench.now, 0, b"\rAT\r");
        let mut heard = Vec::new();
        for _ in 0..1000 {
            bench.now += MS;
            bench.network.handle_timeout(bench.now);
            heard.extend(bench.network.poll_transmit(bench.now, 0).unwrap_or_default());
        }
        prop_assert!(heard.ends_with(b"AT\r\r\nOK\r\n"), "{:?}", String::from_utf8_lossy(&heard));
    }
}

#[test]
fn a_host_that_never_reads_costs_a_bounded_amount() {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,1,0");
    for _ in 0..30 {
        bench.network.inject(bench.now, 0, "+491701", &"x".repeat(160)).unwrap();
    }
    for _ in 0..2000 {
        bench.network.handle_bytes(bench.now, 0, b"AT+CMGL=4\r");
    }
    let heard = bench.network.poll_transmit(bench.now, 0).unwrap();
    assert_eq!(heard.len(), 512 * 1024);
    assert!(bench.network.stats(0).unwrap().0.overruns > 0);
    assert_eq!(bench.say(0, "AT\r"), "\r\nOK\r\n");
}

#[test]
fn a_line_without_end_costs_a_bounded_amount() {
    let mut bench = Bench::set_up(quick(1), "");
    (0..1000).for_each(|_| bench.network.handle_bytes(bench.now, 0, &[b'x'; 4096]));
    assert_eq!(bench.say(0, "\r\nAT\r"), "\r\nOK\r\n");
    // And while a message is in the air, when nothing is read.
    let mut bench = Bench::set_up(LabConfig { latency: SECOND, ..quick(1) }, "");
    bench.send(0, &submit("+491701", "x"));
    (0..1000).for_each(|_| bench.network.handle_bytes(bench.now, 0, &[b'x'; 4096]));
    mr(&bench.wait(0, SECOND));
    assert_eq!(bench.say(0, "\rAT\r"), "\r\nOK\r\n");
}
