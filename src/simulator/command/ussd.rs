//! USSD, as far as asking for a balance. 3GPP TS 27.007 §7.15.

use super::{Answer, ERROR, Form, Refusal, info};
use crate::simulator::modem::Modem;
use crate::simulator::personality::Ussd;
use crate::tpdu::{hex, ussd};
use std::time::Duration;

/// What the network answers to every code.
const BALANCE: &str = "Balance: 12.34 EUR";
/// From OK to the answer.
const TAKES: Duration = Duration::from_millis(200);
/// 27.007 §9.2.2.
const NO_NETWORK: u16 = 30;

/// `+CUSD=[<n>[,<str>[,<dcs>]]]`: 2 ends the dialogue, a string asks the network.
pub(super) fn cusd(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let values = match form {
        Form::Test => return info("+CUSD: (0-2)"),
        Form::Read => return info(format!("+CUSD: {}", modem.settings.cusd)),
        Form::Set(values) => values,
        Form::Execute => return ERROR,
    };
    match (values.number::<u8>(0), values.text(1)) {
        (Some(2), None) => {}
        (Some(n @ 0..=1), None) => modem.settings.cusd = n,
        (Some(n @ 0..=1), Some(code)) => {
            let form = form_of(modem);
            if !is_code(code, form) {
                return ERROR;
            }
            if !modem.is_registered() {
                return Answer::Refused(Refusal::Cme(NO_NETWORK));
            }
            modem.settings.cusd = n;
            if n == 1 {
                let balance = ussd::encode(BALANCE, form).unwrap_or_default();
                let urc = modem.render(&[format!("+CUSD: 0,\"{balance}\",15")], None);
                modem.come_late(modem.clock + TAKES, urc);
            }
        }
        _ => return ERROR,
    }
    Answer::Ok
}

fn form_of(modem: &Modem) -> ussd::Form {
    match modem.make.ussd {
        Ussd::Packed => ussd::Form::Packed,
        Ussd::Plain if modem.settings.ucs2 => ussd::Form::Ucs2,
        Ussd::Plain => ussd::Form::Raw,
    }
}

/// Digits, stars and hashes: a string in another form is none.
fn is_code(string: &str, form: ussd::Form) -> bool {
    if form != ussd::Form::Raw && hex::decode(string).is_err() {
        return false;
    }
    let text = ussd::decode_as(string, form, None);
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#'))
}
