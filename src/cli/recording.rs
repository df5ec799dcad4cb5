//! `gsmgate recording`: what was last said on the line of a modem.

use super::client::Client;
use super::exit::{Exit, Failure};
use super::{Common, out};
use clap::Args;
use serde_json::json;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Which modem, and where to.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate recording --modem modem0 --out modem0.txt

The file may be attached to an issue as it is: texts, telephone numbers, IMEI, IMSI, ICCID and PIN are replaced.
The gateway writes such files by itself, into recordings/ in its state directory, when something goes wrong.
gsmgate replay plays them.")]
pub(super) struct Options {
    /// Its label or its port, as in gsmgate modems; not needed where there is only one.
    #[arg(long, value_name = "LABEL")]
    modem: Option<String>,
    /// Write to this file, readable by its owner only, and not to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(common: &Common, options: Options) -> Result<Exit, Failure> {
    let data = Client::connect(common).await?.ask("recording", json!({ "modem": options.modem })).await?;
    let text = data["text"].as_str().unwrap_or_default();
    match &options.out {
        Some(path) => {
            write(path, text).map_err(|error| {
                let exit =
                    if error.kind() == std::io::ErrorKind::PermissionDenied { Exit::NoPermission } else { Exit::Io };
                Failure::new(exit, format!("{}: {error}", path.display()))
            })?;
            if common.json {
                out::object(json!({ "modem": data["modem"], "file": path.display().to_string() }))?;
            }
        }
        None if common.json => out::object(&data)?,
        None => text.lines().try_for_each(out::line)?,
    }
    Ok(Exit::Ok)
}

/// A file that was there before is made ours alone before anything stands in it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.set_len(0)?;
    }
    file.write_all(text.as_bytes())
}
