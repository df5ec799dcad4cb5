//! What the masking shows of lines.

use super::mask::Mask;
use super::mask_fields::{is_own, sentence};
use crate::at::command::{Domain, IccidSource};
use crate::at::{Command, Expect, Memory, sim};

/// What came, each line after this was asked.
fn came(asked: &str, line: &str) -> String {
    let mut mask = Mask::default();
    mask.sent(asked.as_bytes());
    mask.came(line)
}

#[test]
fn table_of_commands() {
    for (sent, want) in [
        ("AT\r", "AT"),
        ("AT+CMGS=23\r", "AT+CMGS=23"),
        ("AT+CPMS=\"ME\",\"SM\",\"ME\"\r", "AT+CPMS=\"ME\",\"SM\",\"ME\""),
        ("AT+CNMI=2,1,0,2,0\r", "AT+CNMI=2,1,0,2,0"),
        ("AT+CNMI=?\r", "AT+CNMI=?"),
        ("AT+CRSM=176,12258,0,0,10\r", "AT+CRSM=176,12258,0,0,10"),
        ("AT^SCFG=\"URC/DstIfc\",\"app\"\r", "AT^SCFG=\"URC/DstIfc\",\"app\""),
        ("AT+CPIN=\"4711\"\r", "AT+CPIN=\"0000\""),
        ("AT+CPIN=\"47118888\"\r", "AT+CPIN=\"0000\""),
        ("AT+CSCA=\"+491710760000\",145\r", "AT+CSCA=\"+000000000001\",145"),
        ("AT+CSCB=0,\"0-999,4352-6399\",\"\"\r", "AT+CSCB=0,\"0-999,4352-6399\",\"\""),
        ("\x1b", "^["),
        ("\x1b\r", "^["),
        ("\x1a", "^Z"),
        // SMS-SUBMIT: number and text.
        ("0011000B919471103254F60000A7054130500C06", "0011000B910000000000F10000A7050000000001"),
        // What people type.
        ("AT+CPBW=1,\"0171 234 5678\",129,\"Anna\"\r", "AT+CPBW=0,\"0000 000 0000\",000,\"Xxxx\""),
        ("AT+CGAUTH=1,1,\"anna\",\"pass4711\"\r", "AT+CGAUTH=0,0,\"xxxx\",\"xxxx0000\""),
        ("AT+CSCA=\"0171 234 5678\"\r", "AT+CSCA=\"0000 000 0000\""),
        ("AT+CUSD=1,\"*123*4711#\",15\r", "AT+CUSD=1,\"*000*0000#\",15"),
        ("AT+CUSD=1,\"AA180C3602\",15\r", "AT+CUSD=1,\"XX000X0000\",15"),
        ("AT+CSQ;+CPBW=1,\"0171\"\r", "AT+CSQ;+CPBW=0,\"0000\""),
        ("AT+CMGF=1;+CPBW=1,\"0171\"\r", "AT+CMGF=0;+XXXX=0,\"0000\""),
        ("at+cpbw=1,\"0171\"\r", "AT+xxxx=0,\"0000\""),
        ("AT+CPBF Anna\r", "AT+CPBF Xxxx"),
    ] {
        assert_eq!(Mask::default().sent(sent.as_bytes()), want, "{sent}");
    }
}

#[test]
fn table_of_lines() {
    for (asked, line, want) in [
        ("AT", "OK", "OK"),
        ("AT", "+CMS ERROR: 38", "+CMS ERROR: 38"),
        ("AT", "+CMS ERROR: SIM busy", "+CMS ERROR: SIM busy"),
        ("AT", "+CME ERROR: -1", "+CME ERROR: -1"),
        ("AT", "+CME ERROR: call Bob", "+CME ERROR: xxxx Xxx"),
        ("AT", "+CMTI: \"SM\",3", "+CMTI: \"SM\",3"),
        ("AT+CREG?", "+CREG: 2,1,\"00C3\",\"0000A1B2\",7", "+CREG: 2,1,\"F001\",\"F0000002\",7"),
        ("AT+CREG?", "+CREG: 2,1,1F00,1234", "+CREG: 2,1,F001,F002"),
        ("AT", "+CREG: 1,\"0012\",\"0034\"", "+CREG: 1,\"F001\",\"F002\""),
        ("AT", "+CREG: 1,1F00,34,7", "+CREG: 1,F001,F2,7"),
        ("AT+CREG?", "+CREG: 0,5", "+CREG: 0,5"),
        ("AT+CGSN", "357868041000000", "350000000000001"),
        ("AT+CGSN", "+CGSN: \"357868041000000\"", "+CGSN: \"350000000000001\""),
        ("AT+CIMI", "262019000000100", "001010000000001"),
        ("AT+CCID", "+CCID: 8949000000000001000", "+CCID: 8900000000000000001"),
        ("AT+CCID", "8949000000000001000F", "8900000000000000001F"),
        ("AT^ICCID?", "^ICCID: 989400000000001000F0", "^ICCID: 980000000000000000F1"),
        ("AT+CGMI", "Télé ACME 900E", "Télé ACME 900E"),
        ("AT+CGMI", "0171 234 5678", "0000 000 0000"),
        ("AT+CGMM", "+CGMM: E3372", "+CGMM: E3372"),
        ("AT+CGMR", "21.180.01.00.00", "21.180.01.00.00"),
        ("AT+CSCA?", "+CSCA: \"+491710760000\",145", "+CSCA: \"+000000000001\",145"),
        ("AT+COPS?", "+COPS: 0,0,\"SimNet\",7", "+COPS: 0,0,\"SimNet\",7"),
        ("AT+CPIN?", "+CPIN: SIM PIN", "+CPIN: SIM PIN"),
        ("AT+CPMS=?", "+CPMS: (\"SM\",\"ME\"),(\"SM\"),()", "+CPMS: (\"SM\",\"ME\"),(\"SM\"),()"),
        ("AT+CNMI=?", "+CNMI: (0-2),(0-3),(0,2,3)", "+CNMI: (0-2),(0-3),(0,2,3)"),
        ("AT^CPIN?", "^CPIN: READY,,10,3,10,3", "^CPIN: READY,,10,3,10,3"),
        ("AT+QPINC?", "+QPINC: \"SC\",3,10", "+QPINC: \"SC\",3,10"),
        ("AT+CBC", "+CBC: 0,85,3874", "+CBC: 0,85,3874"),
        ("AT+CSIM=10,\"0020000100\"", "+CSIM: 4,\"63C3\"", "+CSIM: 4,\"63C3\""),
        ("AT+CSIM=10,\"0020000100\"", "+CSIM: 12,\"311299889000\"", "+CSIM: 12,\"000000009000\""),
        ("AT", "^RSSI:20", "^RSSI:20"),
        ("AT", "+QIND: SMS DONE", "+QIND: SMS DONE"),
        ("AT", "+CUSD: 0,\"Your code is 4711\",15", "+CUSD: 0,\"Xxxx xxxx xx 0000\",15"),
        ("AT", "+CUSD: 2", "+CUSD: 2"),
        ("AT", "+CMGL: 1,1,\"Mum\",28", "+CMGL: 1,1,\"Xxx\",28"),
        ("AT", "see you at 8", "xxx xxx xx 0"),
        ("AT", "RING", "RING"),
        ("AT", "AT", "AT"),
        ("AT", "AT+CPIN=\"1234\"", "AT+CPIN=\"0000\""),
        ("AT+CPIN=\"4711\"", "IN=\"4711\"", "XX=\"0000\""),
        ("AT", "", ""),
    ] {
        assert_eq!(came(asked, line), want, "{asked}: {line}");
    }
}

#[test]
fn only_the_shape_of_what_is_in_no_table() {
    for (line, want) in [
        ("+CMGR: \"REC READ\",\"+49171234\",,\"26/01/01\"", "+CMGR: \"XXX XXXX\",\"+00000000\",,\"00/00/00\""),
        ("+CUSD: 0,\"Say \"4711\" now\",15", "+CUSD: 0,\"Xxx \"0000\" xxx\",15"),
        ("+CUSD: 0,code 4711", "+CUSD: 0,xxxx 0000"),
        ("+CUSD: 0,47,11", "+CUSD: 0,00,00"),
        ("+CNUM: \"0171 234 567\",\"0171-234-5678\",129", "+CNUM: \"0000 000 000\",\"0000-000-0000\",129"),
        ("+CLIP: \"0171 234 5678\",129,,,\"Anna 0171\"", "+CLIP: \"0000 000 0000\",129,,,\"Xxxx 0000\""),
        ("%MSISDN: 0171 234 567", "%MSISDN: 0000 000 000"),
        ("^CNUMR: 0171-234", "^CNUMR: 0000-000"),
        ("+CPBR: 1,0171-234-567,129,Anna", "+CPBR: 1,0000-000-000,129,Xxxx"),
        ("+CPBR: 1,\"112\",129,\"Anna, 4711\"", "+CPBR: 1,\"001\",129,\"Xxxx, 0000\""),
        ("^ICCID: 8949 0171 2345", "^ICCID: 0000 0000 0000"),
        ("+CRSM: 144,0,\"98 94 10 17\"", "+CRSM: 144,0,\"00 00 00 00\""),
        ("+CSQ: 20,99+CLIP: \"0171 234 567\"", "+CSQ: 20,00+XXXX: \"0000 000 000\""),
        ("+CMTI: \"SM\",3 Anna told you", "+CMTI: \"SM\",0 Xxxx xxxx xxx"),
        ("+QGPSLOC: 061951.0,3150.7223N,11711.9", "+QGPSLOC: 000000.0,0000.0000X,00000.0"),
        ("+UULOC: 13/04/2011,09:54:51,45.6334520", "+UULOC: 00/00/0000,00:00:00,00.0000000"),
        ("+CGPSINFO: 3113.34,N,12121.2", "+CGPSINFO: 0000.00,X,00000.0"),
        ("+QENG: \"servingcell\",262,01,C3", "+QENG: \"xxxxxxxxxxx\",000,00,X0"),
        ("+CPSI: LTE,Online,262-01,0x1A2B", "+CPSI: XXX,Xxxxxx,000-00,0x0X0X"),
        ("^MONSC: LTE,262,01,1300,12", "^MONSC: XXX,000,00,0000,00"),
        ("+CGPADDR: 1,\"10.2.3.4\"", "+CGPADDR: 0,\"00.0.0.0\""),
        ("ATTENTION ANNA", "XXXXXXXXX XXXX"),
        ("ATM: pin", "XXX: xxx"),
        ("+CME ERROR Anna 4711", "+CME ERROR Xxxx 0000"),
        ("+X4711: hi", "+X0000: xx"),
        ("48656C6C6F20416E6E6120343731312068", "00000X0X0X00000X0X0000000000000000"),
    ] {
        assert_eq!(came("AT", line), want, "{line}");
    }
}

#[test]
fn what_was_asked_and_what_is_due_end_with_the_exchange() {
    let mut mask = Mask::default();
    mask.sent(b"AT+CGMI\r");
    mask.came("OK");
    assert_eq!(mask.came("call Anna"), "xxxx Xxxx");
    mask.sent(b"AT+CGMM\r");
    mask.begin();
    assert_eq!(mask.came("call Anna"), "xxxx Xxxx");
    let ends: [fn(&mut Mask); 3] =
        [|mask| drop(mask.came("+CMS ERROR: 321")), |mask| drop(mask.sent(b"AT+CSQ\r")), Mask::begin];
    for end in ends {
        mask.came("+CMGR: 1,,28");
        assert_eq!(mask.came("+CSQ: 20,99"), "+CSQ: 00,00", "the PDU is due");
        end(&mut mask);
        assert_eq!(mask.came("+CSQ: 20,99"), "+CSQ: 20,99");
    }
}

#[test]
fn a_text_of_several_lines_is_hidden() {
    let mut mask = Mask::default();
    for (line, want) in [
        ("+CUSD: 0,\"Hello", "+CUSD: 0,\"Xxxxx"),
        ("*INFO: code 4711", "*XXXX: xxxx 0000"),
        ("+CMTI: \"SM\",3", "+CMTI: \"SM\",3"),
        ("^RSSI:20", "^RSSI:20"),
        ("+ANNA: hello\",15", "+XXXX: xxxxx\",00"),
        ("+XNEW: 1", "+XNEW: 0"),
    ] {
        assert_eq!(mask.came(line), want);
    }
}

#[test]
fn the_same_stays_the_same_and_another_shows_as_another() {
    let mut mask = Mask::default();
    mask.sent(b"AT+CCID\r");
    let bare = mask.came("8949000000000001000");
    assert_eq!(mask.came("+CCID: 8949000000000001000F"), format!("+CCID: {bare}F"));
    let file = mask.came("^ICCID: 989400000000001000F0");
    assert_eq!(sim::iccid(&file), Some(bare.clone()), "as the card has it");
    assert_ne!(mask.came("8949000000000002000"), bare);
    assert_eq!(mask.came("8949000000000001000"), bare);
    let clear = mask.came("+CSCA: \"491710760000\",145");
    let pdu = mask.sent(b"079194710167000011000B919471103254F60000A7024130");
    assert!(clear.contains("000000000001") && pdu.starts_with("0791000000000010"), "{clear} {pdu}");
}

#[test]
fn an_echo_is_shown_as_what_it_repeats() {
    let mut mask = Mask::default();
    for wire in ["AT+CSCA=\"+491710760000\"", "AT+CGMI", "0011000B919471103254F60000A7054130500C06"] {
        let shown = mask.sent(wire.as_bytes());
        assert_eq!(mask.came(wire), shown);
    }
}

#[test]
fn a_text_behind_a_head_is_hidden_however_it_looks() {
    for (text, want) in [
        ("Hello 12 you", "Xxxxx 00 xxx"),
        ("+COPS: my secret", "+COPS: xx xxxxxx"),
        ("OK", "OK"),
        (
            "07917283010010F5040BC87238880900F10000101010101010000AE8329BFD4697D9EC37",
            "07910000000000F1040BC80000000000F20000101010101010000A000000000000000001",
        ),
        // SMS-STATUS-REPORT.
        (
            "07917283010010F506070B919471103254F6101010101010001010101010100000",
            "07910000000000F106070B910000000000F2101010101010001010101010100000",
        ),
        // In parts.
        ("0044039121F300001010101010100008050003CC02014100", "0044039100F100001010101010100008050003CC02010001"),
        // No date, another length, no address: a text in UCS-2, or cut.
        ("0004039121F300001010901010100001410042", "00000000000000000000000000000000000001"),
        ("0004039121F300001010101010100002414243", "00000000000000000000000000000000000001"),
        ("0004034121F3000010101010101000024142", "000000000000000000000000000000000001"),
        ("00480065006C006C006F00200041", "0000000000000000000000000001"),
        ("00FF", "0001"),
        ("\"00FF", "\"0001"),
    ] {
        let mut mask = Mask::default();
        assert_eq!(mask.came("+CMT: \"Bob\",,\"26/01/01\""), "+CMT: \"Xxx\",,\"00/00/00\"");
        assert_eq!(mask.came(text), want, "{text}");
    }
}

/// What the driver says by itself is shown as it is, and is no order of a person.
#[test]
fn table_of_the_drivers_commands() {
    let own = [
        Command::attention(),
        Command::plain_answers(),
        Command::speak_up(),
        Command::ignore_dtr(),
        Command::numeric_errors(),
        Command::serial_number(),
        Command::manufacturer(),
        Command::model(),
        Command::revision(),
        Command::subscriber(),
        Command::pin_state(),
        Command::pdu_mode(),
        Command::memories(),
        Command::memory_levels(),
        Command::select_memories(&[Memory::ME, Memory::SM, Memory::ME]),
        Command::services(),
        Command::acknowledged_service(),
        Command::indications_known(),
        Command::indications_now(),
        Command::select_indications([2, 1, 0, 2, 0]),
        Command::registration(Domain::Eps),
        Command::report_registration(Domain::Packet, true),
        Command::operator(),
        Command::signal(),
        Command::service_centre(),
        Command::submit(164),
        Command::read(65535),
        Command::list_all(),
        Command::delete(7),
        Command::acknowledge(),
        Command::calling_line(),
        Command::hang_up(),
        Command::hook(),
        Command::own_number(),
        Command::broadcasts(&"0-999,4352".parse().unwrap()),
        Command::of_make("+CPINR", Expect::Nothing),
        Command::of_make("+CSIM=10,\"0020000100\"", Expect::Nothing),
        Command::of_make("+CFUN=4", Expect::Nothing),
        Command::of_make("#TEMPMON=1", Expect::Nothing),
        Command::of_make("+QURCCFG=\"urcport\",\"uart1\"", Expect::Nothing),
    ];
    for command in own.into_iter().chain(IccidSource::ALL.map(Command::iccid)) {
        assert_eq!(Mask::default().sent(command.wire()), command.text());
        assert!(is_own(command.text()), "{command}");
    }
    for order in ["AT+CUSD=2", "AT+CPBS=\"SM\"", "AT+CPBR=1,20", "AT+CFOO", "ATI", "AT+CSQ;+CFOO"] {
        assert!(!is_own(order), "{order}");
    }
}

#[test]
fn table_of_sentences() {
    for (text, want) in [
        ("the modem took nothing for 5 s", "the modem took nothing for 5 s"),
        ("AT+CMGS ended with +CMS ERROR: 512", "AT+CMGS ended with +CMS ERROR: 512"),
        ("it ended with +CME ERROR: Anna 47", "it ended with +CME ERROR: Xxxx 00"),
        ("+49171 hung up", "+00000 hung up"),
        ("no answer\nfrom 0171", "no answer?from 0000"),
    ] {
        assert_eq!(sentence(text), want);
    }
}
