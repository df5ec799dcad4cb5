//! Answers about the network: registration, operator, signal.

use super::params::{Param, Params};

/// Registration state. 3GPP TS 27.007 §7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stat {
    /// 0: not registered, not searching.
    NotRegistered,
    /// 1: home network.
    Home,
    /// 2: searching.
    Searching,
    /// 3: denied.
    Denied,
    /// 4: unknown, out of coverage.
    Unknown,
    /// 5: roaming.
    Roaming,
    /// 6: home network, SMS only.
    HomeSmsOnly,
    /// 7: roaming, SMS only.
    RoamingSmsOnly,
    /// 8: emergency calls only.
    EmergencyOnly,
    /// 9: home network, CSFB not preferred.
    HomeNoCsfb,
    /// 10: roaming, CSFB not preferred.
    RoamingNoCsfb,
    /// Anything else.
    Other(u8),
}

impl From<u8> for Stat {
    fn from(n: u8) -> Stat {
        match n {
            0 => Stat::NotRegistered,
            1 => Stat::Home,
            2 => Stat::Searching,
            3 => Stat::Denied,
            4 => Stat::Unknown,
            5 => Stat::Roaming,
            6 => Stat::HomeSmsOnly,
            7 => Stat::RoamingSmsOnly,
            8 => Stat::EmergencyOnly,
            9 => Stat::HomeNoCsfb,
            10 => Stat::RoamingNoCsfb,
            n => Stat::Other(n),
        }
    }
}

/// A registration line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registration {
    /// The state.
    pub stat: Stat,
    /// LAC or TAC.
    pub area: Option<u32>,
    /// Cell identity.
    pub cell: Option<u32>,
    /// Access technology.
    pub act: Option<u8>,
}

/// True when the parameters have the shape of an unsolicited line: the state alone, or the state and then an area,
/// which is quoted or longer than any state. The read answer has the mode in front.
pub fn is_unsolicited(params: &Params<'_>) -> bool {
    params.len() == 1
        || match params.at(1) {
            Param::Quoted(_) => true,
            Param::Bare(text) => text.len() > 2 && text.trim_start_matches('0').len() > 2,
            Param::Empty | Param::Group(_) => false,
        }
}

/// Reads the parameters of `+CREG`, `+CGREG`, `+CEREG`, `+C5GREG`. `None` without a state.
///
/// `asked`: it is an answer to a read command, so a short second parameter is the state; else it is an area.
pub fn registration(params: &Params<'_>, asked: bool) -> Option<Registration> {
    let at = usize::from(asked && !is_unsolicited(params));
    let stat = params.number::<u8>(at)?;
    Some(Registration {
        stat: Stat::from(stat),
        area: params.at(at + 1).hex(),
        cell: params.at(at + 2).hex(),
        act: params.number(at + 3),
    })
}

/// The network's name in `+COPS: mode[,format,name[,act]]`. 3GPP TS 27.007 §7.3.
pub fn operator(params: &Params<'_>) -> Option<String> {
    params.text(2).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Bit error rate, 0 to 7, from `+CSQ: rssi,ber`. 3GPP TS 27.007 §8.5.
pub fn bit_errors(params: &Params<'_>) -> Option<u8> {
    params.number::<u8>(1).filter(|ber| *ber <= 7)
}

/// Received signal strength in dBm from `+CSQ: rssi,ber`. 3GPP TS 27.007 §8.5.
/// 100 to 191 are RSCP of TD-SCDMA, as Chinese makers count it.
pub fn signal_dbm(params: &Params<'_>) -> Option<i16> {
    match params.number::<i16>(0)? {
        rssi @ 0..=31 => Some(2 * rssi - 113),
        rscp @ 100..=191 => Some(rscp - 216),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_registrations() {
        use Stat::{EmergencyOnly, Home, HomeNoCsfb, NotRegistered, Other, Roaming, RoamingSmsOnly, Searching};
        let full = |stat, area, cell| Some(Registration { stat, area: Some(area), cell: Some(cell), act: None });
        let bare = |stat| Some(Registration { stat, area: None, cell: None, act: None });
        // The fourteen forms of ModemManager's mm-modem-helpers.c, then what gammu and python-gsmmodem saw.
        for (asked, text, want) in [
            (false, "1", bare(Home)),
            (true, "0,1", bare(Home)),
            (false, "1,\"1F00\",\"1234\"", full(Home, 0x1f00, 0x1234)),
            (false, "1,1F00,1234", full(Home, 0x1f00, 0x1234)),
            (true, "2,1,\"1F00\",\"1234\"", full(Home, 0x1f00, 0x1234)),
            (true, "2,1,1F00,1234", full(Home, 0x1f00, 0x1234)),
            (false, "5,\"1F00\",\"1234\",7", full(Roaming, 0x1f00, 0x1234)),
            (true, "2,5,\"1F00\",\"1234\",7", full(Roaming, 0x1f00, 0x1234)),
            (false, "1,\"1F00\",\"1234\",6,\"03\"", full(Home, 0x1f00, 0x1234)),
            (true, "2,1,\"1F00\",\"1234\",6,\"03\"", full(Home, 0x1f00, 0x1234)),
            (false, "9,\"1F00\",\"01234567\",7,,", full(HomeNoCsfb, 0x1f00, 0x123_4567)),
            (true, "2,7,\"1F00\",\"01234567\",7", full(RoamingSmsOnly, 0x1f00, 0x123_4567)),
            (true, "000,001", bare(Home)),
            (true, " 2 , 1 , \"1F00\" , \"1234\"", full(Home, 0x1f00, 0x1234)),
            (true, "1", bare(Home)),
            (true, "2,\"1F00\",\"1234\"", full(Searching, 0x1f00, 0x1234)),
            // The same line means another thing by context.
            (false, "1,5", Some(Registration { stat: Home, area: Some(5), cell: None, act: None })),
            (true, "1,5", bare(Roaming)),
            (true, "0,0", bare(NotRegistered)),
            (true, "2,8", bare(EmergencyOnly)),
            (true, "2,11", bare(Other(11))),
            // gammu: creg-corner, creg.
            (true, "2,1,\"\",\"605F\"", Some(Registration { stat: Home, area: None, cell: Some(0x605f), act: None })),
            (true, "2,1,\"5E25", Some(Registration { stat: Home, area: Some(0x5e25), cell: None, act: None })),
            (true, "2,1,4CA,81DE445", full(Home, 0x4ca, 0x81d_e445)),
            (true, "0,1,\"5E25\",\"605F\",2", full(Home, 0x5e25, 0x605f)),
            (true, "", None),
            (true, "x,y", None),
            (false, "300", None),
        ] {
            let ours = registration(&Params::parse(text), asked).map(|it| Registration { act: None, ..it });
            assert_eq!(ours, want, "{text} asked: {asked}");
        }
        for (text, act) in [("2,1,\"1F00\",\"1234\",7", Some(7)), ("2,1,\"1F00\",\"1234\"", None), ("0,1", None)] {
            assert_eq!(registration(&Params::parse(text), true).and_then(|it| it.act), act, "{text}");
        }
        let corner = registration(&Params::parse("2,1,\"0B,\"0100701\",7"), true);
        assert_eq!(corner.map(|r| r.stat), Some(Home));
    }

    #[test]
    fn table_of_operators() {
        for (text, want) in [
            ("0,0,\"MTN\",2", Some("MTN")),
            ("0,0,\"I OMNITEL\"", Some("I OMNITEL")),
            ("0,2,26201", Some("26201")),
            ("0", None),
            ("0,0,\"\"", None),
        ] {
            assert_eq!(operator(&Params::parse(text)).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn table_of_signals() {
        for (text, want) in [
            ("0,99", Some(-113)),
            ("1,99", Some(-111)),
            ("18,99", Some(-77)),
            ("31,0", Some(-51)),
            ("99,99", None),
            ("191,99", Some(-25)),
            ("199,99", None),
            ("32,99", None),
            ("", None),
        ] {
            assert_eq!(signal_dbm(&Params::parse(text)), want, "{text}");
        }
        assert_eq!([bit_errors(&Params::parse("18,3")), bit_errors(&Params::parse("18,99"))], [Some(3), None]);
    }
}
