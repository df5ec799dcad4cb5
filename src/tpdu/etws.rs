//! The first word of an earthquake or tsunami warning, which comes before any text. 3GPP TS 23.041 §9.4.1.3.

use super::broadcast::{SerialNumber, subject};
use std::fmt;

/// ETWS primary notification.
///
/// ```text
/// +--------+------------+--------------+----------------------+
/// | serial | message id | warning type | security information |
/// | 2      | 2          | 2            | 50 octets            |
/// +--------+------------+--------------+----------------------+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrimaryNotification {
    /// Which warning it is, and how new.
    pub serial: SerialNumber,
    /// Source and type, 4352 to 4359. §9.4.1.2.2.
    pub message_id: u16,
    /// 0 earthquake, 1 tsunami, 2 both, 3 test, 4 other; up to 127. §9.3.24.
    pub warning: u8,
    /// The user is to be alerted at once. §9.3.24.
    pub user_alert: bool,
    /// It is to be shown at once. §9.3.24.
    pub popup: bool,
}

impl PrimaryNotification {
    /// The notification that octets are; `None` where they are a page with a text. Nobody here can tell whether its
    /// signature is right.
    pub fn of(octets: &[u8]) -> Option<PrimaryNotification> {
        let &[s1, s0, m1, m0, alert, popup, ref security @ ..] = octets else { return None };
        let message_id = u16::from_be_bytes([m1, m0]);
        // A page's parameter has a total here, which is not 0.
        if security.len() != SECURITY_OCTETS || !IDENTIFIERS.contains(&message_id) || popup & 0x7F != 0 {
            return None;
        }
        let serial = SerialNumber::from_bits(u16::from_be_bytes([s1, s0]));
        Some(PrimaryNotification {
            serial,
            message_id,
            warning: alert >> 1,
            user_alert: alert & 0x01 != 0,
            popup: popup & 0x80 != 0,
        })
    }

    /// What is warned of.
    pub fn warning_text(&self) -> &'static str {
        // The values of the type are in the order of the identifiers.
        subject(IDENTIFIERS.start() + u16::from(self.warning.min(4))).unwrap_or_default()
    }
}

/// What it says, for a dump.
impl fmt::Display for PrimaryNotification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.warning_text())?;
        f.write_str(if self.user_alert { ", alert the user" } else { "" })?;
        f.write_str(if self.popup { ", show it at once" } else { "" })
    }
}

/// Message identifiers of ETWS.
const IDENTIFIERS: std::ops::RangeInclusive<u16> = 4352..=4359;
/// Digital signature and its time, or zeros. §9.3.25.
pub(super) const SECURITY_OCTETS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(message_id: u16, kind: [u8; 2], n_security: usize) -> Option<PrimaryNotification> {
        let mut octets = vec![0x40, 0x21];
        octets.extend(message_id.to_be_bytes());
        octets.extend(kind);
        octets.resize(6 + n_security, 0xAB);
        PrimaryNotification::of(&octets)
    }

    /// 3GPP TS 23.041 §9.3.24.
    #[test]
    fn table_of_warnings() {
        for (kind, shown) in [
            ([0x00, 0x00], "earthquake warning"),
            ([0x02, 0x80], "tsunami warning, show it at once"),
            ([0x05, 0x80], "earthquake and tsunami warning, alert the user, show it at once"),
            ([0x07, 0x00], "warning test, alert the user"),
            ([0x08, 0x00], "other emergency"),
            ([0xFE, 0x00], "other emergency"),
        ] {
            let found = notification(4352, kind, 50).unwrap();
            assert_eq!((found.to_string().as_str(), found.serial.bits(), found.message_id), (shown, 0x4021, 4352));
        }
    }

    #[test]
    fn pages_are_none() {
        assert!(notification(4359, [0, 0], 50).is_some());
        for (name, found) in [
            ("another identifier", notification(4360, [0, 0], 50)),
            ("the identifier before", notification(4351, [0, 0], 50)),
            ("page 1 of 1", notification(4352, [0x0F, 0x11], 50)),
            ("longer", notification(4352, [0, 0], 51)),
            ("shorter", notification(4352, [0, 0], 49)),
        ] {
            assert_eq!(found, None, "{name}");
        }
        assert_eq!(PrimaryNotification::of(&[0x40]), None);
    }
}
