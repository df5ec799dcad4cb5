//! TP-UDL and TP-UD: the header and the payload, packed or not. 3GPP TS 23.040 §9.2.3.16 and §9.2.3.24.

use super::dcs::{Alphabet, Dcs};
use super::error::{DecodeError, Detail, EncodeError};
use super::gsm7;
use super::reader::Reader;
use super::udh::Udh;
use std::fmt;

/// User data, unpacked. How it is laid out on the air depends on TP-DCS, which every TPDU has beside it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct UserData {
    /// The header; empty without one.
    pub udh: Udh,
    /// GSM 7 bit: one septet an octet. UCS-2: UTF-16BE octets. Data and compressed text: octets.
    pub payload: Vec<u8>,
}

impl UserData {
    /// Reads TP-UDL and TP-UD.
    pub(super) fn read(reader: &mut Reader<'_>, dcs: Dcs, udhi: bool) -> Result<UserData, DecodeError> {
        let udl = usize::from(reader.octet("tp-udl")?);
        let packed = dcs.alphabet() == Alphabet::Gsm7;
        let start = reader.at();
        let octets = reader.take("tp-ud", if packed { (udl * 7).div_ceil(8) } else { udl })?;
        let header = if udhi { header_octets(octets, start)? } else { 0 };
        // An element that does not fit voids the header, not the text. 3GPP TS 23.040 §9.2.3.24.
        let udh = octets.get(1..header).and_then(Udh::decode).unwrap_or_default();
        let payload = if packed {
            let n_septets = udl.saturating_sub((header * 8).div_ceil(7));
            gsm7::unpack(&octets[header..], gsm7::fill_bits(header), n_septets)
        } else {
            octets[header..].to_vec()
        };
        Ok(UserData { udh, payload })
    }

    /// Appends TP-UDL and TP-UD; `room`: the octets that TP-UD may take, at most 222.
    pub(super) fn write(&self, dcs: Dcs, out: &mut Vec<u8>, room: usize) -> Result<(), EncodeError> {
        let start = out.len();
        out.push(0);
        self.udh.write(out, room)?;
        let header = self.udh.len_octets();
        let udl = if dcs.alphabet() == Alphabet::Gsm7 {
            check_septets(&self.payload)?;
            gsm7::pack(&self.payload, gsm7::fill_bits(header), out);
            (header * 8).div_ceil(7) + self.payload.len()
        } else {
            out.extend_from_slice(&self.payload);
            header + self.payload.len()
        };
        let octets = out.len() - start - 1;
        if octets > room {
            return Err(EncodeError::UserDataTooLong { octets, room });
        }
        // 222 octets are at most 253 septets.
        out[start] = udl as u8;
        Ok(())
    }
}

/// Says how much, never the content.
impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData").field("udh", &self.udh).field("payload_len", &self.payload.len()).finish()
    }
}

/// TP-UD of a message has at most 140 octets. 3GPP TS 23.040 §9.2.3.24.
pub(super) const MAX_OCTETS: usize = 140;

fn check_septets(payload: &[u8]) -> Result<(), EncodeError> {
    // All octets at once; the place is looked up only when there is one.
    if payload.iter().fold(0, |all, octet| all | octet) <= 0x7F {
        return Ok(());
    }
    let found = payload.iter().enumerate().find(|(_, octet)| **octet > 0x7F);
    found.map_or(Ok(()), |(at, value)| Err(EncodeError::NotASeptet { at, value: *value }))
}

/// Octets of the header, UDHL included. A header announced in user data of no octets at all is none.
fn header_octets(octets: &[u8], start: usize) -> Result<usize, DecodeError> {
    let Some(udhl) = octets.first() else { return Ok(0) };
    let header = 1 + usize::from(*udhl);
    if header > octets.len() {
        let detail = Detail::Truncated { need: header, left: octets.len() };
        return Err(DecodeError { field: "tp-ud.udhl", octet: start, detail });
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_septet_is_named() {
        assert_eq!(check_septets(&[0x00, 0x7F]), Ok(()));
        assert_eq!(check_septets(&[0x7F, 0x80]), Err(EncodeError::NotASeptet { at: 1, value: 0x80 }));
    }

    #[test]
    fn what_is_shown_is_how_much() {
        let ud = UserData { udh: Udh::default(), payload: b"secret".to_vec() };
        assert_eq!(format!("{ud:?}"), "UserData { udh: Udh([]), payload_len: 6 }");
    }
}
