//! `gsmgate status`: one message with its history, or the whole gateway.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::send::reason;
use super::{Common, modems, out, table};
use clap::Args;
use serde_json::{Value, json};

/// Which message.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate status                   the gateway, its queue and its modems
  gsmgate status 01j8…             one message: every part, every try, and why this SIM")]
pub(super) struct Options {
    /// A message's id; without one: the gateway.
    id: Option<String>,
    /// Take the message back, as far as it has not been sent.
    #[arg(long, requires = "id")]
    cancel: bool,
}

pub(super) async fn run(common: &Common, options: Options) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    match options.id {
        None => gateway(common, &mut client).await?,
        Some(id) if options.cancel => {
            let data = client.ask("cancel", json!({ "id": id })).await?;
            if common.json { out::object(&data)? } else { out::line(format!("{id}  {}", text(&data["state"])))? }
        }
        Some(id) => {
            let message = client.ask("get", json!({ "id": id })).await?;
            if common.json { out::object(&message)? } else { print_message(&message)? }
        }
    }
    Ok(Exit::Ok)
}

/// The gateway, its queue and its modems.
async fn gateway(common: &Common, client: &mut Client) -> Result<(), Failure> {
    let mut info = client.ask("info", json!({})).await?;
    let modems = client.ask("modems", json!({})).await?["modems"].take();
    if common.json {
        info["modems"] = modems;
        return out::object(&info);
    }
    let queue = &info["queue"];
    out::line(format!("{} (gsmgate {})", text(&info["name"]), text(&info["version"])))?;
    out::line(format!(
        "queued {}, sending {}, awaiting report {}, uncertain {}",
        queue["queued"], queue["sending"], queue["awaiting_report"], queue["uncertain"]
    ))?;
    if let Some(trouble) = store_trouble(&text(&info["store"])) {
        out::line(trouble)?;
    }
    out::line("")?;
    modems::print(&modems)
}

/// What is wrong with the store, and the next step.
fn store_trouble(state: &str) -> Option<&'static str> {
    match state {
        "low" => Some("the disk fills: messages of priority low are refused; free some room"),
        "full" => Some("the disk is full: nothing is accepted or sent, what comes in stays on the SIM; free some room"),
        "locked" => Some("another program holds the database: nothing is accepted or sent until it lets go"),
        _ => None,
    }
}

fn print_message(message: &Value) -> Result<(), Failure> {
    out::line(format!("{} to {}: {}", text(&message["id"]), text(&message["to"]), text(&message["state"])))?;
    out::line(format!("accepted {}, expires {}", text(&message["accepted_at"]), text(&message["expires_at"])))?;
    if let ("queued", Some(sim)) = (text(&message["state"]).as_str(), message["only_sim"].as_str()) {
        out::line(format!("it waits for the SIM {sim}, and may go by no other"))?;
    }
    if message["duplicate_possible"] == true {
        out::line("a part may reach the recipient twice")?;
    }
    if message["restarted"] == true {
        out::line("its SIM stayed away in the middle of it: all parts went out anew by another")?;
    }
    out::line("")?;
    let rows: Vec<_> = message["parts"].as_array().into_iter().flatten().flat_map(rows).collect();
    let head = ["part", "state", "try", "sim", "armed", "ended", "mr", "reason", "why this SIM"];
    table::lines(&head, &rows).iter().try_for_each(out::line)
}

/// A line for each try of a part, the state beside the last; one line for a part that has not been tried.
fn rows(part: &Value) -> Vec<Vec<String>> {
    let (seq, state) = (text(&part["seq"]), text(&part["state"]));
    let attempts = part["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    let Some((last, before)) = attempts.split_last() else { return vec![vec![seq, state]] };
    let row = |attempt: &Value, state: &str| {
        let mut row = vec![seq.clone(), state.to_owned()];
        row.extend(["attempt", "sim", "armed_at", "ended_at", "mr"].map(|key| text(&attempt[key])));
        row.extend([reason(&attempt["reason"]), text(&attempt["routing"])]);
        row
    };
    before.iter().map(|attempt| row(attempt, "")).chain([row(last, &state)]).collect()
}

/// A value for a cell: a text without quotes, nothing for null.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
