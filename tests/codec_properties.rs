//! What must hold for the codec whatever comes: it never panics, and what it writes it reads back.

#![allow(clippy::unwrap_used, reason = "a test")]

use gsmgate::tpdu::broadcast::{self, Page, SerialNumber};
use gsmgate::tpdu::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// No reading of any PDU gives more. Threat T-04 of the reliability rules.
const MAX_OUT_OCTETS: usize = 64 * 1024;

/// Failures are kept beside this file, `codec_properties.regressions`, and tried first the next time.
fn config(cases: u32) -> ProptestConfig {
    let kept = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(kept)), ..ProptestConfig::default() }
}

/// Octets of which many get far into the decoders: a valid beginning, then anything.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let anything = vec(any::<u8>(), 0..300);
    let address = (0..22u8, any::<u8>(), vec(any::<u8>(), 0..12));
    let begun = (0..3u8, any::<u8>(), address, vec(any::<u8>(), 0..200)).prop_map(|(smsc, first, address, rest)| {
        let mut octets = vec![smsc];
        octets.extend(std::iter::repeat_n(0x91, smsc.into()));
        octets.extend([first, address.0, address.1]);
        octets.extend(address.2.iter().take(usize::from(address.0).div_ceil(2)));
        octets.extend(rest);
        octets
    });
    prop_oneof![anything, begun]
}

fn address() -> impl Strategy<Value = Address> {
    let digits = ("[0-9*#abc]{0,20}", 0..8u8, 0..16u8).prop_filter_map("a name", |(text, ton, npi)| {
        let ton = TypeOfNumber::from_bits(ton);
        (ton != TypeOfNumber::Alphanumeric).then(|| Address { ton, npi: NumberingPlan::from_bits(npi), text })
    });
    prop_oneof![digits, "[ -#%-?A-Za-zäöüÄÖÜñΩ]{0,11}".prop_map(|name| Address::from_name(&name))]
}

/// Elements of at most 30 octets in all.
fn udh() -> impl Strategy<Value = Udh> {
    let element = (any::<u8>(), vec(any::<u8>(), 0..8)).prop_map(|(iei, data)| InformationElement { iei, data });
    vec(element, 0..4).prop_map(Udh)
}

/// A scheme, and user data that fits into 140 octets with it.
fn user_data() -> impl Strategy<Value = (Dcs, UserData)> {
    let payload = (any::<u8>(), udh(), vec(any::<u8>(), 0..109));
    payload.prop_map(|(dcs, udh, mut payload)| {
        if Dcs(dcs).alphabet() == Alphabet::Gsm7 {
            payload.iter_mut().for_each(|octet| *octet &= 0x7F);
        }
        (Dcs(dcs), UserData { udh, payload })
    })
}

fn shift() -> impl Strategy<Value = gsm7::Shift> {
    let language = || option::of(prop::sample::select(gsm7::Language::ALL.to_vec()));
    (language(), language()).prop_map(|(locking, single)| gsm7::Shift { locking, single })
}

fn scts() -> impl Strategy<Value = Scts> {
    any::<[u8; 7]>().prop_map(|raw| Scts { raw })
}

fn submit() -> impl Strategy<Value = Submit> {
    let vp = prop_oneof![
        any::<u8>().prop_map(ValidityPeriod::Relative),
        scts().prop_map(ValidityPeriod::Absolute),
        any::<[u8; 7]>().prop_map(ValidityPeriod::Enhanced),
    ];
    let fields = (any::<[bool; 3]>(), any::<u8>(), address(), any::<u8>(), option::of(vp), user_data());
    fields.prop_map(|([rd, srr, rp], mr, da, pid, vp, (dcs, ud))| Submit {
        rd,
        srr,
        rp,
        mr: MessageReference(mr),
        da,
        pid: Pid(pid),
        dcs,
        vp,
        ud,
    })
}

fn deliver() -> impl Strategy<Value = Deliver> {
    let fields = (any::<[bool; 4]>(), address(), any::<u8>(), scts(), user_data());
    fields.prop_map(|([mms, lp, sri, rp], oa, pid, scts, (dcs, ud))| Deliver {
        mms,
        lp,
        sri,
        rp,
        oa,
        pid: Pid(pid),
        dcs,
        scts,
        ud,
    })
}

fn parameters() -> impl Strategy<Value = Parameters> {
    (option::of(any::<u8>()), any::<bool>(), option::of(user_data())).prop_map(|(pid, coded, ud)| {
        let (dcs, mut ud) = ud.unzip();
        // Without TP-DCS the text is in the default alphabet.
        let dcs = dcs.filter(|_| coded || ud.is_none());
        if dcs.is_none()
            && let Some(ud) = &mut ud
        {
            ud.payload.iter_mut().for_each(|octet| *octet &= 0x7F);
            ud.payload.truncate(80);
        }
        if let Some(ud) = &mut ud {
            ud.payload.truncate(80);
        }
        Parameters { pid: pid.map(Pid), dcs, ud }
    })
}

fn status_report() -> impl Strategy<Value = StatusReport> {
    let fields = (any::<[bool; 3]>(), any::<u8>(), address(), scts(), scts(), any::<u8>(), parameters());
    fields.prop_map(|([mms, lp, srq], mr, ra, scts, dt, st, parameters)| StatusReport {
        mms,
        lp,
        srq,
        mr: MessageReference(mr),
        ra,
        scts,
        dt,
        st: Status(st),
        parameters,
    })
}

fn cause() -> impl Strategy<Value = Option<FailureCause>> {
    option::of((0x80..=0xFFu8).prop_map(FailureCause))
}

fn command() -> impl Strategy<Value = Command> {
    let fields = (any::<[bool; 2]>(), any::<[u8; 4]>(), address(), vec(any::<u8>(), 0..140));
    fields.prop_map(|([srr, udhi], [mr, pid, ct, mn], da, cd)| Command {
        srr,
        udhi,
        mr: MessageReference(mr),
        pid: Pid(pid),
        ct: CommandType(ct),
        mn,
        da,
        cd,
    })
}

/// No TPDU is longer than 164 octets.
fn same_behind<T: Tpdu>(tpdu: &T) -> Result<(), TestCaseError> {
    let mut out = vec![0xEE; 30];
    let behind = tpdu.encode_into(&mut out).map(|()| out[30..].to_vec());
    let alone = tpdu.encode();
    prop_assert!(alone.as_ref().is_ok_and(|octets| octets.len() <= 164) || alone.is_err());
    prop_assert_eq!(behind, alone);
    Ok(())
}

/// Reads a PDU in every way there is.
fn read_all(octets: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(incoming) = Incoming::decode(octets) {
        let (dcs, ud) = match &incoming {
            Incoming::Deliver(pdu) => (pdu.tpdu.dcs, pdu.tpdu.ud.clone()),
            Incoming::StatusReport(Pdu { tpdu: StatusReport { parameters, .. }, .. })
            | Incoming::SubmitReport(Pdu { tpdu: SubmitReport { parameters, .. }, .. }) => {
                (parameters.scheme(), parameters.ud.clone().unwrap_or_default())
            }
        };
        let text = join::text(&[(&dcs, &ud), (&dcs, &ud)]);
        prop_assert!(text.len() <= MAX_OUT_OCTETS);
        let _ = (ud.udh.concat(), ud.udh.ports(), format!("{incoming:?}"));
    }
    let _ = (Submit::decode(octets), Deliver::decode(octets), StatusReport::decode(octets));
    let _ = (Outgoing::decode(octets), Command::decode_at(octets, 0), DeliverReport::decode_at(octets, 0));
    let _ = (
        wap::Push::decode(octets).map(|push| push.to_string()),
        Udh::decode(octets).map(|udh| (udh.shift(), udh.waiting(), udh.reply_address(), udh.hyperlinks())),
    );
    let _ = (Address::decode(octets), Address::decode_smsc(octets), Udh::decode(octets));
    for direction in [Direction::FromModem, Direction::ToModem] {
        let Ok(lines) = dump(octets, direction) else { continue };
        // Fields follow each other without gaps and end where the octets end.
        let mut end = 0;
        for line in &lines {
            prop_assert!(line.start == end || line.start + line.len == end, "{line:?} after {end}");
            end = line.start + line.len;
        }
        prop_assert_eq!(end, octets.len());
        prop_assert!(lines.iter().map(|line| line.value.len()).sum::<usize>() <= MAX_OUT_OCTETS);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn any_octets_never_panic(octets in hostile()) {
        read_all(&octets)?;
    }

    #[test]
    fn a_dump_is_there_whenever_the_values_are(octets in hostile()) {
        prop_assert_eq!(Incoming::decode(&octets).err(), dump(&octets, Direction::FromModem).err());
        prop_assert_eq!(Outgoing::decode(&octets).err(), dump(&octets, Direction::ToModem).err());
    }

    /// Behind a sound beginning, so that what follows is reached.
    #[test]
    fn a_push_of_any_octets_never_panics(
        head in prop::sample::select(vec!["010601BE", "010601AE", "010601B0", "010601AE02056A0045C6", "010601BE8C82"]),
        tail in vec(any::<u8>(), 0..300),
    ) {
        let octets = [hex::decode(head).unwrap(), tail].concat();
        if let Ok(push) = wap::Push::decode(&octets) {
            let shown = format!("{push:?}");
            prop_assert!(shown.len() <= MAX_OUT_OCTETS);
        }
    }

    /// In any order, and with parts that come again.
    #[test]
    fn parts_are_joined_in_any_order(text in ".{0,600}", order in vec(any::<prop::sample::Index>(), 0..20)) {
        let segments = segment::text(&text, Choice::National).unwrap();
        let total = u8::try_from(segments.len()).unwrap();
        let mut parts: Vec<Deliver> = (1..=total).zip(segments).map(|(seq, segment)| {
            let concat = (total > 1).then_some(Concat { reference: 7, wide: false, total, seq });
            Deliver { dcs: segment.dcs(None), ud: segment.user_data(concat, None), ..Deliver::default() }
        }).collect();
        if total > 1 {
            for index in order {
                let part = parts[index.index(parts.len())].clone();
                parts.insert(index.index(parts.len()), part);
            }
        }
        let messages = join::messages(&parts);
        prop_assert_eq!(messages.len(), 1);
        prop_assert_eq!(messages[0].text(), text);
        prop_assert!(messages[0].missing.is_empty());
    }

    #[test]
    fn broadcasts_and_ussd_of_any_octets_never_panic(octets in vec(any::<u8>(), 0..1300), dcs in any::<u8>()) {
        let pages = [Page::decode(&octets).map(|page| vec![page]), Page::decode_umts(&octets)];
        for page in pages.into_iter().flatten().flatten() {
            prop_assert!(page.text().len() <= MAX_OUT_OCTETS);
            let _ = (page.language(), broadcast::join(std::slice::from_ref(&page)), page.dcs.to_string());
            prop_assert_eq!(SerialNumber::from_bits(page.serial.bits()), page.serial);
        }
        prop_assert_eq!(broadcast::decode(&octets).err(), dump_broadcast(&octets).err());
        let line = hex::encode(&octets);
        prop_assert!(ussd::decode(&line, Some(CbsDcs(dcs))).len() <= MAX_OUT_OCTETS);
        let _ = (ussd::decode(&line, None), ussd::unpack(&octets));
    }

    /// Every septet comes back but a CR at the very end, of which there may be two.
    #[test]
    fn ussd_is_read_as_it_was_packed(septets in vec(0..128u8, 0..182)) {
        let again = ussd::unpack(&ussd::pack(&septets));
        prop_assert!(again == septets || again == [&septets[..], &[0x0D]].concat());
    }

    #[test]
    fn any_line_never_panics(line in ".{0,100}", octets in vec(any::<u8>(), 0..200)) {
        let _ = hex::decode(&line);
        let upper = hex::encode(&octets);
        prop_assert_eq!(hex::decode(&upper), Ok(octets.clone()));
        prop_assert_eq!(hex::decode(&upper.to_lowercase()), Ok(octets));
    }

    #[test]
    fn any_septets_and_units_never_panic(octets in vec(any::<u8>(), 0..400), fill in 0..20usize, n in 0..1000usize) {
        prop_assert!(gsm7::decode(&octets).len() <= 3 * octets.len());
        prop_assert!(ucs2::decode(&octets).len() <= 3 * octets.len());
        prop_assert!(gsm7::unpack(&octets, fill, n).len() <= n);
    }

    /// Whatever the tables say is what they were told, and no cell is lost.
    #[test]
    fn national_tables_never_panic_and_come_back(octets in vec(any::<u8>(), 0..200), shift in shift()) {
        let text = gsm7::decode_shifted(&octets, shift);
        prop_assert!(text.chars().count() <= octets.len());
        if !text.contains(char::REPLACEMENT_CHARACTER) {
            let septets = gsm7::encode_shifted(&text, shift).unwrap();
            prop_assert_eq!(gsm7::decode_shifted(&septets, shift), text);
        }
    }

    #[test]
    fn submit_is_read_as_it_was_written(submit in submit(), smsc in option::of(address())) {
        // A service centre's name has no length of its own.
        let smsc = smsc.filter(|smsc| !smsc.is_alphanumeric());
        let pdu = Pdu { smsc, tpdu: submit };
        let (line, tpdu_octets) = pdu.to_hex().unwrap();
        let octets = hex::decode(&line).unwrap();
        let tpdu = Submit::decode(&octets[octets.len() - tpdu_octets..]).unwrap();
        prop_assert_eq!(&tpdu, &pdu.tpdu);
        prop_assert_eq!(Pdu::from_octets(&octets), Ok(pdu));
    }

    #[test]
    fn deliver_is_read_as_it_was_written(deliver in deliver()) {
        prop_assert_eq!(Deliver::decode(&deliver.encode().unwrap()), Ok(deliver));
    }

    #[test]
    fn status_report_is_read_as_it_was_written(report in status_report()) {
        prop_assert_eq!(StatusReport::decode(&report.encode().unwrap()), Ok(report));
    }

    /// Whatever stands in front, the octets and the room for them are the same; up to what no longer fits.
    #[test]
    fn what_stands_in_front_changes_nothing(
        (command, cd) in (command(), 140..160usize),
        (fcs, scts, octets) in (cause(), scts(), 120..165usize),
        (deliver, submit, report) in (deliver(), submit(), status_report()),
    ) {
        let ud = Some(UserData { udh: Udh::default(), payload: vec![7; octets] });
        let parameters = Parameters { pid: None, dcs: Some(Dcs(4)), ud };
        same_behind(&Command { cd: vec![0; cd], ..command })?;
        same_behind(&SubmitReport { fcs, scts, parameters: parameters.clone() })?;
        same_behind(&DeliverReport { fcs, parameters: parameters.clone() })?;
        same_behind(&StatusReport { parameters, ..report.clone() })?;
        same_behind(&report)?;
        same_behind(&deliver)?;
        same_behind(&submit)?;
    }

    #[test]
    fn commands_and_reports_are_read_as_they_were_written(
        command in command(),
        (fcs, scts, parameters) in (cause(), scts(), parameters()),
    ) {
        prop_assert_eq!(Command::decode_at(&command.encode().unwrap(), 0), Ok(command));
        let submit = SubmitReport { fcs, scts, parameters: parameters.clone() };
        prop_assert_eq!(SubmitReport::decode_at(&submit.encode().unwrap(), 0), Ok(submit));
        let deliver = DeliverReport { fcs, parameters };
        prop_assert_eq!(DeliverReport::decode_at(&deliver.encode().unwrap(), 0), Ok(deliver));
    }

    #[test]
    fn what_is_cut_off_is_an_error(deliver in deliver(), at in any::<prop::sample::Index>()) {
        let octets = deliver.encode().unwrap();
        let at = at.index(octets.len());
        let error = Deliver::decode(&octets[..at]).unwrap_err();
        prop_assert!(error.octet <= at, "{error}");
    }

    #[test]
    fn stamps_are_read_as_they_were_written(seconds in 0..3_155_000_000i64, quarters in -79..=79i8) {
        prop_assume!(seconds + i64::from(quarters) * 900 >= 0);
        let stamp = Scts::from_unix(seconds, quarters).unwrap();
        prop_assert_eq!((stamp.unix_seconds(), stamp.offset_quarters()), (Some(seconds), quarters));
    }

    #[test]
    fn stamps_of_any_octets_never_panic(stamp in scts(), st in any::<u8>()) {
        let _ = (stamp.to_string(), stamp.unix_seconds(), Status(st).category(), Status(st).to_string());
        let _ = (Pid(st).to_string(), Dcs(st).to_string(), Dcs(st).message_waiting());
        let vp = ValidityPeriod::Enhanced(stamp.raw);
        let _ = (vp.to_string(), vp.duration(), vp.is_single_shot());
    }
}

proptest! {
    #![proptest_config(config(500))]

    /// Text to segments to PDUs to text, through the octets.
    #[test]
    fn a_text_comes_out_as_it_went_in(
        text in prop_oneof![".{0,300}", "[ -~€äöüΩ\\n\\[\\]{}]{0,700}", "[а-я😀]{0,300}"],
        choice in prop::sample::select(vec![Choice::Auto, Choice::Ucs2]),
    ) {
        let segments = segment::text(&text, choice).unwrap();
        let total = u8::try_from(segments.len()).unwrap();
        let sent: Vec<Submit> = (1..=total).zip(segments).map(|(seq, segment)| {
            let concat = (total > 1).then_some(Concat { reference: 7, wide: false, total, seq });
            let submit = Submit { dcs: segment.dcs(None), ud: segment.user_data(concat, None), ..Submit::default() };
            Submit::decode(&submit.encode().unwrap()).unwrap()
        }).collect();
        let parts: Vec<(&Dcs, &UserData)> = sent.iter().map(|submit| (&submit.dcs, &submit.ud)).collect();
        prop_assert_eq!(join::text(&parts), text.clone());
        // No character is cut: each part says the same alone.
        let alone: String = parts.iter().map(|part| join::text(&[*part])).collect();
        prop_assert_eq!(alone, text);
    }

    #[test]
    fn data_comes_out_as_it_went_in(data in vec(any::<u8>(), 0..2000), port in option::of(any::<u16>())) {
        let segments = segment::octets(&data, port).unwrap();
        let total = u8::try_from(segments.len()).unwrap();
        let mut joined = Vec::new();
        for (seq, segment) in (1..=total).zip(segments) {
            let concat = (total > 1).then_some(Concat { reference: 7, wide: false, total, seq });
            let submit = Submit { dcs: segment.dcs(None), ud: segment.user_data(concat, port.map(Ports::to)), ..Submit::default() };
            let ud = Submit::decode(&submit.encode().unwrap()).unwrap().ud;
            prop_assert_eq!((ud.udh.concat(), ud.udh.ports().map(|ports| ports.dst)), (concat, port));
            joined.extend(ud.payload);
        }
        prop_assert_eq!(joined, data);
    }
}
