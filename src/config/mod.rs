//! The configuration file: parsed completely into checked values before anything opens.

mod modems;
mod table;

pub use table::ConfigError;

use crate::intake::Adopt;
use crate::model::Label;
use crate::telemetry::LogFormat;
use crate::{app, bridge, modem, scheduler, slots, store};
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::{Mistakes, Table};
use toml::de::DeTable;

/// Where the file is when nobody says.
pub const DEFAULT_PATH: &str = "/etc/gsmgate/gsmgate.toml";
/// Where the control socket is when nobody says.
pub const DEFAULT_SOCKET: &str = "/run/gsmgate/control.sock";
/// Octets that the configuration, a certificate or a secret has at most: more is a device, or a mistake.
const MAX_FILE: u64 = 1024 * 1024;
/// History is kept so long at least.
const MIN_HISTORY_DAYS: u64 = 7;
/// Octets of a socket's path. unix(7)
const MAX_SOCKET_PATH: usize = 107;

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What the gateway is made from.
    pub settings: app::Settings,
    /// `[log] level`: a filter of tracing, e.g. `info` or `gsmgate=debug`. Default `info`.
    pub log_level: String,
    /// `[log] format`.
    pub log_format: LogFormat,
}

impl Config {
    /// Reads and checks a file; every mistake that can be found in one go is in the error.
    pub fn load(path: &Path) -> Result<Config, Vec<ConfigError>> {
        let text = read_text(path).map_err(|error| {
            let message = format!("{error}; name another file with --config, or copy gsmgate.example.toml there");
            vec![ConfigError { file: path.to_owned(), line: 0, column: 0, key: String::new(), message }]
        })?;
        Config::parse(path, &text)
    }

    /// Checks the text of a file.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Vec<ConfigError>> {
        let mut mistakes = Mistakes::new(path, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            mistakes.add(&error.span().unwrap_or_default(), "", error.message().replace('\n', ", "));
        }
        if !errors.is_empty() {
            // What is missing then may only be unreadable.
            return Err(mistakes.into_found());
        }
        let config = read(Table::new(&root), &mut mistakes);
        let found = mistakes.into_found();
        if found.is_empty() { Ok(config) } else { Err(found) }
    }
}

fn read(mut root: Table<'_, '_>, mistakes: &mut Mistakes<'_>) -> Config {
    let gateway = root.table("gateway", mistakes);
    let mqtt = root.table("mqtt", mistakes);
    let modems = root.tables("modem", mistakes);
    let discovery = root.table("discovery", mistakes);
    let limits = root.table("limits", mistakes);
    let retry = root.table("retry", mistakes);
    let retention = root.table("retention", mistakes);
    let log = root.table("log", mistakes);
    root.end(mistakes);

    let gateway = read_gateway(gateway, mistakes);
    let mqtt = mqtt.and_then(|table| read_mqtt(table, &gateway.name, mistakes));
    let scheduler = scheduler::Config { retry: read_retry(retry, mistakes), limits: read_limits(limits, mistakes) };
    let (log_level, log_format) = read_log(log, mistakes);
    let modems = modems::read_modems(modems, &gateway.every_modem, mistakes);
    let (discovery, system) = modems::read_discovery(discovery, &modems, gateway.every_modem, mistakes);
    let mut store = store::Config::new(gateway.state_dir.clone());
    store.max_queued = gateway.max_queued;
    store.retention = read_retention(retention, mistakes);
    store.backups = gateway.snapshots.then_some(gateway.backup_dir.or(store.backups)).flatten();
    let settings = app::Settings {
        name: gateway.name,
        slots: slots::Config {
            discovery,
            modems,
            recordings: Some(gateway.state_dir.join("recordings")),
            supply: Some(system),
            dial: modem::Dial::default(),
        },
        store,
        tidy_every: Duration::from_secs(86_400),
        scheduler,
        adopt: gateway.adopt,
        control_socket: gateway.control_socket,
        mqtt,
    };
    Config { settings, log_level, log_format }
}

struct GatewayTable {
    name: Label,
    state_dir: PathBuf,
    control_socket: PathBuf,
    /// `None`: in the state directory.
    backup_dir: Option<PathBuf>,
    snapshots: bool,
    max_queued: u64,
    adopt: Adopt,
    /// What holds for all modems.
    every_modem: modem::Config,
}

fn read_gateway(table: Option<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> GatewayTable {
    let mut gateway = GatewayTable {
        name: host_label(),
        state_dir: "/var/lib/gsmgate".into(),
        control_socket: DEFAULT_SOCKET.into(),
        backup_dir: None,
        snapshots: true,
        max_queued: 1_000_000,
        adopt: Adopt::Keep,
        every_modem: modem::Config::new(0, ""),
    };
    let Some(mut table) = table else { return gateway };
    if let Some(name) = table.parsed("name", mistakes) {
        gateway.name = name.value;
    }
    if let Some(dir) = table.absolute("state_dir", mistakes) {
        gateway.state_dir = dir.value.into();
    }
    gateway.backup_dir = table.absolute("backup_dir", mistakes).map(|dir| dir.value.into());
    gateway.snapshots = table.boolean("snapshots", mistakes).unwrap_or(true);
    if let Some(path) = table.absolute("control_socket", mistakes) {
        if path.value.len() > MAX_SOCKET_PATH {
            let message = format!("a socket's path has at most {MAX_SOCKET_PATH} octets");
            mistakes.add(&path.span, "gateway.control_socket", message);
        }
        gateway.control_socket = path.value.into();
    }
    if let Some(n) = table.number("max_queued", 1..=100_000_000, mistakes) {
        gateway.max_queued = n;
    }
    if let Some(adopt) = table.word("adopt", &[("keep", Adopt::Keep), ("publish", Adopt::Publish)], mistakes) {
        gateway.adopt = adopt;
    }
    let calls = [("hang_up", modem::Calls::HangUp), ("ignore", modem::Calls::Ignore)];
    if let Some(calls) = table.word("calls", &calls, mistakes) {
        gateway.every_modem.calls = calls;
    }
    gateway.every_modem.broadcasts = table.parsed("cell_broadcasts", mistakes).map(|list| list.value);
    table.end(mistakes);
    gateway
}

/// The host's name as a label; `gsmgate` when it has none that fits.
fn host_label() -> Label {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    Label::from_text(&host).unwrap_or_else(|| Label::from_text("gsmgate").expect("a label"))
}

fn read_mqtt(mut table: Table<'_, '_>, name: &Label, mistakes: &mut Mistakes<'_>) -> Option<bridge::mqtt::Config> {
    let url = table.text("url", mistakes);
    let user = table.text("user", mistakes);
    let password = read_password(&mut table, mistakes);
    let ca_file = read_file(&mut table, "ca_file", mistakes);
    let identity = read_identity(&mut table, mistakes);
    let base = table.text("base", mistakes);
    let client_id = table.text("client_id", mistakes);
    let keep_alive = table.number("keep_alive_s", 5..=3600, mistakes);
    let words = [("full", bridge::mqtt::Content::Full), ("minimal", bridge::mqtt::Content::Minimal)];
    let content = table.word("content", &words, mistakes);
    table.end(mistakes);
    let Some(url) = url else {
        if !table.has("url") {
            mistakes.add(table.span(), "mqtt.url", "is missing; e.g. \"mqtt://127.0.0.1:1883\"");
        }
        return None;
    };
    let mut config = match bridge::mqtt::Config::new(&url.value, name) {
        Ok(config) => config,
        Err(error) => {
            mistakes.add(&url.span, "mqtt.url", error.to_string());
            return None;
        }
    };
    config.user = user.map(|user| user.value);
    config.password = password;
    config.ca = ca_file;
    config.identity = identity;
    if let Some(base) = base
        && let Err(error) = config.set_base(&base.value)
    {
        mistakes.add(&base.span, "mqtt.base", error.to_string());
    }
    if let Some(client_id) = client_id {
        config.client_id = client_id.value;
    }
    if let Some(content) = content {
        config.content = content;
    }
    if let Some(seconds) = keep_alive {
        config.keep_alive = Duration::from_secs(seconds);
    }
    if let Err(error) = config.check() {
        mistakes.add(&table.place(error.key), &table.path(error.key), error.to_string());
    }
    Some(config)
}

/// Our certificate and its key: both or none.
fn read_identity(table: &mut Table<'_, '_>, mistakes: &mut Mistakes<'_>) -> Option<bridge::mqtt::Identity> {
    let certificate = read_file(table, "cert_file", mistakes);
    let key = read_secret(table, "key_file", "mqtt.key", mistakes);
    for (given, missing) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        let is_credential = missing == "key_file" && key.is_some();
        if table.has(given) && !table.has(missing) && !is_credential {
            let message = "is missing; a certificate and its key go together";
            mistakes.add(&table.place(given), &table.path(missing), message);
        }
    }
    Some(bridge::mqtt::Identity { certificate: certificate?, key: key? })
}

/// A file's octets, read now so that a missing one is found before anything opens.
fn read_file(table: &mut Table<'_, '_>, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<Vec<u8>> {
    let path = table.absolute(key, mistakes)?;
    match read_bounded(Path::new(&path.value)) {
        Ok(octets) => Some(octets),
        Err(error) => {
            mistakes.add(&path.span, &table.path(key), format!("{} cannot be read: {error}", path.value));
            None
        }
    }
}

/// A secret: from systemd's credentials if there is one of this name, else from the file that the key names.
fn read_secret(
    table: &mut Table<'_, '_>,
    key: &'static str,
    credential: &str,
    mistakes: &mut Mistakes<'_>,
) -> Option<Vec<u8>> {
    let named = table.absolute(key, mistakes).map(|named| PathBuf::from(named.value));
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(credential));
    // One that cannot even be looked at is a mistake to tell, not a reason to do without.
    let path = given.filter(|path| path.try_exists().unwrap_or(true)).or(named)?;
    match read_bounded(&path) {
        Ok(secret) => Some(secret),
        Err(error) => {
            mistakes.add(&table.place(key), &table.path(key), format!("{} cannot be read: {error}", path.display()));
            None
        }
    }
}

fn read_password(table: &mut Table<'_, '_>, mistakes: &mut Mistakes<'_>) -> Option<String> {
    let secret = read_secret(table, "password_file", "mqtt.password", mistakes)?;
    match String::from_utf8(secret) {
        // Editors and `echo` end the line; the secret does not.
        Ok(secret) => Some(secret.trim_end_matches(['\r', '\n']).to_owned()),
        Err(_) => {
            mistakes.add(&table.place("password_file"), &table.path("password_file"), "is not UTF-8");
            None
        }
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Error, Read};
    let mut octets = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > MAX_FILE {
        return Err(Error::other(format!("larger than {MAX_FILE} octets")));
    }
    Ok(octets)
}

fn read_text(path: &Path) -> std::io::Result<String> {
    String::from_utf8(read_bounded(path)?).map_err(|_| std::io::Error::other("not UTF-8"))
}

fn read_limits(table: Option<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> scheduler::limits::Config {
    let mut limits = scheduler::limits::Config::default();
    let Some(mut table) = table else { return limits };
    let mut read = |key| table.number(key, 1..=1_000_000, mistakes).and_then(|n| u32::try_from(n).ok());
    limits.per_minute = read("per_minute");
    limits.per_hour = read("per_hour");
    limits.per_day = read("per_day");
    table.end(mistakes);
    limits
}

fn read_retry(table: Option<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> scheduler::retry::Config {
    let mut retry = scheduler::retry::Config::default();
    let Some(mut table) = table else { return retry };
    if let Some(seconds) = table.number("base_s", 1..=3600, mistakes) {
        retry.base = Duration::from_secs(seconds);
    }
    if let Some(seconds) = table.number("cap_s", 1..=86_400, mistakes) {
        retry.cap = Duration::from_secs(seconds);
    }
    if retry.cap < retry.base {
        let message = format!("is below base_s, which is {}", retry.base.as_secs());
        mistakes.add(&table.place("cap_s"), "retry.cap_s", message);
    }
    table.end(mistakes);
    retry
}

fn read_retention(table: Option<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> store::Retention {
    let mut retention = store::Retention::default();
    let Some(mut table) = table else { return retention };
    // 0: for ever.
    let days = |n: u64| (n > 0).then(|| Duration::from_secs(n * 86_400));
    let mut read = |key| table.number(key, 0..=36_500, mistakes);
    let (bodies, history, unpublished) = (read("bodies_days"), read("history_days"), read("unpublished_days"));
    if let Some(n) = history {
        retention.history = days(n);
        if (1..MIN_HISTORY_DAYS).contains(&n) {
            let message = format!("must be 0 or at least {MIN_HISTORY_DAYS}: so long ids are unique");
            mistakes.add(&table.place("history_days"), "retention.history_days", message);
        }
    }
    if let Some(n) = bodies {
        retention.bodies = days(n);
    }
    if let Some(n) = unpublished {
        retention.unpublished = days(n);
    }
    table.end(mistakes);
    retention
}

fn read_log(table: Option<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> (String, LogFormat) {
    let (mut level, mut format) = ("info".to_owned(), LogFormat::Auto);
    let Some(mut table) = table else { return (level, format) };
    if let Some(text) = table.text("level", mistakes) {
        if let Err(error) = crate::telemetry::check_level(&text.value) {
            mistakes.add(&text.span, "log.level", error);
        }
        level = text.value;
    }
    let formats = [("auto", LogFormat::Auto), ("plain", LogFormat::Plain), ("json", LogFormat::Json)];
    if let Some(word) = table.word("format", &formats, mistakes) {
        format = word;
    }
    table.end(mistakes);
    (level, format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let found = Config::parse(Path::new("g.toml"), text).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn every_mistake_names_line_and_key() {
        let long = format!("[gateway]\ncontrol_socket = \"/{}\"\n", "x".repeat(107));
        for (name, text, wanted) in [
            (
                "unknown key",
                "[gateway]\nnam = \"a\"\n",
                &["g.toml:2:1: gateway.nam: unknown key; known here: name,"][..],
            ),
            ("unknown table", "[gatway]\n", &["g.toml:1:2: gatway: unknown key"]),
            ("no table", "gateway = 3\n", &["g.toml:1:11: gateway: must be a table, not integer"]),
            ("one table for many", "[modem]\nport = \"/x\"\n", &["g.toml:1:1: modem: must be an array of tables"]),
            ("wrong type", "[gateway]\nname = 7\n", &["g.toml:2:8: gateway.name: must be a string, not integer"]),
            ("bad label", "[gateway]\nname = \"A B\"\n", &["g.toml:2:8: gateway.name: label must match"]),
            ("relative path", "[gateway]\nstate_dir = \"x\"\n", &["g.toml:2:13: gateway.state_dir: must begin with /"]),
            ("long path", &long, &["g.toml:2:18: gateway.control_socket: a socket's path has at most 107 octets"]),
            ("no port", "[[modem]]\nlabel = \"a\"\n", &["g.toml:1:1: modem[0].port: is missing"]),
            ("port of no type", "[[modem]]\nport = 2\n", &["g.toml:2:8: modem[0].port: must be a string"]),
            (
                "two modems on one port",
                "[[modem]]\nport = \"/dev/ttyX\"\n[[modem]]\nport = \"/dev/ttyX\"\n",
                &["g.toml:4:8: modem[1].port: is the same as modem[0].port"],
            ),
            (
                "one port by two names",
                "[[modem]]\nport = \"/dev/null\"\n[[modem]]\nport = \"/dev/../dev/null\"\n",
                &["g.toml:4:8: modem[1].port: is the same as modem[0].port"],
            ),
            (
                "two equal labels",
                "[[modem]]\nport = \"/a\"\nlabel = \"x\"\nsim_label = \"s\"\n\
                 [[modem]]\nport = \"/b\"\nlabel = \"x\"\nsim_label = \"s\"\n",
                &["g.toml:7:9: modem[1].label: is the same as", "g.toml:8:13: modem[1].sim_label: is the same as"],
            ),
            (
                "profile",
                "[[modem]]\nport = \"/a\"\nprofile = \"x\"\n",
                &["g.toml:3:11: modem[0].profile: must be one of"],
            ),
            (
                "pin_force",
                "[[modem]]\nport = \"/a\"\npin_force = 1\n",
                &["g.toml:3:13: modem[0].pin_force: must be true or false, not integer"],
            ),
            (
                "no serial server",
                "[[modem]]\nport = \"tcp://box\"\n",
                &["g.toml:2:8: modem[0].port: must begin with /, and hold no NUL; or be tcp://host:port"],
            ),
            (
                "neither port nor IMEI, and both",
                "[[modem]]\n[[modem]]\nport = \"/a\"\nimei = \"490154203237518\"\n",
                &["g.toml:1:1: modem[0].port: is missing", "g.toml:4:8: modem[1].imei: goes without port"],
            ),
            (
                "one IMEI twice",
                "[[modem]]\nimei = \"490154203237518\"\n[[modem]]\nimei = \"490154203237518\"\n",
                &["g.toml:4:8: modem[1].imei: is the same as modem[0].imei"],
            ),
            (
                "what is no USB device, and an IMEI that nobody looks for",
                "[discovery]\ntake = \"none\"\nalso = [\"12d1\", 3]\n[[modem]]\nimei = \"490154203237518\"\n",
                &[
                    "g.toml:2:8: discovery.take: is none, and a [[modem]] has an imei",
                    "g.toml:3:9: discovery.also: must be USB devices like",
                    "g.toml:3:17: discovery.also: must be an array of strings",
                ],
            ),
            (
                "calls and broadcasts that nobody knows",
                "[gateway]\ncalls = \"answer\"\ncell_broadcasts = \"9-1\"\n",
                &[
                    "g.toml:2:9: gateway.calls: must be one of \"hang_up\", \"ignore\"",
                    "g.toml:3:19: gateway.cell_broadcasts: identifiers are numbers up to 65535",
                ],
            ),
            (
                "half a power key",
                "[[modem]]\nport = \"/a\"\npower_key = { line = 2000 }\n",
                &[
                    "g.toml:3:13: modem[0].power_key.chip: is missing",
                    "g.toml:3:22: modem[0].power_key.line: must be a whole number from 0 to 1023",
                ],
            ),
            (
                "no PIN in its file",
                "[[modem]]\nport = \"/a\"\npin_file = \"/dev/null\"\n",
                &["g.toml:3:12: modem[0].pin_file: a PIN has 4 to 8 digits"],
            ),
            ("no url", "[mqtt]\nuser = \"u\"\n", &["g.toml:1:1: mqtt.url: is missing"]),
            ("bad url", "[mqtt]\nurl = \"tcp://x\"\n", &["g.toml:2:7: mqtt.url: must begin with mqtt://"]),
            ("bad base", "[mqtt]\nurl = \"mqtt://x\"\nbase = \"a/#\"\n", &["g.toml:3:8: mqtt.base: must be"]),
            (
                "unreadable secret",
                "[mqtt]\nurl = \"mqtt://x\"\nuser = \"u\"\npassword_file = \"/no/such\"\n",
                &["g.toml:4:17: mqtt.password_file: /no/such cannot be read"],
            ),
            (
                "endless secret",
                "[mqtt]\nurl = \"mqtt://x\"\nuser = \"u\"\npassword_file = \"/dev/zero\"\n",
                &["g.toml:4:17: mqtt.password_file: /dev/zero cannot be read: larger than"],
            ),
            (
                "CA without TLS",
                "[mqtt]\nurl = \"mqtt://x\"\nca_file = \"/dev/null\"\n",
                &["g.toml:3:11: mqtt.ca_file: is for TLS"],
            ),
            (
                "certificate without key",
                "[mqtt]\nurl = \"mqtts://x\"\ncert_file = \"/dev/null\"\n",
                &["g.toml:3:13: mqtt.key_file: is missing"],
            ),
            ("out of range", "[retry]\nbase_s = 0\n", &["g.toml:2:10: retry.base_s: must be a whole number from 1"]),
            ("cap below base", "[retry]\nbase_s = 60\ncap_s = 5\n", &["g.toml:3:9: retry.cap_s: is below base_s"]),
            (
                "a history shorter than ids are unique",
                "[retention]\nhistory_days = 6\nbodies_days = -1\nunpublished_days = 36501\n",
                &[
                    "g.toml:2:16: retention.history_days: must be 0 or at least 7",
                    "g.toml:3:15: retention.bodies_days: must be a whole number from 0 to 36500",
                    "g.toml:4:20: retention.unpublished_days: must be a whole number from 0 to 36500",
                ],
            ),
            ("no limit at all", "[limits]\nper_day = 0\n", &["g.toml:2:11: limits.per_day: must be"]),
            ("huge number", "[limits]\nper_day = 99999999999999999999\n", &["g.toml:2:11: limits.per_day: must be"]),
            ("no level", "[log]\nlevel = \"loud\"\n", &["g.toml:2:9: log.level: \"loud\" is no level"]),
            ("not toml", "[gateway\n[[modem]]\n", &["g.toml:1:9: unclosed table, expected `]`"]),
            ("a word for a string", "[log]\nlevel = warn\n", &["g.toml:2:9: string values must be quoted"]),
            ("twice", "[log]\nlevel = \"info\"\nlevel = \"warn\"\n", &["g.toml:3:1: duplicate key"]),
            (
                "several at once",
                "[gateway]\nname = 7\nx = 1\n[log]\nformat = \"xml\"\n",
                &[
                    "g.toml:2:8: gateway.name",
                    "g.toml:3:1: gateway.x: unknown key",
                    "g.toml:5:10: log.format: must be one of",
                ],
            ),
        ] {
            let found = mistakes(text);
            assert_eq!(found.len(), wanted.len(), "{name}: {found:#?}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert!(found.starts_with(wanted), "{name}: {found}");
            }
        }
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let config = Config::parse(Path::new("g.toml"), "").unwrap();
        assert_eq!(config.settings.store.max_queued, 1_000_000);
        assert!(config.settings.slots.modems.is_empty() && config.settings.mqtt.is_none());
    }
}
