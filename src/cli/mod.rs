//! The command line: one file a subcommand, results on standard output, logs on standard error.

mod check;
mod client;
mod decode;
#[cfg(feature = "embedded-broker")]
mod demo;
mod encode;
mod events;
mod exit;
mod modem;
mod modems;
mod out;
mod pdu_json;
mod recording;
mod replay;
mod run;
mod send;
mod simulate;
mod status;
mod table;

pub use exit::Exit;

use crate::telemetry;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused, 5 time-out, 66 no input,
69 gateway unreachable, 73 second instance, 74 disk or store failed, 77 no permission,
78 bad configuration, 130 interrupted.

Example: gsmgate demo        shows the whole road without a modem";

/// SMS gateway for GSM and LTE modems: durable, event-driven, MQTT in and out.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every subcommand understands.
#[derive(Debug, Args)]
pub struct Common {
    /// Print JSON, one object a line, for scripts.
    #[arg(long, global = true)]
    json: bool,
    /// The configuration file.
    #[arg(long, global = true, env = "GSMGATE_CONFIG", default_value = crate::config::DEFAULT_PATH)]
    config: PathBuf,
    /// The control socket of the running gateway.
    #[arg(long, global = true, env = "GSMGATE_SOCKET", default_value = crate::config::DEFAULT_SOCKET)]
    socket: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Run(run::Options),
    /// Check the configuration file and print every mistake with line and key.
    Check(check::Options),
    /// Send a text through the running gateway.
    Send(send::Options),
    /// Show one message with its history, or the whole gateway.
    Status(status::Options),
    /// Show modems and SIMs.
    Modems(modems::Options),
    /// Send USSD codes, and answers to their menus.
    Ussd(modem::Ussd),
    /// Type AT commands to a modem, between two messages.
    At(modem::At),
    /// Restart a modem, change its SIM slot, or print its SIM's phonebook.
    Modem(modem::Options),
    /// Print what was last said between the gateway and a modem, without texts, numbers and identities.
    Recording(recording::Options),
    /// Play a recording's modem to the driver, and tell what the driver says otherwise.
    Replay(replay::Options),
    /// Follow what happens: status changes, inbound messages, refusals.
    Events(events::Options),
    /// Print PDUs field by field.
    Decode(decode::Options),
    /// Write the PDUs of a text or data, and say what the text costs.
    Encode(encode::Options),
    /// Play virtual modems on ptys, with a tiny service centre.
    Simulate(simulate::Options),
    /// Show the whole road without a modem: a broker, two virtual modems, the gateway, a text out and a reply in.
    #[cfg(feature = "embedded-broker")]
    Demo(demo::Options),
}

/// Parses the arguments and runs the subcommand.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes; where standard output is closed nothing can be said anyway.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        }
    };
    let common = &cli.common;
    let done = match cli.command {
        Command::Run(options) => run::run(common, &options),
        Command::Check(options) => check::run(common, &options),
        Command::Send(options) => send::run(common, options),
        Command::Status(options) => client::block_on(status::run(common, options)),
        Command::Modems(options) => client::block_on(modems::run(common, options)),
        Command::Ussd(options) => client::block_on(modem::ussd(common, options)),
        Command::At(options) => client::block_on(modem::at(common, options)),
        Command::Modem(options) => client::block_on(modem::run(common, options)),
        Command::Recording(options) => client::block_on(recording::run(common, options)),
        Command::Replay(options) => replay::run(common, &options),
        Command::Events(options) => client::block_on(events::run(common, options)),
        Command::Decode(options) => decode::run(common, &options),
        Command::Encode(options) => encode::run(common, &options),
        Command::Simulate(options) => simulate::run(common, options),
        #[cfg(feature = "embedded-broker")]
        Command::Demo(options) => demo::run(common, &options),
    };
    // What was logged stands before why it ended.
    telemetry::finish();
    done.unwrap_or_else(|failure| {
        failure.tell(common.json);
        failure.exit
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_every_subcommand_shows_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands() {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} shows no example", sub.get_name());
        }
    }
}
