//! The configuration file: parsed completely into checked values before anything opens.

mod table;

pub use table::ConfigError;

use crate::intake::Adopt;
use crate::model::Label;
use crate::telemetry::LogFormat;
use crate::{app, bridge, modem, scheduler, store};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::{At, Mistakes, Table};
use toml::de::DeTable;

/// Where the file is when nobody says.
pub const DEFAULT_PATH: &str = "/etc/gsmgate/gsmgate.toml";
/// Where the control socket is when nobody says.
pub const DEFAULT_SOCKET: &str = "/run/gsmgate/control.sock";
/// A secret file is not longer than this.
const SECRET_OCTETS: usize = 4096;

/// A checked configuration.
#[derive(Debug, Clone)]
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
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("{error}; name another file with --config, or copy gsmgate.example.toml there");
            vec![ConfigError { file: path.to_owned(), line: 0, column: 0, key: String::new(), message }]
        })?;
        Config::parse(path, &text)
    }

    /// Checks the text of a file.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Vec<ConfigError>> {
        let mut mistakes = Mistakes::new(path, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            mistakes.add(&error.span().unwrap_or_default(), "", error.message());
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
    let limits = root.table("limits", mistakes);
    let retry = root.table("retry", mistakes);
    let log = root.table("log", mistakes);
    root.end(mistakes);

    let gateway = read_gateway(gateway, mistakes);
    let mqtt = mqtt.and_then(|table| read_mqtt(table, &gateway.name, mistakes));
    let scheduler = scheduler::Config { retry: read_retry(retry, mistakes), limits: read_limits(limits, mistakes) };
    let (log_level, log_format) = read_log(log, mistakes);
    let settings = app::Settings {
        name: gateway.name,
        store: store::Config { dir: gateway.state_dir, max_queued: gateway.max_queued },
        modems: read_modems(modems, mistakes),
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
    max_queued: u64,
    adopt: Adopt,
}

fn read_gateway(table: Option<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> GatewayTable {
    let mut gateway = GatewayTable {
        name: host_label(),
        state_dir: "/var/lib/gsmgate".into(),
        control_socket: DEFAULT_SOCKET.into(),
        max_queued: 1_000_000,
        adopt: Adopt::Keep,
    };
    let Some(mut table) = table else { return gateway };
    if let Some(name) = table.parsed("name", mistakes) {
        gateway.name = name.value;
    }
    if let Some(dir) = table.text("state_dir", mistakes) {
        gateway.state_dir = dir.value.into();
    }
    if let Some(path) = table.text("control_socket", mistakes) {
        gateway.control_socket = path.value.into();
    }
    if let Some(n) = table.number("max_queued", 1..=100_000_000, mistakes) {
        gateway.max_queued = n;
    }
    if let Some(adopt) = table.word("adopt", &[("keep", Adopt::Keep), ("publish", Adopt::Publish)], mistakes) {
        gateway.adopt = adopt;
    }
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
    let password = read_secret(&mut table, "password_file", "mqtt.password", mistakes);
    let ca_file = read_file(&mut table, "ca_file", mistakes);
    let base = table.text("base", mistakes);
    let client_id = table.text("client_id", mistakes);
    let keep_alive = table.number("keep_alive_s", 5..=3600, mistakes);
    let (span, key) = (table.span().clone(), table.path("url"));
    table.end(mistakes);
    let Some(At { value: url, span: url_span }) = url else {
        mistakes.add(&span, &key, "is missing; e.g. \"mqtt://127.0.0.1:1883\"");
        return None;
    };
    let mut config = match bridge::mqtt::Config::new(&url, name) {
        Ok(config) => config,
        Err(error) => {
            mistakes.add(&url_span, &key, error.to_string());
            return None;
        }
    };
    config.user = user.map(|user| user.value);
    config.password = password;
    config.ca = ca_file;
    if let Some(base) = base
        && let Err(error) = config.set_base(&base.value)
    {
        mistakes.add(&base.span, "mqtt.base", error.to_string());
    }
    if let Some(client_id) = client_id {
        config.client_id = client_id.value;
    }
    if let Some(seconds) = keep_alive {
        config.keep_alive = Duration::from_secs(seconds);
    }
    Some(config)
}

/// A file's octets, read now so that a missing one is found before anything opens.
fn read_file(table: &mut Table<'_, '_>, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<Vec<u8>> {
    let path = table.text(key, mistakes)?;
    match std::fs::read(&path.value) {
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
) -> Option<String> {
    let named = table.text(key, mistakes);
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(credential));
    let given = given.filter(|path| path.exists());
    let (path, span) = match (given, named) {
        (Some(path), named) => (path, named.map_or_else(|| table.span().clone(), |named| named.span)),
        (None, Some(named)) => (PathBuf::from(named.value), named.span),
        (None, None) => return None,
    };
    match std::fs::read_to_string(&path) {
        Ok(secret) if secret.len() <= SECRET_OCTETS => Some(secret.trim_end_matches(['\r', '\n']).to_owned()),
        Ok(_) => {
            mistakes.add(&span, &table.path(key), format!("{} is too long for a secret", path.display()));
            None
        }
        Err(error) => {
            mistakes.add(&span, &table.path(key), format!("{} cannot be read: {error}", path.display()));
            None
        }
    }
}

fn read_modems(tables: Vec<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> Vec<modem::Config> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut labels: HashMap<Label, usize> = HashMap::new();
    let mut modems = Vec::new();
    for (index, mut table) in tables.into_iter().enumerate() {
        let port = table.text("port", mistakes);
        let mut config = modem::Config::new(index, port.as_ref().map_or("", |port| &port.value));
        match &port {
            None => mistakes.add(table.span(), &table.path("port"), "is missing; e.g. \"/dev/ttyUSB2\""),
            Some(port) => {
                if let Some(first) = seen.insert(same_port(&port.value), index) {
                    let message = format!("modem[{first}] has this port already; a port belongs to one modem");
                    mistakes.add(&port.span, &table.path("port"), message);
                }
            }
        }
        if let Some(label) = table.parsed::<Label>("label", mistakes) {
            if let Some(first) = labels.insert(label.value.clone(), index) {
                let message = format!("modem[{first}] has this label already");
                mistakes.add(&label.span, &table.path("label"), message);
            }
            config.label = Some(label.value);
        }
        config.sim_label = table.parsed::<Label>("sim_label", mistakes).map(|label| label.value);
        if let Some(baud) = table.number("baud", 300..=4_000_000, mistakes) {
            config.baud = u32::try_from(baud).unwrap_or(config.baud);
        }
        config.profile = table.text("profile", mistakes).map(|profile| profile.value);
        table.end(mistakes);
        modems.push(config);
    }
    modems
}

/// Two names of one device are one port.
fn same_port(port: &str) -> String {
    std::fs::canonicalize(port).map_or_else(|_| port.to_owned(), |path| path.to_string_lossy().into_owned())
}

fn read_limits(table: Option<Table<'_, '_>>, mistakes: &mut Mistakes<'_>) -> scheduler::limits::Config {
    let mut limits = scheduler::limits::Config::default();
    let Some(mut table) = table else { return limits };
    let mut read = |key| table.number(key, 0..=1_000_000, mistakes).and_then(|n| u32::try_from(n).ok());
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
    if let Some(n) = table.number("max_blamed", 1..=255, mistakes) {
        retry.max_blamed = u8::try_from(n).unwrap_or(retry.max_blamed);
    }
    table.end(mistakes);
    retry
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
    fn every_mistake_names_line_and_key() {
        for (name, text, wanted) in [
            ("unknown key", "[gateway]\nnam = \"a\"\n", &["g.toml:2:1: gateway.nam: unknown key"][..]),
            ("unknown table", "[gatway]\n", &["g.toml:1:2: gatway: unknown key"]),
            ("wrong type", "[gateway]\nname = 7\n", &["g.toml:2:8: gateway.name: must be a string, not integer"]),
            ("bad label", "[gateway]\nname = \"A B\"\n", &["g.toml:2:8: gateway.name: label must match"]),
            ("no port", "[[modem]]\nlabel = \"a\"\n", &["g.toml:1:1: modem[0].port: is missing"]),
            (
                "two modems on one port",
                "[[modem]]\nport = \"/dev/ttyX\"\n[[modem]]\nport = \"/dev/ttyX\"\n",
                &["g.toml:4:8: modem[1].port: modem[0] has this port already"],
            ),
            ("no url", "[mqtt]\nuser = \"u\"\n", &["g.toml:1:1: mqtt.url: is missing"]),
            (
                "unreadable secret",
                "[mqtt]\nurl = \"mqtt://localhost\"\npassword_file = \"/no/such\"\n",
                &["g.toml:3:17: mqtt.password_file: /no/such cannot be read"],
            ),
            ("out of range", "[retry]\nbase_s = 0\n", &["g.toml:2:10: retry.base_s: must be a whole number from 1"]),
            ("huge number", "[limits]\nper_day = 99999999999999999999\n", &["g.toml:2:11: limits.per_day: must be"]),
            ("not toml", "[gateway\n", &["g.toml:1:"]),
            (
                "several at once",
                "[gateway]\nname = 7\nx = 1\n",
                &["g.toml:2:8: gateway.name", "g.toml:3:1: gateway.x: unknown key"],
            ),
        ] {
            let found = mistakes(text);
            assert!(found.len() >= wanted.len(), "{name}: {found:?}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert!(found.starts_with(wanted), "{name}: {found}");
            }
        }
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let config = Config::parse(Path::new("g.toml"), "").unwrap();
        assert_eq!(config.settings.store.max_queued, 1_000_000);
        assert!(config.settings.modems.is_empty() && config.settings.mqtt.is_none());
    }
}
