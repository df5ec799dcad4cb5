//! The configuration file as an operator meets it: the example, and what `check` and `run` say about mistakes.

#![allow(clippy::unwrap_used, reason = "a test")]

use gsmgate::config::Config;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

const EXAMPLE: &str = include_str!("../gsmgate.example.toml");
/// What the example must say, and all that it may say.
const REQUIRED: &str = "[mqtt]\nurl = \"mqtt://127.0.0.1:1883\"\n\
    [[modem]]\nport = \"/dev/serial/by-id/usb-HUAWEI_HUAWEI_Mobile-if02-port0\"\n";

fn parse(text: &str) -> Config {
    let shown = |mistakes: Vec<_>| mistakes.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n");
    Config::parse(Path::new("gsmgate.example.toml"), text).map_err(shown).unwrap()
}

/// The example with its keys switched on; without `computed` only those whose default is a fixed value.
fn switched_on(computed: bool) -> String {
    let mut is_computed = false;
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        let key = line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
        match key {
            Some(key) if computed || !is_computed => text.push_str(key),
            Some(_) => {}
            None => text.push_str(line),
        }
        is_computed = key.is_none() && (is_computed && line.starts_with('#') || line.contains("Default:"));
        text.push('\n');
    }
    text
}

#[test]
fn the_example_is_the_defaults() {
    assert_eq!(parse(EXAMPLE), parse(REQUIRED));
    let on = switched_on(false);
    assert!(on.contains("\nmax_queued = ") && !on.contains("\nuser = "));
    assert_eq!(parse(&on), parse(REQUIRED), "a default that is shown is not the default");
}

#[test]
fn every_key_of_the_parser_stands_in_the_example() {
    let example: toml::Table = switched_on(true).parse().unwrap();
    // An unknown key makes the parser name those it knows.
    let probe = "zz = 1\n[gateway]\nzz = 1\n[mqtt]\nzz = 1\n[[modem]]\nzz = 1\n[discovery]\nzz = 1\n\
        [limits]\nzz = 1\n[retry]\nzz = 1\n[retention]\nzz = 1\n[log]\nzz = 1\n";
    let mistakes = Config::parse(Path::new("probe.toml"), probe).unwrap_err();
    let mut tables = 0;
    for mistake in mistakes.iter().filter(|mistake| mistake.key.ends_with("zz")) {
        let table = mistake.key.trim_end_matches("zz").trim_end_matches('.').trim_end_matches("[0]");
        let known: BTreeSet<&str> = mistake.message.rsplit(": ").next().unwrap().split(", ").collect();
        let shown = match (table, example.get(table)) {
            ("", _) => &example,
            (_, Some(toml::Value::Array(tables))) => tables[0].as_table().unwrap(),
            (_, found) => found.unwrap().as_table().unwrap(),
        };
        assert_eq!(shown.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "[{table}]");
        tables += 1;
    }
    assert_eq!(tables, 1 + example.len(), "a table is not probed");
}

/// Runs the binary on this text; no other configuration reaches it.
fn gsmgate(text: &str, arguments: &[&str], credentials: Option<&Path>) -> (Output, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("g.toml");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gsmgate"));
    command.args(arguments).arg("--config").arg(&path).env_remove("CREDENTIALS_DIRECTORY");
    if let Some(credentials) = credentials {
        command.env("CREDENTIALS_DIRECTORY", credentials);
    }
    (command.output().unwrap(), path.display().to_string())
}

#[test]
fn check_and_run_refuse_the_same_way() {
    let text = "[gateway]\nnam = \"a\"\nmax_queued = 0\n[[modem]]\nlabel = \"ok\"\n";
    for command in ["check", "run"] {
        let (output, path) = gsmgate(text, &[command], None);
        assert_eq!(output.status.code(), Some(78), "{command}");
        assert!(output.stdout.is_empty(), "{command}");
        let said = String::from_utf8(output.stderr).unwrap();
        for line in [":2:1: gateway.nam: ", ":3:14: gateway.max_queued: ", ":4:1: modem[0].port: "] {
            assert!(said.contains(&format!("\n{path}{line}")), "{command}: no {line} in\n{said}");
        }
    }
    let (output, path) = gsmgate(text, &["check", "--json"], None);
    assert_eq!(output.status.code(), Some(78));
    let lines = String::from_utf8(output.stdout).unwrap();
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["file"], &first["line"], &first["key"]), (&path.into(), &2.into(), &"gateway.nam".into()));
    assert_eq!(lines.lines().count(), 3);
}

#[test]
fn a_missing_file_is_a_bad_configuration() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_gsmgate")).args(["check", "--config", "/no/such.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/no/such.toml: No such file"));
}

#[test]
fn secrets_come_from_credentials_first_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mqtt.password"), "hunter2\n").unwrap();
    let file = dir.path().join("mqtt.password");
    let broker = "[mqtt]\nurl = \"mqtt://127.0.0.1\"\nuser = \"u\"\n";
    for (name, text, credentials, exit) in [
        ("file", format!("{broker}password_file = {file:?}\n"), None, 0),
        ("no such file", format!("{broker}password_file = \"/no/such\"\n"), None, 78),
        ("credential before file", format!("{broker}password_file = \"/no/such\"\n"), Some(dir.path()), 0),
        ("credential alone", broker.to_owned(), Some(dir.path()), 0),
        ("other credentials", broker.to_owned(), Some(Path::new("/")), 0),
        ("a mistake beside it", format!("{broker}password_file = {file:?}\nbase = \"#\"\n"), None, 78),
        ("in line", format!("{broker}password = \"hunter2\"\n"), None, 78),
        ("in line, unquoted", format!("{broker}password = hunter2\n"), None, 78),
        ("in the url", "[mqtt]\nurl = \"mqtt://u:hunter2@127.0.0.1\"\n".to_owned(), None, 78),
    ] {
        for arguments in [&["check"][..], &["check", "--json"]] {
            let (output, _) = gsmgate(&text, arguments, credentials);
            assert_eq!(output.status.code(), Some(exit), "{name}: {output:?}");
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(!said.contains("hunter2"), "{name}: {said}");
        }
    }
    let config = parse(&format!("{broker}password_file = {file:?}\n"));
    assert!(!format!("{config:?}").contains("hunter2"));
}

/// The key of a client certificate is a secret like the password: a credential is as good as a file.
#[test]
fn a_certificate_finds_its_key_among_the_credentials() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["mqtt.key", "client.pem"] {
        std::fs::write(dir.path().join(name), "hunter2").unwrap();
    }
    let certificate = format!("cert_file = {:?}\n", dir.path().join("client.pem"));
    let key = format!("key_file = {:?}\n", dir.path().join("mqtt.key"));
    let missing = "is missing; a certificate and its key go together";
    for (name, keys, credentials, lacks) in [
        ("a certificate alone", certificate.clone(), None, Some("mqtt.key_file")),
        ("with a credential", certificate.clone(), Some(dir.path()), None),
        ("with a file", format!("{certificate}{key}"), None, None),
        ("a key alone", key, None, Some("mqtt.cert_file")),
        ("no certificate", String::new(), Some(dir.path()), None),
    ] {
        let text = format!("[mqtt]\nurl = \"mqtts://127.0.0.1\"\n{keys}");
        let (output, _) = gsmgate(&text, &["check"], credentials);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(said.contains(missing), lacks.is_some(), "{name}: {said}");
        assert!(lacks.is_none_or(|key| said.contains(&format!("{key}: {missing}"))), "{name}: {said}");
        assert!(!said.contains("hunter2"), "{name}: {said}");
    }
}
