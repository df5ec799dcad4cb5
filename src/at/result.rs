//! Final results: how an exchange ends.

use std::fmt;

/// The line that ends an exchange. V.250 §5.7, 3GPP TS 27.005 §3.2.5, 3GPP TS 27.007 §9.2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FinalResult {
    /// `OK`
    Ok,
    /// `ERROR`
    Error,
    /// `+CMS ERROR: …`
    Cms(CmsError),
    /// `+CME ERROR: …`
    Cme(CmeError),
    /// `COMMAND NOT SUPPORT` (Huawei) and its like.
    NotSupported,
    /// `NO CARRIER`
    NoCarrier,
    /// `BUSY`
    Busy,
    /// `NO ANSWER`
    NoAnswer,
    /// `NO DIALTONE`
    NoDialtone,
}

/// An error of the message service: RP cause, TP-FCS, or the ME's own. 3GPP TS 27.005 §3.2.5.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CmsError {
    /// The number; of a known text, the number it stands for.
    pub code: Option<u16>,
    /// What the modem wrote.
    pub text: String,
}

/// An error of the equipment. 3GPP TS 27.007 §9.2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CmeError {
    /// The number; of a known text, the number it stands for.
    pub code: Option<u16>,
    /// What the modem wrote.
    pub text: String,
}

impl CmeError {
    /// The message service's number for the same thing, for the few that say clearly that nothing was sent.
    /// The two ranges overlap (30 is "no network" here and "unknown subscriber" there), so they must never be mixed up.
    pub fn as_cms(&self) -> Option<u16> {
        match self.code? {
            code @ 10..=14 => Some(300 + code),
            30 => Some(331),
            // Busy, initialising: the same as SIM busy.
            515 => Some(314),
            _ => None,
        }
    }
}

impl FinalResult {
    /// Reads a line; `None` when it is not a final result.
    pub fn parse(line: &str) -> Option<FinalResult> {
        Some(match line {
            "OK" => FinalResult::Ok,
            "ERROR" => FinalResult::Error,
            "NO CARRIER" => FinalResult::NoCarrier,
            "BUSY" => FinalResult::Busy,
            "NO ANSWER" => FinalResult::NoAnswer,
            "NO DIALTONE" | "NO DIAL TONE" => FinalResult::NoDialtone,
            "COMMAND NOT SUPPORT" | "COMMAND NOT SUPPORTED" | "TOO MANY PARAMETERS" => FinalResult::NotSupported,
            _ => return numbered(line),
        })
    }

    /// True for the ends of a call. No command of ours makes one, so for us they are unsolicited.
    pub fn is_of_call(&self) -> bool {
        use FinalResult::{Busy, NoAnswer, NoCarrier, NoDialtone};
        matches!(self, NoCarrier | Busy | NoAnswer | NoDialtone)
    }

    /// The number of a `+CMS ERROR` or `+CME ERROR`.
    pub fn code(&self) -> Option<u16> {
        match self {
            FinalResult::Cms(error) => error.code,
            FinalResult::Cme(error) => error.code,
            _ => None,
        }
    }
}

impl fmt::Display for FinalResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FinalResult::Ok => "OK",
            FinalResult::Error => "ERROR",
            FinalResult::Cms(error) => return write!(f, "+CMS ERROR: {}", error.text),
            FinalResult::Cme(error) => return write!(f, "+CME ERROR: {}", error.text),
            FinalResult::NotSupported => "COMMAND NOT SUPPORT",
            FinalResult::NoCarrier => "NO CARRIER",
            FinalResult::Busy => "BUSY",
            FinalResult::NoAnswer => "NO ANSWER",
            FinalResult::NoDialtone => "NO DIALTONE",
        })
    }
}

fn numbered(line: &str) -> Option<FinalResult> {
    let after = |name: &str| line.strip_prefix(name).map(|rest| rest.trim_start_matches([':', ' ']).trim().to_owned());
    if let Some(text) = after("+CMS ERROR") {
        return Some(FinalResult::Cms(CmsError { code: code(&text, CMS), text }));
    }
    after("+CME ERROR").map(|text| FinalResult::Cme(CmeError { code: code(&text, CME), text }))
}

fn code(text: &str, known: &[(u16, &str)]) -> Option<u16> {
    text.parse()
        .ok()
        .or_else(|| known.iter().find(|(_, known)| known.eq_ignore_ascii_case(text)).map(|(code, _)| *code))
}

/// What modems write instead of the number when they think `+CMEE=2`. 3GPP TS 27.005 §3.2.5.
const CMS: &[(u16, &str)] = &[
    (300, "ME failure"),
    (301, "SMS service of ME reserved"),
    (302, "operation not allowed"),
    (303, "operation not supported"),
    (304, "invalid PDU mode parameter"),
    (305, "invalid text mode parameter"),
    (310, "SIM not inserted"),
    (311, "SIM PIN required"),
    (312, "PH-SIM PIN required"),
    (313, "SIM failure"),
    (314, "SIM busy"),
    (315, "SIM wrong"),
    (316, "SIM PUK required"),
    (317, "SIM PIN2 required"),
    (318, "SIM PUK2 required"),
    (320, "memory failure"),
    (321, "invalid memory index"),
    (322, "memory full"),
    (330, "SMSC address unknown"),
    (331, "no network service"),
    (332, "network timeout"),
    (340, "no CNMA acknowledgement expected"),
    (340, "no +CNMA acknowledgement expected"),
    (500, "unknown error"),
];

/// 3GPP TS 27.007 §9.2.
const CME: &[(u16, &str)] = &[
    (3, "operation not allowed"),
    (4, "operation not supported"),
    (5, "PH-SIM PIN required"),
    (10, "SIM not inserted"),
    (11, "SIM PIN required"),
    (12, "SIM PUK required"),
    (13, "SIM failure"),
    (14, "SIM busy"),
    (15, "SIM wrong"),
    (16, "incorrect password"),
    (17, "SIM PIN2 required"),
    (18, "SIM PUK2 required"),
    (20, "memory full"),
    (21, "invalid index"),
    (22, "not found"),
    (23, "memory failure"),
    (30, "no network service"),
    (31, "network timeout"),
    (32, "network not allowed - emergency calls only"),
    (100, "unknown"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_final_results() {
        let cms = |code, text: &str| Some(FinalResult::Cms(CmsError { code, text: text.to_owned() }));
        let cme = |code, text: &str| Some(FinalResult::Cme(CmeError { code, text: text.to_owned() }));
        for (line, want) in [
            ("OK", Some(FinalResult::Ok)),
            ("ERROR", Some(FinalResult::Error)),
            ("NO CARRIER", Some(FinalResult::NoCarrier)),
            ("BUSY", Some(FinalResult::Busy)),
            ("NO ANSWER", Some(FinalResult::NoAnswer)),
            ("NO DIALTONE", Some(FinalResult::NoDialtone)),
            ("COMMAND NOT SUPPORT", Some(FinalResult::NotSupported)),
            ("+CMS ERROR: 38", cms(Some(38), "38")),
            ("+CMS ERROR:500", cms(Some(500), "500")),
            ("+CMS ERROR: SIM busy", cms(Some(314), "SIM busy")),
            ("+CMS ERROR: vendor words", cms(None, "vendor words")),
            ("+CMS ERROR: 99999", cms(None, "99999")),
            ("+CMS ERROR", cms(None, "")),
            ("+CME ERROR: 14", cme(Some(14), "14")),
            ("+CME ERROR: sim PIN required", cme(Some(11), "sim PIN required")),
            // Samsung: an empty slot.
            ("+CME ERROR: -1", cme(None, "-1")),
            ("OKAY", None),
            ("ok", None),
            ("+CMGS: 1", None),
            ("", None),
        ] {
            assert_eq!(FinalResult::parse(line), want, "{line}");
        }
    }

    #[test]
    fn the_two_ranges_of_numbers_are_not_mixed_up() {
        let cms_of = |code| CmeError { code: Some(code), text: code.to_string() }.as_cms();
        for (cme, cms) in [(10, Some(310)), (14, Some(314)), (30, Some(331)), (515, Some(314)), (1, None), (100, None)]
        {
            assert_eq!(cms_of(cme), cms, "{cme}");
        }
    }
}
