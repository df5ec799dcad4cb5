//! Putting the parts of a long message together again.

use super::dcs::{Alphabet, Dcs};
use super::gsm7;
use super::ucs2;
use super::user_data::UserData;

/// The text of parts in their order. Payloads are joined before they are decoded, because others cut escape sequences
/// and surrogate pairs. Parts in different alphabets are decoded each for itself; 8 bit data is read as ISO 8859-1.
pub fn text(parts: &[(&Dcs, &UserData)]) -> String {
    if let [(dcs, ud)] = parts {
        return decode(dcs.alphabet(), &ud.payload);
    }
    let mut text = String::new();
    for run in parts.chunk_by(|a, b| a.0.alphabet() == b.0.alphabet()) {
        let payload: Vec<u8> = run.iter().flat_map(|(_, ud)| ud.payload.iter().copied()).collect();
        text += &decode(run[0].0.alphabet(), &payload);
    }
    text
}

fn decode(alphabet: Alphabet, payload: &[u8]) -> String {
    match alphabet {
        Alphabet::Gsm7 => gsm7::decode(payload),
        Alphabet::Ucs2 => ucs2::decode(payload),
        Alphabet::Octets => payload.iter().copied().map(char::from).collect(),
    }
}
