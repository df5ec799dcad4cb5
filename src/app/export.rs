//! Keeps in files what no bridge took for too long, so that the log can be cut (RELIABILITY §2.7).

use crate::bridge::wire;
use crate::clock;
use crate::model::{Event, ModemNotice, Notice, NoticeKind, Timestamp};
use crate::store::{Overdue, Store, StoreError};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Events that are read, written and synced at a time.
const BATCH: usize = 256;
/// Between two of them, so that a slow disk is not kept busy.
const PAUSE: Duration = Duration::from_millis(20);
/// A file that has so many octets is the last one's; the next begins.
const FILE_OCTETS: u64 = 16 << 20;

/// Why something is still in the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Nothing was changed in the log.
    #[error("{}: {source}", .dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file that is being filled.
struct Exported {
    name: String,
    file: File,
    octets: u64,
}

/// Writes what is overdue into files of this folder, and lets the bridges go past it. How many events that were.
pub(super) async fn overdue(store: &Store, dir: &Path, now: Timestamp) -> Result<usize, Error> {
    let (mut n, mut last) = (0, None);
    // While it is held no bridge could be let go past anything.
    while !store.state().borrow().is_held()
        && let Some(Overdue { events, upto }) = store.overdue(now, BATCH).await?
    {
        let mut told = None;
        if let Some(Event { seq: first, .. }) = events.first() {
            let (begun, first, to, lines) = (last.take(), *first, dir.to_owned(), lines(&events, store.log_id()));
            let added = tokio::task::spawn_blocking(move || add(begun, &to, first, &lines)).await;
            let added = added.map_err(io::Error::other).and_then(|added| added);
            let exported = added.map_err(|source| Error::Io { dir: dir.to_owned(), source })?;
            told = (n == 0).then(|| alarm(dir, &exported.name));
            last = Some(exported);
            n += events.len();
        }
        store.give_up(upto, told, now).await?;
        clock::sleep(PAUSE).await;
    }
    Ok(n)
}

fn lines(events: &[Event], log_id: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in events {
        wire::write(event, log_id, &mut lines);
        lines.push(b'\n');
    }
    lines
}

/// Adds lines to the file, or to a new one, durable. Blocks.
fn add(begun: Option<Exported>, dir: &Path, first: u64, lines: &[u8]) -> io::Result<Exported> {
    let mut exported = match begun.filter(|begun| begun.octets < FILE_OCTETS) {
        Some(begun) => begun,
        None => begin(dir, first)?,
    };
    exported.file.write_all(lines)?;
    exported.file.sync_data()?;
    exported.octets += lines.len() as u64;
    Ok(exported)
}

/// Never a file that is there: what is in it may be nowhere else.
fn begin(dir: &Path, first: u64) -> io::Result<Exported> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    for n in 0_u32.. {
        let again = if n == 0 { String::new() } else { format!("-{n}") };
        let name = format!("events-{first:020}{again}.jsonl");
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            file => {
                let file = file?;
                File::open(dir)?.sync_all()?;
                return Ok(Exported { name, file, octets: 0 });
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn alarm(dir: &Path, name: &str) -> ModemNotice {
    let detail = format!(
        "events that no broker took for too long are kept in {}, from {name} on, and are not published any more; \
         mend the link to the broker, and hand the files on yourself",
        dir.display()
    );
    tracing::error!("{detail}");
    let notice = Notice::new(NoticeKind::Alarm, "events_exported", detail);
    ModemNotice { modem: "box".parse().expect("a label"), sim: None, notice }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventKind, Refusal, RefusalCode};
    use crate::store::Config;
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn files(dir: &Path) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap());
        let read = |entry: std::fs::DirEntry| {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        };
        entries.map(read).collect()
    }

    #[tokio::test]
    async fn what_no_bridge_took_is_kept_in_a_file_and_the_bridge_goes_on_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _, closer) = Store::open(&Config::new(dir.path()), NOW).unwrap();
        let exported = dir.path().join("exported");
        let refuse = async |n: usize, at| {
            store.refuse(Refusal::new(RefusalCode::InvalidJson, format!("{{ {n}")), at).await.unwrap();
        };
        for n in 1..=300 {
            refuse(n, NOW).await;
        }
        refuse(301, NOW.after(DAY * 10)).await;
        let late = NOW.after(DAY * 15);
        // A clock that was looked at before.
        while store.tidy(late).await.unwrap() {}
        assert_eq!(overdue(&store, &exported, late).await.unwrap(), 0, "nobody follows the log");
        assert_eq!(store.cursor("mqtt").await.unwrap(), 0);
        store.acknowledge("mqtt", 7, Vec::new()).unwrap();
        refuse(302, late).await;
        assert_eq!(overdue(&store, &exported, NOW.after(DAY * 13)).await.unwrap(), 0);

        // One that is there, of a kill before the cursor moved.
        std::fs::create_dir(&exported).unwrap();
        add(None, &exported, 8, b"half").unwrap();
        assert_eq!(overdue(&store, &exported, late).await.unwrap(), 293);
        let found = files(&exported);
        let (first, second) = ("events-00000000000000000008.jsonl", "events-00000000000000000008-1.jsonl");
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), [second, first]);
        assert_eq!(found[first], "half");
        let seqs: Vec<u64> = found[second]
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(seqs, (8..=300).collect::<Vec<_>>());
        assert_eq!((store.cursor("mqtt").await.unwrap(), store.given_up()), (300, 300));
        let events = store.events(300, 99).await.unwrap();
        let alarms = events
            .iter()
            .filter(|event| matches!(&event.kind, EventKind::Notice(from) if from.notice.detail.contains(second)));
        assert_eq!((alarms.count(), events.len()), (1, 3));
        assert_eq!(overdue(&store, &exported, late).await.unwrap(), 0, "once");
        drop(store);
        closer.close();
        let (store, _, closer) = Store::open(&Config::new(dir.path()), late).unwrap();
        assert_eq!(store.cursor("mqtt").await.unwrap(), 300);
        drop(store);
        closer.close();
    }

    #[tokio::test]
    async fn files_are_bounded_and_what_cannot_be_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        let begun = add(None, dir.path(), 1, b"a\n").unwrap();
        let full = Exported { octets: FILE_OCTETS, ..begun };
        add(Some(full), dir.path(), 2, b"b\n").unwrap();
        assert_eq!(files(dir.path()).into_values().collect::<Vec<_>>(), ["a\n", "b\n"]);

        let state = tempfile::tempdir().unwrap();
        let (store, _, closer) = Store::open(&Config::new(state.path()), NOW).unwrap();
        assert_eq!(store.cursor("mqtt").await.unwrap(), 0);
        store.refuse(Refusal::new(RefusalCode::InvalidJson, "{"), NOW).await.unwrap();
        while store.tidy(NOW.after(DAY * 20)).await.unwrap() {}
        let blocked = dir.path().join("events-00000000000000000001.jsonl");
        overdue(&store, &blocked, NOW.after(DAY * 20)).await.unwrap_err();
        assert_eq!(store.cursor("mqtt").await.unwrap(), 0);
        drop(store);
        closer.close();
    }
}
