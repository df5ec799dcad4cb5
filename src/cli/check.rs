//! `gsmgate check`: is the configuration right?

use super::exit::{Exit, Failure};
use super::{Common, out};
use crate::config::{Config, ConfigError};
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// Nothing of its own.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate check --config ./gsmgate.toml

Prints a line for every mistake, as file:line:column: key: what is wrong, and exits with 78.")]
pub(super) struct Options {}

pub(super) fn run(common: &Common, _options: &Options) -> Result<Exit, Failure> {
    if !common.json {
        let config = load(&common.config)?;
        let modems = match config.settings.slots.modems.len() {
            1 => "1 modem".to_owned(),
            n => format!("{n} modems"),
        };
        let broker = if config.settings.mqtt.is_some() { "a broker" } else { "no broker" };
        out::line(format!("{}: ok: {}, {modems}, {broker}", common.config.display(), config.settings.name))?;
        return Ok(Exit::Ok);
    }
    match Config::load(&common.config) {
        Ok(config) => out::object(summary(&config)).map(|()| Exit::Ok),
        Err(mistakes) => {
            mistakes.iter().map(object).try_for_each(out::object)?;
            Ok(Exit::BadConfig)
        }
    }
}

/// The configuration, or all its mistakes as one failure.
pub(super) fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        Failure::new(Exit::BadConfig, format!("the configuration cannot be used\n{}", lines.join("\n")))
    })
}

fn summary(config: &Config) -> Value {
    json!({
        "valid": true,
        "name": config.settings.name.as_str(),
        "modems": config.settings.slots.modems.iter().map(|modem| &modem.port).collect::<Vec<_>>(),
        "mqtt": config.settings.mqtt.is_some(),
    })
}

fn object(mistake: &ConfigError) -> Value {
    json!({
        "valid": false,
        "file": mistake.file.display().to_string(),
        "line": mistake.line,
        "column": mistake.column,
        "key": mistake.key,
        "message": mistake.message,
    })
}
