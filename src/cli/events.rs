//! `gsmgate events`: what happens, as it happens.

use super::Common;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::status::text;
use clap::Args;
use serde_json::Value;

/// Nothing of its own.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate events --json | jq .state")]
pub(super) struct Options {}

pub(super) async fn run(common: &Common, _options: Options) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    client.ask("follow", Value::Null).await?;
    loop {
        let event = client.next().await?;
        if common.json { println!("{event}") } else { println!("{}", line(&event)) }
    }
}

fn line(event: &Value) -> String {
    let kind = event["event_type"].as_str().unwrap_or("status");
    let rest = match kind {
        "received" => format!("{} from {}: {}", text(&event["sim"]), text(&event["from"]), safe(&text(&event["text"]))),
        "refused" => format!("{} {}", text(&event["error"]["code"]), text(&event["error"]["detail"])),
        _ => format!("{} {} {}", text(&event["id"]), text(&event["state"]), text(&event["sim"])),
    };
    format!("{}  {kind}  {rest}", text(&event["at"]))
}

/// What came over the air must not drive the terminal (T-02).
fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
