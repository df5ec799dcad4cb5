//! Septets in octets: eight in seven, the first in the lowest bits. 3GPP TS 23.038 §6.1.2.1.

/// Zero bits between a header of `header_octets` and the text, so that the text starts on a septet boundary: 0 to 6.
/// 3GPP TS 23.040 §9.2.3.24.
pub fn fill_bits(header_octets: usize) -> usize {
    (7 - header_octets * 8 % 7) % 7
}

/// Appends septets (bit 7 is ignored) after `fill` zero bits, 0 to 6; unused bits of the last octet are 0.
pub fn pack(septets: &[u8], fill: usize, out: &mut Vec<u8>) {
    let fill = fill % 7;
    let n_octets = (fill + septets.len() * 7).div_ceil(8);
    let end = out.len() + n_octets;
    out.reserve(n_octets + 1);
    // Bits that are not written yet: at most 6 of `fill` or 7 of the last group, so that 56 more always fit.
    let mut bits = 0u64;
    let mut groups = septets.chunks_exact(8);
    for group in groups.by_ref() {
        bits |= squeeze(group.try_into().unwrap_or_default()) << fill;
        out.extend_from_slice(&bits.to_le_bytes()[..7]);
        bits >>= 56;
    }
    let mut last = [0; 8];
    last[..groups.remainder().len()].copy_from_slice(groups.remainder());
    bits |= squeeze(last) << fill;
    out.extend_from_slice(&bits.to_le_bytes());
    out.truncate(end);
}

/// The first `n` septets after `fill` bits, one an octet; fewer when the octets end.
pub fn unpack(octets: &[u8], fill: usize, n: usize) -> Vec<u8> {
    let fill = fill % 7;
    let n = n.min((octets.len() * 8).saturating_sub(fill) / 7);
    let mut septets = vec![0; n.next_multiple_of(8)];
    let mut rest = octets;
    for eight in septets.chunks_exact_mut(8) {
        let bits = match rest.first_chunk() {
            Some(octets) => u64::from_le_bytes(*octets),
            None => {
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(last)
            }
        };
        eight.copy_from_slice(&spread(bits >> fill));
        rest = rest.get(7..).unwrap_or_default();
    }
    septets.truncate(n);
    septets
}

/// Eight septets side by side in the low 56 bits: neighbours are joined in pairs, then fours, then eights.
fn squeeze(septets: [u8; 8]) -> u64 {
    let bits = u64::from_le_bytes(septets) & 0x7F7F_7F7F_7F7F_7F7F;
    let bits = (bits & 0x007F_007F_007F_007F) | (bits & 0x7F00_7F00_7F00_7F00) >> 1;
    let bits = (bits & 0x0000_3FFF_0000_3FFF) | (bits & 0x3FFF_0000_3FFF_0000) >> 2;
    (bits & 0x0FFF_FFFF) | (bits & 0x0FFF_FFFF_0000_0000) >> 4
}

/// The reverse of [`squeeze`]; the high 8 bits are ignored.
fn spread(bits: u64) -> [u8; 8] {
    let bits = (bits & 0x0FFF_FFFF) | (bits & 0x00FF_FFFF_F000_0000) << 4;
    let bits = (bits & 0x0000_3FFF_0000_3FFF) | (bits & 0x0FFF_C000_0FFF_C000) << 2;
    let bits = (bits & 0x007F_007F_007F_007F) | (bits & 0x3F80_3F80_3F80_3F80) << 1;
    bits.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 3GPP TS 23.040 §9.2.3.24: the usual headers, and each remainder.
    #[test]
    fn table_of_fill_bits() {
        for (name, header_octets, bits) in [
            ("none", 0, 0),
            ("concatenated, 8 bit", 6, 1),
            ("concatenated, 16 bit", 7, 0),
            ("ports, 16 bit", 7, 0),
            ("ports and concatenated", 12, 2),
            ("one national table", 4, 3),
            ("one empty element", 3, 4),
            ("an element of two octets", 5, 2),
            ("an element of five octets", 8, 6),
            ("an element of six octets", 9, 5),
        ] {
            assert_eq!(fill_bits(header_octets), bits, "{name}");
        }
    }

    /// One bit after the other, as the drawing in 3GPP TS 23.038 §6.1.2.1.1 has them.
    fn pack_bit_by_bit(septets: &[u8], fill: usize) -> Vec<u8> {
        let bits = septets.iter().flat_map(|septet| (0..7).map(move |bit| septet >> bit & 1));
        let bits: Vec<u8> = std::iter::repeat_n(0, fill).chain(bits).collect();
        bits.chunks(8).map(|octet| octet.iter().rev().fold(0, |octet, bit| octet << 1 | bit)).collect()
    }

    #[test]
    fn table_of_packings() {
        for (name, septets, fill, packed) in [
            ("nothing", &b""[..], 0, &[][..]),
            ("hello, the example of every tutorial", b"hello", 0, &[0xE8, 0x32, 0x9B, 0xFD, 0x06]),
            ("eight in seven", b"hellohel", 0, &[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9]),
            ("one after one fill bit", b"A", 1, &[0x82]),
            ("one after six", b"A", 6, &[0x40, 0x10]),
            ("bit 7 is ignored", &[0xC1], 0, &[0x41]),
        ] {
            let mut out = vec![0xAA];
            pack(septets, fill, &mut out);
            assert_eq!(out[0], 0xAA, "{name}: what was there stays");
            assert_eq!(&out[1..], packed, "{name}");
            let plain: Vec<u8> = septets.iter().map(|septet| septet & 0x7F).collect();
            assert_eq!(unpack(packed, fill, septets.len()), plain, "{name}");
        }
    }

    #[test]
    fn octets_that_end_early_give_fewer_septets() {
        for (n_octets, fill, want) in [(0, 0, 0), (0, 6, 0), (1, 0, 1), (1, 2, 0), (7, 0, 8), (7, 1, 7), (8, 1, 9)] {
            assert_eq!(unpack(&vec![0xFF; n_octets], fill, 100).len(), want, "{n_octets} octets, fill {fill}");
        }
    }

    proptest! {
        #[test]
        fn packs_as_the_drawing_and_back(septets in prop::collection::vec(0..128u8, 0..200), fill in 0..7usize) {
            let mut packed = Vec::new();
            pack(&septets, fill, &mut packed);
            prop_assert_eq!(&packed, &pack_bit_by_bit(&septets, fill));
            prop_assert_eq!(unpack(&packed, fill, septets.len()), septets);
        }
    }
}
