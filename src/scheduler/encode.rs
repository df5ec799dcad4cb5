//! Builds the TPDU of one part at the moment it is claimed, so that its validity period fits what is left.

use crate::model::{Iccid, Timestamp};
use crate::store::{PendingPart, Work};
use crate::tpdu::{Concat, EncodeError, MessageReference, Pdu, Pid, Ports, Submit, ValidityPeriod};

/// A part as it goes to the modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encoded {
    /// SMSC field (empty: the SIM's own) and TPDU, upper-case hexadecimal.
    pub(super) hex: String,
    /// Length of the TPDU in octets.
    pub(super) tpdu_octets: usize,
    /// TP-VP.
    pub(super) validity: ValidityPeriod,
    /// TP-RD: the centre is to refuse it where it has the first try.
    pub(super) rd: bool,
}

/// Encodes one part for a SIM. TP-RD is set on a resend by the SIM of the first try, whose reference is known (RELIABILITY A-3):
/// a centre knows a message by SIM, recipient and reference, and with another one it would refuse what it never had.
pub(super) fn part(work: &Work, part: &PendingPart, iccid: &Iccid, now: Timestamp) -> Result<Encoded, EncodeError> {
    let first = part.resend_of.as_ref().and_then(|(_, first)| first.as_ref());
    let mr = first.filter(|(sim, _)| sim == iccid).map(|(_, mr)| *mr);
    let concat = Concat { reference: work.reference.into(), wide: false, total: work.total, seq: part.seq };
    let concat = (work.total > 1).then_some(concat);
    let validity = ValidityPeriod::relative_at_most(now.until(work.expires_at));
    let submit = Submit {
        rd: mr.is_some(),
        srr: work.report,
        rp: false,
        mr: MessageReference(mr.unwrap_or(0)),
        da: work.to.address(),
        pid: Pid::default(),
        dcs: part.segment.dcs(work.class),
        vp: Some(validity),
        ud: part.segment.clone().user_data(concat, work.port.map(Ports::to)),
    };
    let (hex, tpdu_octets) = Pdu { smsc: None, tpdu: submit }.to_hex()?;
    Ok(Encoded { hex, tpdu_octets, validity, rd: mr.is_some() })
}
