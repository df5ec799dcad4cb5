//! The files that stand around the binary: udev rules, unit, sysusers, tmpfiles, modules-load, guides.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of it is a test")]

use gsmgate::model::{PublicState, RefusalCode};
use gsmgate::modem::profile::{self, Ports};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the repository is.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Longest answer to `AT+CMGS` that the driver waits for, in seconds, and what an orderly stop needs besides (rule W-7).
const CMGS_DEADLINE_S: u64 = 180;
const SETTLE_S: u64 = 30;

/// Exposure that `systemd-analyze security` may find, in tenths.
const EXPOSURE_TENTHS: &str = "15";

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

// --- udev -------------------------------------------------------------------------------------------------------------

/// One `KEY{attribute}operator"value"` of a rule.
#[derive(Debug, PartialEq)]
struct Term {
    key: String,
    attribute: Option<String>,
    operator: String,
    value: String,
}

impl Term {
    fn is(&self, key: &str, attribute: Option<&str>) -> bool {
        self.key == key && self.attribute.as_deref() == attribute
    }
}

/// Keys of udev(7) that our rules use, whether they take an attribute, and the operators they may have.
const UDEV_KEYS: [(&str, bool, &[&str]); 11] = [
    ("ACTION", false, &["==", "!="]),
    ("SUBSYSTEM", false, &["==", "!="]),
    // Not "!=": a negative match on parents is true as soon as any parent differs, so it is nearly always true.
    ("ATTRS", true, &["=="]),
    ("ENV", true, &["==", "!=", "="]),
    ("GROUP", false, &["="]),
    ("MODE", false, &["="]),
    ("SYMLINK", false, &["+="]),
    ("GOTO", false, &["="]),
    ("LABEL", false, &["="]),
    ("TAG", false, &["+="]),
    ("OPTIONS", false, &["="]),
];

/// The rules of a file as lists of terms, with line numbers; continued lines are joined.
fn parse_udev(text: &str) -> Result<Vec<(usize, Vec<Term>)>, String> {
    let mut rules = Vec::new();
    let mut line = String::new();
    for (index, raw) in text.lines().enumerate() {
        if line.is_empty() && (raw.trim_start().starts_with('#') || raw.trim().is_empty()) {
            continue;
        }
        line.push_str(raw.trim());
        if let Some(head) = line.strip_suffix('\\') {
            line = head.to_owned();
            continue;
        }
        let terms = parse_terms(&line).map_err(|error| format!("line {}: {error}", index + 1))?;
        rules.push((index + 1, terms));
        line.clear();
    }
    if line.is_empty() { Ok(rules) } else { Err("the last line is continued".to_owned()) }
}

fn parse_terms(line: &str) -> Result<Vec<Term>, String> {
    let mut rest = line;
    let mut terms = Vec::new();
    loop {
        let head = rest.find(['=', '!', '+']).ok_or_else(|| format!("no operator in {rest:?}"))?;
        let (name, tail) = rest.split_at(head);
        let quote = tail.find('"').ok_or_else(|| format!("no value after {name:?}"))?;
        let (operator, tail) = tail.split_at(quote);
        let end = tail[1..].find('"').ok_or_else(|| format!("the value of {name:?} does not end"))?;
        let (key, attribute) = match name.split_once('{') {
            None => (name, None),
            Some((key, attribute)) => {
                let attribute = attribute.strip_suffix('}').ok_or_else(|| format!("no }} in {name:?}"))?;
                (key, Some(attribute.to_owned()))
            }
        };
        let value = tail[1..=end].to_owned();
        terms.push(Term { key: key.to_owned(), attribute, operator: operator.to_owned(), value });
        rest = tail[end + 2..].trim_start();
        if rest.is_empty() {
            return Ok(terms);
        }
        rest = rest.strip_prefix(',').ok_or_else(|| format!("no comma before {rest:?}"))?.trim_start();
    }
}

/// What is wrong with the terms of one rule, by udev(7).
fn fault_of(terms: &[Term]) -> Option<String> {
    for term in terms {
        let Some((_, takes, operators)) = UDEV_KEYS.iter().find(|(key, _, _)| *key == term.key) else {
            return Some(format!("unknown key {}", term.key));
        };
        if *takes != term.attribute.is_some() {
            return Some(format!("{} with a wrong attribute", term.key));
        }
        if !operators.contains(&term.operator.as_str()) {
            return Some(format!("{} must not have {}", term.key, term.operator));
        }
    }
    None
}

fn our_rules() -> Vec<(usize, Vec<Term>)> {
    parse_udev(&read("udev/78-gsmgate.rules")).unwrap()
}

/// The table of the rules file: (vendor, product) → AT interface, or `class`. Fails on a pair that stands twice.
fn at_ports(rules: &[(usize, Vec<Term>)]) -> BTreeMap<(String, String), String> {
    let mut ports = BTreeMap::new();
    for (line, terms) in rules {
        let value = |key: &str, attribute: &str, operator: &str| {
            terms.iter().find(|t| t.is(key, Some(attribute)) && t.operator == operator).map(|t| t.value.clone())
        };
        let Some(vendor) = value("ATTRS", "idVendor", "==") else { continue };
        let products = value("ATTRS", "idProduct", "==").unwrap_or_else(|| panic!("line {line}: vendor alone"));
        let interface = value("ENV", ".GSMGATE_AT", "=").unwrap_or_else(|| panic!("line {line}: no AT port"));
        for product in products.split('|') {
            let before = ports.insert((vendor.clone(), product.to_owned()), interface.clone());
            assert_eq!(before, None, "line {line}: {vendor}:{product} stands twice");
        }
    }
    ports
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[test]
fn the_udev_parser_refuses_what_udev_would() {
    for (rule, want) in [
        (r#"SUBSYSTEM=="tty", GOTO="end""#, None),
        (r#"SUBSYTEM=="tty""#, Some("unknown key SUBSYTEM")),
        (r#"ATTRS=="x""#, Some("ATTRS with a wrong attribute")),
        (r#"ATTRS{idVendor}!="12d1""#, Some("ATTRS must not have !=")),
        (r#"SYMLINK="x""#, Some("SYMLINK must not have =")),
        (r#"MODE=="0660""#, Some("MODE must not have ==")),
    ] {
        assert_eq!(fault_of(&parse_terms(rule).unwrap()).as_deref(), want, "{rule}");
    }
    for rule in [r#"SUBSYSTEM=="tty"#, r#"SUBSYSTEM"#, r#"A=="1" B=="2""#, r#"ENV{X=="1""#, r#"A=="1","#] {
        assert!(parse_terms(rule).is_err(), "{rule}");
    }
}

#[test]
fn every_udev_rule_has_known_keys_and_operators() {
    let rules = our_rules();
    assert!(rules.len() > 50, "{} rules", rules.len());
    for (line, terms) in &rules {
        assert_eq!(fault_of(terms), None, "line {line}");
    }
}

#[test]
fn every_goto_has_one_label_below_it() {
    let rules = our_rules();
    let named = |key: &str| -> Vec<(usize, String)> {
        let of =
            |(line, terms): &(usize, Vec<Term>)| terms.iter().find(|t| t.key == key).map(|t| (*line, t.value.clone()));
        rules.iter().filter_map(of).collect()
    };
    let (gotos, labels) = (named("GOTO"), named("LABEL"));
    for (line, target) in &gotos {
        let places: Vec<usize> = labels.iter().filter(|(_, label)| label == target).map(|(line, _)| *line).collect();
        assert_eq!(places.len(), 1, "line {line}: GOTO {target}");
        assert!(places[0] > *line, "line {line}: udev jumps forward only");
    }
    for (line, label) in &labels {
        assert!(gotos.iter().any(|(_, target)| target == label), "line {line}: nobody goes to {label}");
    }
}

#[test]
fn every_at_port_stands_once_and_is_looked_for() {
    let rules = our_rules();
    let ports = at_ports(&rules);
    let looked_for: BTreeSet<&str> = rules
        .iter()
        .flat_map(|(_, terms)| terms)
        .filter(|t| t.is("ENV", Some(".GSMGATE_AT")) && t.operator == "==")
        .map(|t| t.value.as_str())
        .collect();
    for ((vendor, product), interface) in &ports {
        assert!(is_hex(vendor, 4) && is_hex(product, 4), "{vendor}:{product}: lower-case hex");
        assert!(looked_for.contains(interface.as_str()), "{vendor}:{product}: nothing looks for {interface}");
    }
    for vendor in ["12d1", "19d2", "1e0e", "2c7c", "1bc7", "1546", "1199", "1e2d", "2cb7"] {
        assert!(ports.keys().any(|(v, _)| v == vendor), "{vendor} is missing");
    }
}

#[test]
fn modem_manager_is_kept_off_before_the_rules_narrow_to_one_port() {
    let rules = our_rules();
    let at = |found: &dyn Fn(&Term) -> bool| {
        rules.iter().find(|(_, terms)| terms.iter().any(found)).map(|(line, _)| *line).unwrap()
    };
    let ignore = at(&|t| t.is("ENV", Some("ID_MM_DEVICE_IGNORE")) && t.operator == "=" && t.value == "1");
    let narrow = at(&|t| t.is("SUBSYSTEM", None) && t.operator == "!=" && t.value == "tty");
    let link = at(&|t| t.key == "SYMLINK");
    assert!(ignore < narrow && narrow < link, "{ignore} {narrow} {link}");
}

/// The rules and the driver open the same port of the same devices.
#[test]
fn at_ports_agree_with_the_profiles() {
    let rules = at_ports(&our_rules());
    let mut profiles = BTreeMap::new();
    for row in profile::usb() {
        let port = match row.ports {
            Ports::Numbers(ports) => format!("{:02x}", ports[0]),
            Ports::Protocols(_) => "class".to_owned(),
            Ports::Storage | Ports::Network => continue,
        };
        let key = |product| (format!("{:04x}", row.vendor), format!("{product:04x}"));
        profiles.extend(row.products.iter().map(|product| (key(product), port.clone())));
    }
    let only = |these: &BTreeMap<_, _>, those: &BTreeMap<_, _>| {
        these
            .iter()
            .filter(|(device, port)| those.get(*device) != Some(*port))
            .map(|it| format!("{it:?}"))
            .collect::<Vec<_>>()
    };
    assert_eq!((only(&rules, &profiles), only(&profiles, &rules)), (vec![], vec![]));
}

/// Against ModemManager's own facts, where that table is at hand (`GSMGATE_SHARED`).
#[test]
fn at_ports_agree_with_the_table_of_known_devices() {
    let folder = std::env::var_os("GSMGATE_SHARED").map_or_else(|| Path::new(ROOT).join("../shared"), PathBuf::from);
    let Ok(table) = std::fs::read_to_string(folder.join("usb_at_ports.tsv")) else {
        println!("skipped: no usb_at_ports.tsv in {}", folder.display());
        return;
    };
    let ports = at_ports(&our_rules());
    let mut compared = 0;
    for row in table.lines().skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let roles = fields.get(4).copied().unwrap_or_default();
        let primary = roles.split(' ').find_map(|role| role.strip_suffix(":AT_PRIMARY"));
        let ours = ports.get(&(fields[0].to_owned(), fields[1].to_owned()));
        if let (Some(primary), Some(ours)) = (primary, ours) {
            assert_eq!(ours, primary, "{row}");
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared} devices compared");
}

#[test]
fn udevadm_finds_no_fault() {
    let rules = Path::new(ROOT).join("udev/78-gsmgate.rules");
    match Command::new("udevadm").args(["verify", "--no-summary"]).arg(rules).output() {
        // "Unknown command verb" or "Unknown operation": an udevadm before 254.
        Ok(out) if String::from_utf8_lossy(&out.stderr).contains("nknown ") => {
            println!("skipped: this udevadm cannot verify");
        }
        Ok(out) => assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr)),
        Err(error) => println!("skipped: udevadm: {error}"),
    }
}

// --- systemd ----------------------------------------------------------------------------------------------------------

/// Keys that systemd 252 knows and we use, by section. An unknown key is only a warning to systemd.
const UNIT_KEYS: [(&str, &[&str]); 3] = [
    ("Unit", &["Description", "Documentation", "Wants", "After", "StartLimitIntervalSec"]),
    (
        "Service",
        &[
            "Type",
            "NotifyAccess",
            "ExecStart",
            "Environment",
            "WatchdogSec",
            "Restart",
            "RestartSec",
            "RestartPreventExitStatus",
            "TimeoutStartSec",
            "TimeoutStopSec",
            "User",
            "Group",
            "SupplementaryGroups",
            "StateDirectory",
            "StateDirectoryMode",
            "RuntimeDirectory",
            "RuntimeDirectoryMode",
            "RuntimeDirectoryPreserve",
            "ConfigurationDirectory",
            "ConfigurationDirectoryMode",
            "UMask",
            "ReadWritePaths",
            "NoNewPrivileges",
            "CapabilityBoundingSet",
            "AmbientCapabilities",
            "ProtectSystem",
            "ProtectHome",
            "PrivateTmp",
            "PrivateMounts",
            "PrivateUsers",
            "PrivateIPC",
            "ProtectProc",
            "ProcSubset",
            "ProtectHostname",
            "ProtectClock",
            "ProtectKernelTunables",
            "ProtectKernelModules",
            "ProtectKernelLogs",
            "ProtectControlGroups",
            "RestrictNamespaces",
            "RestrictRealtime",
            "RestrictSUIDSGID",
            "LockPersonality",
            "MemoryDenyWriteExecute",
            "RemoveIPC",
            "KeyringMode",
            "SystemCallArchitectures",
            "SystemCallFilter",
            "SystemCallErrorNumber",
            "RestrictAddressFamilies",
            "DevicePolicy",
            "DeviceAllow",
            "MemoryHigh",
            "MemoryMax",
            "TasksMax",
            "LimitCORE",
        ],
    ),
    ("Install", &["WantedBy"]),
];

/// The assignments of a unit file as (section, key, value), in order.
fn parse_unit(text: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut out = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
        } else {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("not an assignment: {line}"));
            out.push((section.clone(), key.to_owned(), value.to_owned()));
        }
    }
    out
}

fn unit_values(key: &str) -> Vec<String> {
    let unit = parse_unit(&read("systemd/gsmgate.service"));
    unit.into_iter().filter(|(_, k, _)| k == key).map(|(_, _, value)| value).collect()
}

fn seconds(key: &str) -> u64 {
    let values = unit_values(key);
    let [value] = values.as_slice() else { panic!("{key} stands {} times", values.len()) };
    value.strip_suffix('s').unwrap_or_else(|| panic!("{key}: give the unit s")).parse().unwrap()
}

#[test]
fn every_key_of_the_unit_is_known() {
    for (section, key, _) in parse_unit(&read("systemd/gsmgate.service")) {
        let known = UNIT_KEYS.iter().any(|(name, keys)| *name == section && keys.contains(&key.as_str()));
        assert!(known, "[{section}] {key}");
    }
}

#[test]
fn devices_are_allowed_by_numeric_majors() {
    let allowed = unit_values("DeviceAllow");
    for device in &allowed {
        let major = device.strip_prefix("char-").and_then(|rest| rest.strip_suffix(" rw"));
        let numeric = major.is_some_and(|major| major.bytes().all(|b| b.is_ascii_digit()));
        assert!(numeric, "{device}: a name is looked up once, when no driver may be loaded");
    }
    for port in ["char-188 rw", "char-166 rw", "char-204 rw"] {
        assert!(allowed.iter().any(|device| device == port), "{port}");
    }
    assert_eq!(unit_values("DevicePolicy"), ["closed"]);
}

#[test]
fn a_start_that_cannot_succeed_is_not_repeated() {
    assert_eq!(unit_values("RestartPreventExitStatus"), ["2 64 73 78"]);
    assert_eq!(unit_values("Restart"), ["always"]);
}

#[test]
fn a_send_on_the_air_may_end_before_the_stop() {
    assert!(seconds("TimeoutStopSec") >= CMGS_DEADLINE_S + SETTLE_S);
}

#[test]
fn the_unit_waits_for_the_drivers_majors() {
    assert!(unit_values("After")[0].split(' ').any(|unit| unit == "systemd-modules-load.service"));
    let listed = read("systemd/modules-load.d/gsmgate.conf");
    let modules: Vec<&str> = listed.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(modules, ["usbserial", "option", "cdc_acm"]);
}

#[test]
fn the_users_folders_and_the_unit_agree() {
    let sysusers = read("systemd/sysusers.d/gsmgate.conf");
    let user = unit_values("User");
    assert!(sysusers.lines().any(|line| line.starts_with(&format!("u {} ", user[0]))), "{sysusers}");
    for group in unit_values("SupplementaryGroups") {
        assert!(sysusers.lines().any(|line| line == format!("m {} {group}", user[0])), "{group}");
    }
    let tmpfiles = read("systemd/tmpfiles.d/gsmgate.conf");
    for folder in unit_values("ConfigurationDirectory") {
        assert!(tmpfiles.contains(&format!("d /etc/{folder} 0750 root {} ", unit_values("Group")[0])));
    }
}

/// Runs a tool on a copy of the unit whose program exists; `None` where the tool is not installed.
fn systemd_analyze(arguments: &[&str]) -> Option<std::process::Output> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("gsmgate.service");
    std::fs::write(&copy, read("systemd/gsmgate.service").replace("=/usr/bin/gsmgate ", "=/bin/true ")).unwrap();
    match Command::new("systemd-analyze").args(arguments).arg(&copy).output() {
        Ok(out) => Some(out),
        Err(error) => {
            println!("skipped: systemd-analyze: {error}");
            None
        }
    }
}

/// Nothing must be printed: an unknown key alone still exits with 0.
#[test]
fn systemd_verifies_the_unit_in_silence() {
    if let Some(out) = systemd_analyze(&["verify"]) {
        let said = [out.stdout, out.stderr].concat();
        assert!(out.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn systemd_finds_the_unit_hardened() {
    let threshold = format!("--threshold={EXPOSURE_TENTHS}");
    if let Some(out) = systemd_analyze(&["security", "--offline=true", "--no-pager", &threshold]) {
        let said = [out.stdout, out.stderr].concat();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}

// --- Guides -----------------------------------------------------------------------------------------------------------

#[test]
fn the_mqtt_guide_has_a_row_for_every_state_and_every_code() {
    let guide = read("docs/mqtt.md");
    let has_row = |word: &str| guide.lines().any(|line| line.starts_with(&format!("| `{word}` |")));
    for (state, word) in PublicState::WORDS {
        assert!(has_row(word), "{state:?}");
    }
    for (code, word) in RefusalCode::WORDS {
        assert!(has_row(word), "{code:?}");
    }
}

/// Links between the documents lead somewhere.
#[test]
fn links_between_documents_lead_somewhere() {
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map(PathBuf::from);
    let guides = std::fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = documents.into_iter().map(|name| Path::new(ROOT).join(name)).chain(guides);
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            if !target.starts_with("http") {
                let path = document.parent().unwrap().join(target);
                assert!(path.exists(), "{}: {target}", document.display());
            }
        }
    }
}
