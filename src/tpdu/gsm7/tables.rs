//! The tables of 3GPP TS 23.038 §6.2.1, and their reverse, computed when the program is built.

/// ESC: the next septet is a code of the extension table. 3GPP TS 23.038 §6.2.1.
pub const ESCAPE: u8 = 0x1B;

/// No such character.
pub(super) const NONE: u8 = 0xFF;

/// GSM 7 bit default alphabet, by septet. 0x1B is ESC itself; alone it is shown as a space. 3GPP TS 23.038 §6.2.1.
#[rustfmt::skip]
pub(super) const MAIN: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É',
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table's own rows: the code after ESC. 3GPP TS 23.038 §6.2.1.1.
pub(super) const EXTENSION_ROWS: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The character of ESC and a code: where the extension table has none, that of the main table.
const EXTENSION: [char; 128] = {
    let mut table = MAIN;
    let mut i = 0;
    while i < EXTENSION_ROWS.len() {
        table[EXTENSION_ROWS[i].0 as usize] = EXTENSION_ROWS[i].1;
        i += 1;
    }
    table
};

/// [`MAIN`], ready to be copied.
pub(super) static MAIN_UTF8: [Utf8; 128] = Utf8::of_table(&MAIN);

/// The character of ESC and a code, ready to be copied.
pub(super) static EXTENSION_UTF8: [Utf8; 128] = Utf8::of_table(&EXTENSION);

/// What a lone ESC is shown as.
pub(super) static SPACE: Utf8 = Utf8::of(' ');

/// One character as octets of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Utf8 {
    /// Its octets, then zeros.
    pub(super) octets: [u8; Utf8::MAX_OCTETS],
    /// How many are its own.
    pub(super) n_octets: usize,
}

impl Utf8 {
    /// No character of the tables takes more.
    pub(super) const MAX_OCTETS: usize = 3;

    const fn of(c: char) -> Utf8 {
        let mut octets = [0; Utf8::MAX_OCTETS];
        let n_octets = c.encode_utf8(&mut octets).len();
        Utf8 { octets, n_octets }
    }

    const fn of_table(table: &[char; 128]) -> [Utf8; 128] {
        let mut all = [Utf8::of(' '); 128];
        let mut septet = 0;
        while septet < 128 {
            all[septet] = Utf8::of(table[septet]);
            septet += 1;
        }
        all
    }
}

/// True for an octet that is the same character in ASCII and in the alphabet: letters, digits, most signs.
/// Without branches, so that sixteen of them become one comparison each.
pub(super) const fn is_shared(octet: u8) -> bool {
    let signs_and_digits = octet.wrapping_sub(b' ') <= b'?' - b' ';
    let letters = (octet & !0x20).wrapping_sub(b'A') <= b'Z' - b'A';
    (signs_and_digits & (octet != b'$')) | letters
}

/// The characters below U+0100: their septet, or with bit 7 set the code after ESC; else [`NONE`].
pub(super) static LATIN_1: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut septet = 0;
    while septet < MAIN.len() {
        let c = MAIN[septet] as usize;
        if c < 256 && septet != ESCAPE as usize {
            table[c] = septet as u8;
        }
        septet += 1;
    }
    let mut i = 0;
    while i < EXTENSION_ROWS.len() {
        let (code, c) = EXTENSION_ROWS[i];
        if (c as usize) < 256 {
            table[c as usize] = code | 0x80;
        }
        i += 1;
    }
    table
};

/// The characters from U+0100 on.
pub(super) const OTHERS: [(char, u8); 11] = [
    ('€', 0x65 | 0x80),
    ('Δ', 0x10),
    ('Φ', 0x12),
    ('Γ', 0x13),
    ('Λ', 0x14),
    ('Ω', 0x15),
    ('Π', 0x16),
    ('Ψ', 0x17),
    ('Σ', 0x18),
    ('Θ', 0x19),
    ('Ξ', 0x1A),
];
