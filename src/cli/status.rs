//! `gsmgate status`: one message with its history, or the whole gateway.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::{Common, modems, table};
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
    let Some(id) = options.id else {
        let info = client.ask("info", Value::Null).await?;
        if common.json {
            println!("{info}");
            return Ok(Exit::Ok);
        }
        print_info(&info);
        return modems::print(common, &mut client).await;
    };
    if options.cancel {
        let data = client.ask("cancel", json!({ "id": id })).await?;
        let state = data["state"].as_str().unwrap_or("cancelled");
        if common.json {
            println!("{data}")
        } else {
            println!("{id}  {state}")
        }
        return Ok(Exit::Ok);
    }
    let message = client.ask("get", json!({ "id": id })).await?;
    if common.json {
        println!("{message}")
    } else {
        print_message(&message)
    }
    Ok(Exit::Ok)
}

fn print_info(info: &Value) {
    let queue = &info["queue"];
    println!("{} (gsmgate {})", text(&info["name"]), text(&info["version"]));
    println!(
        "queued {}, sending {}, awaiting report {}, uncertain {}",
        queue["queued"], queue["sending"], queue["awaiting_report"], queue["uncertain"]
    );
    println!();
}

fn print_message(message: &Value) {
    println!("{} to {}: {}", text(&message["id"]), text(&message["to"]), text(&message["state"]));
    println!("accepted {}, expires {}", text(&message["accepted_at"]), text(&message["expires_at"]));
    if message["duplicate_possible"] == true {
        println!("a part may reach the recipient twice");
    }
    println!();
    let mut rows = Vec::new();
    for part in message["parts"].as_array().into_iter().flatten() {
        let attempts = part["attempts"].as_array().cloned().unwrap_or_default();
        if attempts.is_empty() {
            rows.push(vec![part["seq"].to_string(), text(&part["state"])]);
        }
        for (n, attempt) in attempts.iter().enumerate() {
            let last = n + 1 == attempts.len();
            rows.push(vec![
                part["seq"].to_string(),
                if last { text(&part["state"]) } else { String::new() },
                attempt["attempt"].to_string(),
                text(&attempt["sim"]),
                text(&attempt["routing"]),
                text(&attempt["armed_at"]),
                text(&attempt["mr"]),
                text(&attempt["reason"]["cause"]),
            ]);
        }
    }
    let head = ["part", "state", "try", "sim", "why this SIM", "armed", "mr", "reason"];
    table::lines(&head, &rows).iter().for_each(|line| println!("{line}"));
}

/// A value for a cell: a text without quotes, nothing for null.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
