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
    let mut septets = Vec::with_capacity(n.next_multiple_of(8));
    let mut rest = octets;
    while septets.len() < n {
        let bits = match rest.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => {
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(last)
            }
        };
        septets.extend_from_slice(&spread(bits >> fill));
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
