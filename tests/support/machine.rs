//! USB as sysfs shows it, in a directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A machine's `/sys` and `/dev`, as far as they matter.
pub struct Machine(pub PathBuf);

/// An interface: its number, and where its tty leads.
pub type Interface<'a> = (u8, &'a str, &'a Path);

impl Machine {
    pub fn at(dir: &Path) -> Machine {
        let root = dir.join("machine");
        fs::create_dir_all(root.join("sys/bus/usb/devices")).unwrap();
        fs::create_dir_all(root.join("dev")).unwrap();
        Machine(root)
    }

    /// Discovery looks here, every second: no word of the kernel is about this machine.
    pub fn config(&self, more: &str) -> String {
        format!("[discovery]\nroot = {:?}\nrescan_s = 1\n{more}", self.0)
    }

    pub fn plug(&self, socket: &str, number: u32, id: &str, interfaces: &[Interface<'_>]) {
        let devices = self.0.join("sys/bus/usb/devices");
        for (interface, tty, target) in interfaces {
            let folder = devices.join(format!("{socket}:1.{interface}"));
            fs::create_dir_all(folder.join(tty)).unwrap();
            fs::write(folder.join("bInterfaceNumber"), format!("{interface:02x}\n")).unwrap();
            fs::write(folder.join("bInterfaceClass"), "ff\n").unwrap();
            symlink(target, self.0.join("dev").join(tty)).unwrap();
        }
        let (vendor, product) = id.split_once(':').unwrap();
        let draft = self.0.join("draft");
        fs::create_dir(&draft).unwrap();
        fs::write(draft.join("idVendor"), vendor).unwrap();
        fs::write(draft.join("idProduct"), product).unwrap();
        fs::write(draft.join("devnum"), number.to_string()).unwrap();
        fs::rename(draft, devices.join(socket)).unwrap();
    }

    pub fn unplug(&self, socket: &str, ttys: &[&str]) {
        let devices = self.0.join("sys/bus/usb/devices");
        fs::remove_dir_all(devices.join(socket)).unwrap();
        for entry in fs::read_dir(&devices).unwrap().flatten() {
            if entry.file_name().to_str().unwrap().starts_with(&format!("{socket}:")) {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        ttys.iter().for_each(|tty| fs::remove_file(self.0.join("dev").join(tty)).unwrap());
    }
}
