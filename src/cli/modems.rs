//! `gsmgate modems`: modems and the SIMs in them.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::status::text;
use super::{Common, out, table};
use clap::Args;
use serde_json::{Value, json};

/// Nothing of its own.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate modems --json")]
pub(super) struct Options {}

pub(super) async fn run(common: &Common, _options: Options) -> Result<Exit, Failure> {
    let data = Client::connect(common).await?.ask("modems", json!({})).await?;
    if common.json {
        out::object(&data)?
    } else {
        print(&data["modems"])?;
        for it in data["hindered"].as_array().into_iter().flatten() {
            out::line(format!("USB {} at {}: {}", text(&it["usb"]), text(&it["socket"]), text(&it["reason"])))?;
        }
    }
    Ok(Exit::Ok)
}

/// A line a modem, and below what keeps one from being ready.
pub(super) fn print(modems: &Value) -> Result<(), Failure> {
    let modems = modems.as_array().cloned().unwrap_or_default();
    if modems.is_empty() {
        return out::line("no modem is here; plug one in, or name the port of one: [[modem]] port = \"/dev/ttyUSB2\"");
    }
    let row = |modem: &Value| {
        let signal = modem["signal_dbm"].as_i64().map(|dbm| format!("{dbm} dBm")).unwrap_or_default();
        vec![
            text(&modem["label"]),
            text(&modem["state"]),
            text(&modem["sim"]["label"]),
            text(&modem["operator"]),
            text(&modem["registration"]),
            signal,
            text(&modem["model"]),
            text(&modem["port"]),
        ]
    };
    let rows: Vec<_> = modems.iter().map(row).collect();
    let head = ["modem", "state", "sim", "operator", "network", "signal", "model", "port"];
    table::lines(&head, &rows).iter().try_for_each(out::line)?;
    let reasons = modems.iter().filter_map(|modem| Some((text(&modem["label"]), modem["reason"].as_str()?)));
    for (label, reason) in reasons {
        out::line(format!("{label}: {reason}"))?;
    }
    Ok(())
}
