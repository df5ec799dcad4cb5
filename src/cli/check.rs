//! `gsmgate check`: is the configuration right?

use super::Common;
use super::exit::Exit;
use crate::config::{Config, ConfigError};
use clap::Args;
use serde_json::json;
use std::path::Path;

/// Nothing of its own.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate check --config ./gsmgate.toml")]
pub(super) struct Options {}

pub(super) fn run(common: &Common, _options: &Options) -> Exit {
    match Config::load(&common.config) {
        Ok(config) if common.json => println!("{}", summary(&config)),
        Ok(config) => {
            let broker = config.settings.mqtt.as_ref().map_or("no broker", |_| "a broker");
            println!("{}: ok, {} modems, {broker}", common.config.display(), config.settings.modems.len());
        }
        Err(mistakes) => {
            for mistake in &mistakes {
                if common.json { println!("{}", object(mistake)) } else { eprintln!("{mistake}") }
            }
            return Exit::BadConfig;
        }
    }
    Exit::Ok
}

/// The configuration, or all its mistakes as one text.
pub(super) fn load(path: &Path) -> Result<Config, String> {
    Config::load(path).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        format!("the configuration has mistakes, nothing was started\n{}", lines.join("\n"))
    })
}

fn summary(config: &Config) -> serde_json::Value {
    json!({
        "valid": true,
        "name": config.settings.name.as_str(),
        "modems": config.settings.modems.iter().map(|modem| &modem.port).collect::<Vec<_>>(),
        "mqtt": config.settings.mqtt.is_some(),
    })
}

fn object(mistake: &ConfigError) -> serde_json::Value {
    json!({
        "valid": false,
        "file": mistake.file.display().to_string(),
        "line": mistake.line,
        "column": mistake.column,
        "key": mistake.key,
        "message": mistake.message,
    })
}
