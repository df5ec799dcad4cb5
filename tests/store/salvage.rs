//! F-43: a damaged database is mended as far as it can be read, loudly, and nothing of it is sent as if nothing had been.

use super::rig::{NOW, Rig, acked, id, later};
use gsmgate::model::{EventKind, NoticeKind, PublicState};
use gsmgate::store::{Config, Receipt, Store};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const SEED: &str = "GSMGATE_TEST_SALVAGE_SEED";
const QUEUED: usize = 120;
const SENT: u8 = 60;
const PAGE: u64 = 1024;

/// A folder in which something of every kind has been kept.
struct Template {
    dir: tempfile::TempDir,
}

impl Template {
    async fn new() -> Template {
        let dir = tempfile::tempdir().unwrap();
        let mut rig = Rig::open(dir.path());
        for n in 0..SENT {
            let key = rig.accept(&format!("sent-{n}"), 1).await;
            let attempt = rig.send(key, 1).await;
            rig.end(attempt, acked(n)).await;
            if n % 2 == 0 {
                rig.store.report(Rig::report(n, 0)).await.unwrap();
            }
            assert_eq!(rig.receive(&[n, 1, 2, 3], Err("octets")).await, Receipt::New);
        }
        rig.store.acknowledge("mqtt", *rig.store.committed().borrow(), Vec::new()).unwrap();
        for n in 0..QUEUED {
            rig.accept(&format!("queued-{n}"), 1).await;
        }
        let key = rig.accept("armed", 1).await;
        rig.send(key, 1).await;
        rig.close();
        Template { dir }
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("gsmgate.db")
    }

    /// A copy of the folder, damaged.
    fn damaged(&self, damage: impl FnOnce(&Path)) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for name in ["gsmgate.db", "spill"] {
            fs::copy(self.dir.path().join(name), copy.path().join(name)).unwrap();
        }
        damage(&copy.path().join("gsmgate.db"));
        copy
    }
}

struct Random(u64);

impl Random {
    fn new() -> Random {
        let fresh = || u64::from(std::process::id());
        let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(fresh);
        eprintln!("again: {SEED}={seed} cargo test --test store salvage");
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// What a start made of it.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Made {
    /// Nobody saw a damage.
    Sound,
    Salvaged {
        queued: usize,
        sent: usize,
    },
    Refused,
}

fn is_aside(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("damaged-"))
}

/// The alarm's detail.
async fn alarm(rig: &Rig) -> Option<String> {
    let events = rig.store.events(0, 1_000_000).await.unwrap();
    events.into_iter().find_map(|event| match event.kind {
        EventKind::Notice(from) if from.notice.subject == "database_salvaged" => {
            assert_eq!((from.modem.as_str(), from.notice.kind), ("box", NoticeKind::Alarm));
            Some(from.notice.detail)
        }
        _ => None,
    })
}

async fn count(rig: &Rig, prefix: &str, n: usize, wanted: impl Fn(PublicState) -> bool) -> usize {
    let mut found = 0;
    for n in 0..n {
        let view = rig.store.message(id(&format!("{prefix}-{n}"))).await.unwrap();
        found += usize::from(view.is_some_and(|view| wanted(view.state)));
    }
    found
}

/// Opens it, and looks at everything. Nothing that may have left is READY.
async fn open(dir: &Path) -> Made {
    let (store, recovered, closer) = match Store::open(&Config::new(dir), NOW) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(error.to_string().contains("gsmgate.db"), "{error}");
            return Made::Refused;
        }
    };
    drop((store, recovered));
    closer.close();
    let mut rig = Rig::open(dir);
    let mut due = rig.store.due(later(120), 1000).await;
    if due.is_err() {
        // A damage that only the work meets: the process ends of it, and the next start mends it.
        rig.close();
        rig = Rig::open(dir);
        assert!(alarm(&rig).await.is_some());
        due = rig.store.due(later(120), 1000).await;
    }
    let due = due.unwrap();
    let made = match alarm(&rig).await {
        None => {
            assert!(!is_aside(dir), "put aside and not told of");
            Made::Sound
        }
        Some(detail) => {
            assert!(is_aside(dir) && detail.contains("lost"), "{detail}");
            let is_doubted = due.work.iter().all(|work| work.parts.is_empty() && work.undecided.is_some());
            assert!(is_doubted, "READY: {:?}", due.work);
            let open = |state| matches!(state, PublicState::Uncertain | PublicState::Unknown);
            let ended = |state| matches!(state, PublicState::Sent | PublicState::Delivered | PublicState::Unknown);
            let queued = count(&rig, "queued", QUEUED, open).await;
            Made::Salvaged { queued, sent: count(&rig, "sent", SENT.into(), ended).await }
        }
    };
    rig.close();
    made
}

fn zero(path: &Path, page: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[0; PAGE as usize], page * PAGE).unwrap();
}

#[tokio::test]
async fn every_page_but_one_is_salvaged() {
    let template = Template::new().await;
    let pages = fs::metadata(template.database()).unwrap().len() / PAGE;
    let (mut salvaged, mut least) = (0, usize::MAX);
    for page in (0..8).chain((8..pages).step_by(7)) {
        let copy = template.damaged(|path| zero(path, page));
        match open(copy.path()).await {
            Made::Salvaged { queued, sent } => {
                salvaged += 1;

                least = least.min(queued + sent);
                // The root of the messages themselves may be the one.
                let all = QUEUED + usize::from(SENT);
                assert!(queued + sent > all / 2 || page < 40, "page {page}: {queued} {sent} of {all}");
            }
            Made::Sound => {}
            Made::Refused => panic!("page {page}"),
        }
    }
    eprintln!("{salvaged} of {pages} pages tried and salvaged, at least {least} messages each");
    assert!(salvaged > 10);
}

#[tokio::test]
async fn bytes_that_flipped_lose_what_they_were() {
    let template = Template::new().await;
    let len = fs::metadata(template.database()).unwrap().len();
    let mut random = Random::new();
    let mut made = [0; 3];
    for round in 0..40_u64 {
        let copy = template.damaged(|path| {
            let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
            for _ in 0..=round % 8 * 8 {
                let (at, mut octet) = (random.below(len), [0]);
                file.read_exact_at(&mut octet, at).unwrap();
                octet[0] ^= u8::try_from(1 + random.below(255)).unwrap();
                file.write_all_at(&octet, at).unwrap();
            }
        });
        made[match open(copy.path()).await {
            Made::Sound => 0,
            Made::Salvaged { .. } => 1,
            Made::Refused => 2,
        }] += 1;
    }
    eprintln!("sound, salvaged, refused: {made:?}");
    assert!(made[1] > 10);
}

#[tokio::test]
async fn a_truncated_file_is_salvaged_at_any_length() {
    let template = Template::new().await;
    let len = fs::metadata(template.database()).unwrap().len();
    let mut random = Random::new();
    let mut lengths: Vec<u64> = vec![0, 1, 99, 100, 511, 512, 1023, 1024, 1025, len / 2, len - PAGE, len - 1];
    lengths.extend((0..10).map(|_| random.below(len)));
    for octets in lengths {
        let copy = template.damaged(|path| {
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(octets).unwrap();
        });
        let made = open(copy.path()).await;
        // What is cut off of the last page may be nothing.
        let fits = matches!(made, Made::Salvaged { .. }) || made == Made::Sound && octets > len - PAGE;
        assert!(fits, "{octets} of {len}: {made:?}");
    }
}

/// Beside a file without a page SQLite deletes the WAL.
#[tokio::test]
async fn what_is_only_in_the_wal_of_an_emptied_file_is_salvaged() {
    for octets in [0, 1, PAGE - 1] {
        let dir = tempfile::tempdir().unwrap();
        let rig = Rig::open(dir.path());
        for name in ["a", "b", "c"] {
            rig.accept(name, 1).await;
        }
        let (_copy, killed) = Rig::killed(dir.path());
        fs::OpenOptions::new().write(true).open(killed.join("gsmgate.db")).unwrap().set_len(octets).unwrap();
        let after = Rig::open(&killed);
        for name in ["a", "b", "c"] {
            assert!(after.store.message(name.parse().unwrap()).await.unwrap().is_some(), "{name} of {octets} octets");
        }
        after.close();
        rig.close();
    }
}

#[tokio::test]
async fn what_is_no_database_is_put_aside_and_told_of() {
    let template = Template::new().await;
    let copy = template.damaged(|path| fs::write(path, "not a database ".repeat(5000)).unwrap());
    assert_eq!(open(copy.path()).await, Made::Salvaged { queued: 0, sent: 0 });
    // It goes on, with numbers that were never used.
    let mut rig = Rig::open(copy.path());
    assert!(*rig.store.committed().borrow() > 10_000 && rig.recovered.next_attempt.0 > 10_000);
    let key = rig.accept("new", 1).await;
    let attempt = rig.send(key, 1).await;
    rig.end(attempt, acked(1)).await;
    assert_eq!(rig.story_after_damage("new").await, ["queued", "sending", "sent"]);
    assert!(rig.store.armed_since(super::rig::sim().0, later(0)).await.unwrap().len() == 1);
    rig.close();
}

/// What the newest snapshot has is merged: with nothing to be read it is all there is.
#[tokio::test]
async fn a_snapshot_fills_what_is_missing() {
    let template = Template::new().await;
    let rig = Rig::open(template.dir.path());
    rig.store.snapshot(NOW).await.unwrap().unwrap();
    rig.accept("later", 1).await;
    rig.close();
    for (name, damage) in [
        ("garbage", (|path: &Path| fs::write(path, "x").unwrap()) as fn(&Path)),
        ("no list of tables", |path| (0..7).for_each(|page| zero(path, page))),
    ] {
        let copy = template.damaged(damage);
        let backups = copy.path().join("backups");
        fs::create_dir(&backups).unwrap();
        for entry in fs::read_dir(template.dir.path().join("backups")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), backups.join(entry.file_name())).unwrap();
        }
        let all = Made::Salvaged { queued: QUEUED, sent: SENT.into() };
        assert_eq!(open(copy.path()).await, all, "{name}");
        let rig = Rig::open(copy.path());
        let detail = alarm(&rig).await.unwrap();
        assert!(detail.contains("came from gsmgate-20270115T080000Z.db"), "{name}: {detail}");
        let later = rig.store.message(id("later")).await.unwrap();
        assert!(name == "garbage" || later.is_some_and(|view| view.state == PublicState::Uncertain), "{name}");
        let last = rig.store.cursor("mqtt").await.unwrap();
        assert!(last > 100, "{name}: what was handed over is not published again");
        rig.close();
    }
}

/// SQLite cannot see that: the database is as it was at its last checkpoint. What was sent since would go out again.
#[tokio::test]
async fn a_missing_wal_is_a_damage() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.accept("a", 1).await;
    let (_keep, copy) = Rig::killed(dir.path());
    rig.close();
    fs::remove_file(copy.join("gsmgate.db-wal")).unwrap();
    // All of it was in the WAL: what is left is a file without a table, where a database has been.
    assert_eq!(open(&copy).await, Made::Salvaged { queued: 0, sent: 0 });
    // Some of it was.
    let template = Template::new().await;
    let mut rig = Rig::open(template.dir.path());
    let queued = rig.store.due(NOW, 1).await.unwrap().work.remove(0);
    let attempt = rig.send(queued.key, 1).await;
    rig.end(attempt, acked(1)).await;
    let last = *rig.store.committed().borrow();
    for (name, spoil) in [
        ("removed", (|wal| fs::remove_file(wal)) as fn(PathBuf) -> std::io::Result<()>),
        ("emptied", |wal| fs::write(wal, "")),
        ("zeros", |wal| fs::write(wal, [0; 4096])),
    ] {
        let (_keep, copy) = Rig::killed(template.dir.path());
        spoil(copy.join("gsmgate.db-wal")).unwrap();
        assert_eq!(open(&copy).await, Made::Salvaged { queued: QUEUED, sent: SENT.into() }, "{name}");
        let after = Rig::open(&copy);
        assert_eq!(after.state(queued.id.as_str()).await, PublicState::Uncertain, "{name}");
        assert!(*after.store.committed().borrow() > last && after.recovered.next_attempt > attempt, "{name}");
        after.close();
        let aside = fs::read_dir(&copy)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("damaged-"));
        assert_eq!(aside.count(), 1, "{name}: once");
    }
    rig.close();
}

/// Another program that comes last copies the WAL back before it removes it.
#[tokio::test]
async fn a_wal_that_another_program_copied_back_is_not_missing() {
    let template = Template::new().await;
    let rig = Rig::open(template.dir.path());
    rig.accept("later", 1).await;
    for same_boot in [true, false] {
        let (_keep, copy) = Rig::killed(template.dir.path());
        let mark = copy.join("gsmgate.db-open");
        let shell = rusqlite::Connection::open(copy.join("gsmgate.db")).unwrap();
        shell.query_row("SELECT count(*) FROM messages", [], |_| Ok(())).unwrap();
        shell.close().unwrap();
        assert!(!copy.join("gsmgate.db-wal").exists());
        if !same_boot {
            let line = fs::read_to_string(&mark).unwrap();
            fs::write(&mark, format!("another-boot {}", &line[13..])).unwrap();
        }
        // What the mark says may be behind what was committed before a power cut.
        assert_eq!(open(&copy).await == Made::Sound, same_boot);
        let after = Rig::open(&copy);
        let state = if same_boot { PublicState::Queued } else { PublicState::Uncertain };
        assert_eq!(after.state("later").await, state);
        after.close();
    }
    rig.close();
    assert!(!template.dir.path().join("gsmgate.db-open").exists(), "closed in order");
}

/// The mark is removed only when the database has everything.
#[tokio::test]
async fn a_close_beside_a_reader_keeps_the_wal() {
    let template = Template::new().await;
    let rig = Rig::open(template.dir.path());
    let database = template.database();
    let reader = rusqlite::Connection::open(&database).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM messages;").unwrap();
    rig.accept("later", 1).await;
    rig.close();
    let (_keep, copy) = Rig::killed(template.dir.path());
    assert!(copy.join("gsmgate.db-open").exists());
    let after = Rig::open(&copy);
    assert_eq!(after.state("later").await, PublicState::Queued);
    after.close();
    // Of nobody's any more: the file it was of is gone.
    fs::remove_file(copy.join("gsmgate.db")).unwrap();
    fs::copy(template.dir.path().join("gsmgate.db-open"), copy.join("gsmgate.db-open")).unwrap();
    let empty = Rig::open(&copy);
    assert!(empty.store.events(0, 9).await.unwrap().is_empty() && !is_aside(&copy));
    empty.close();
}

/// Numbers that no gateway comes to: what comes after them is still published, and still has a number.
#[tokio::test]
async fn absurd_numbers_are_damage() {
    let template = Template::new().await;
    let copy = template.damaged(|path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection
            .execute_batch(
                "UPDATE cursors SET seq = 1 << 40;
                 UPDATE events SET seq = 9223372036854775807 WHERE seq = 300;
                 UPDATE attempts SET attempt = 9223372036854775806 WHERE attempt = 20;
                 UPDATE messages SET message = 9223372036854775807 WHERE id = 'queued-7';
                 PRAGMA wal_checkpoint(TRUNCATE);",
            )
            .unwrap();
        drop(connection);
        zero(path, 60);
    });
    assert!(matches!(open(copy.path()).await, Made::Salvaged { .. }));
    let mut rig = Rig::open(copy.path());
    assert_eq!(rig.store.cursor("mqtt").await.unwrap(), 0, "rather twice than never");
    // Far beyond what may have been lost, and far below what was read.
    const MOST: u64 = 1 << 40;
    assert!(*rig.store.committed().borrow() < MOST && rig.recovered.next_attempt.0.cast_unsigned() < MOST);
    let key = rig.accept("new", 1).await;
    rig.send(key, 1).await;
    rig.close();
}

/// Who takes the file away wants to begin with an empty queue.
#[tokio::test]
async fn a_database_that_was_taken_away_is_not_brought_back() {
    let template = Template::new().await;
    let copy = template.damaged(|path| fs::remove_file(path).unwrap());
    let rig = Rig::open(copy.path());
    assert!(rig.store.events(0, 9).await.unwrap().is_empty() && !is_aside(copy.path()));
    rig.close();
}

#[tokio::test]
async fn others_are_refused_and_left_alone() {
    let template = Template::new().await;
    for (name, sql) in [("foreign", "PRAGMA application_id = 7"), ("newer", "PRAGMA user_version = 99")] {
        let copy = template.damaged(|path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch(sql).unwrap();
        });
        let path = copy.path().join("gsmgate.db");
        let before = fs::read(&path).unwrap();
        assert_eq!(open(copy.path()).await, Made::Refused, "{name}");
        assert!(fs::read(&path).unwrap() == before && !is_aside(copy.path()), "{name}");
    }
}

/// Ended in the middle of doubting what was READY, the next start goes on there, and tells nothing twice.
#[tokio::test]
async fn a_doubt_that_was_cut_short_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.store.accept((0..600).map(|n| Rig::message(&format!("m{n}"), 1)).collect(), NOW).await.unwrap();
    rig.close();
    let shell = |sql: &str| {
        let connection = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    shell(
        "INSERT INTO meta VALUES ('doubt', 0); CREATE TRIGGER stop BEFORE UPDATE ON messages WHEN old.message = 400
            BEGIN SELECT RAISE (ABORT, 'here it ends'); END",
    );
    let ended = Store::open(&Config::new(dir.path()), NOW).unwrap_err();
    assert!(ended.to_string().contains("here it ends"), "{ended}");
    let connection = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    let upto: i64 = connection.query_row("SELECT value FROM meta WHERE key = 'doubt'", [], |row| row.get(0)).unwrap();
    assert_eq!(upto, 256);
    drop(connection);
    shell("DROP TRIGGER stop; UPDATE messages SET not_before = 7 WHERE message <= 256");
    let rig = Rig::open(dir.path());
    for name in ["m0", "m255", "m256", "m599"] {
        assert_eq!(rig.story(name).await, ["queued", "uncertain"], "{name}");
    }
    rig.close();
    let connection = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    let untouched: i64 =
        connection.query_row("SELECT count(*) FROM messages WHERE not_before = 7", [], |row| row.get(0)).unwrap();
    assert_eq!(untouched, 256, "done once");
}

/// Ended between any two steps of putting the new one in its place, the next start goes on.
#[tokio::test]
async fn a_salvage_that_was_cut_short_is_gone_on_with() {
    let template = Template::new().await;
    let mended = template.damaged(|path| zero(path, 0));
    let made = open(mended.path()).await;
    for moved in [false, true] {
        let copy = template.damaged(|path| zero(path, 0));
        fs::copy(mended.path().join("gsmgate.db"), copy.path().join("salvaged.db")).unwrap();
        if moved {
            fs::create_dir(copy.path().join("damaged-20270115T080000Z")).unwrap();
            fs::rename(copy.path().join("gsmgate.db"), copy.path().join("damaged-20270115T080000Z/gsmgate.db"))
                .unwrap();
        }
        assert_eq!(open(copy.path()).await, made, "{moved}");
        assert!(!copy.path().join("salvaged.db").exists());
    }
    let copy = template.damaged(|path| zero(path, 0));
    fs::write(copy.path().join("salvage.part"), "half").unwrap();
    assert_eq!(open(copy.path()).await, made);
}

/// Above 32 MiB a start does not wait until the whole file has been read: a damage ends the store, and the next start mends.
#[tokio::test]
async fn a_large_file_is_looked_through_while_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for n in 0..3 {
        let raw: Vec<u8> = std::iter::once(n).chain(std::iter::repeat_n(0xA5, 12 << 20)).collect();
        rig.receive(&raw, Err("octets")).await;
    }
    rig.accept("a", 1).await;
    rig.close();
    // The pointer of a page that nothing reads but this.
    let path = dir.path().join("gsmgate.db");
    let octets = fs::read(&path).unwrap();
    let is_inside = |page: &[u8]| page[4..].iter().all(|octet| *octet == 0xA5);
    let page = octets.chunks(PAGE.try_into().unwrap()).position(is_inside).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xFF; 4], page as u64 * PAGE).unwrap();
    let rig = Rig::open(dir.path());
    assert_eq!((rig.state("a").await, is_aside(dir.path())), (PublicState::Queued, false));
    rig.store.failed().wait_for(Option::is_some).await.unwrap();
    rig.close();
    let rig = Rig::open(dir.path());
    assert!(alarm(&rig).await.is_some() && is_aside(dir.path()));
    rig.close();
}
