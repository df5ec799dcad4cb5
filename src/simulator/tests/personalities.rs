//! What each make says to the commands that set a modem up, and does when it is told to go away.

use super::*;

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";
const NOT_ALLOWED: &str = "\r\n+CMS ERROR: 302\r\n";

/// A modem of this make, past its start, with the echo off and CMEE 1. What it said until then.
fn started(name: &str, config: LabConfig) -> (Bench, String) {
    let make = Personality::named(name).unwrap();
    let mut bench = Bench::new(LabConfig { personalities: vec![make], ..config });
    let boot = bench.wait(0, SECOND);
    bench.say(0, "ATE0+CMEE=1\r");
    (bench, boot)
}

/// What a modem answers, without the lines that it says by itself.
fn ask(bench: &mut Bench, name: &str, said: &str) -> String {
    let noise = Personality::named(name).unwrap().noise;
    let heard = bench.say(0, &format!("AT{said}\r"));
    noise.iter().fold(heard, |heard, line| heard.replace(&format!("\r\n{line}\r\n"), ""))
}

fn info(line: &str) -> String {
    format!("\r\n{line}\r\n\r\nOK\r\n")
}

/// Name, last line of the start, how the ICCID is asked for and what stands before it, how tries are asked for and told.
const IDENTITIES: [(&str, &str, [&str; 2], [&str; 2]); 18] = [
    ("generic", "", ["+CCID", "+CCID: 89"], ["+CPINR", "+CPINR: SIM PIN,3,3\r\n\r\n+CPINR: SIM PUK,10,10"]),
    ("huawei", "^SRVST:2", ["^ICCID?", "^ICCID: 98"], ["^CPIN?", "^CPIN: READY,3,10,3,10,3"]),
    ("zte", "+ZUSIMR:2", ["+CRSM=176,12258,0,0,10", "+CRSM: 144,0,98"], ["+ZPINPUK=?", "+ZPINPUK: 3,10"]),
    ("simcom-2g", "SMS Ready", ["+CCID", "89"], ["+SPIC", "+SPIC: 3,10,3,10"]),
    ("simcom-lte", "PB DONE", ["+ICCID", "+ICCID: 89"], ["+SPIC", "+SPIC: 3,10,3,10"]),
    ("simcom-a76xx", "PB DONE", ["+ICCID", "+ICCID: 89"], ["+SPIC", "+SPIC: 3,10,3,10"]),
    ("quectel", "+QIND: PB DONE", ["+QCCID", "+QCCID: 89"], ["+QPINC?", TRIES_OF_QUECTEL]),
    ("quectel-ec200", "+QIND: PB DONE", ["+QCCID", "+QCCID: 89"], ["+QPINC?", TRIES_OF_QUECTEL]),
    ("cinterion", "+CIEV: simlocal,0,1", ["+CCID", "+CCID: 89"], ["^SPIC=\"SC\"", "^SPIC: 3"]),
    ("telit", "", ["#CCID", "#CCID: 89"], ["#PCT", "#PCT: 3"]),
    ("u-blox", "+AT: READY", ["+CCID", "+CCID: 89"], ["+UPINCNT", "+UPINCNT: 3,3,10,10"]),
    (
        "wavecom",
        "+WIND: 4",
        ["+CRSM=176,12258,0,0,10", "+CRSM: 144,0,98"],
        ["+CSIM=10,\"0020000100\"", "+CSIM: 4,\"63C3\""],
    ),
    ("sierra", "+PACSP0", ["+ICCID", "+ICCID: 89"], ["+CPINC?", "+CPINC: 3,3,10,10"]),
    ("nokia", "", ["+CRSM=176,12258,0,0,10", "+CRSM: 144,0,98"], ["+CPINR", TRIES_OF_THE_STANDARD]),
    ("option", "", ["+CRSM=176,12258,0,0,10", "+CRSM: 144,0,98"], ["_OERCN?", "_OERCN: 3, 10"]),
    ("ericsson", "*EMRDY: 1", ["+CRSM=176,12258,0,0,10", "+CRSM: 144,0,98"], ["*EPIN?", "*EPIN: 3,10,3,10"]),
    ("fibocom", "+SIM READY", ["+CCID", "+CCID: 89"], ["+XPINCNT", "+XPINCNT: 3,3,10,10"]),
    ("mediatek", "+EIND: 128", ["+ICCID", "+ICCID: 89"], ["+EPINC", "+EPINC: 3,3,10,10"]),
];
const TRIES_OF_QUECTEL: &str = "+QPINC: \"SC\",3,10\r\n\r\n+QPINC: \"P2\",3,10";
const TRIES_OF_THE_STANDARD: &str = "+CPINR: SIM PIN,3,3\r\n\r\n+CPINR: SIM PUK,10,10";

#[test]
fn what_each_says_of_itself_and_its_sim() {
    let all_tries: Vec<&str> = IDENTITIES.iter().map(|(_, _, _, [ask, _])| *ask).collect();
    assert!(Personality::names().eq(IDENTITIES.iter().map(|row| row.0)), "every personality has its row");
    for (name, last, [iccid, begins], [tries, told]) in IDENTITIES {
        let make = Personality::named(name).unwrap();
        let (mut bench, boot) = started(name, quick(1));
        assert_eq!(boot.trim_end().lines().last().unwrap_or_default(), last, "{name}: {boot:?}");
        assert_eq!(ask(&mut bench, name, "+CGMI"), info(make.maker), "{name}");
        assert_eq!(ask(&mut bench, name, "+CGMM"), info(make.model), "{name}");
        let ready = if name == "wavecom" { "\r\n+CPIN: READY\r\n".to_owned() } else { info("+CPIN: READY") };
        assert_eq!(ask(&mut bench, name, "+CPIN?"), ready, "{name}");
        let heard = ask(&mut bench, name, iccid);
        assert!(heard.starts_with(&format!("\r\n{begins}")) && heard.ends_with(OK), "{name}: {heard:?}");
        let unknown = format!("\r\n{}\r\n", make.unknown);
        for other in &all_tries {
            let want = if *other == tries { info(told) } else { unknown.clone() };
            assert_eq!(ask(&mut bench, name, other), want, "{name}: {other}");
        }
    }
}

/// Name, memories that it takes and refuses, indications that it takes and refuses.
const SERVICES: [(&str, [&str; 2], [&str; 2]); 18] = [
    ("generic", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,2,0", "3,1,0,0,0"]),
    ("huawei", ["\"SR\"", "\"MT\""], ["1,1,0,2,0", "2,1,0,2,0"]),
    ("zte", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["1,1,0,1,0", "2,1,0,1,0"]),
    ("simcom-2g", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["1,1,0,1,0", "2,1,0,1,0"]),
    ("simcom-lte", ["\"SR\"", "\"MT\""], ["1,1,0,2,0", "2,1,0,2,0"]),
    ("simcom-a76xx", ["\"SR\"", "\"MT\""], ["1,1,0,2,0", "2,1,0,2,0"]),
    ("quectel", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["1,1,0,2,0", "2,1,0,2,0"]),
    ("quectel-ec200", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,2,0", "3,1,0,2,0"]),
    ("cinterion", ["\"ME\",\"SM\",\"ME\"", "\"MT\""], ["2,1,0,2,1", "2,1,0,2,0"]),
    ("telit", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,2,0", "3,1,0,2,0"]),
    ("u-blox", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,2,0", "3,1,0,2,0"]),
    ("wavecom", ["\"SM\",\"SM\"", "\"SR\""], ["2,1,0,2,0", "3,1,0,2,0"]),
    ("sierra", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["1,1,0,2,0", "1,1,0,1,0"]),
    ("nokia", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,1,0", "2,1,0,2,0"]),
    ("option", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,1,0", "2,1,0,2,0"]),
    ("ericsson", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["3,1,0,1,0", "2,1,0,1,1"]),
    ("fibocom", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,2,0", "3,1,0,2,0"]),
    ("mediatek", ["\"ME\",\"SM\",\"ME\"", "\"SR\""], ["2,1,0,2,0", "3,1,0,2,0"]),
];

#[test]
fn a_sim_with_a_pin() {
    for (name, _, _, [tries, told]) in IDENTITIES {
        let (mut bench, _) = started(name, LabConfig { pin: Some("4711".into()), ..quick(1) });
        let wavecom = if name == "wavecom" { "" } else { OK };
        assert_eq!(ask(&mut bench, name, "+CPIN?"), format!("\r\n+CPIN: SIM PIN\r\n{wavecom}"), "{name}");
        assert_eq!(ask(&mut bench, name, "+CPMS=?"), "\r\n+CMS ERROR: 311\r\n", "{name}");
        assert_eq!(ask(&mut bench, name, "+CREG?"), info("+CREG: 0,0"), "{name}");
        assert_eq!(ask(&mut bench, name, "+CPIN=\"1234\""), "\r\n+CME ERROR: 16\r\n", "{name}");
        let left = ask(&mut bench, name, tries);
        assert!(left.contains('2') && left != info(told), "{name}: {left}");
        assert_eq!(ask(&mut bench, name, "+CPIN=\"4711\""), OK, "{name}");
        bench.wait(0, SECOND);
        assert_eq!(ask(&mut bench, name, "+CREG?"), info("+CREG: 0,1"), "{name}");
        assert_eq!(bench.network.stats(0).unwrap().0.wrong_pins, 1, "{name}");
    }
}

#[test]
fn a_pin_that_was_wrong_three_times_and_the_rest_of_a_start() {
    let config = || LabConfig { pin: Some("4711".into()), ..quick(1) };
    let (mut bench, boot) = started("simcom-2g", config());
    assert_eq!(boot, "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: SIM PIN\r\n");
    ask(&mut bench, "simcom-2g", "+CPIN=\"4711\"");
    assert_eq!(bench.wait(0, SECOND), "\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\nSMS Ready\r\n");
    let (mut bench, _) = started("generic", config());
    (0..3).for_each(|_| _ = bench.say(0, "AT+CPIN=\"1234\"\r"));
    assert_eq!(ask(&mut bench, "generic", "+CPIN?"), info("+CPIN: SIM PUK"));
    assert_eq!(ask(&mut bench, "generic", "+CPIN=\"4711\""), "\r\n+CME ERROR: 12\r\n");
    bench.network.unplug(bench.now, 0, None).unwrap();
    bench.network.plug(bench.now, 0).unwrap();
    bench.say(0, "ATE0\r");
    assert_eq!(ask(&mut bench, "generic", "+CPIN?"), info("+CPIN: SIM PUK"), "a power cut brings no tries back");
}

#[test]
fn which_memories_and_indications_each_takes() {
    assert!(Personality::names().eq(SERVICES.iter().map(|row| row.0)), "every personality has its row");
    for (name, [memories, no_memory], [taken, refused]) in SERVICES {
        let make = Personality::named(name).unwrap();
        let (mut bench, _) = started(name, quick(1));
        assert_eq!(ask(&mut bench, name, "+CPMS=?"), info(&format!("+CPMS: {}", make.cpms_listed)), "{name}");
        assert!(ask(&mut bench, name, &format!("+CPMS={memories}")).ends_with(OK), "{name}: {memories}");
        assert_eq!(ask(&mut bench, name, &format!("+CPMS={no_memory}")), NOT_ALLOWED, "{name}: {no_memory}");
        assert_eq!(ask(&mut bench, name, "+CNMI=?"), info(&format!("+CNMI: {}", make.cnmi_listed)), "{name}");
        assert_eq!(ask(&mut bench, name, &format!("+CNMI={refused}")), NOT_ALLOWED, "{name}: {refused}");
        assert_eq!(ask(&mut bench, name, &format!("+CNMI={taken}")), OK, "{name}: {taken}");
        assert_eq!(ask(&mut bench, name, "+CNMI?"), info(&format!("+CNMI: {taken}")), "{name}");
    }
    let (mut bench, _) = started("wavecom", quick(1));
    assert_eq!(bench.say(0, "AT+CPMS=\"SM\",\"SM\",\"SM\"\r"), ERROR, "three are too many");
}

#[test]
fn services_and_the_cnma_that_nobody_expects() {
    for (name, services, set, acknowledged) in [
        ("generic", "(0,1)", "\r\n+CSMS: 1,1,1\r\n\r\nOK\r\n", OK),
        ("nokia", "(0)", NOT_ALLOWED, "\r\n+CMS ERROR: 340\r\n"),
        ("option", "(0,1)", "\r\n+CSMS: 1,1,1\r\n\r\nOK\r\n", "\r\n+CMS ERROR: 340\r\n"),
    ] {
        let (mut bench, _) = started(name, quick(1));
        assert_eq!(ask(&mut bench, name, "+CSMS=?"), info(&format!("+CSMS: {services}")), "{name}");
        assert_eq!(ask(&mut bench, name, "+CSMS=1"), set, "{name}");
        assert_eq!(ask(&mut bench, name, "+CNMI=2,1,0,1,0"), OK, "{name}");
        bench.send(0, &with_report(submit("+491701234567", "x")));
        assert_eq!(ask(&mut bench, name, "+CNMA"), acknowledged, "{name}");
    }
}

#[test]
fn lines_of_a_make() {
    // ZTE: an empty field in front of the length of +CDS, and no status in +CMGR.
    let (mut bench, _) = started("zte", quick(1));
    ask(&mut bench, "zte", "+CNMI=1,1,0,1,0");
    assert!(bench.send(0, &with_report(submit("+491701234567", "x"))).contains("\r\n+CDS: ,"));
    bench.network.inject(bench.now, 0, "+491701", "hello").unwrap();
    assert!(ask(&mut bench, "zte", "+CMGR=1").contains("\r\n+CMGR: ,,"));
    // Huawei: the first slot is 0.
    let (mut bench, _) = started("huawei", quick(1));
    ask(&mut bench, "huawei", "+CNMI=1,1,0,2,0");
    bench.network.inject(bench.now, 0, "+491701", "hello").unwrap();
    assert_eq!(bench.heard(0), "\r\n+CMTI: \"SM\",0\r\n");
    // SIMCom: reports have a memory of their own, and MMS are told as such.
    let (mut bench, _) = started("simcom-lte", quick(1));
    ask(&mut bench, "simcom-lte", "+CNMI=1,1,0,2,0");
    assert!(bench.send(0, &with_report(submit("+491701234567", "x"))).ends_with("\r\n+CDSI: \"SR\",1\r\n"));
    let mms = "0791947106004034400C9194615515550000F5622152000000400D0605040B8423F0000601AE02056A";
    bench.network.inject_pdu(bench.now, 0, hex::decode(mms).unwrap()).unwrap();
    assert_eq!(bench.heard(0), "\r\n+CMTI: \"SM\",1,\"MMS PUSH\",2,1\r\n");
    // MediaTek: no blank behind the prompt.
    let (mut bench, _) = started("mediatek", quick(1));
    assert!(ask(&mut bench, "mediatek", "+CMGS=20").ends_with("\r\n>"));
}

#[test]
fn codes_over_511_and_errors_of_the_sim() {
    let (line, octets) = pdu(&submit("+491701234567", "hello"));
    for (name, no_network, invalid) in [
        ("generic", 331, 304),
        ("huawei", 512, 304),
        ("simcom-2g", 512, 304),
        ("quectel", 512, 304),
        ("cinterion", 331, 516),
    ] {
        let (mut bench, _) = started(name, quick(1));
        ask(&mut bench, name, "+CFUN=4");
        ask(&mut bench, name, &format!("+CMGS={octets}"));
        assert!(bench.say(0, &format!("{line}\x1a")).ends_with(&format!("+CMS ERROR: {no_network}\r\n")), "{name}");
        ask(&mut bench, name, "+CMGS=20");
        assert!(bench.say(0, &format!("{line}\x1a")).ends_with(&format!("+CMS ERROR: {invalid}\r\n")), "{name}");
    }
    for (name, code) in [("simcom-2g", 14), ("wavecom", 515), ("u-blox", 256)] {
        let mut bench = Bench::new(LabConfig { personalities: vec![Personality::named(name).unwrap()], ..quick(1) });
        let heard = bench.say(0, "ATE0+CMEE=1;+CPIN?\r");
        assert!(heard.ends_with(&format!("\r\n+CME ERROR: {code}\r\n")), "{name}: {heard:?}");
    }
}

#[test]
fn each_noise_comes_by_itself_and_inside_exchanges() {
    for name in Personality::names() {
        let noise = Personality::named(name).unwrap().noise;
        let (mut bench, _) = started(name, quick(1));
        bench.network.say(bench.now, 0, None).unwrap();
        assert_eq!(bench.heard(0), noise.iter().map(|line| format!("\r\n{line}\r\n")).collect::<String>(), "{name}");
        let heard: String = (0..30).map(|_| bench.say(0, "AT+CSQ\r")).collect();
        assert!(noise.iter().all(|line| heard.contains(&format!("\r\n{line}\r\n"))), "{name}: {heard}");
        bench.network.say(bench.now, 0, Some("+CMTI: \"SM\",1,\"MMS PUSH\",2,1")).unwrap();
        assert_eq!(bench.heard(0), "\r\n+CMTI: \"SM\",1,\"MMS PUSH\",2,1\r\n");
    }
}

#[test]
fn a_reset_begins_anew_and_power_off_lasts() {
    for (name, reset, off, last_words) in [
        ("huawei", "^RESET", "", ""),
        ("simcom-2g", "+CFUN=1,1", "+CPOWD=1", "NORMAL POWER DOWN"),
        ("simcom-lte", "+CRESET", "+CPOF", ""),
        ("simcom-a76xx", "+CRESET", "+CPOF", ""),
        ("quectel", "+CFUN=1,1", "+QPOWD=1", "POWERED DOWN"),
        ("quectel-ec200", "+CFUN=1,1", "+QPOWD=1", "POWERED DOWN"),
        ("cinterion", "+CFUN=1,1", "^SMSO", "^SHUTDOWN"),
        ("telit", "#REBOOT", "#SHDN", ""),
        ("u-blox", "+CFUN=16", "+CPWROFF", ""),
        ("wavecom", "+CFUN=1", "+CPOF=1", ""),
        ("sierra", "!RESET", "", ""),
        ("option", "%IRESET", "", ""),
        ("ericsson", "*E2RESET", "", ""),
        ("fibocom", "+CFUN=15", "+CPWROFF", ""),
    ] {
        let make = Personality::named(name).unwrap();
        let (mut bench, boot) = started(name, quick(1));
        bench.plugs.clear();
        if name == "sierra" {
            assert_eq!(ask(&mut bench, name, reset), "\r\nERROR\r\n", "{name}: behind a password");
            assert_eq!(ask(&mut bench, name, "!ENTERCND=\"A710\""), OK, "{name}");
        }
        assert_eq!(ask(&mut bench, name, reset), OK, "{name}");
        assert_eq!(bench.wait(0, 2 * SECOND), boot, "{name} begins like the first time");
        assert_eq!(bench.plugs.is_empty(), make.is_uart, "{name}: a UART stays, {:?}", bench.plugs);
        assert!(bench.say(0, "AT+CNMI?\r").starts_with("AT+CNMI?"), "{name}: settings are as from the factory");
        if off.is_empty() {
            continue;
        }
        bench.say(0, "ATE0\r");
        assert_eq!(ask(&mut bench, name, off), OK, "{name}");
        assert_eq!(bench.wait(0, 60 * SECOND).trim(), last_words, "{name}");
        assert!(!bench.network.is_plugged(0), "{name}");
        bench.network.plug(bench.now, 0).unwrap();
        assert_eq!(bench.wait(0, SECOND), boot, "{name}");
    }
}

#[test]
fn another_slot_has_another_sim_and_its_messages() {
    for (name, [first, second]) in [
        ("huawei", ["^SIMSWITCH=0", "^SIMSWITCH=1"]),
        ("simcom-lte", ["+SMSIMCFG=1,1", "+SMSIMCFG=1,2"]),
        ("simcom-a76xx", ["+SWITCHSIM=0", "+SWITCHSIM=1"]),
        ("quectel", ["+QUIMSLOT=1", "+QUIMSLOT=2"]),
        ("quectel-ec200", ["+QDSIM=0", "+QDSIM=1"]),
        ("cinterion", ["^SCFG=\"SIM/CS\",\"SIM_1\"", "^SCFG=\"SIM/CS\",\"SIM_2\""]),
        ("telit", ["#SIMSELECT=1", "#SIMSELECT=2"]),
        ("sierra", ["!UIMS=0", "!UIMS=1"]),
        ("fibocom", ["+GTDUALSIM=0", "+GTDUALSIM=1"]),
        ("mediatek", ["+ESUO=4", "+ESUO=5"]),
    ] {
        let (mut bench, _) = started(name, quick(1));
        bench.network.inject(bench.now, 0, "+491701", "hello").unwrap();
        let own = ask(&mut bench, name, "+CIMI");
        assert_eq!(ask(&mut bench, name, second), OK, "{name}");
        assert_eq!(ask(&mut bench, name, "+CPIN?"), "\r\n+CME ERROR: 14\r\n", "{name}: busy");
        assert_eq!(bench.wait(0, SECOND), "\r\n+CPIN: READY\r\n", "{name}");
        assert_ne!(ask(&mut bench, name, "+CIMI"), own, "{name}");
        assert_eq!(ask(&mut bench, name, "+CMGL=4"), OK, "{name}");
        assert_eq!(ask(&mut bench, name, first), OK, "{name}");
        bench.wait(0, SECOND);
        assert_eq!(ask(&mut bench, name, "+CIMI"), own, "{name}");
        assert!(ask(&mut bench, name, "+CMGL=4").contains("+CMGL: "), "{name}");
    }
}

#[test]
fn gauges_and_settings_of_makes() {
    for (name, said, heard) in [
        ("huawei", "^CHIPTEMP?", info("^CHIPTEMP: 310,310,310,65535,33")),
        ("zte", "+ZOPRT=5", OK.into()),
        ("simcom-2g", "+CBC", info("+CBC: 0,77,3898")),
        ("simcom-lte", "+CPMUTEMP", info("+CPMUTEMP: 31")),
        ("quectel", "+QTEMP", info("+QTEMP: 31,30,29")),
        ("quectel", "+CBC", info("+CBC: 0,92,3800")),
        ("quectel", "+QURCCFG=\"urcport\",\"usbat\"", OK.into()),
        ("cinterion", "^SCTM?", info("^SCTM: 0,0,32")),
        ("cinterion", "^SCFG=\"URC/DstIfc\",\"app\"", info("^SCFG: \"URC/DstIfc\",\"app\"")),
        ("telit", "#TEMPMON=1", info("#TEMPMEAS: 0,29")),
        ("telit", "#QSS?", info("#QSS: 2,3")),
        ("u-blox", "+UTEMP?", info("+UTEMP: 345")),
        ("sierra", "!ENTERCND=\"A710\"", OK.into()),
        ("option", "_OSSYS=0", OK.into()),
        ("generic", "+QTEMP", ERROR.into()),
        ("huawei", "+QTEMP", "\r\nCOMMAND NOT SUPPORT\r\n".into()),
    ] {
        let (mut bench, _) = started(name, quick(1));
        assert_eq!(ask(&mut bench, name, said), heard, "{name}: {said}");
    }
}

#[test]
fn a_balance_by_ussd() {
    let packed = "AA180C3602";
    let balance = "C2303BEC1E9775A098CC35A3818A5529";
    for (name, setup, good, bad, string) in [
        ("zte", "", "*100#", packed, "Balance: 12.34 EUR"),
        ("generic", "+CSCS=\"UCS2\"", "002A0031003000300023", "*100#", ""),
        ("huawei", "", packed, "*100#", balance),
    ] {
        let (mut bench, _) = started(name, quick(1));
        ask(&mut bench, name, setup);
        assert_eq!(ask(&mut bench, name, &format!("+CUSD=1,\"{bad}\",15")), ERROR, "{name}");
        assert_eq!(ask(&mut bench, name, &format!("+CUSD=1,\"{good}\",15")), OK, "{name}");
        let heard = bench.wait(0, SECOND);
        assert!(heard.starts_with(&format!("\r\n+CUSD: 0,\"{string}")), "{name}: {heard}");
        assert_eq!(ask(&mut bench, name, "+CUSD=2"), OK, "{name}");
        assert_eq!(ask(&mut bench, name, "+CUSD?"), info("+CUSD: 1"), "{name}");
        ask(&mut bench, name, "+CFUN=4");
        let refused = ask(&mut bench, name, &format!("+CUSD=1,\"{good}\",15"));
        assert_eq!(refused, "\r\n+CME ERROR: 30\r\n", "{name}");
    }
}

#[test]
fn modems_take_personalities_in_turn() {
    let makes = ["zte", "nokia"].map(|name| Personality::named(name).unwrap());
    let mut bench = Bench::set_up(LabConfig { personalities: makes.to_vec(), ..quick(3) }, "");
    let models = [0, 1, 2].map(|modem| bench.say(modem, "AT+CGMM\r"));
    assert!(models[0] == models[2] && models[1].contains("CS-17"), "{models:?}");
}
