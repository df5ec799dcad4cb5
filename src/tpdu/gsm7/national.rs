//! National language tables: other characters in place of the default alphabet (locking shift) or behind ESC (single
//! shift), as elements of the user data header ask for. 3GPP TS 23.038 §6.2.1.2 and annex A.

use super::tables::{ESCAPE, EXTENSION_ROWS, MAIN};

/// A language that has tables; its number is the national language identifier. 3GPP TS 23.038 §6.2.1.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Language {
    /// Türkçe.
    Turkish = 1,
    /// Español: a single shift table only.
    Spanish = 2,
    /// Português.
    Portuguese = 3,
    /// বাংলা; Assamese too.
    Bengali = 4,
    /// ગુજરાતી.
    Gujarati = 5,
    /// हिन्दी; other languages in Devanagari too.
    Hindi = 6,
    /// ಕನ್ನಡ.
    Kannada = 7,
    /// മലയാളം.
    Malayalam = 8,
    /// ଓଡ଼ିଆ.
    Oriya = 9,
    /// ਪੰਜਾਬੀ.
    Punjabi = 10,
    /// தமிழ்.
    Tamil = 11,
    /// తెలుగు.
    Telugu = 12,
    /// اردو.
    Urdu = 13,
}

impl Language {
    /// All, in the order of their identifiers.
    pub const ALL: [Language; 13] = [
        Language::Turkish,
        Language::Spanish,
        Language::Portuguese,
        Language::Bengali,
        Language::Gujarati,
        Language::Hindi,
        Language::Kannada,
        Language::Malayalam,
        Language::Oriya,
        Language::Punjabi,
        Language::Tamil,
        Language::Telugu,
        Language::Urdu,
    ];

    /// The language of an identifier; `None` for the reserved ones, which mean the default tables.
    pub fn from_identifier(identifier: u8) -> Option<Language> {
        Language::ALL.get(usize::from(identifier).checked_sub(1)?).copied()
    }

    /// National language identifier, 1 to 13.
    pub fn identifier(self) -> u8 {
        self as u8
    }

    /// The English name, as the standard has it.
    pub fn name(self) -> &'static str {
        match self {
            Language::Turkish => "Turkish",
            Language::Spanish => "Spanish",
            Language::Portuguese => "Portuguese",
            Language::Bengali => "Bengali",
            Language::Gujarati => "Gujarati",
            Language::Hindi => "Hindi",
            Language::Kannada => "Kannada",
            Language::Malayalam => "Malayalam",
            Language::Oriya => "Oriya",
            Language::Punjabi => "Punjabi",
            Language::Tamil => "Tamil",
            Language::Telugu => "Telugu",
            Language::Urdu => "Urdu",
        }
    }

    /// It has a locking shift table; every language has a single shift table.
    pub fn has_locking_table(self) -> bool {
        locking(self).is_some()
    }
}

/// Which tables a text is written with. Default: those of the GSM 7 bit default alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Shift {
    /// In place of the default alphabet; Spanish has no such table and means the default. IEI 0x25.
    pub locking: Option<Language>,
    /// In place of the extension table. IEI 0x24.
    pub single: Option<Language>,
}

impl Shift {
    /// The default alphabet with its extension table.
    pub const NONE: Shift = Shift { locking: None, single: None };

    /// The character of a septet.
    pub(super) fn character(self, septet: u8) -> char {
        self.main()[usize::from(septet & 0x7F)]
    }

    /// The character of ESC and a code; of the main table where the single shift table has none. §6.2.1.2.2.
    pub(super) fn escaped(self, code: u8) -> char {
        let code = usize::from(code & 0x7F);
        let c = match self.single {
            Some(language) => single(language).chars[code],
            None => DEFAULT_SINGLE.chars[code],
        };
        if c == VOID { self.main()[code] } else { c }
    }

    fn main(self) -> &'static [char; 128] {
        self.locking.and_then(locking).map_or(&MAIN, |table| &table.chars)
    }

    /// The septet of a character of the main table.
    pub(super) fn main_code(self, c: char) -> Option<u8> {
        self.locking.and_then(locking).unwrap_or(&DEFAULT_LOCKING).code(c)
    }

    /// The code after ESC of a character of the other table.
    pub(super) fn escaped_code(self, c: char) -> Option<u8> {
        self.single.map_or(&DEFAULT_SINGLE, single).code(c)
    }
}

/// No character here.
const VOID: char = char::REPLACEMENT_CHARACTER;

/// A table both ways.
struct Table {
    /// By septet; [`VOID`] where there is none.
    chars: [char; 128],
    /// By character, the lowest code of each; what is left over sorts behind everything.
    codes: [(char, u8); 128],
}

impl Table {
    const fn of(chars: [char; 128]) -> Table {
        let mut codes = [(char::MAX, 0); 128];
        let mut n = 0;
        let mut septet = 0;
        while septet < 128 {
            let c = chars[septet];
            let mut at = n;
            while at > 0 && codes[at - 1].0 as u32 > c as u32 {
                at -= 1;
            }
            let known = at > 0 && codes[at - 1].0 as u32 == c as u32;
            if c as u32 != VOID as u32 && !known && septet != ESCAPE as usize {
                let mut i = n;
                while i > at {
                    codes[i] = codes[i - 1];
                    i -= 1;
                }
                codes[at] = (c, septet as u8);
                n += 1;
            }
            septet += 1;
        }
        Table { chars, codes }
    }

    /// A single shift table: codes after ESC. `indian`: signs and capitals that ten of them share come first.
    const fn of_rows(rows: &[(u8, char)], indian: bool) -> Table {
        let mut chars = [VOID; 128];
        if indian {
            chars = with_rows(chars, &SIGNS);
            let mut c = b'A';
            while c <= b'Z' {
                chars[c as usize] = c as char;
                c += 1;
            }
        }
        Table::of(with_rows(chars, rows))
    }

    fn code(&self, c: char) -> Option<u8> {
        let found = self.codes.binary_search_by_key(&c, |(other, _)| *other).ok()?;
        self.codes.get(found).filter(|(other, _)| *other != char::MAX).map(|(_, code)| *code)
    }
}

const fn with_rows(mut chars: [char; 128], rows: &[(u8, char)]) -> [char; 128] {
    let mut i = 0;
    while i < rows.len() {
        chars[rows[i].0 as usize] = rows[i].1;
        i += 1;
    }
    chars
}

fn locking(language: Language) -> Option<&'static Table> {
    LOCKING[usize::from(language.identifier()) - 1].as_ref()
}

fn single(language: Language) -> &'static Table {
    &SINGLE[usize::from(language.identifier()) - 1]
}

static DEFAULT_LOCKING: Table = Table::of(MAIN);
static DEFAULT_SINGLE: Table = Table::of_rows(&EXTENSION_ROWS, false);

/// By identifier, from 1. 3GPP TS 23.038 §A.3.
static LOCKING: [Option<Table>; 13] = [
    Some(Table::of(LOCKING_TURKISH)),
    None,
    Some(Table::of(LOCKING_PORTUGUESE)),
    Some(Table::of(LOCKING_BENGALI)),
    Some(Table::of(LOCKING_GUJARATI)),
    Some(Table::of(LOCKING_HINDI)),
    Some(Table::of(LOCKING_KANNADA)),
    Some(Table::of(LOCKING_MALAYALAM)),
    Some(Table::of(LOCKING_ORIYA)),
    Some(Table::of(LOCKING_PUNJABI)),
    Some(Table::of(LOCKING_TAMIL)),
    Some(Table::of(LOCKING_TELUGU)),
    Some(Table::of(LOCKING_URDU)),
];

/// By identifier, from 1. 3GPP TS 23.038 §A.2.
static SINGLE: [Table; 13] = [
    Table::of_rows(&SINGLE_TURKISH, false),
    Table::of_rows(&SINGLE_SPANISH, false),
    Table::of_rows(&SINGLE_PORTUGUESE, false),
    Table::of_rows(&SINGLE_BENGALI, true),
    Table::of_rows(&SINGLE_GUJARATI, true),
    Table::of_rows(&SINGLE_HINDI, true),
    Table::of_rows(&SINGLE_KANNADA, true),
    Table::of_rows(&SINGLE_MALAYALAM, true),
    Table::of_rows(&SINGLE_ORIYA, true),
    Table::of_rows(&SINGLE_PUNJABI, true),
    Table::of_rows(&SINGLE_TAMIL, true),
    Table::of_rows(&SINGLE_TELUGU, true),
    Table::of_rows(&SINGLE_URDU, true),
];

/// 3GPP TS 23.038 §A.3.1.
#[rustfmt::skip]
const LOCKING_TURKISH: [char; 128] = [
    '@', '£', '$', '¥', '€', 'é', 'ù', 'ı', 'ò', 'Ç', '\n', 'Ğ', 'ğ', '\r', 'Å', 'å',
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Ş', 'ş', 'ß', 'É',
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    'İ', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
    'ç', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// 3GPP TS 23.038 §A.3.3.
#[rustfmt::skip]
const LOCKING_PORTUGUESE: [char; 128] = [
    '@', '£', '$', '¥', 'ê', 'é', 'ú', 'í', 'ó', 'ç', '\n', 'Ô', 'ô', '\r', 'Á', 'á',
    'Δ', '_', 'ª', 'Ç', 'À', '∞', '^', '\\', '€', 'Ó', '|', ' ', 'Â', 'â', 'Ê', 'É',
    ' ', '!', '"', '#', 'º', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    'Í', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ã', 'Õ', 'Ú', 'Ü', '§',
    '~', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ã', 'õ', '`', 'ü', 'à',
];

/// 3GPP TS 23.038 §A.3.4.
#[rustfmt::skip]
const LOCKING_BENGALI: [char; 128] = [
    '\u{0981}', '\u{0982}', '\u{0983}', 'অ', 'আ', 'ই', 'ঈ', 'উ', 'ঊ', 'ঋ', '\n', 'ঌ', VOID, '\r', VOID, 'এ',
    'ঐ', VOID, VOID, 'ও', 'ঔ', 'ক', 'খ', 'গ', 'ঘ', 'ঙ', 'চ', ' ', 'ছ', 'জ', 'ঝ', 'ঞ',
    ' ', '!', 'ট', 'ঠ', 'ড', 'ঢ', 'ণ', 'ত', ')', '(', 'থ', 'দ', ',', 'ধ', '.', 'ন',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', VOID, 'প', 'ফ', '?',
    'ব', 'ভ', 'ম', 'য', 'র', VOID, 'ল', VOID, VOID, VOID, 'শ', 'ষ', 'স', 'হ', '\u{09BC}', 'ঽ',
    '\u{09BE}', '\u{09BF}', '\u{09C0}', '\u{09C1}', '\u{09C2}', '\u{09C3}', '\u{09C4}', VOID, VOID, '\u{09C7}', '\u{09C8}', VOID, VOID, '\u{09CB}', '\u{09CC}', '\u{09CD}',
    'ৎ', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '\u{09D7}', 'ড়', 'ঢ়', 'ৰ', 'ৱ',
];

/// 3GPP TS 23.038 §A.3.5.
#[rustfmt::skip]
const LOCKING_GUJARATI: [char; 128] = [
    '\u{0A81}', '\u{0A82}', '\u{0A83}', 'અ', 'આ', 'ઇ', 'ઈ', 'ઉ', 'ઊ', 'ઋ', '\n', 'ઌ', 'ઍ', '\r', VOID, 'એ',
    'ઐ', 'ઑ', VOID, 'ઓ', 'ઔ', 'ક', 'ખ', 'ગ', 'ઘ', 'ઙ', 'ચ', ' ', 'છ', 'જ', 'ઝ', 'ઞ',
    ' ', '!', 'ટ', 'ઠ', 'ડ', 'ઢ', 'ણ', 'ત', ')', '(', 'થ', 'દ', ',', 'ધ', '.', 'ન',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', VOID, 'પ', 'ફ', '?',
    'બ', 'ભ', 'મ', 'ય', 'ર', VOID, 'લ', 'ળ', VOID, 'વ', 'શ', 'ષ', 'સ', 'હ', '\u{0ABC}', 'ઽ',
    '\u{0ABE}', '\u{0ABF}', '\u{0AC0}', '\u{0AC1}', '\u{0AC2}', '\u{0AC3}', '\u{0AC4}', '\u{0AC5}', VOID, '\u{0AC7}', '\u{0AC8}', '\u{0AC9}', VOID, '\u{0ACB}', '\u{0ACC}', '\u{0ACD}',
    'ૐ', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ૠ', 'ૡ', '\u{0AE2}', '\u{0AE3}', '૱',
];

/// 3GPP TS 23.038 §A.3.6.
#[rustfmt::skip]
const LOCKING_HINDI: [char; 128] = [
    '\u{0901}', '\u{0902}', '\u{0903}', 'अ', 'आ', 'इ', 'ई', 'उ', 'ऊ', 'ऋ', '\n', 'ऌ', 'ऍ', '\r', 'ऎ', 'ए',
    'ऐ', 'ऑ', 'ऒ', 'ओ', 'औ', 'क', 'ख', 'ग', 'घ', 'ङ', 'च', ' ', 'छ', 'ज', 'झ', 'ञ',
    ' ', '!', 'ट', 'ठ', 'ड', 'ढ', 'ण', 'त', ')', '(', 'थ', 'द', ',', 'ध', '.', 'न',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', 'ऩ', 'प', 'फ', '?',
    'ब', 'भ', 'म', 'य', 'र', 'ऱ', 'ल', 'ळ', 'ऴ', 'व', 'श', 'ष', 'स', 'ह', '\u{093C}', 'ऽ',
    '\u{093E}', '\u{093F}', '\u{0940}', '\u{0941}', '\u{0942}', '\u{0943}', '\u{0944}', '\u{0945}', '\u{0946}', '\u{0947}', '\u{0948}', '\u{0949}', '\u{094A}', '\u{094B}', '\u{094C}', '\u{094D}',
    'ॐ', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ॲ', 'ॻ', 'ॼ', 'ॾ', 'ॿ',
];

/// 3GPP TS 23.038 §A.3.7.
#[rustfmt::skip]
const LOCKING_KANNADA: [char; 128] = [
    VOID, '\u{0C82}', '\u{0C83}', 'ಅ', 'ಆ', 'ಇ', 'ಈ', 'ಉ', 'ಊ', 'ಋ', '\n', 'ಌ', VOID, '\r', 'ಎ', 'ಏ',
    'ಐ', VOID, 'ಒ', 'ಓ', 'ಔ', 'ಕ', 'ಖ', 'ಗ', 'ಘ', 'ಙ', 'ಚ', ' ', 'ಛ', 'ಜ', 'ಝ', 'ಞ',
    ' ', '!', 'ಟ', 'ಠ', 'ಡ', 'ಢ', 'ಣ', 'ತ', ')', '(', 'ಥ', 'ದ', ',', 'ಧ', '.', 'ನ',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', VOID, 'ಪ', 'ಫ', '?',
    'ಬ', 'ಭ', 'ಮ', 'ಯ', 'ರ', 'ಱ', 'ಲ', 'ಳ', VOID, 'ವ', 'ಶ', 'ಷ', 'ಸ', 'ಹ', '\u{0CBC}', 'ಽ',
    '\u{0CBE}', '\u{0CBF}', '\u{0CC0}', '\u{0CC1}', '\u{0CC2}', '\u{0CC3}', '\u{0CC4}', VOID, '\u{0CC6}', '\u{0CC7}', '\u{0CC8}', VOID, '\u{0CCA}', '\u{0CCB}', '\u{0CCC}', '\u{0CCD}',
    '\u{0CD5}', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '\u{0CD6}', 'ೠ', 'ೡ', '\u{0CE2}', '\u{0CE3}',
];

/// 3GPP TS 23.038 §A.3.8.
#[rustfmt::skip]
const LOCKING_MALAYALAM: [char; 128] = [
    VOID, '\u{0D02}', '\u{0D03}', 'അ', 'ആ', 'ഇ', 'ഈ', 'ഉ', 'ഊ', 'ഋ', '\n', 'ഌ', VOID, '\r', 'എ', 'ഏ',
    'ഐ', VOID, 'ഒ', 'ഓ', 'ഔ', 'ക', 'ഖ', 'ഗ', 'ഘ', 'ങ', 'ച', ' ', 'ഛ', 'ജ', 'ഝ', 'ഞ',
    ' ', '!', 'ട', 'ഠ', 'ഡ', 'ഢ', 'ണ', 'ത', ')', '(', 'ഥ', 'ദ', ',', 'ധ', '.', 'ന',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', VOID, 'പ', 'ഫ', '?',
    'ബ', 'ഭ', 'മ', 'യ', 'ര', 'റ', 'ല', 'ള', 'ഴ', 'വ', 'ശ', 'ഷ', 'സ', 'ഹ', VOID, 'ഽ',
    '\u{0D3E}', '\u{0D3F}', '\u{0D40}', '\u{0D41}', '\u{0D42}', '\u{0D43}', '\u{0D44}', VOID, '\u{0D46}', '\u{0D47}', '\u{0D48}', VOID, '\u{0D4A}', '\u{0D4B}', '\u{0D4C}', '\u{0D4D}',
    '\u{0D57}', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ൠ', 'ൡ', '\u{0D62}', '\u{0D63}', '൹',
];

/// 3GPP TS 23.038 §A.3.9.
#[rustfmt::skip]
const LOCKING_ORIYA: [char; 128] = [
    '\u{0B01}', '\u{0B02}', '\u{0B03}', 'ଅ', 'ଆ', 'ଇ', 'ଈ', 'ଉ', 'ଊ', 'ଋ', '\n', 'ଌ', VOID, '\r', VOID, 'ଏ',
    'ଐ', VOID, VOID, 'ଓ', 'ଔ', 'କ', 'ଖ', 'ଗ', 'ଘ', 'ଙ', 'ଚ', ' ', 'ଛ', 'ଜ', 'ଝ', 'ଞ',
    ' ', '!', 'ଟ', 'ଠ', 'ଡ', 'ଢ', 'ଣ', 'ତ', ')', '(', 'ଥ', 'ଦ', ',', 'ଧ', '.', 'ନ',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', VOID, 'ପ', 'ଫ', '?',
    'ବ', 'ଭ', 'ମ', 'ଯ', 'ର', VOID, 'ଲ', 'ଳ', VOID, 'ଵ', 'ଶ', 'ଷ', 'ସ', 'ହ', '\u{0B3C}', 'ଽ',
    '\u{0B3E}', '\u{0B3F}', '\u{0B40}', '\u{0B41}', '\u{0B42}', '\u{0B43}', '\u{0B44}', VOID, VOID, '\u{0B47}', '\u{0B48}', VOID, VOID, '\u{0B4B}', '\u{0B4C}', '\u{0B4D}',
    '\u{0B56}', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '\u{0B57}', 'ୠ', 'ୡ', '\u{0B62}', '\u{0B63}',
];

/// 3GPP TS 23.038 §A.3.10.
#[rustfmt::skip]
const LOCKING_PUNJABI: [char; 128] = [
    '\u{0A01}', '\u{0A02}', '\u{0A03}', 'ਅ', 'ਆ', 'ਇ', 'ਈ', 'ਉ', 'ਊ', VOID, '\n', VOID, VOID, '\r', VOID, 'ਏ',
    'ਐ', VOID, VOID, 'ਓ', 'ਔ', 'ਕ', 'ਖ', 'ਗ', 'ਘ', 'ਙ', 'ਚ', ' ', 'ਛ', 'ਜ', 'ਝ', 'ਞ',
    ' ', '!', 'ਟ', 'ਠ', 'ਡ', 'ਢ', 'ਣ', 'ਤ', ')', '(', 'ਥ', 'ਦ', ',', 'ਧ', '.', 'ਨ',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', VOID, 'ਪ', 'ਫ', '?',
    'ਬ', 'ਭ', 'ਮ', 'ਯ', 'ਰ', VOID, 'ਲ', 'ਲ਼', VOID, 'ਵ', 'ਸ਼', VOID, 'ਸ', 'ਹ', '\u{0A3C}', VOID,
    '\u{0A3E}', '\u{0A3F}', '\u{0A40}', '\u{0A41}', '\u{0A42}', VOID, VOID, VOID, VOID, '\u{0A47}', '\u{0A48}', VOID, VOID, '\u{0A4B}', '\u{0A4C}', '\u{0A4D}',
    '\u{0A51}', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '\u{0A70}', '\u{0A71}', 'ੲ', 'ੳ', 'ੴ',
];

/// 3GPP TS 23.038 §A.3.11.
#[rustfmt::skip]
const LOCKING_TAMIL: [char; 128] = [
    VOID, '\u{0B82}', 'ஃ', 'அ', 'ஆ', 'இ', 'ஈ', 'உ', 'ஊ', VOID, '\n', VOID, VOID, '\r', 'எ', 'ஏ',
    'ஐ', VOID, 'ஒ', 'ஓ', 'ஔ', 'க', VOID, VOID, VOID, 'ங', 'ச', ' ', VOID, 'ஜ', VOID, 'ஞ',
    ' ', '!', 'ட', VOID, VOID, VOID, 'ண', 'த', ')', '(', VOID, VOID, ',', VOID, '.', 'ந',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', 'ன', 'ப', VOID, '?',
    VOID, VOID, 'ம', 'ய', 'ர', 'ற', 'ல', 'ள', 'ழ', 'வ', 'ஶ', 'ஷ', 'ஸ', 'ஹ', VOID, VOID,
    '\u{0BBE}', '\u{0BBF}', '\u{0BC0}', '\u{0BC1}', '\u{0BC2}', VOID, VOID, VOID, '\u{0BC6}', '\u{0BC7}', '\u{0BC8}', VOID, '\u{0BCA}', '\u{0BCB}', '\u{0BCC}', '\u{0BCD}',
    'ௐ', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '\u{0BD7}', '௰', '௱', '௲', '௹',
];

/// 3GPP TS 23.038 §A.3.12.
#[rustfmt::skip]
const LOCKING_TELUGU: [char; 128] = [
    '\u{0C01}', '\u{0C02}', '\u{0C03}', 'అ', 'ఆ', 'ఇ', 'ఈ', 'ఉ', 'ఊ', 'ఋ', '\n', 'ఌ', VOID, '\r', 'ఎ', 'ఏ',
    'ఐ', VOID, 'ఒ', 'ఓ', 'ఔ', 'క', 'ఖ', 'గ', 'ఘ', 'ఙ', 'చ', ' ', 'ఛ', 'జ', 'ఝ', 'ఞ',
    ' ', '!', 'ట', 'ఠ', 'డ', 'ఢ', 'ణ', 'త', ')', '(', 'థ', 'ద', ',', 'ధ', '.', 'న',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', VOID, 'ప', 'ఫ', '?',
    'బ', 'భ', 'మ', 'య', 'ర', 'ఱ', 'ల', 'ళ', VOID, 'వ', 'శ', 'ష', 'స', 'హ', VOID, 'ఽ',
    '\u{0C3E}', '\u{0C3F}', '\u{0C40}', '\u{0C41}', '\u{0C42}', '\u{0C43}', '\u{0C44}', VOID, '\u{0C46}', '\u{0C47}', '\u{0C48}', VOID, '\u{0C4A}', '\u{0C4B}', '\u{0C4C}', '\u{0C4D}',
    '\u{0C55}', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '\u{0C56}', 'ౠ', 'ౡ', '\u{0C62}', '\u{0C63}',
];

/// 3GPP TS 23.038 §A.3.13.
#[rustfmt::skip]
const LOCKING_URDU: [char; 128] = [
    '\u{0627}', '\u{0622}', '\u{0628}', '\u{067B}', '\u{0680}', '\u{067E}', '\u{06A6}', '\u{062A}', '\u{06C2}', '\u{067F}', '\n', '\u{0679}', '\u{067D}', '\r', '\u{067A}', '\u{067C}',
    '\u{062B}', '\u{062C}', '\u{0681}', '\u{0684}', '\u{0683}', '\u{0685}', '\u{0686}', '\u{0687}', '\u{062D}', '\u{062E}', '\u{062F}', ' ', '\u{068C}', '\u{0688}', '\u{0689}', '\u{068A}',
    ' ', '!', '\u{068F}', '\u{068D}', '\u{0630}', '\u{0631}', '\u{0691}', '\u{0693}', ')', '(', '\u{0699}', '\u{0632}', ',', '\u{0696}', '.', '\u{0698}',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '\u{069A}', '\u{0633}', '\u{0634}', '?',
    '\u{0635}', '\u{0636}', '\u{0637}', '\u{0638}', '\u{0639}', '\u{0641}', '\u{0642}', '\u{06A9}', '\u{06AA}', '\u{06AB}', '\u{06AF}', '\u{06B3}', '\u{06B1}', '\u{0644}', '\u{0645}', '\u{0646}',
    '\u{06BA}', '\u{06BB}', '\u{06BC}', '\u{0648}', '\u{06C4}', '\u{06D5}', '\u{06C1}', '\u{06BE}', '\u{0621}', '\u{06CC}', '\u{06D0}', '\u{06D2}', '\u{064D}', '\u{0650}', '\u{064F}', '\u{0657}',
    '\u{0654}', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '\u{0655}', '\u{0651}', '\u{0653}', '\u{0656}', '\u{0670}',
];

/// What the single shift tables of Indian languages and Urdu share. 3GPP TS 23.038 §A.2.4 to §A.2.13.
#[rustfmt::skip]
const SIGNS: [(u8, char); 32] = [
    (0x00, '@'), (0x01, '£'), (0x02, '$'), (0x03, '¥'), (0x04, '¿'), (0x05, '"'),
    (0x06, '¤'), (0x07, '%'), (0x08, '&'), (0x09, '\''), (0x0A, '\u{000C}'), (0x0B, '*'),
    (0x0C, '+'), (0x0E, '-'), (0x0F, '/'), (0x10, '<'), (0x11, '='), (0x12, '>'),
    (0x13, '¡'), (0x14, '^'), (0x15, '¡'), (0x16, '_'), (0x17, '#'), (0x18, '*'),
    (0x28, '{'), (0x29, '}'), (0x2F, '\\'), (0x3C, '['), (0x3D, '~'), (0x3E, ']'),
    (0x40, '|'), (0x65, '€'),
];

/// 3GPP TS 23.038 §A.2.1.
#[rustfmt::skip]
const SINGLE_TURKISH: [(u8, char); 17] = [
    (0x0A, '\u{000C}'), (0x14, '^'), (0x28, '{'), (0x29, '}'), (0x2F, '\\'), (0x3C, '['),
    (0x3D, '~'), (0x3E, ']'), (0x40, '|'), (0x47, 'Ğ'), (0x49, 'İ'), (0x53, 'Ş'),
    (0x63, 'ç'), (0x65, '€'), (0x67, 'ğ'), (0x69, 'ı'), (0x73, 'ş'),
];

/// 3GPP TS 23.038 §A.2.2.
#[rustfmt::skip]
const SINGLE_SPANISH: [(u8, char); 19] = [
    (0x09, 'ç'), (0x0A, '\u{000C}'), (0x14, '^'), (0x28, '{'), (0x29, '}'), (0x2F, '\\'),
    (0x3C, '['), (0x3D, '~'), (0x3E, ']'), (0x40, '|'), (0x41, 'Á'), (0x49, 'Í'),
    (0x4F, 'Ó'), (0x55, 'Ú'), (0x61, 'á'), (0x65, '€'), (0x69, 'í'), (0x6F, 'ó'),
    (0x75, 'ú'),
];

/// 3GPP TS 23.038 §A.2.3.
#[rustfmt::skip]
const SINGLE_PORTUGUESE: [(u8, char); 36] = [
    (0x09, 'ç'), (0x0A, '\u{000C}'), (0x0B, 'Ô'), (0x0C, 'ô'), (0x0E, 'Á'), (0x0F, 'á'),
    (0x12, 'Φ'), (0x13, 'Γ'), (0x14, '^'), (0x15, 'Ω'), (0x16, 'Π'), (0x17, 'Ψ'),
    (0x18, 'Σ'), (0x19, 'Θ'), (0x1F, 'Ê'), (0x28, '{'), (0x29, '}'), (0x2F, '\\'),
    (0x3C, '['), (0x3D, '~'), (0x3E, ']'), (0x40, '|'), (0x41, 'À'), (0x49, 'Í'),
    (0x4F, 'Ó'), (0x55, 'Ú'), (0x5B, 'Ã'), (0x5C, 'Õ'), (0x61, 'Â'), (0x65, '€'),
    (0x69, 'í'), (0x6F, 'ó'), (0x75, 'ú'), (0x7B, 'ã'), (0x7C, 'õ'), (0x7F, 'â'),
];

/// 3GPP TS 23.038 §A.2.4.
#[rustfmt::skip]
const SINGLE_BENGALI: [(u8, char); 24] = [
    (0x19, '০'), (0x1A, '১'), (0x1C, '২'), (0x1D, '৩'), (0x1E, '৪'), (0x1F, '৫'),
    (0x20, '৬'), (0x21, '৭'), (0x22, '৮'), (0x23, '৯'), (0x24, 'য়'), (0x25, 'ৠ'),
    (0x26, 'ৡ'), (0x27, '\u{09E2}'), (0x2A, '\u{09E3}'), (0x2B, '৲'), (0x2C, '৳'), (0x2D, '৴'),
    (0x2E, '৵'), (0x30, '৶'), (0x31, '৷'), (0x32, '৸'), (0x33, '৹'), (0x34, '৺'),
];

/// 3GPP TS 23.038 §A.2.5.
#[rustfmt::skip]
const SINGLE_GUJARATI: [(u8, char); 12] = [
    (0x19, '।'), (0x1A, '॥'), (0x1C, '૦'), (0x1D, '૧'), (0x1E, '૨'), (0x1F, '૩'),
    (0x20, '૪'), (0x21, '૫'), (0x22, '૬'), (0x23, '૭'), (0x24, '૮'), (0x25, '૯'),
];

/// 3GPP TS 23.038 §A.2.6.
#[rustfmt::skip]
const SINGLE_HINDI: [(u8, char); 30] = [
    (0x19, '।'), (0x1A, '॥'), (0x1C, '०'), (0x1D, '१'), (0x1E, '२'), (0x1F, '३'),
    (0x20, '४'), (0x21, '५'), (0x22, '६'), (0x23, '७'), (0x24, '८'), (0x25, '९'),
    (0x26, '\u{0951}'), (0x27, '\u{0952}'), (0x2A, '\u{0953}'), (0x2B, '\u{0954}'), (0x2C, 'क़'), (0x2D, 'ख़'),
    (0x2E, 'ग़'), (0x30, 'ज़'), (0x31, 'ड़'), (0x32, 'ढ़'), (0x33, 'फ़'), (0x34, 'य़'),
    (0x35, 'ॠ'), (0x36, 'ॡ'), (0x37, '\u{0962}'), (0x38, '\u{0963}'), (0x39, '॰'), (0x3A, 'ॱ'),
];

/// 3GPP TS 23.038 §A.2.7.
#[rustfmt::skip]
const SINGLE_KANNADA: [(u8, char); 15] = [
    (0x19, '।'), (0x1A, '॥'), (0x1C, '೦'), (0x1D, '೧'), (0x1E, '೨'), (0x1F, '೩'),
    (0x20, '೪'), (0x21, '೫'), (0x22, '೬'), (0x23, '೭'), (0x24, '೮'), (0x25, '೯'),
    (0x26, 'ೞ'), (0x27, 'ೱ'), (0x2A, 'ೲ'),
];

/// 3GPP TS 23.038 §A.2.8.
#[rustfmt::skip]
const SINGLE_MALAYALAM: [(u8, char); 24] = [
    (0x19, '।'), (0x1A, '॥'), (0x1C, '൦'), (0x1D, '൧'), (0x1E, '൨'), (0x1F, '൩'),
    (0x20, '൪'), (0x21, '൫'), (0x22, '൬'), (0x23, '൭'), (0x24, '൮'), (0x25, '൯'),
    (0x26, '൰'), (0x27, '൱'), (0x2A, '൲'), (0x2B, '൳'), (0x2C, '൴'), (0x2D, '൵'),
    (0x2E, 'ൺ'), (0x30, 'ൻ'), (0x31, 'ർ'), (0x32, 'ൽ'), (0x33, 'ൾ'), (0x34, 'ൿ'),
];

/// 3GPP TS 23.038 §A.2.9.
#[rustfmt::skip]
const SINGLE_ORIYA: [(u8, char); 17] = [
    (0x19, '।'), (0x1A, '॥'), (0x1C, '୦'), (0x1D, '୧'), (0x1E, '୨'), (0x1F, '୩'),
    (0x20, '୪'), (0x21, '୫'), (0x22, '୬'), (0x23, '୭'), (0x24, '୮'), (0x25, '୯'),
    (0x26, 'ଡ଼'), (0x27, 'ଢ଼'), (0x2A, 'ୟ'), (0x2B, '୰'), (0x2C, 'ୱ'),
];

/// 3GPP TS 23.038 §A.2.10.
#[rustfmt::skip]
const SINGLE_PUNJABI: [(u8, char); 18] = [
    (0x19, '।'), (0x1A, '॥'), (0x1C, '੦'), (0x1D, '੧'), (0x1E, '੨'), (0x1F, '੩'),
    (0x20, '੪'), (0x21, '੫'), (0x22, '੬'), (0x23, '੭'), (0x24, '੮'), (0x25, '੯'),
    (0x26, 'ਖ਼'), (0x27, 'ਗ਼'), (0x2A, 'ਜ਼'), (0x2B, 'ੜ'), (0x2C, 'ਫ਼'), (0x2D, '\u{0A75}'),
];

/// 3GPP TS 23.038 §A.2.11.
#[rustfmt::skip]
const SINGLE_TAMIL: [(u8, char); 19] = [
    (0x19, '।'), (0x1A, '॥'), (0x1C, '௦'), (0x1D, '௧'), (0x1E, '௨'), (0x1F, '௩'),
    (0x20, '௪'), (0x21, '௫'), (0x22, '௬'), (0x23, '௭'), (0x24, '௮'), (0x25, '௯'),
    (0x26, '௳'), (0x27, '௴'), (0x2A, '௵'), (0x2B, '௶'), (0x2C, '௷'), (0x2D, '௸'),
    (0x2E, '௺'),
];

/// 3GPP TS 23.038 §A.2.12.
#[rustfmt::skip]
const SINGLE_TELUGU: [(u8, char); 20] = [
    (0x1C, '౦'), (0x1D, '౧'), (0x1E, '౨'), (0x1F, '౩'), (0x20, '౪'), (0x21, '౫'),
    (0x22, '౬'), (0x23, '౭'), (0x24, '౮'), (0x25, '౯'), (0x26, 'ౘ'), (0x27, 'ౙ'),
    (0x2A, '౸'), (0x2B, '౹'), (0x2C, '౺'), (0x2D, '౻'), (0x2E, '౼'), (0x30, '౽'),
    (0x31, '౾'), (0x32, '౿'),
];

/// 3GPP TS 23.038 §A.2.13.
#[rustfmt::skip]
const SINGLE_URDU: [(u8, char); 32] = [
    (0x19, '\u{0600}'), (0x1A, '\u{0601}'), (0x1C, '۰'), (0x1D, '۱'), (0x1E, '۲'), (0x1F, '۳'),
    (0x20, '۴'), (0x21, '۵'), (0x22, '۶'), (0x23, '۷'), (0x24, '۸'), (0x25, '۹'),
    (0x26, '،'), (0x27, '\u{060D}'), (0x2A, '؎'), (0x2B, '؏'), (0x2C, '\u{0610}'), (0x2D, '\u{0611}'),
    (0x2E, '\u{0612}'), (0x30, '\u{0613}'), (0x31, '\u{0614}'), (0x32, '\u{061B}'), (0x33, '\u{061F}'), (0x34, '\u{0640}'),
    (0x35, '\u{0652}'), (0x36, '\u{0658}'), (0x37, '\u{066B}'), (0x38, '\u{066C}'), (0x39, '\u{0672}'), (0x3A, '\u{0673}'),
    (0x3B, '\u{06CD}'), (0x3F, '\u{06D4}'),
];

#[cfg(test)]
mod tests {
    use super::super::{decode_shifted, encode_shifted};
    use super::*;

    #[test]
    fn every_character_is_found_by_its_code_and_back() {
        for language in Language::ALL {
            for shift in [
                Shift { locking: Some(language), single: None },
                Shift { locking: None, single: Some(language) },
                Shift { locking: Some(language), single: Some(language) },
            ] {
                for septet in (0..128).filter(|septet| *septet != ESCAPE) {
                    let c = shift.character(septet);
                    assert!(c == VOID || shift.main_code(c) == Some(septet), "{language:?} {septet:#04x} {c:?}");
                    let c = shift.escaped(septet);
                    let text = c.to_string();
                    let back = encode_shifted(&text, shift).map(|septets| decode_shifted(&septets, shift));
                    assert!(c == VOID || back.as_ref() == Ok(&text), "{language:?} ESC {septet:#04x} {c:?}");
                }
            }
            assert_eq!(Language::from_identifier(language.identifier()), Some(language));
        }
        for reserved in [0, 14, 255] {
            assert_eq!(Language::from_identifier(reserved), None);
        }
    }

    #[test]
    fn of_two_codes_the_lowest_is_written() {
        let mut chars = [VOID; 128];
        (chars[0x10], chars[0x20], chars[0x30]) = ('x', 'a', 'x');
        let table = Table::of(chars);
        assert_eq!((table.code('x'), table.code('a'), table.code('b')), (Some(0x10), Some(0x20), None));
        let written = table.codes.iter().filter(|(c, _)| *c != char::MAX).count();
        assert_eq!(written, 2, "each character is there once");
    }

    /// The Indian main tables have no capitals: 3GPP TS 23.038 §A.3.
    #[test]
    fn capitals_of_indian_texts_are_escaped() {
        let hindi = Shift { locking: Some(Language::Hindi), single: Some(Language::Hindi) };
        for c in 'A'..='Z' {
            assert_eq!((hindi.main_code(c), hindi.escaped_code(c)), (None, Some(c as u8)));
        }
    }

    #[test]
    fn spanish_alone_has_no_locking_table() {
        for language in Language::ALL {
            assert_eq!(language.has_locking_table(), language != Language::Spanish, "{language:?}");
        }
    }

    #[test]
    fn no_table_is_what_the_default_alphabet_is() {
        for septet in (0..128).filter(|septet| *septet != ESCAPE) {
            assert_eq!(Shift::NONE.character(septet), MAIN[usize::from(septet)]);
            assert_eq!(Shift::NONE.escaped(septet).to_string(), super::super::decode(&[ESCAPE, septet]));
        }
        assert_eq!(Shift::NONE.main_code('\u{1B}'), None);
        assert_eq!(Shift::NONE.escaped_code(char::MAX), None);
    }

    /// Cells that peers have wrong or leave out.
    #[test]
    fn table_of_cells() {
        let locking = |language| Shift { locking: Some(language), single: None };
        let single = |language| Shift { locking: None, single: Some(language) };
        for (language, septet, c) in [
            (Language::Turkish, 0x07, 'ı'),
            (Language::Turkish, 0x40, 'İ'),
            (Language::Portuguese, 0x13, 'Ç'),
            (Language::Portuguese, 0x18, '€'),
            (Language::Kannada, 0x24, 'ಡ'),
            (Language::Spanish, 0x00, '@'),
            (Language::Bengali, 0x0C, VOID),
        ] {
            assert_eq!(locking(language).character(septet), c, "{language:?}");
        }
        for (language, code, c) in [
            (Language::Spanish, 0x09, 'ç'),
            (Language::Portuguese, 0x09, 'ç'),
            (Language::Oriya, 0x20, '୪'),
            (Language::Telugu, 0x1C, '౦'),
            (Language::Hindi, 0x41, 'A'),
            (Language::Hindi, 0x18, '*'),
            (Language::Turkish, 0x41, 'A'),
            (Language::Turkish, 0x09, 'Ç'),
        ] {
            assert_eq!(single(language).escaped(code), c, "{language:?}");
        }
        assert_eq!(single(Language::Hindi).escaped_code('*'), Some(0x0B), "the lower of two codes");
    }
}
