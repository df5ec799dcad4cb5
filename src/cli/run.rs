//! `gsmgate run`: the gateway itself.

use super::client::runtime;
use super::exit::{Exit, Failure};
use super::{Common, check};
use crate::{app, clock, telemetry};
use clap::Args;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// For tests that would take days: lets time run so many times as fast. No setting, so that nobody has it by mistake.
const FASTER: &str = "GSMGATE_TEST_TIME_SCALE";
/// The same for `[retention]`: the seconds that its days have.
const DAYS: &str = "GSMGATE_TEST_RETENTION_DAY_S";

/// For tests that set the wall clock: a file that says how many seconds it is ahead.
const WALL: &str = "GSMGATE_TEST_WALL";

/// Nothing of its own: the file says what the gateway does.
#[derive(Debug, Args)]
#[command(after_help = "Example: gsmgate run --config ./gsmgate.toml")]
pub(super) struct Options {}

pub(super) fn run(common: &Common, _options: &Options) -> Result<Exit, Failure> {
    let mut config = check::load(&common.config)?;
    telemetry::start(&config.log_level, config.log_format);
    if let Some(by) = std::env::var(FASTER).ok().and_then(|by| by.parse().ok()) {
        tracing::warn!(by, "time runs faster; this is for tests");
        clock::run_faster(by);
    }
    if let Some(seconds) = std::env::var(DAYS).ok().and_then(|seconds| seconds.parse().ok()) {
        tracing::warn!(seconds, "days of retention are shorter; this is for tests");
        let settings = &mut config.settings;
        settings.tidy_every = Duration::from_secs(u64::from(seconds));
        settings.store.retention = settings.store.retention.with_days_of(seconds);
    }
    if let Some(file) = std::env::var_os(WALL) {
        tracing::warn!("the wall clock is what a file says; this is for tests");
        clock::wall_from(file.into());
    }
    // One thread moves the modems; the store, which blocks, and the bridge to the broker have threads of their own.
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        tokio::spawn(say_what_hang_up_does());
        app::run(config.settings, asked_to_stop()).await
    });
    // A reader of a terminal or pipe that blocks must not hold the end up.
    runtime.shutdown_background();
    done?;
    Ok(Exit::Ok)
}

/// SIGTERM or SIGINT ends in order; a second one at once (what is armed is then uncertain).
pub(super) async fn asked_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("stopping: armed sends may end first; signal again to stop at once");
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        telemetry::finish();
        std::process::exit(i32::from(Exit::Interrupted as u8));
    });
}

/// SIGHUP would end the process at once. Who sends it means the configuration, which is read at the start only.
async fn say_what_hang_up_does() {
    let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return };
    while hang_up.recv().await.is_some() {
        tracing::warn!("SIGHUP: the configuration is read at the start only; restart to change it");
    }
}
