//! `gsmgate events`: what happens, as it happens.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::send::reason;
use super::status::text;
use super::{Common, out};
use crate::model::NoticeKind;
use clap::Args;
use serde_json::{Value, json};

/// Where to begin.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate events                            from now on, until Ctrl-C
  gsmgate events --after 0 --json | jq .id  everything that is still kept")]
pub(super) struct Options {
    /// Begin after this event; without it: with the next.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
}

pub(super) async fn run(common: &Common, options: Options) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    client.ask("follow", options.after.map_or(json!({}), |seq| json!({ "after": seq }))).await?;
    loop {
        let event = client.next().await?;
        if common.json { out::object(&event)? } else { out::line(line(&event))? }
    }
}

fn line(event: &Value) -> String {
    let kind = text(&event["event_type"]);
    let notice = NoticeKind::WORDS.iter().find(|(_, word)| *word == kind);
    let rest = match kind.as_str() {
        "received" => format!("{} from {}: {}", text(&event["sim"]), text(&event["from"]), text(&event["text"])),
        "refused" => format!("{} {}", text(&event["error"]["code"]), text(&event["error"]["detail"])),
        _ if let Some((notice, _)) = notice => {
            let word = text(&event[notice.subject_key()]);
            let written = event["text"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
            format!("{} {word} {} {}{written}", text(&event["modem"]), text(&event["from"]), text(&event["detail"]))
        }
        _ => format!(
            "{} {} {} {}",
            text(&event["id"]),
            text(&event["state"]),
            text(&event["sim"]),
            reason(&event["reason"])
        ),
    };
    format!("{:>6}  {}  {kind}  {rest}", event["seq"], text(&event["at"])).trim_end().to_owned()
}
