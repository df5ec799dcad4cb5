//! `gsmgate send`: a text through the running gateway.

use super::Common;
use super::client::Client;
use super::exit::{Exit, Failure};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::io::Read;
use std::time::Duration;

/// Longest text read from standard input, in octets: more than 255 parts can carry.
const MAX_INPUT: u64 = 256 * 1024;

/// A text and where it goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate send +491701234567 'The pump is running' --wait 60
  echo alarm | gsmgate send +491701234567 - --priority alarm")]
pub(super) struct Options {
    /// The recipient: +49…, or a short code.
    #[arg(allow_hyphen_values = true)]
    to: String,
    /// The text; `-` reads standard input.
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// An id of your own: the same id with the same text sends nothing again.
    #[arg(long)]
    id: Option<String>,
    /// Only this SIM, by its label.
    #[arg(long)]
    sim: Option<String>,
    /// Who goes first.
    #[arg(long, value_enum)]
    priority: Option<Priority>,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// Ask for no status report.
    #[arg(long)]
    no_report: bool,
    /// Parts it may have at most.
    #[arg(long)]
    max_parts: Option<u8>,
    /// Never send a part twice, even when nobody knows whether it left.
    #[arg(long)]
    hold: bool,
    /// Wait so many seconds for the end: delivered, or sent when no report was asked for.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Priority {
    Low,
    Normal,
    High,
    Alarm,
}

pub(super) async fn run(common: &Common, options: Options) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    let mut follower = match options.wait {
        Some(_) => {
            let mut follower = Client::connect(common).await?;
            follower.ask("follow", Value::Null).await?;
            Some(follower)
        }
        None => None,
    };
    let command = command(&options)?;
    let data = client.ask("send", command).await?;
    let receipt = data["messages"][0].clone();
    let id = receipt["id"].as_str().unwrap_or_default().to_owned();
    let state = receipt["state"].as_str().unwrap_or("queued").to_owned();
    if common.json {
        println!("{receipt}");
    } else {
        println!("{id}  {state}");
    }
    let (Some(follower), Some(seconds)) = (&mut follower, options.wait) else { return Ok(Exit::Ok) };
    if let Some(exit) = ended(&state, options.no_report) {
        return Ok(exit);
    }
    let waiting = follow(common, follower, &id, options.no_report);
    match tokio::time::timeout(Duration::from_secs(seconds), waiting).await {
        Ok(done) => done,
        Err(_) => Err(Failure::new(Exit::TimeOut, format!("{id} has not ended within {seconds} s; it goes on"))),
    }
}

async fn follow(common: &Common, follower: &mut Client, id: &str, no_report: bool) -> Result<Exit, Failure> {
    loop {
        let event = follower.next().await?;
        let (Some(state), true) = (event["state"].as_str(), event["id"] == id) else { continue };
        if common.json {
            println!("{event}");
        } else {
            let reason = event["reason"].as_object().map(|reason| format!("  {}", words(reason))).unwrap_or_default();
            println!("{id}  {state}{reason}");
        }
        if let Some(exit) = ended(state, no_report) {
            return Ok(exit);
        }
    }
}

/// The values of a reason, in order.
fn words(reason: &Map<String, Value>) -> String {
    let word = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    reason.values().filter_map(word).collect::<Vec<_>>().join(" ")
}

/// The exit code that a state means, once it is an end.
fn ended(state: &str, no_report: bool) -> Option<Exit> {
    match state {
        "delivered" | "sent_unconfirmed" | "no_report" => Some(Exit::Ok),
        "sent" if no_report => Some(Exit::Ok),
        "failed" | "expired" | "cancelled" | "unknown" => Some(Exit::Failed),
        _ => None,
    }
}

fn command(options: &Options) -> Result<Value, Failure> {
    let mut text = options.text.clone();
    if text == "-" {
        text.clear();
        let read = std::io::stdin().take(MAX_INPUT).read_to_string(&mut text);
        read.map_err(|error| Failure::new(Exit::NoInput, format!("standard input: {error}")))?;
        text.truncate(text.trim_end_matches('\n').len());
    }
    let mut command = json!({ "to": options.to, "text": text });
    let fields = [
        ("id", options.id.clone().map(Value::from)),
        ("sim", options.sim.clone().map(Value::from)),
        ("priority", options.priority.map(|priority| json!(format!("{priority:?}").to_lowercase()))),
        ("expires_in", options.expires_in.map(Value::from)),
        ("max_parts", options.max_parts.map(Value::from)),
        ("report", options.no_report.then_some(json!(false))),
        ("on_uncertain", options.hold.then_some(json!("hold"))),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            command[key] = value;
        }
    }
    Ok(command)
}
