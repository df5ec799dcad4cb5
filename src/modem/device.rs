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

/// The folder of the USB device that made a tty, where we may switch it.
pub(super) fn usb_device(port: &str) -> Option<PathBuf> {
    usb_device_in(Path::new(TTYS), port)
}

fn usb_device_in(ttys: &Path, port: &str) -> Option<PathBuf> {
    let tty = fs::canonicalize(port).unwrap_or_else(|_| port.into());
    let interface = fs::canonicalize(ttys.join(tty.file_name()?).join("device")).ok()?;
    let device = interface.ancestors().find(|folder| folder.join("idVendor").exists())?;
    // As root everything can be opened; the file may be away in a container.
    let switch = fs::OpenOptions::new().write(true).open(device.join("authorized"));
    switch.is_ok().then(|| device.to_owned())
}

/// Takes a USB device away from the kernel and gives it back, as if it were unplugged. Blocks meanwhile.
pub(super) fn replug(device: &Path) -> io::Result<()> {
    let switch = device.join("authorized");
    fs::write(&switch, "0")?;
    sleep(AWAY);
    fs::write(&switch, "1")
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
        let find = || usb_device_in(&root.path().join("tty"), "/dev/ttyUSB2");
        assert_eq!(find(), None, "no USB device");
        fs::write(device.join("idVendor"), "12d1\n").unwrap();
        assert_eq!(find(), None, "it has no switch");
        fs::write(device.join("authorized"), "1").unwrap();
        assert_eq!(find(), Some(fs::canonicalize(&device).unwrap()));
        assert_eq!(usb_device_in(&root.path().join("tty"), "/dev/ttyUSB3"), None);
        replug(&device).unwrap();
        assert_eq!(fs::read_to_string(device.join("authorized")).unwrap(), "1");
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
