//! `gsmgate send`: a text through the running gateway.

use super::client::{Client, block_on};
use super::exit::{Exit, Failure};
use super::status::text;
use super::{Common, out};
use crate::tpdu::Choice;
use clap::Args;
use serde_json::{Value, json};
use std::io::Read;
use std::time::Duration;

/// Longest text read from standard input, in octets: more than 255 parts can carry.
const MAX_INPUT: u64 = 256 * 1024;

/// A text and where it goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate send +491701234567 'The pump is running' --wait 60
  gsmgate send +491701234567 --sim left -- '-5 °C outside'
  echo alarm | gsmgate send +491701234567 - --priority alarm

With --wait the exit code says how it ended: 0 delivered (or sent, where no report was asked for or none came),
1 failed, expired, cancelled or unknown, 5 not yet decided: it goes on, see `gsmgate status ID`.")]
pub(super) struct Options {
    /// The recipient: +49…, or a short code.
    to: String,
    /// The text; `-` reads standard input. One that begins with a dash comes last, behind `--`.
    text: String,
    /// An id of your own: the same id with the same text sends nothing again.
    #[arg(long)]
    id: Option<String>,
    /// Only this SIM, by its label.
    #[arg(long, value_name = "LABEL")]
    sim: Option<String>,
    /// Who goes first.
    #[arg(long, value_parser = ["low", "normal", "high", "alarm"])]
    priority: Option<String>,
    /// Not before this time, e.g. 2026-12-24T18:00:00+01:00.
    #[arg(long, value_name = "TIME")]
    send_at: Option<String>,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// Ask for no status report.
    #[arg(long)]
    no_report: bool,
    /// Message class; 0 is shown at once and not kept.
    #[arg(long, value_name = "0-3")]
    class: Option<u8>,
    /// How to write the text: auto takes GSM 7 bit where all characters fit; see `gsmgate encode --help`.
    #[arg(long, value_parser = Choice::WORDS.map(|(word, _)| word))]
    encoding: Option<String>,
    /// Parts it may have at most.
    #[arg(long, value_name = "N")]
    max_parts: Option<u8>,
    /// Never send a part twice, even when nobody knows whether it left.
    #[arg(long)]
    hold: bool,
    /// A word that is repeated in every event of the message; may be given several times.
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// Wait so many seconds for the end: delivered, or sent when no report was asked for.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

pub(super) fn run(common: &Common, options: Options) -> Result<Exit, Failure> {
    // Before the runtime watches for Ctrl-C: reading standard input would not notice it.
    let command = command(&options)?;
    block_on(send(common, command, options.no_report, options.wait.map(Duration::from_secs)))
}

async fn send(common: &Common, command: Value, no_report: bool, wait: Option<Duration>) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    // Before the message is accepted, so that no event of it is missed.
    let mut follower = match wait {
        Some(_) => Some(Client::connect(common).await?),
        None => None,
    };
    if let Some(follower) = &mut follower {
        follower.ask("follow", json!({})).await?;
    }
    let data = client.ask("send", command).await?;
    let receipt = &data["messages"][0];
    let (id, state) = (text(&receipt["id"]), text(&receipt["state"]));
    if common.json {
        out::object(receipt)?
    } else {
        out::line(format!("{id}  {state}"))?
    }
    let (Some(follower), Some(within)) = (&mut follower, wait) else { return Ok(Exit::Ok) };
    if let Some(exit) = ended(&state, no_report) {
        return Ok(exit);
    }
    match tokio::time::timeout(within, watch(common, follower, &id, no_report)).await {
        Ok(done) => done,
        Err(_) => {
            let text = format!("{id} has not ended within {} s; it goes on", within.as_secs());
            Err(Failure::new(Exit::TimeOut, text).about(&id))
        }
    }
}

/// Prints each state of the message until it has ended.
async fn watch(common: &Common, follower: &mut Client, id: &str, no_report: bool) -> Result<Exit, Failure> {
    loop {
        let event = follower.next().await?;
        let (Some(state), true) = (event["state"].as_str(), event["id"] == id) else { continue };
        if common.json {
            out::object(&event)?;
        } else {
            out::line(format!("{id}  {state}  {}", reason(&event["reason"])).trim_end())?;
        }
        if let Some(exit) = ended(state, no_report) {
            return Ok(exit);
        }
    }
}

/// Why, in a few words: `network temporary 41`; nothing for null.
pub(super) fn reason(reason: &Value) -> String {
    let words = reason.as_object().into_iter().flatten().map(|(_, value)| text(value));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
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

/// The `send` of the contract. The gateway checks it.
fn command(options: &Options) -> Result<Value, Failure> {
    let body = if options.text == "-" { standard_input()? } else { options.text.clone() };
    let mut command = json!({ "to": options.to, "text": body });
    let fields = [
        ("id", options.id.clone().map(Value::from)),
        ("sim", options.sim.clone().map(Value::from)),
        ("priority", options.priority.clone().map(Value::from)),
        ("send_at", options.send_at.clone().map(Value::from)),
        ("expires_in", options.expires_in.map(Value::from)),
        ("report", options.no_report.then(|| json!(false))),
        ("class", options.class.map(Value::from)),
        ("encoding", options.encoding.clone().map(Value::from)),
        ("max_parts", options.max_parts.map(Value::from)),
        ("on_uncertain", options.hold.then(|| json!("hold"))),
        ("tags", (!options.tags.is_empty()).then(|| json!(options.tags))),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            command[key] = value;
        }
    }
    Ok(command)
}

/// All of standard input, without the ends of its last lines.
fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_INPUT).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Exit::NoInput, format!("standard input: {error}")))?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}
