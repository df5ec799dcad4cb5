//! USB devices and the ttys that they made, as sysfs shows them.

use super::super::profile::{self, Ports};
use std::fs;
use std::path::Path;

/// A USB device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    /// Where it is plugged in, and which time: `1-1.2` and a number that is new with each plugging.
    pub(super) key: (String, u32),
    /// `idVendor` and `idProduct`.
    pub(super) id: (u16, u16),
    /// The system was told not to use it; it has no interfaces then.
    pub(super) is_barred: bool,
    /// Its interfaces that have a tty, by number.
    pub(super) ttys: Vec<Tty>,
}

/// An interface of a USB device that has a tty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Tty {
    /// `bInterfaceNumber`
    pub(super) interface: u8,
    /// `bInterfaceClass` and `bInterfaceProtocol`.
    pub(super) class: u8,
    pub(super) protocol: u8,
    /// Its name in `/dev`.
    pub(super) name: String,
}

impl Device {
    /// `12d1:1506`
    pub(super) fn shown_id(&self) -> String {
        format!("{:04x}:{:04x}", self.id.0, self.id.1)
    }

    /// What the table says of it.
    pub(super) fn ports(&self) -> Option<Ports> {
        profile::ports_of(self.id.0, self.id.1)
    }

    /// Its ttys, those first that the table prefers; the others may be right all the same (fault F-27).
    pub(super) fn candidates(&self) -> Vec<&Tty> {
        let mut all: Vec<&Tty> = self.ttys.iter().collect();
        all.sort_by_key(|tty| (self.rank(tty), tty.interface));
        all
    }

    /// True when every port that the table names is here: a device makes them one after the other.
    pub(super) fn is_complete(&self) -> bool {
        match self.ports() {
            Some(Ports::Numbers(numbers)) => numbers.iter().all(|number| self.has(*number)),
            Some(Ports::Protocols(_)) => self.ttys.iter().any(|tty| self.rank(tty) < usize::MAX),
            _ => !self.ttys.is_empty(),
        }
    }

    fn has(&self, number: u8) -> bool {
        self.ttys.iter().any(|tty| tty.interface == number)
    }

    /// The place in the table; the last of all for a tty that is not in it.
    fn rank(&self, tty: &Tty) -> usize {
        let place = match self.ports() {
            Some(Ports::Numbers(numbers)) => numbers.iter().position(|number| *number == tty.interface),
            Some(Ports::Protocols(protocols)) if tty.class == VENDOR_CLASS => {
                protocols.iter().position(|protocol| *protocol == tty.protocol)
            }
            _ => None,
        };
        place.unwrap_or(usize::MAX)
    }
}

/// Class of interfaces that only their maker describes.
const VENDOR_CLASS: u8 = 0xFF;

/// All USB devices below a root directory, by where they are plugged in.
pub(super) fn scan(root: &Path) -> Vec<Device> {
    let folder = root.join("sys/bus/usb/devices");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    names.sort();
    let mut devices: Vec<Device> = names.iter().filter_map(|name| device(&folder.join(name), name)).collect();
    for name in &names {
        // `1-1.2:1.0` is an interface of `1-1.2`.
        let Some((of, _)) = name.split_once(':') else { continue };
        if let Some(device) = devices.iter_mut().find(|device| device.key.0 == of) {
            device.ttys.extend(tty(&folder.join(name)));
        }
    }
    devices.iter_mut().for_each(|device| device.ttys.sort_by_key(|tty| tty.interface));
    devices
}

fn device(folder: &Path, name: &str) -> Option<Device> {
    let id = (hex(folder, "idVendor")?, hex(folder, "idProduct")?);
    let number = text(folder, "devnum").and_then(|text| text.parse().ok()).unwrap_or(0);
    let is_barred = text(folder, "authorized").as_deref() == Some("0");
    Some(Device { key: (name.to_owned(), number), id, is_barred, ttys: Vec::new() })
}

/// `ttyUSB0` lies in the interface's folder, `ttyACM0` in its `tty`.
fn tty(folder: &Path) -> Option<Tty> {
    let number = |name| u8::try_from(hex(folder, name)?).ok();
    let found = |folder: &Path| {
        let names = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.len() > "tty".len() && name.starts_with("tty")).min()
    };
    Some(Tty {
        interface: number("bInterfaceNumber")?,
        class: number("bInterfaceClass")?,
        protocol: number("bInterfaceProtocol").unwrap_or(0),
        name: found(folder).or_else(|| found(&folder.join("tty")))?,
    })
}

fn text(folder: &Path, name: &str) -> Option<String> {
    fs::read_to_string(folder.join(name)).ok().map(|text| text.trim().to_owned())
}

fn hex(folder: &Path, name: &str) -> Option<u16> {
    u16::from_str_radix(&text(folder, name)?, 16).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Plugs a device in: interfaces by number and protocol, each with the tty it has.
    pub(in super::super) fn plug(
        root: &Path,
        name: &str,
        number: u32,
        id: (&str, &str),
        interfaces: &[(u8, u8, Option<&str>)],
    ) {
        let folder = root.join("sys/bus/usb/devices");
        let write = |at: &Path, name: &str, text: String| fs::write(at.join(name), text + "\n").unwrap();
        let device = folder.join(name);
        fs::create_dir_all(&device).unwrap();
        write(&device, "idVendor", id.0.to_owned());
        write(&device, "idProduct", id.1.to_owned());
        write(&device, "devnum", number.to_string());
        for (interface, protocol, tty) in interfaces {
            let at = folder.join(format!("{name}:1.{interface}"));
            let in_tty = tty.is_some_and(|tty| tty.starts_with("ttyACM"));
            fs::create_dir_all(&at).unwrap();
            if let Some(tty) = tty {
                fs::create_dir_all(if in_tty { at.join("tty").join(tty) } else { at.join(tty) }).unwrap();
            }
            write(&at, "bInterfaceNumber", format!("{interface:02x}"));
            write(&at, "bInterfaceClass", if in_tty { "02".to_owned() } else { "ff".to_owned() });
            write(&at, "bInterfaceProtocol", format!("{protocol:02x}"));
        }
    }

    /// Pulls it out.
    pub(in super::super) fn unplug(root: &Path, name: &str) {
        for entry in fs::read_dir(root.join("sys/bus/usb/devices")).unwrap().flatten() {
            let entry_name = entry.file_name().into_string().unwrap();
            if entry_name == name || entry_name.starts_with(&format!("{name}:")) {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }

    fn names(device: &Device) -> Vec<&str> {
        device.candidates().into_iter().map(|tty| tty.name.as_str()).collect()
    }

    #[test]
    fn the_port_that_the_table_prefers_comes_first_and_the_others_after_it() {
        let root = tempfile::tempdir().unwrap();
        let all = [(0, 0, Some("ttyUSB0")), (1, 0, Some("ttyUSB1")), (2, 0, Some("ttyUSB2")), (3, 0, Some("ttyUSB3"))];
        plug(root.path(), "1-1.2", 7, ("2c7c", "0125"), &all);
        let pcui =
            [(0, 0x01, Some("ttyUSB4")), (1, 0x03, Some("ttyUSB5")), (2, 0x02, Some("ttyUSB6")), (3, 0x16, None)];
        plug(root.path(), "1-1.3", 8, ("12d1", "1506"), &pcui);
        plug(root.path(), "1-1", 2, ("1d6b", "0002"), &[(0, 0, None)]);
        let devices = scan(root.path());
        let keys: Vec<_> = devices.iter().map(|device| (device.key.0.as_str(), device.key.1)).collect();
        assert_eq!(keys, [("1-1", 2), ("1-1.2", 7), ("1-1.3", 8)]);
        assert_eq!(names(&devices[1]), ["ttyUSB2", "ttyUSB3", "ttyUSB0", "ttyUSB1"]);
        assert_eq!(names(&devices[2]).first(), Some(&"ttyUSB6"), "by protocol");
        assert_eq!((devices[1].shown_id().as_str(), devices[1].is_complete()), ("2c7c:0125", true));
        assert_eq!(devices[0].ports(), None);
    }

    #[test]
    fn a_device_is_complete_when_the_ports_of_the_table_are_there() {
        let root = tempfile::tempdir().unwrap();
        let complete = |interfaces: &[(u8, u8, Option<&str>)]| {
            plug(root.path(), "1-1", 3, ("2c7c", "0125"), interfaces);
            let found = scan(root.path())[0].is_complete();
            unplug(root.path(), "1-1");
            found
        };
        assert!(!complete(&[(0, 0, Some("ttyUSB0")), (2, 0, Some("ttyUSB1"))]));
        assert!(complete(&[(2, 0, Some("ttyUSB1")), (3, 0, Some("ttyUSB2"))]));
    }

    #[test]
    fn ttys_of_both_kinds_are_found() {
        let root = tempfile::tempdir().unwrap();
        plug(
            root.path(),
            "2-1",
            1,
            ("1546", "1102"),
            &[(0, 1, Some("ttyACM0")), (2, 1, Some("ttyACM1")), (6, 0, None)],
        );
        let devices = scan(root.path());
        assert_eq!(names(&devices[0]), ["ttyACM0", "ttyACM1"]);
        assert_eq!(scan(Path::new("/nonexistent")), []);
    }
}
