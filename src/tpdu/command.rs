//! SMS-COMMAND: what we ask the service centre to do with an earlier message.

use super::address::{self, Address};
use super::error::{DecodeError, EncodeError};
use super::pdu::{MAX_TPDU_OCTETS, Tpdu, first_octet, flags};
use super::pid::Pid;
use super::reader::Reader;
use super::submit::MessageReference;
use std::fmt;

/// SMS-COMMAND.
///
/// ```text
///   7    6     5     4 3 2  1 0
/// +---+------+-----+-------+-----+----+-----+----+----+----+-----+----+
/// | 0 | UDHI | SRR | 0 0 0 | MTI | MR | PID | CT | MN | DA | CDL | CD |
/// +---+------+-----+-------+-----+----+-----+----+----+----+-----+----+
/// ```
/// 3GPP TS 23.040 §9.2.2.4.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Command {
    /// TP-SRR, status report request: a report on the command itself. §9.2.3.5.
    pub srr: bool,
    /// TP-UDHI: TP-CD begins with a user data header. §9.2.3.23.
    pub udhi: bool,
    /// TP-MR of the command. §9.2.3.6.
    pub mr: MessageReference,
    /// TP-PID. §9.2.3.9.
    pub pid: Pid,
    /// TP-CT, command type. §9.2.3.19.
    pub ct: CommandType,
    /// TP-MN, message number: TP-MR of the message it is about. §9.2.3.18.
    pub mn: u8,
    /// TP-DA of the message it is about. §9.2.3.8.
    pub da: Address,
    /// TP-CD, command data, as it is. §9.2.3.21.
    pub cd: Vec<u8>,
}

impl Tpdu for Command {
    fn decode_at(octets: &[u8], start: usize) -> Result<Command, DecodeError> {
        let mut reader = Reader::new(octets, start);
        let first = first_octet(&mut reader, &[MTI], "SMS-COMMAND")?;
        let mr = MessageReference(reader.octet("tp-mr")?);
        let pid = Pid(reader.octet("tp-pid")?);
        let ct = CommandType(reader.octet("tp-ct")?);
        let mn = reader.octet("tp-mn")?;
        let da = Address::read(&mut reader, &address::DA)?;
        let cdl = usize::from(reader.octet("tp-cdl")?);
        let cd = reader.take("tp-cd", cdl)?.to_vec();
        Ok(Command { srr: first & SRR != 0, udhi: first & UDHI != 0, mr, pid, ct, mn, da, cd })
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let first = MTI | flags([(self.srr, SRR), (self.udhi, UDHI)]);
        out.extend([first, self.mr.0, self.pid.0, self.ct.0, self.mn]);
        self.da.write(out, &address::DA)?;
        let room = MAX_TPDU_OCTETS - (out.len() - start) - 1;
        if self.cd.len() > room {
            return Err(EncodeError::CommandTooLong { octets: self.cd.len(), room });
        }
        // At most 164.
        out.push(self.cd.len() as u8);
        out.extend_from_slice(&self.cd);
        Ok(())
    }
}

/// TP-CT, command type. Every octet is kept. 3GPP TS 23.040 §9.2.3.19.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CommandType(pub u8);

impl CommandType {
    /// What became of the message?
    pub const ENQUIRY: CommandType = CommandType(0x00);
    /// No status report on the message, please.
    pub const CANCEL_REPORT: CommandType = CommandType(0x01);
    /// Delete the message.
    pub const DELETE: CommandType = CommandType(0x02);
    /// A status report on the message, please.
    pub const ENABLE_REPORT: CommandType = CommandType(0x03);
}

/// What it says, for a dump. 3GPP TS 23.040 §9.2.3.19.
impl fmt::Display for CommandType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            CommandType::ENQUIRY => "enquiry about a submitted message",
            CommandType::CANCEL_REPORT => "cancel the status report request of a submitted message",
            CommandType::DELETE => "delete a submitted message",
            CommandType::ENABLE_REPORT => "enable the status report request of a submitted message",
            CommandType(0xE0..=0xFF) => "service centre's own value",
            _ => "reserved value",
        })
    }
}

// Bits of the first octet.
const MTI: u8 = 0x02;
const SRR: u8 = 0x20;
const UDHI: u8 = 0x40;

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    /// First octet, TP-MR, TP-PID, TP-CT, TP-MN, TP-DA, TP-CDL, TP-CD: 3GPP TS 23.040 §9.2.2.4.
    #[test]
    fn table_of_commands_both_ways() {
        let plain = Command { da: Address::from_number("+31628870634"), mn: 0x2A, ..Command::default() };
        for (name, line, command) in [
            ("enquiry", "020000002A0B911326880736F400", plain.clone()),
            (
                "delete, with a report",
                "220700022A0B911326880736F400",
                Command { srr: true, mr: MessageReference(7), ct: CommandType::DELETE, ..plain.clone() },
            ),
            (
                "with data that begin with a header",
                "420041032A0B911326880736F4037E01FF",
                Command {
                    udhi: true,
                    pid: Pid(0x41),
                    ct: CommandType::ENABLE_REPORT,
                    cd: vec![0x7E, 0x01, 0xFF],
                    ..plain.clone()
                },
            ),
        ] {
            let octets = hex::decode(line).unwrap();
            assert_eq!(Command::decode_at(&octets, 0).as_ref(), Ok(&command), "{name}");
            assert_eq!(command.encode(), Ok(octets), "{name}");
        }
        let full = Command { cd: vec![0; 150], ..plain.clone() };
        assert_eq!(full.encode().map(|octets| octets.len()), Ok(164));
        let error = Command { cd: vec![0; 151], ..plain }.encode().unwrap_err().to_string();
        assert_eq!(error, "tp-cd: 151 octets, at most 150 fit");
    }

    #[test]
    fn errors_name_field_and_octet() {
        for (line, want) in [
            ("01", "tp-mti at octet 0: message type 1 is not SMS-COMMAND"),
            ("02000000", "tp-mn at octet 4: 1 octets needed, 0 left"),
            ("020000000002912105", "tp-cd at octet 9: 5 octets needed, 0 left"),
        ] {
            assert_eq!(Command::decode_at(&hex::decode(line).unwrap(), 0).unwrap_err().to_string(), want, "{line}");
        }
    }

    #[test]
    fn table_of_command_types() {
        for (ct, shown) in [
            (0x00, "enquiry about a submitted message"),
            (0x01, "cancel the status report request of a submitted message"),
            (0x03, "enable the status report request of a submitted message"),
            (0x02, "delete a submitted message"),
            (0x04, "reserved value"),
            (0xE0, "service centre's own value"),
        ] {
            assert_eq!(CommandType(ct).to_string(), shown, "{ct:#04x}");
        }
    }
}
