//! Hexadecimal lines, as PDUs come and go in.

use super::error::{DecodeError, Detail};

/// The octets of a line: upper or lower case; blanks, CR and LF are passed over.
/// Places in errors are characters of the line.
pub fn decode(line: &str) -> Result<Vec<u8>, DecodeError> {
    decode_up_to(line, MAX_CHARACTERS)
}

/// The same for what may be longer, or has to be shorter, than a PDU.
pub fn decode_up_to(line: &str, max_characters: usize) -> Result<Vec<u8>, DecodeError> {
    if line.len() > max_characters {
        return Err(error(max_characters, Detail::OverLimit { value: line.len(), limit: max_characters }));
    }
    let (pairs, odd) = line.as_bytes().as_chunks();
    let mut all = 0;
    let octets = pairs.iter().map(|[high, low]| {
        let [high, low] = [VALUES[usize::from(*high)], VALUES[usize::from(*low)]];
        all |= high | low;
        (high << 4) | (low & 0x0F)
    });
    let octets = octets.collect();
    // Nothing but pairs of digits is the rule; whatever else it is, the slow way finds out.
    if all != NO_DIGIT && odd.is_empty() { Ok(octets) } else { decode_chars(line) }
}

/// Octets in upper-case hex.
pub fn encode(octets: &[u8]) -> String {
    let pairs: Vec<[u8; 2]> = octets.iter().map(|octet| PAIRS[usize::from(*octet)]).collect();
    String::from_utf8(pairs.into_flattened()).unwrap_or_default()
}

fn decode_chars(line: &str) -> Result<Vec<u8>, DecodeError> {
    let mut octets = Vec::with_capacity(line.len() / 2);
    let mut half = None;
    for (at, found) in line.chars().enumerate().filter(|(_, c)| !c.is_ascii_whitespace()) {
        let digit = found.to_digit(16).ok_or_else(|| error(at, Detail::NotHex { found }))? as u8;
        match half.take() {
            None => half = Some(digit),
            Some(high) => octets.push((high << 4) | digit),
        }
    }
    match half {
        None => Ok(octets),
        Some(_) => Err(error(line.chars().count(), Detail::OddDigits)),
    }
}

const DIGITS: [u8; 16] = *b"0123456789ABCDEF";

/// Both digits of every octet.
static PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut octet = 0;
    while octet < 256 {
        pairs[octet] = [DIGITS[octet >> 4], DIGITS[octet & 0x0F]];
        octet += 1;
    }
    pairs
};

/// Not the value of a digit; every bit set, so that it shows through any number of ORs.
const NO_DIGIT: u8 = 0xFF;

/// Values of the digits in both cases.
static VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value] as usize] = value as u8;
        values[DIGITS[value].to_ascii_lowercase() as usize] = value as u8;
        value += 1;
    }
    values
};

/// The longest line read. A PDU has at most 352 digits, a record on a SIM 352, a cell broadcast less.
pub const MAX_CHARACTERS: usize = 8192;

fn error(octet: usize, detail: Detail) -> DecodeError {
    DecodeError { field: "hex", octet, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_hex() {
        for (name, line, want) in [
            ("nothing", "", Ok(&[][..])),
            ("both cases", "aBCdef09", Ok(&[0xAB, 0xCD, 0xEF, 0x09])),
            ("blanks and line ends", " 0A\t0b\r\n", Ok(&[0x0A, 0x0B])),
            ("blank inside an octet", "0 A", Ok(&[0x0A])),
            ("odd", "0A0", Err("hex at octet 3: an odd number of hexadecimal digits")),
            ("letter", "0A0G", Err("hex at octet 3: 'G' is not a hexadecimal digit")),
            ("other digits", "0A１", Err("hex at octet 2: '１' is not a hexadecimal digit")),
            ("sign", "+A", Err("hex at octet 0: '+' is not a hexadecimal digit")),
        ] {
            let ours = decode(line).map_err(|error| error.to_string());
            assert_eq!(ours.as_deref().map_err(String::as_str), want, "{name}");
        }
        assert_eq!(encode(&[0x00, 0x9A, 0xFF]), "009AFF");
        assert_eq!(decode(&"0".repeat(8192)).map(|octets| octets.len()), Ok(4096));
        let error = decode(&"0".repeat(10_000_000)).unwrap_err();
        assert_eq!(error.to_string(), "hex at octet 8192: 10000000 is over the limit of 8192");
    }
}
