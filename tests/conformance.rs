//! What other implementations' test suites assert, checked field by field.
//!
//! The vectors are not part of this package: they are read from `$GSMGATE_SHARED/vectors` (default `../shared`), whose
//! README has the schema. Without them the test passes and says so.

#![allow(clippy::unwrap_used, reason = "a test")]

use gsmgate::tpdu::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn vectors() {
    let Some(rows) = rows() else { return println!("skipped: no vectors") };
    let (mut checked, mut not_yet, mut wrong) = (0, BTreeMap::<&str, usize>::new(), Vec::new());
    for row in &rows {
        match check(row) {
            Ok(()) => checked += 1,
            Err(Verdict::NotYet(reason)) => *not_yet.entry(reason).or_default() += 1,
            Err(Verdict::Wrong(what)) => wrong.push(format!("{}: {what}", row["id"])),
        }
    }
    println!("{checked} checked, {} not yet", not_yet.values().sum::<usize>());
    for (reason, n) in not_yet {
        println!("  {n:4} {reason}");
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Why a row is not counted as checked.
enum Verdict {
    /// Not scored, or for a part of the codec that does not exist yet.
    NotYet(&'static str),
    /// We differ.
    Wrong(String),
}

impl From<String> for Verdict {
    fn from(what: String) -> Verdict {
        Verdict::Wrong(what)
    }
}

type Check = Result<(), Verdict>;

/// All rows of all files, in order; `None` when there are no vectors.
fn rows() -> Option<Vec<Value>> {
    let shared = std::env::var_os("GSMGATE_SHARED").unwrap_or_else(|| "../shared".into());
    let folder = std::fs::read_dir(PathBuf::from(shared).join("vectors")).ok()?;
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let texts: Vec<String> = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    Some(texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn check(row: &Value) -> Check {
    if is_true(row, "disputed") {
        return Err(Verdict::NotYet("disputed"));
    }
    if is_true(row, "optional") {
        return Err(Verdict::NotYet("optional"));
    }
    match text(row, "kind").unwrap() {
        "deliver" => check_tpdu::<Deliver>(row, Direction::FromModem, compare_deliver),
        "status_report" => check_tpdu::<StatusReport>(row, Direction::FromModem, compare_status_report),
        "submit" => check_tpdu::<Submit>(row, Direction::ToModem, compare_submit),
        "encode" => check_encode(row),
        "gsm7" => check_gsm7(row),
        "ucs2" => same("text", ucs2::decode(&octets(row, "hex")).as_str(), row["text"].as_str().unwrap()),
        "field" => check_field(row),
        "split" => check_split(row),
        "assemble" => check_assemble(row),
        "at" => Err(Verdict::NotYet("AT dialogues: the driver's")),
        _ => Err(Verdict::NotYet("a kind that this test does not know")),
    }
}

/// Decodes, compares what the source asserts and what was derived from it, dumps, and writes back.
fn check_tpdu<T: Tpdu + PartialEq + std::fmt::Debug>(
    row: &Value,
    direction: Direction,
    compare: fn(&Pdu<T>, &Value) -> Check,
) -> Check {
    let line = text(row, "pdu").unwrap();
    let line = if is_true(row, "tpdu_only") { format!("00{line}") } else { line.to_owned() };
    let octets = hex::decode(&line);
    let decoded = octets.clone().and_then(|octets| Pdu::<T>::from_octets(&octets));
    let lines = octets.and_then(|octets| dump(&octets, direction));
    if is_true(row, "no_panic") {
        return Ok(());
    }
    match (decoded, row["valid"].as_bool()) {
        (Err(error), Some(false)) => same("dump", lines.unwrap_err(), error),
        (Ok(_), Some(false)) => Err(Verdict::Wrong(format!("was read, but: {}", row["error"]))),
        (Err(error), _) => Err(Verdict::Wrong(error.to_string())),
        (Ok(pdu), _) => {
            lines.map_err(|error| format!("dump: {error}"))?;
            let again = pdu.encode().map_err(|error| format!("encode: {error}"))?.0;
            same("written and read again", Pdu::<T>::from_octets(&again).as_ref(), Ok(&pdu))?;
            compare(&pdu, row)?;
            if row["derived"].is_object() { compare(&pdu, &row["derived"]) } else { Ok(()) }
        }
    }
}

fn compare_deliver(pdu: &Pdu<Deliver>, row: &Value) -> Check {
    let Deliver { oa, pid, dcs, scts, ud, .. } = &pdu.tpdu;
    compare_smsc(pdu.smsc.as_ref(), row)?;
    compare_address(oa, row)?;
    compare_stamp(scts, row, "timestamp")?;
    compare_coding(*pid, *dcs, row)?;
    compare_user_data(dcs, ud, row)
}

fn compare_status_report(pdu: &Pdu<StatusReport>, row: &Value) -> Check {
    let StatusReport { mr, ra, scts, dt, st, parameters, .. } = &pdu.tpdu;
    compare_smsc(pdu.smsc.as_ref(), row)?;
    compare_address(ra, row)?;
    compare_stamp(scts, row, "timestamp")?;
    compare_stamp(dt, row, "discharge_time")?;
    number(row, "mr").map_or(Ok(()), |want| same("mr", u64::from(mr.0), want))?;
    number(row, "status").map_or(Ok(()), |want| same("status", u64::from(st.0), want))?;
    let dcs = parameters.scheme();
    compare_coding(parameters.pid.unwrap_or_default(), dcs, row)?;
    compare_user_data(&dcs, &parameters.ud.clone().unwrap_or_default(), row)
}

fn compare_submit(pdu: &Pdu<Submit>, row: &Value) -> Check {
    let Submit { rd, srr, mr, da, pid, dcs, vp, ud, .. } = &pdu.tpdu;
    compare_smsc(pdu.smsc.as_ref(), row)?;
    compare_address(da, row)?;
    number(row, "mr").map_or(Ok(()), |want| same("mr", u64::from(mr.0), want))?;
    row["status_report"].as_bool().map_or(Ok(()), |want| same("status_report", *srr, want))?;
    row["reject_duplicates"].as_bool().map_or(Ok(()), |want| same("reject_duplicates", *rd, want))?;
    compare_validity(vp.as_ref(), &row["validity"])?;
    compare_coding(*pid, *dcs, row)?;
    compare_user_data(dcs, ud, row)
}

fn compare_smsc(smsc: Option<&Address>, row: &Value) -> Check {
    if is_true(row, "smsc_absent") {
        same("smsc", smsc, None)?;
    }
    text(row, "smsc").map_or(Ok(()), |want| same("smsc", smsc.map(Address::to_string).as_deref(), Some(want)))
}

fn compare_address(address: &Address, row: &Value) -> Check {
    text(row, "number").map_or(Ok(()), |want| same("number", address.to_string().as_str(), want))?;
    number(row, "toa").map_or(Ok(()), |want| same("toa", u64::from(address.toa()), want))?;
    let kind = match address.ton {
        TypeOfNumber::Unknown => "unknown",
        ton => ton.name(),
    };
    text(row, "number_type").map_or(Ok(()), |want| same("number_type", kind, want))
}

/// `name` with the offset, `name_utc` the instant, `name_local` the wall clock.
fn compare_stamp(stamp: &Scts, row: &Value, name: &str) -> Check {
    text(row, name).map_or(Ok(()), |want| same(name, stamp.to_string().as_str(), want))?;
    text(row, &format!("{name}_utc")).map_or(Ok(()), |want| {
        let want: jiff::Timestamp = format!("{want}Z").parse().unwrap();
        same(name, stamp.unix_seconds(), Some(want.as_second()))
    })?;
    text(row, &format!("{name}_local")).map_or(Ok(()), |want| same(name, &stamp.to_string()[..19], want))
}

fn compare_coding(pid: Pid, dcs: Dcs, row: &Value) -> Check {
    number(row, "pid").map_or(Ok(()), |want| same("pid", u64::from(pid.0), want))?;
    number(row, "dcs").map_or(Ok(()), |want| same("dcs", u64::from(dcs.0), want))?;
    let class = dcs.class().map(|class| u64::from(class.bits()));
    number(row, "class").map_or(Ok(()), |want| same("class", class, Some(want)))?;
    if is_true(row, "class_absent") {
        same("class", class, None)?;
    }
    let alphabet = match dcs.text_alphabet() {
        Alphabet::Gsm7 => ["gsm7", "7bit"],
        Alphabet::Octets => ["8bit", "octets"],
        Alphabet::Ucs2 => ["ucs2", "utf16"],
    };
    text(row, "alphabet").map_or(Ok(()), |want| same("alphabet", alphabet.contains(&want), true))
}

fn compare_user_data(dcs: &Dcs, ud: &UserData, row: &Value) -> Check {
    let joined = join::text(&[(dcs, ud)]);
    text(row, "text").map_or(Ok(()), |want| same("text", joined.as_str(), want))?;
    text(row, "text_prefix").map_or(Ok(()), |want| same("text_prefix", joined.starts_with(want), true))?;
    if row.get("data_hex").is_some() {
        same("data_hex", &ud.payload, &octets(row, "data_hex"))?;
    }
    let header_septets = (ud.udh.len_octets() * 8).div_ceil(7);
    let header = if dcs.alphabet() == Alphabet::Gsm7 { header_septets } else { ud.udh.len_octets() };
    number(row, "udl").map_or(Ok(()), |want| same("udl", (header + ud.payload.len()) as u64, want))?;
    compare_header(&ud.udh, row)
}

fn compare_header(udh: &Udh, row: &Value) -> Check {
    if let Some(want) = row["udh"].as_array() {
        let want: Vec<InformationElement> = want.iter().map(information_element).collect();
        same("udh", &udh.0, &want)?;
    }
    let bits = |wide: bool| if wide { 16 } else { 8 };
    let concat = udh.concat().map(|c| [c.reference.into(), c.total.into(), c.seq.into(), bits(c.wide)]);
    let want = &row["concat"];
    if want.is_object() {
        same("concat", concat, Some(["ref", "total", "seq", "bits"].map(|key| number(want, key).unwrap())))?;
    }
    if is_true(row, "concat_absent") {
        same("concat", concat, None)?;
    }
    let ports = udh.ports().map(|p| [p.dst.into(), p.src.into(), bits(p.wide)]);
    let want = &row["ports"];
    if want.is_object() {
        same("ports", ports, Some(["dst", "src", "bits"].map(|key| number(want, key).unwrap_or(16))))?;
    }
    if is_true(row, "ports_absent") {
        same("ports", ports, None)?;
    }
    Ok(())
}

fn compare_validity(vp: Option<&ValidityPeriod>, want: &Value) -> Check {
    let Some(format) = text(want, "format") else { return Ok(()) };
    let ours = match vp {
        None => "none",
        Some(ValidityPeriod::Relative(_)) => "relative",
        Some(ValidityPeriod::Absolute(_)) => "absolute",
        Some(ValidityPeriod::Enhanced(_)) => "enhanced",
    };
    same("validity.format", ours, format)?;
    let seconds = vp.and_then(ValidityPeriod::duration).map(|span| span.as_secs());
    number(want, "seconds").map_or(Ok(()), |want| same("validity.seconds", seconds, Some(want)))?;
    number(want, "minutes").map_or(Ok(()), |want| same("validity.minutes", seconds, Some(want * 60)))?;
    match vp {
        Some(ValidityPeriod::Relative(octet)) => {
            number(want, "octet").map_or(Ok(()), |want| same("validity.octet", u64::from(*octet), want))
        }
        Some(ValidityPeriod::Absolute(until)) => {
            text(want, "at").map_or(Ok(()), |want| same("validity.at", until.to_string().as_str(), want))
        }
        Some(ValidityPeriod::Enhanced([functions, ..])) => {
            number(want, "efi").map_or(Ok(()), |want| same("validity.efi", u64::from(functions & 0x07), want))?;
            let single_shot = vp.is_some_and(ValidityPeriod::is_single_shot);
            want["single_shot"].as_bool().map_or(Ok(()), |want| same("single_shot", single_shot, want))
        }
        None => Ok(()),
    }
}

/// A validity period as a row asks for it.
fn validity(row: &Value) -> Option<ValidityPeriod> {
    let seconds = number(row, "seconds").or(number(row, "minutes").map(|minutes| minutes * 60));
    match text(row, "format")? {
        "relative" => Some(match number(row, "octet") {
            Some(octet) => ValidityPeriod::Relative(octet as u8),
            None => ValidityPeriod::relative_at_most(std::time::Duration::from_secs(seconds?)),
        }),
        "absolute" => text(row, "at").and_then(stamp).map(ValidityPeriod::Absolute),
        _ => None,
    }
}

fn check_encode(row: &Value) -> Check {
    let Some(want) = row["expected_pdus"].as_array() else {
        return match encode(row) {
            Ok(lines) => Err(Verdict::Wrong(format!("was written: {lines:?}, but: {}", row["error"]))),
            Err(_) => Ok(()),
        };
    };
    let ours = encode(row)?;
    let want: Vec<&str> = want.iter().filter_map(Value::as_str).collect();
    if is_true(row, "toa_choice") {
        // Both 0x81 and 0xA1 are right for a number without `+`.
        let plain = |lines: Vec<String>| lines.into_iter().map(|line| line.replace("A1", "81")).collect::<Vec<_>>();
        return same("pdus", plain(ours), plain(want.iter().map(|line| (*line).to_owned()).collect()));
    }
    same("pdus", ours, want.iter().map(|line| (*line).to_owned()).collect())
}

/// The lines for the modem, as a row asks for them.
fn encode(row: &Value) -> Result<Vec<String>, String> {
    let segments = match text(row, "text") {
        None => segment::octets(&octets(row, "data_hex"), None).map_err(|error| error.to_string())?,
        Some(text) => {
            let choice = match number(row, "dcs") {
                Some(0) => Choice::Gsm7,
                Some(8) => Choice::Ucs2,
                _ => Choice::Auto,
            };
            segment::text(text, choice).map_err(|error| error.to_string())?
        }
    };
    let total = segments.len() as u8;
    let class = number(row, "class").map(|class| MessageClass::from_bits(class as u8));
    let flash = is_true(row, "flash").then_some(MessageClass::Class0);
    (1..=total)
        .zip(segments)
        .map(|(seq, segment)| {
            let reference = number(row, "ref").unwrap_or(0) as u16;
            let concat = (total > 1).then_some(Concat { reference, wide: false, total, seq });
            let tpdu = Submit {
                rd: is_true(row, "reject_duplicates"),
                srr: is_true(row, "status_report"),
                mr: MessageReference(number(row, "mr").unwrap_or(0) as u8),
                da: Address::from_number(text(row, "number").unwrap()),
                dcs: number(row, "dcs").map_or(segment.dcs(class.or(flash)), |dcs| Dcs(dcs as u8)),
                vp: validity(&row["validity"]),
                ud: segment.user_data(concat, None),
                ..Submit::default()
            };
            let smsc = text(row, "smsc").map(Address::from_number);
            Pdu { smsc, tpdu }.to_hex().map(|(line, _)| line).map_err(|error| error.to_string())
        })
        .collect()
}

fn check_gsm7(row: &Value) -> Check {
    let language = |key| number(row, key).and_then(|identifier| gsm7::Language::from_identifier(identifier as u8));
    let shift = gsm7::Shift { locking: language("locking"), single: language("single") };
    if is_true(row, "ussd") {
        return check_ussd(row);
    }
    let fill = number(row, "fill").unwrap_or(0) as usize;
    let septets = row.get("septets_hex").map(|_| octets(row, "septets_hex"));
    let packed = row.get("packed_hex").map(|_| octets(row, "packed_hex"));
    if is_true(row, "roundtrip") {
        let septets = septets.clone().unwrap();
        same("roundtrip", gsm7::encode_shifted(&gsm7::decode_shifted(&septets, shift), shift), Ok(septets))?;
    }
    let Some(plain) = text(row, "text") else { return Ok(()) };
    if row["valid"].as_bool() == Some(false) {
        return same("encodable", gsm7::encode_shifted(plain, shift).is_err(), true);
    }
    if text(row, "direction") != Some("encode") {
        let count = number(row, "count").map(|count| count as usize);
        let unpacked = packed.as_ref().map(|packed| gsm7::unpack(packed, fill, count.unwrap()));
        for septets in [&septets, &unpacked].into_iter().flatten() {
            same("text", gsm7::decode_shifted(septets, shift).as_str(), plain)?;
        }
    }
    if text(row, "direction") != Some("decode") {
        let ours = gsm7::encode_shifted(plain, shift).map_err(|error| error.to_string())?;
        let mut ours_packed = Vec::new();
        gsm7::pack(&ours, fill, &mut ours_packed);
        septets.map_or(Ok(()), |want| same("septets", &ours, &want))?;
        packed.map_or(Ok(()), |want| same("packed", ours_packed, want))?;
        number(row, "count").map_or(Ok(()), |want| same("count", ours.len() as u64, want))?;
    }
    Ok(())
}

/// Packed with the rule of the filling CR.
fn check_ussd(row: &Value) -> Check {
    let septets = gsm7::encode(text(row, "text").unwrap()).map_err(|error| error.to_string())?;
    let ours = ussd::pack(&septets);
    if row.get("packed_hex").is_some() {
        same("packed", &ours, &octets(row, "packed_hex"))?;
    }
    text(row, "decoded").map_or(Ok(()), |want| same("decoded", gsm7::decode(&ussd::unpack(&ours)).as_str(), want))
}

fn check_field(row: &Value) -> Check {
    let mut out = Vec::new();
    match text(row, "field").unwrap() {
        "address" => {
            let (address, consumed) = Address::decode(&octets(row, "hex")).map_err(|error| error.to_string())?;
            compare_address(&address, row)?;
            same("consumed", consumed as u64, number(row, "consumed").unwrap())
        }
        "address_encode" => {
            let toa = number(row, "toa").unwrap() as u8;
            let mut address = Address::from_number(text(row, "number").unwrap());
            (address.ton, address.npi) = (TypeOfNumber::from_bits(toa >> 4), NumberingPlan::from_bits(toa));
            address.encode(&mut out).map_err(|error| error.to_string())?;
            same("hex", out, octets(row, "hex"))
        }
        "smsc" => {
            let (smsc, consumed) = Address::decode_smsc(&octets(row, "hex")).map_err(|error| error.to_string())?;
            compare_smsc(smsc.as_ref(), row)?;
            same("consumed", consumed as u64, number(row, "consumed").unwrap())
        }
        "smsc_encode" => {
            let smsc = Address::from_number(text(row, "smsc").unwrap());
            smsc.encode_smsc(&mut out).map_err(|error| error.to_string())?;
            same("hex", out, octets(row, "hex"))
        }
        "semi_octets" => {
            // The digits of an address without its length and type.
            Address::from_number(text(row, "digits").unwrap()).encode(&mut out).map_err(|error| error.to_string())?;
            same("hex", &out[2..], octets(row, "hex").as_slice())
        }
        "timestamp" => compare_stamp(&Scts { raw: octets(row, "hex").try_into().unwrap() }, row, "timestamp"),
        "timestamp_encode" => match text(row, "timestamp") {
            Some(at) => same("hex", stamp(at).unwrap().raw.to_vec(), octets(row, "hex")),
            None => Err(Verdict::NotYet("a time without a zone cannot be spelled here")),
        },
        "validity" => compare_validity(Some(&ValidityPeriod::Relative(octets(row, "hex")[0])), &row["validity"]),
        "validity_encode" => {
            same("octet", validity(&row["validity"]), Some(ValidityPeriod::Relative(octets(row, "hex")[0])))
        }
        // Any type of address is read.
        "toa" => {
            let (address, _) = Address::decode(&[0, octets(row, "hex")[0]]).map_err(|error| error.to_string())?;
            same("toa", address.toa() & 0x7F, octets(row, "hex")[0] & 0x7F)
        }
        _ => Err(Verdict::NotYet("a field that this test does not know")),
    }
}

fn check_split(row: &Value) -> Check {
    if number(row, "bits").unwrap_or(8) != 8 {
        return Err(Verdict::NotYet("16 bit references: the codec issue's"));
    }
    let segments = segment::text(text(row, "text").unwrap(), Choice::Auto).map_err(|error| error.to_string())?;
    number(row, "segments").map_or(Ok(()), |want| same("segments", segments.len() as u64, want))?;
    number(row, "dcs").map_or(Ok(()), |want| same("dcs", u64::from(segments[0].dcs(None).0), want))
}

/// Puts the parts of the first PDU's message in order and joins their text.
fn check_assemble(row: &Value) -> Check {
    let lines = row["pdus"].as_array().unwrap().iter().map(|line| hex::decode(line.as_str().unwrap()));
    let pdus: Result<Vec<Deliver>, DecodeError> =
        lines.map(|octets| Ok(Pdu::<Deliver>::from_octets(&octets?)?.tpdu)).collect();
    let pdus = pdus.map_err(|error| error.to_string())?;
    let messages = join::messages(&pdus);
    same("mismatch", messages.len() > 1, is_true(row, "mismatch"))?;
    if is_true(row, "mismatch") {
        return Ok(());
    }
    same("complete", messages[0].missing.is_empty(), is_true(row, "complete"))?;
    let want = text(row, "text").or(text(row, "partial_text")).unwrap();
    same("text", messages[0].text().as_str(), want)
}

fn stamp(rfc3339: &str) -> Option<Scts> {
    let parsed: jiff::Timestamp = rfc3339.parse().ok()?;
    let zone = &rfc3339[19..];
    let digits = |range: std::ops::Range<usize>| zone[range].parse::<i8>().unwrap();
    let quarters = digits(1..3) * 4 + digits(4..6) / 15;
    Scts::from_unix(parsed.as_second(), if zone.starts_with('-') { -quarters } else { quarters })
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ours: T, want: T) -> Check {
    if ours == want { Ok(()) } else { Err(Verdict::Wrong(format!("{what} is {ours:?}, should be {want:?}"))) }
}

fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row[key].as_str()
}

fn number(row: &Value, key: &str) -> Option<u64> {
    row[key].as_u64()
}

fn is_true(row: &Value, key: &str) -> bool {
    row[key].as_bool().unwrap_or(false)
}

fn octets(row: &Value, key: &str) -> Vec<u8> {
    hex::decode(row[key].as_str().unwrap()).unwrap()
}

fn information_element(row: &Value) -> InformationElement {
    InformationElement { iei: number(row, "iei").unwrap() as u8, data: octets(row, "data") }
}
