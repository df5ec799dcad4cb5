//! The hardware behind a port: its USB device, and the line to its power key.

use gpiocdev::Request;
use gpiocdev::line::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// Where the kernel shows ttys.
const TTYS: &str = "/sys/class/tty";
/// How long a USB device stays away.
const AWAY: Duration = Duration::from_secs(2);
/// How long it stays without power: a modem has capacitors.
const UNPOWERED: Duration = Duration::from_secs(5);

/// The GPIO line that a modem's PWRKEY hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerKey {
    /// The chip, such as `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The line's number on the chip.
    pub line: u32,
    /// How long the key is pressed. SIM7600: 0.5 s; others at least 1 s. Default 1 s.
    pub press: Duration,
    /// Pressed is low. Default false: most boards have a transistor between.
    pub active_low: bool,
}

impl PowerKey {
    /// Presses the key. Blocks as long as it is pressed.
    pub(super) fn press(&self) -> io::Result<()> {
        let mut request = Request::builder();
        request.on_chip(&self.chip).with_line(self.line).with_consumer("gsmgate");
        if self.active_low {
            request.as_active_low();
        }
        let line = request.as_output(Value::Active).request().map_err(io::Error::other)?;
        sleep(self.press);
        line.set_value(self.line, Value::Inactive).map_err(io::Error::other)
    }
}

/// A file of the kernel that takes a USB device away while it holds one word, and gives it back with the other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Switch {
    file: PathBuf,
    words: [&'static str; 2],
    away: Duration,
}

impl Switch {
    /// `None` where we may not write it.
    fn at(file: PathBuf, words: [&'static str; 2], away: Duration) -> Option<Switch> {
        // As root everything can be opened; the file may be away in a container.
        let writable = fs::OpenOptions::new().write(true).open(&file).is_ok();
        writable.then_some(Switch { file, words, away })
    }

    /// Takes the device away and gives it back. Blocks meanwhile.
    pub(super) fn switch(&self) -> io::Result<()> {
        let [off, on] = self.words;
        let switched = fs::write(&self.file, off);
        sleep(self.away);
        // Where the first failed half way, it must come back all the same.
        fs::write(&self.file, on).and(switched)
    }
}

/// The switch of the USB device that made a tty: as if it were unplugged.
pub(super) fn usb_device(port: &str) -> Option<Switch> {
    device_in(Path::new(TTYS), port)
}

/// The switch of the hub's port that it is plugged into, which takes its power too where the hub can (Linux 6.0).
pub(super) fn usb_port(port: &str) -> Option<Switch> {
    port_in(Path::new(TTYS), port)
}

fn device_in(ttys: &Path, port: &str) -> Option<Switch> {
    Switch::at(folder_in(ttys, port)?.join("authorized"), ["0", "1"], AWAY)
}

fn port_in(ttys: &Path, port: &str) -> Option<Switch> {
    // The device's own folder, with its link to the port, goes with its power.
    let port = fs::canonicalize(folder_in(ttys, port)?.join("port")).ok()?;
    Switch::at(port.join("disable"), ["1", "0"], UNPOWERED)
}

/// The folder of the USB device that made a tty.
fn folder_in(ttys: &Path, port: &str) -> Option<PathBuf> {
    let tty = fs::canonicalize(port).unwrap_or_else(|_| port.into());
    let interface = fs::canonicalize(ttys.join(tty.file_name()?).join("device")).ok()?;
    interface.ancestors().find(|folder| folder.join("idVendor").exists()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_usb_device_of_a_tty_is_found_and_switched() {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("devices/usb1/1-2");
        let interface = device.join("1-2:1.2/ttyUSB2");
        fs::create_dir_all(&interface).unwrap();
        fs::create_dir_all(root.path().join("tty/ttyUSB2")).unwrap();
        symlink(&interface, root.path().join("tty/ttyUSB2/device")).unwrap();
        let ttys = root.path().join("tty");
        let find = || (device_in(&ttys, "/dev/ttyUSB2"), port_in(&ttys, "/dev/ttyUSB2"));
        assert_eq!(find(), (None, None), "no USB device");
        fs::write(device.join("idVendor"), "12d1\n").unwrap();
        assert_eq!(find(), (None, None), "it has no switch");
        fs::write(device.join("authorized"), "1").unwrap();
        let hub = root.path().join("devices/usb1/1-0:1.0/usb1-port2");
        fs::create_dir_all(&hub).unwrap();
        symlink(&hub, device.join("port")).unwrap();
        assert_eq!(find().1, None, "an older kernel");
        fs::write(hub.join("disable"), "0").unwrap();
        let (Some(of_device), Some(of_port)) = find() else { panic!("{:?}", find()) };
        assert_eq!(device_in(&ttys, "/dev/ttyUSB3"), None);
        for (switch, file, on) in [(of_device, device.join("authorized"), "1"), (of_port, hub.join("disable"), "0")] {
            assert_eq!(switch.file, fs::canonicalize(&file).unwrap());
            Switch { away: Duration::ZERO, ..switch }.switch().unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), on);
        }
    }

    #[test]
    fn a_power_key_on_a_chip_that_is_not_there_is_an_error() {
        let key = PowerKey {
            chip: "/dev/no-such-gpiochip".into(),
            line: 4,
            press: Duration::from_millis(1),
            active_low: true,
        };
        assert!(key.press().is_err());
    }
}
