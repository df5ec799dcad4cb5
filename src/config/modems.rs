//! The modems of the configuration, and how others are found.

use super::table::{At, Mistakes, Table, is_absolute};
use super::{Path, read_secret};
use crate::model::{Imei, Label};
use crate::modem;
use crate::modem::discover::{self, Take};
use crate::modem::profile::Profile;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::path::PathBuf;
use std::time::Duration;

/// The modems of the configuration.
pub(super) fn read_modems(
    tables: Vec<Table<'_, '_>>,
    every: &modem::Config,
    mistakes: &mut Mistakes<'_>,
) -> Vec<modem::Config> {
    let (mut ports, mut imeis) = (HashMap::new(), HashMap::new());
    let (mut labels, mut sims) = (HashMap::new(), HashMap::new());
    let mut modems = Vec::new();
    for (index, mut table) in tables.into_iter().enumerate() {
        let port = read_port(&mut table, mistakes);
        let imei = table.parsed::<Imei>("imei", mistakes);
        match (table.has("port"), table.has("imei")) {
            (false, false) => {
                let message =
                    "is missing; e.g. \"/dev/ttyUSB2\"; or its imei, and it is found wherever it is plugged in";
                mistakes.add(table.span(), &table.path("port"), message);
            }
            (true, true) => {
                let message = "goes without port: a modem is found by one of them";
                mistakes.add(&table.place("imei"), &table.path("imei"), message);
            }
            _ => {}
        }
        let label = table.parsed::<Label>("label", mistakes);
        let sim_label = table.parsed::<Label>("sim_label", mistakes);
        let port_name = port.as_ref().map_or(String::new(), |port| port.value.clone());
        let mut config = modem::Config { index, port: port_name, ..every.clone() };
        once(&mut ports, port.map(|port| At { value: same_port(&port.value), ..port }), "port", &table, mistakes);
        config.imei = once(&mut imeis, imei, "imei", &table, mistakes);
        config.label = once(&mut labels, label, "label", &table, mistakes);
        config.sim_label = once(&mut sims, sim_label, "sim_label", &table, mistakes);
        if let Some(baud) = table.number("baud", 300..=4_000_000, mistakes) {
            config.baud = u32::try_from(baud).unwrap_or(config.baud);
        }
        config.pin = read_pin(&mut table, index, mistakes);
        if let Some(force) = table.boolean("pin_force", mistakes) {
            config.pin_force = force;
        }
        config.service_centre = table.parsed("service_centre", mistakes).map(|number| number.value);
        config.power_key = table.table("power_key", mistakes).and_then(|key| read_power_key(key, mistakes));
        let profiles: Vec<_> = Profile::names().map(|name| (name, name)).collect();
        config.profile = table.word("profile", &profiles, mistakes).map(str::to_owned);
        table.end(mistakes);
        modems.push(config);
    }
    modems
}

/// What no two modems may share: a second one that has it is a mistake, and gives it back all the same.
fn once<T: Clone + Eq + Hash>(
    seen: &mut HashMap<T, String>,
    found: Option<At<T>>,
    key: &'static str,
    table: &Table<'_, '_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<T> {
    let At { value, span } = found?;
    match seen.entry(value.clone()) {
        Entry::Occupied(first) => {
            mistakes.add(&span, &table.path(key), format!("is the same as {}", first.get()));
        }
        Entry::Vacant(place) => {
            place.insert(table.path(key));
        }
    }
    Some(value)
}

/// The path of a tty, or the address of a serial server.
fn read_port(table: &mut Table<'_, '_>, mistakes: &mut Mistakes<'_>) -> Option<At<String>> {
    let port = table.text("port", mistakes)?;
    let is_right = match port.value.strip_prefix(modem::TCP) {
        Some(address) => {
            address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        }
        None => is_absolute(&port.value),
    };
    if is_right {
        return Some(port);
    }
    let message = "must begin with /, and hold no NUL; or be tcp://host:port of a serial server";
    mistakes.add(&port.span, &table.path("port"), message);
    None
}

/// Two names of one device are one port.
fn same_port(port: &str) -> String {
    std::fs::canonicalize(port).map_or_else(|_| port.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// The PIN of a modem's SIM: from the credential `modem.N.pin`, N counting from 0, or the file that `pin_file` names.
fn read_pin(table: &mut Table<'_, '_>, index: usize, mistakes: &mut Mistakes<'_>) -> Option<modem::Pin> {
    let secret = read_secret(table, "pin_file", &format!("modem.{index}.pin"), mistakes)?;
    let text = String::from_utf8(secret).unwrap_or_default();
    match modem::Pin::try_from(text.trim_end_matches(['\r', '\n'])) {
        Ok(pin) => Some(pin),
        Err(error) => {
            mistakes.add(&table.place("pin_file"), &table.path("pin_file"), error.to_string());
            None
        }
    }
}

/// The GPIO line that the modem's power key hangs on.
fn read_power_key(mut table: Table<'_, '_>, mistakes: &mut Mistakes<'_>) -> Option<modem::PowerKey> {
    let chip = table.absolute("chip", mistakes);
    let line = table.number("line", 0..=1023, mistakes);
    for key in ["chip", "line"].into_iter().filter(|key| !table.has(key)) {
        mistakes.add(table.span(), &table.path(key), "is missing; e.g. { chip = \"/dev/gpiochip0\", line = 4 }");
    }
    let press = table.number("press_ms", 50..=10_000, mistakes).unwrap_or(1000);
    let active_low = table.boolean("active_low", mistakes).unwrap_or(false);
    table.end(mistakes);
    let line = u32::try_from(line?).ok()?;
    Some(modem::PowerKey { chip: chip?.value.into(), line, press: Duration::from_millis(press), active_low })
}

/// How modems are found, and where `sys` lies, whether or not any are looked for. Without the table: all of them where no port
/// is configured, else those whose IMEI is.
pub(super) fn read_discovery(
    table: Option<Table<'_, '_>>,
    modems: &[modem::Config],
    every: modem::Config,
    mistakes: &mut Mistakes<'_>,
) -> (Option<discover::Config>, PathBuf) {
    let has_port = modems.iter().any(|modem| modem.imei.is_none());
    let has_imei = modems.iter().any(|modem| modem.imei.is_some());
    let mut take = match (has_port, has_imei) {
        (false, _) => Some(Take::All),
        (true, true) => Some(Take::Configured),
        (true, false) => None,
    };
    let of = |take| discover::Config { every, ..discover::Config::new(take) };
    let Some(mut table) = table else {
        let config = of(take.unwrap_or(Take::Configured));
        let root = config.root.clone();
        return (take.map(|_| config), root);
    };
    let words = [("all", Some(Take::All)), ("configured", Some(Take::Configured)), ("none", None)];
    if let Some(word) = table.word("take", &words, mistakes) {
        take = word;
        if take.is_none() && has_imei {
            let message = "is none, and a [[modem]] has an imei, which has to be found";
            mistakes.add(&table.place("take"), &table.path("take"), message);
        }
    }
    let mut config = of(take.unwrap_or(Take::Configured));
    for id in table.texts("also", mistakes) {
        match usb_id(&id.value) {
            Some(id) => config.also.push(id),
            None => mistakes.add(&id.span, &table.path("also"), "must be USB devices like \"12d1:1506\""),
        }
    }
    if let Some(seconds) = table.number("rescan_s", 1..=3600, mistakes) {
        config.rescan = Duration::from_secs(seconds);
    }
    if let Some(root) = table.absolute("root", mistakes) {
        config.root = Path::new(&root.value).to_owned();
    }
    table.end(mistakes);
    let root = config.root.clone();
    (take.map(|_| config), root)
}

fn usb_id(text: &str) -> Option<(u16, u16)> {
    let (vendor, product) = text.split_once(':')?;
    let is_hex = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let number = |text: &str| is_hex(text).then(|| u16::from_str_radix(text, 16).ok()).flatten();
    Some((number(vendor)?, number(product)?))
}
