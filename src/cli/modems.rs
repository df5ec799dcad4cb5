//! `gsmgate modems`: modems and the SIMs in them.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::status::text;
use super::{Common, table};
use clap::Args;
use serde_json::Value;

/// Nothing of its own.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate modems --json")]
pub(super) struct Options {}

pub(super) async fn run(common: &Common, _options: Options) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    print(common, &mut client).await
}

pub(super) async fn print(common: &Common, client: &mut Client) -> Result<Exit, Failure> {
    let data = client.ask("modems", Value::Null).await?;
    if common.json {
        println!("{data}");
        return Ok(Exit::Ok);
    }
    let modems = data["modems"].as_array().cloned().unwrap_or_default();
    if modems.is_empty() {
        println!("no modem is configured; add [[modem]] port = \"/dev/ttyUSB2\" to the configuration");
        return Ok(Exit::Ok);
    }
    let row = |modem: &Value| {
        let signal = modem["signal_dbm"].as_i64().map(|dbm| format!("{dbm} dBm")).unwrap_or_default();
        vec![
            text(&modem["label"]),
            text(&modem["state"]),
            text(&modem["sim"]),
            text(&modem["operator"]),
            text(&modem["registration"]),
            signal,
            text(&modem["model"]),
            text(&modem["port"]),
        ]
    };
    let rows: Vec<_> = modems.iter().map(row).collect();
    let head = ["modem", "state", "sim", "operator", "network", "signal", "model", "port"];
    table::lines(&head, &rows).iter().for_each(|line| println!("{line}"));
    for modem in &modems {
        if let Some(reason) = modem["reason"].as_str() {
            println!("{}: {reason}", text(&modem["label"]));
        }
    }
    Ok(Exit::Ok)
}
