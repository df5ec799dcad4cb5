//! `gsmgate simulate`: virtual modems on ptys, with a tiny service centre.

use super::client::block_on;
use super::exit::{Exit, Failure};
use super::{Common, out};
use crate::simulator::{self, Fault, LabConfig, Personality};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// What the lab is made of.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate simulate --modems 2 --dir /tmp/lab
  gsmgate simulate --modems 2 --personality huawei --personality simcom-lte
  gsmgate simulate --fault F-09 --fault '{\"fault\":\"F-25\",\"code\":38,\"when\":{\"nth\":3},\"modem\":0}'

Personalities, each what a modem of that make says, takes and refuses:
  generic, huawei, zte, simcom-2g, simcom-lte, simcom-a76xx, quectel, quectel-ec200,
  cinterion, telit, u-blox, wavecom, sierra, nokia, option, ericsson, fibocom, mediatek

Faults, with the keys of their JSON form; \"when\" is {\"nth\":N} (default 1), {\"after\":N} or \"always\":
  F-01    output in pieces: most (octets), gap_ms
  F-02    a line of the modem's own in the wrong place: place (response, cmgr, prompt), urc
  F-03    echo that cannot be switched off: doubled_cr
  F-04    noise before an answer: noise (nuls, eight_bit, framing, endless), octets
  F-05    the SIM is busy: for_ms, code (default 515)
  F-06    mute: for_ms
  F-07    the prompt is missing or odd: prompt (missing, no_blank, {\"late_ms\":N})
  F-08    it stands in the prompt, with a message of somebody else
  F-09    the centre accepts, the final code is lost
  F-10    neither accepted nor answered
  F-11    the final code comes late: by_ms
  F-12    accepted with an odd answer: answer (ok_only, garbage, mr256, twice)
  F-13    the line hangs up: step (command, answer, prompt, payload, end, accepted, final), back_ms
  F-14    it takes no octets: for_ms
  F-15    the memory is full
  F-16    a message lands in the other memory: told
  F-17    a delete does not delete: delete (error, ignored, wrong_index, silent)
  F-18    a message that is no text: message (mms, wap_push, type0, class2, flash, waiting, port,
          reserved_pid, reserved_dcs; default all)
  F-19    the SIM is taken out: back_ms, swapped
  F-20    the SIM asks for a PIN: that is --pin
  F-21    no network, or another: network (searching, denied, roaming), for_ms
  F-22    two long messages with one reference, their parts mixed
  F-24    the SIM is lost after a part: back_ms
  F-25    +CMS ERROR: code, stage (prompt, payload)
  F-26    unplugged and back under another name: back_ms
  F-27    another kind of port: nmea
  F-28    the plug falls out again and again: every_ms, back_ms
  F-29    away for long after a reset: back_ms
  F-31    another program on the line: foreign (ok, stolen)
  F-33    many modems: that is --modems 16
  report  a status report with this TP-ST: status

Name /tmp/lab/modem0 and /tmp/lab/modem1 as ports; the number +49170555000 answers every text.
JSON lines on /tmp/lab/ctl inject messages, lines and faults: {\"do\":\"inject\",\"modem\":0,\"from\":\"+49…\",\"text\":\"…\"}")]
pub(super) struct Options {
    /// How many modems.
    #[arg(long, default_value_t = 1)]
    modems: usize,
    /// What the modems are like, as listed below; given several times: in turn.
    #[arg(long = "personality", value_name = "NAME", value_parser = personality)]
    personalities: Vec<&'static Personality>,
    /// The PIN that every SIM asks for; without it none does.
    #[arg(long)]
    pin: Option<String>,
    /// Where the links modem0, modem1 … and the control socket ctl are made.
    #[arg(long, default_value = "gsmgate-lab")]
    dir: PathBuf,
    /// From the end of a payload to +CMGS.
    #[arg(long, value_name = "MS", default_value_t = 800)]
    latency: u64,
    /// Speed of the lines in bit/s; 0: not paced.
    #[arg(long, default_value_t = 0)]
    baud: u32,
    /// Slots of each memory.
    #[arg(long, default_value_t = 30)]
    storage: u16,
    /// From delivery to status report.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    report_delay: u64,
    /// Append what the service centre sees to this file, one JSON object a line.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Decides all that is random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Something that goes wrong, as listed below: its id, or JSON; may be given several times.
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault)]
    faults: Vec<Fault>,
}

/// `F-09`, or `{"fault":"F-09","when":{"nth":3},"modem":0}`.
fn fault(text: &str) -> Result<Fault, String> {
    let read: Result<Fault, _> = match text.strip_prefix('{') {
        Some(_) => serde_json::from_str(text),
        None => serde_json::from_value(json!({ "fault": text })),
    };
    let fault = read.map_err(|error| error.to_string())?;
    fault.kind.senseless().map_or(Ok(fault), |why| Err(why.to_owned()))
}

fn personality(name: &str) -> Result<&'static Personality, String> {
    let unknown = || {
        let names: Vec<_> = Personality::names().collect();
        format!("no personality is named so; there are {}", names.join(", "))
    };
    Personality::named(name).ok_or_else(unknown)
}

pub(super) fn run(common: &Common, options: Options) -> Result<Exit, Failure> {
    let io = |error: std::io::Error| Failure::new(Exit::Io, format!("{}: {error}", options.dir.display()));
    std::fs::create_dir_all(&options.dir).map_err(io)?;
    let dir = std::fs::canonicalize(&options.dir).map_err(io)?;
    let socket = dir.join("ctl");
    let config = LabConfig {
        modems: options.modems,
        personalities: options.personalities.clone(),
        pin: options.pin.clone(),
        dir: Some(dir.clone()),
        latency: Duration::from_millis(options.latency),
        baud: options.baud,
        slots: options.storage,
        report_delay: Duration::from_millis(options.report_delay),
        log: options.log.clone(),
        faults: options.faults.clone(),
        seed: options.seed,
        ..LabConfig::default()
    };
    let echo = config.echo_number.clone();
    let ports: Vec<_> = (0..options.modems).map(|n| dir.join(format!("modem{n}")).display().to_string()).collect();
    let control = socket.display().to_string();
    block_on(async move {
        let ready = || {
            // Who started it and closed its output does not want to know.
            let _ = if common.json {
                out::object(json!({ "ready": true, "ports": ports, "control": control, "echo": echo }))
            } else {
                let ports = ports.join(" ");
                out::line(format!("ports: {ports}; {echo} answers every text; control socket: {control}"))
            };
        };
        simulator::serve(config, &socket, ready).await.map(|()| Exit::Ok).map_err(io)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personalities_by_name() {
        assert_eq!(personality("u-blox"), Ok(Personality::named("u-blox").unwrap()));
        let refused = personality("acme").unwrap_err();
        let help = Options::augment_args(clap::Command::new("simulate")).render_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let names = Personality::names().collect::<Vec<_>>().join(", ");
        assert!(refused.ends_with(&names) && help.contains(&names), "{refused} {help}");
    }

    /// Those of a part that never comes, a weak supply and a lost permission are no faults of a modem.
    #[test]
    fn every_fault_of_a_modem_is_listed() {
        let help = Options::augment_args(clap::Command::new("simulate")).render_help().to_string();
        for id in (1..=33).filter(|n| ![23, 30, 32].contains(n)).map(|n| format!("F-{n:02}")) {
            assert!(help.contains(&format!("\n  {id}  ")), "{id}");
        }
        assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    }

    #[test]
    fn faults_by_id_or_in_full() {
        assert_eq!(fault("F-09"), fault(r#"{"fault":"F-09"}"#));
        assert_eq!(fault(r#"{"fault":"F-09","modem":1}"#).unwrap().modem, Some(1));
        for wrong in ["F-99", "", "{", r#"{"fault":"F-25"}"#, r#"{"fault":"F-14","for_ms":0}"#] {
            assert!(fault(wrong).is_err(), "{wrong}");
        }
    }
}
