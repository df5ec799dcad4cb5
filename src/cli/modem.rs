//! `gsmgate ussd`, `gsmgate at` and `gsmgate modem`: what is asked of one modem beside messages.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::status::text;
use super::{Common, out, table};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::BufRead;
use std::time::Duration;

/// Longer than the gateway's own limit of 400 s, whose words are better than ours.
const ORDER: Duration = Duration::from_secs(410);

/// USSD: codes such as *100#, and answers to menus.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate ussd stick1 '*100#'
  gsmgate ussd sim-1000 '*100#' 1 3     the code, then two answers to its menus
  gsmgate ussd stick1 --end             end what is left open

Exit code 0 when the network has answered each; 1 when it did not, or its menu ended earlier.")]
pub(super) struct Ussd {
    /// The modem, or the SIM in it, by its label.
    modem: String,
    /// The code, then the answers to the menus that follow it.
    #[arg(required_unless_present = "end")]
    codes: Vec<String>,
    /// End the session, if one is open.
    #[arg(long, conflicts_with = "codes")]
    end: bool,
}

/// AT commands, between two messages.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate at stick1 AT+CSQ 'AT+COPS?'
  gsmgate at stick1                     a console: a command a line, until Ctrl-D

Only root, the gateway's own user and members of the group gsmgate-admin may (under the shipped
systemd unit only the first two). Commands that send messages, begin calls or may
lock the SIM are refused. After one that does not only ask, the modem is set up anew.")]
pub(super) struct At {
    /// The modem, or the SIM in it, by its label.
    modem: String,
    /// The commands; none: one a line from standard input.
    commands: Vec<String>,
}

/// Other work on one modem.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate modem stick1 restart
  gsmgate modem stick1 slot 2
  gsmgate modem stick1 phonebook --json")]
pub(super) struct Options {
    /// The modem, or the SIM in it, by its label.
    modem: String,
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Have it begin anew, by its make's own command.
    Restart,
    /// Change to the SIM in another slot.
    Slot {
        /// From 1.
        #[arg(value_parser = clap::value_parser!(u8).range(1..=8))]
        slot: u8,
    },
    /// Print the phonebook of its SIM.
    Phonebook,
}

pub(super) async fn ussd(common: &Common, options: Ussd) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    if options.end {
        client.ask_within("ussd", json!({ "modem": options.modem, "end": true }), ORDER).await?;
        return Ok(Exit::Ok);
    }
    let mut wants_answer = true;
    for code in options.codes {
        if !wants_answer {
            return Err(Failure::new(Exit::Failed, format!("the network's menu is over, and {code:?} was not sent")));
        }
        let said = client.ask_within("ussd", json!({ "modem": options.modem, "code": code }), ORDER).await?;
        wants_answer = said["wants_answer"] == true;
        if common.json { out::object(said)? } else { text(&said["text"]).lines().try_for_each(out::line)? }
    }
    if wants_answer && !common.json {
        out::line("(it waits for an answer: gsmgate ussd LABEL ANSWER, or --end)")?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn at(common: &Common, options: At) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    let mut exit = Exit::Ok;
    if options.commands.is_empty() {
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|error| Failure::new(Exit::NoInput, format!("standard input: {error}")))?;
            if line.trim().is_empty() {
                continue;
            }
            // At a console one command that fails does not end it.
            match one(common, &mut client, &options.modem, line.trim()).await {
                Ok(true) => {}
                Ok(false) => exit = Exit::Failed,
                // A late answer would be taken for the next command's.
                Err(failure) if matches!(failure.exit, Exit::Unreachable | Exit::TimeOut) => return Err(failure),
                Err(failure) => {
                    failure.tell(common.json);
                    exit = Exit::Failed;
                }
            }
        }
        return Ok(exit);
    }
    for command in &options.commands {
        if !one(common, &mut client, &options.modem, command).await? {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

/// False when the modem answered with an error.
async fn one(common: &Common, client: &mut Client, modem: &str, command: &str) -> Result<bool, Failure> {
    let said = client.ask_within("at", json!({ "modem": modem, "command": command }), ORDER).await?;
    if common.json {
        out::object(&said)?;
    } else {
        for line in said["lines"].as_array().into_iter().flatten() {
            out::line(text(line))?;
        }
        out::line(text(&said["result"]))?;
    }
    Ok(said["result"] == "OK")
}

pub(super) async fn run(common: &Common, options: Options) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    let modem = options.modem;
    let (verb, with) = match options.work {
        Work::Restart => ("modem_restart", json!({ "modem": modem })),
        Work::Slot { slot } => ("sim_slot", json!({ "modem": modem, "slot": slot })),
        Work::Phonebook => ("phonebook", json!({ "modem": modem })),
    };
    let said = client.ask_within(verb, with, ORDER).await?;
    match said["entries"].as_array() {
        _ if common.json => out::object(&said)?,
        Some(entries) => print(entries)?,
        None => {}
    }
    Ok(Exit::Ok)
}

fn print(entries: &[Value]) -> Result<(), Failure> {
    let row = |entry: &Value| {
        vec![entry["place"].to_string(), text(&entry["number"]), crate::telemetry::escape(&text(&entry["name"]))]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    table::lines(&["place", "number", "name"], &rows).iter().try_for_each(out::line)
}
