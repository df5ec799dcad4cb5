//! TP-FCS, failure cause: why a short message was refused.

use super::error::{DecodeError, EncodeError};
use super::reader::Reader;
use std::fmt;

/// Failure cause. Every octet is kept; [`FailureCause::category`] reads it. TP-FCS, 3GPP TS 23.040 §9.2.3.22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FailureCause(pub u8);

/// What a failure cause is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureCategory {
    /// 0x80 to 0x8F: TP-PID.
    Pid,
    /// 0x90 to 0x9F: TP-DCS.
    Dcs,
    /// 0xA0 to 0xAF: TP-CT, a command.
    Command,
    /// 0xB0 to 0xBF: the TPDU as a whole.
    Tpdu,
    /// 0xC0 to 0xCF: the service centre.
    ServiceCentre,
    /// 0xD0 to 0xDF: the phone or its SIM.
    Phone,
    /// 0xE0 to 0xFE: by agreement of the applications.
    Application,
    /// 0xFF, and 0x00 to 0x7F, which are reserved.
    Unspecified,
}

impl FailureCategory {
    /// The category in words.
    pub fn word(self) -> &'static str {
        match self {
            FailureCategory::Pid => "TP-PID",
            FailureCategory::Dcs => "TP-DCS",
            FailureCategory::Command => "command",
            FailureCategory::Tpdu => "TPDU",
            FailureCategory::ServiceCentre => "service centre",
            FailureCategory::Phone => "phone",
            FailureCategory::Application => "application",
            FailureCategory::Unspecified => "unspecified",
        }
    }
}

impl FailureCause {
    /// TP-FCS, where there is one. The same place in a positive report holds TP-PI, whose highest bit would announce an
    /// extension, which no release has.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<FailureCause>, DecodeError> {
        match reader.rest().first() {
            Some(0x80..) => reader.octet("tp-fcs").map(|octet| Some(FailureCause(octet))),
            _ => Ok(None),
        }
    }

    /// Appends the cause of a negative report.
    pub(super) fn write(fcs: Option<FailureCause>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match fcs {
            Some(FailureCause(value @ ..=0x7F)) => Err(EncodeError::ReservedCause { value }),
            fcs => {
                out.extend(fcs.map(|fcs| fcs.0));
                Ok(())
            }
        }
    }

    /// What it is about.
    pub fn category(self) -> FailureCategory {
        match self.0 {
            0x80..=0x8F => FailureCategory::Pid,
            0x90..=0x9F => FailureCategory::Dcs,
            0xA0..=0xAF => FailureCategory::Command,
            0xB0..=0xBF => FailureCategory::Tpdu,
            0xC0..=0xCF => FailureCategory::ServiceCentre,
            0xD0..=0xDF => FailureCategory::Phone,
            0xE0..=0xFE => FailureCategory::Application,
            _ => FailureCategory::Unspecified,
        }
    }
}

/// What it says, in the standard's words. 3GPP TS 23.040 §9.2.3.22.
impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0x80 => "telematic interworking not supported",
            0x81 => "short message type 0 not supported",
            0x82 => "cannot replace short message",
            0x8F => "unspecified TP-PID error",
            0x90 => "data coding scheme (alphabet) not supported",
            0x91 => "message class not supported",
            0x9F => "unspecified TP-DCS error",
            0xA0 => "command cannot be actioned",
            0xA1 => "command unsupported",
            0xAF => "unspecified TP-Command error",
            0xB0 => "TPDU not supported",
            0xC0 => "service centre busy",
            0xC1 => "no service centre subscription",
            0xC2 => "service centre system failure",
            0xC3 => "invalid SME address",
            0xC4 => "destination SME barred",
            0xC5 => "rejected: duplicate short message",
            0xC6 => "TP-VPF not supported",
            0xC7 => "TP-VP not supported",
            0xD0 => "SIM's SMS storage full",
            0xD1 => "no SMS storage capability in SIM",
            0xD2 => "error in MS",
            0xD3 => "memory capacity exceeded",
            0xD4 => "SIM application toolkit busy",
            0xD5 => "SIM data download error",
            0xE0..=0xFE => "application's own value",
            0xFF => "unspecified error cause",
            _ => "reserved value",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::FailureCategory::{Application, Command, Dcs, Phone, Pid, ServiceCentre, Tpdu, Unspecified};
    use super::*;

    /// First and last of each range of 3GPP TS 23.040 §9.2.3.22.
    #[test]
    fn table_of_causes() {
        for (fcs, category, shown) in [
            (0x00, Unspecified, "reserved value"),
            (0x7F, Unspecified, "reserved value"),
            (0x80, Pid, "telematic interworking not supported"),
            (0x81, Pid, "short message type 0 not supported"),
            (0x82, Pid, "cannot replace short message"),
            (0x8F, Pid, "unspecified TP-PID error"),
            (0x90, Dcs, "data coding scheme (alphabet) not supported"),
            (0x91, Dcs, "message class not supported"),
            (0x9F, Dcs, "unspecified TP-DCS error"),
            (0xA0, Command, "command cannot be actioned"),
            (0xA1, Command, "command unsupported"),
            (0xAF, Command, "unspecified TP-Command error"),
            (0xB0, Tpdu, "TPDU not supported"),
            (0xBF, Tpdu, "reserved value"),
            (0xC0, ServiceCentre, "service centre busy"),
            (0xC1, ServiceCentre, "no service centre subscription"),
            (0xC2, ServiceCentre, "service centre system failure"),
            (0xC3, ServiceCentre, "invalid SME address"),
            (0xC4, ServiceCentre, "destination SME barred"),
            (0xC5, ServiceCentre, "rejected: duplicate short message"),
            (0xC6, ServiceCentre, "TP-VPF not supported"),
            (0xC7, ServiceCentre, "TP-VP not supported"),
            (0xCF, ServiceCentre, "reserved value"),
            (0xD0, Phone, "SIM's SMS storage full"),
            (0xD1, Phone, "no SMS storage capability in SIM"),
            (0xD2, Phone, "error in MS"),
            (0xD3, Phone, "memory capacity exceeded"),
            (0xD4, Phone, "SIM application toolkit busy"),
            (0xD5, Phone, "SIM data download error"),
            (0xDF, Phone, "reserved value"),
            (0xE0, Application, "application's own value"),
            (0xFE, Application, "application's own value"),
            (0xFF, Unspecified, "unspecified error cause"),
        ] {
            let ours = FailureCause(fcs);
            assert_eq!((ours.category(), ours.to_string().as_str()), (category, shown), "{fcs:#04x}");
        }
    }
}
