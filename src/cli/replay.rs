//! `gsmgate replay`: the driver against the modem of a recording.

use super::exit::{Exit, Failure};
use super::{Common, out};
use crate::modem::replay::{self, MAX_OCTETS, Mark, Recording, Report};
use clap::Args;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The file.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate replay modem0-20261130T102205Z.txt

Needs no modem and no gateway, and takes seconds where the recording took hours. Lines with > are what the driver
says, lines with < what the modem said. In front of a line, - is what the driver does not say any more, + what it
says now and did not say then, and # a remark. It ends at the first place where the driver says something else.

Exit code 0 when the driver does the same as in the recording, 1 when not, 66 when the file is none.")]
pub(super) struct Options {
    /// A file that gsmgate recording, or the gateway by itself, has written.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(common: &Common, options: &Options) -> Result<Exit, Failure> {
    let named = |what: String| Failure::new(Exit::NoInput, format!("{}: {what}", options.file.display()));
    let octets = read(&options.file).map_err(|error| named(error.to_string()))?;
    let recording = Recording::parse(&octets).map_err(|error| named(error.to_string()))?;
    let report = replay::play(&recording).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    if common.json {
        out::object(object(&report))?
    } else {
        print(&report)?
    }
    Ok(if report.differences == 0 { Exit::Ok } else { Exit::Failed })
}

/// One octet more than is allowed tells that it is too long.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?.take(MAX_OCTETS as u64 + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

fn print(report: &Report) -> Result<(), Failure> {
    for line in &report.lines {
        let mark = match line.mark {
            Mark::Same => ' ',
            Mark::Missing => '-',
            Mark::Extra => '+',
            Mark::Note => '#',
        };
        out::line(format!("{mark} {}", line.text))?;
    }
    let reason = report.status.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    out::line(format!("at the end: {}{reason}", report.status.phase.word()))?;
    if let Some(recorded) = &report.recorded {
        out::line(format!("then:       {recorded}"))?;
    }
    match report.differences {
        0 => out::line("the driver does the same"),
        1 => out::line("1 difference"),
        n => out::line(format!("{n} differences")),
    }
}

fn object(report: &Report) -> Value {
    let lines = report.lines.iter().map(|line| json!({ "mark": line.mark.word(), "line": line.text }));
    json!({
        "same": report.differences == 0,
        "differences": report.differences,
        "state": report.status.phase.word(),
        "reason": report.status.reason,
        "recorded": report.recorded,
        "lines": lines.collect::<Vec<_>>(),
    })
}
