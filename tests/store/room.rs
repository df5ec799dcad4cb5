//! A disk that is really full, and a database that another program holds: F-42, F-47, I-11, I-12, I-20.

use super::rig::{NOW, Rig, acked, ambiguous, failure, later};
use gsmgate::model::{
    AttemptId, MessageKey, PartKey, Priority, PublicState, Refusal, RefusalCode, StoreState, Timestamp,
};
use gsmgate::store::{Claim, Config, Receipt, Step, StoreError, Verdict};
use gsmgate::tpdu::ValidityPeriod;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::time::timeout;

const DIR: &str = "GSMGATE_TEST_FULL_DIR";
/// The longest wait: the bar is 5 s (RELIABILITY R-08).
const SOON: Duration = Duration::from_secs(5);

/// On a file system of its own, which others cannot see, and which is small.
#[test]
fn a_full_disk_loses_nothing_and_goes_on_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let own = if nix::unistd::geteuid().is_root() { "-m" } else { "-rm" };
    let mount = r#"mount -t tmpfs -o size=48m none "$1" && exec "$2" --exact room::child --nocapture --ignored"#;
    let mut command = Command::new("unshare");
    command.args([own, "sh", "-c", mount, "sh"]).arg(dir.path()).arg(std::env::current_exe().unwrap());
    let output = command.env(DIR, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Takes what is left of the disk.
struct Filler(PathBuf);

impl Filler {
    fn new(dir: &Path) -> Filler {
        Filler(dir.join("filler"))
    }

    fn fill(&self) {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0).unwrap();
        for octets in [1 << 16, 1 << 10, 1] {
            while file.write_all(&vec![1; octets]).is_ok() {}
        }
    }
}

/// Claims for a SIM of one's own.
async fn send_by(rig: &Rig, n: i64, message: MessageKey) -> AttemptId {
    let attempt = AttemptId(100 + n);
    let claim = Claim {
        attempt,
        part: PartKey { message, seq: 1 },
        iccid: format!("894900000000000{n}001").parse().unwrap(),
        sim: format!("sim-{n}").parse().unwrap(),
        port: "/dev/ttyUSB0".into(),
        tpdu_sha256: [7; 32],
        validity: ValidityPeriod::Relative(167),
        routing: "the only SIM",
        resend_of: None,
        at: NOW,
    };
    rig.store.step(vec![Step::Claim(claim)]).unwrap();
    assert!(rig.arm(attempt).await);
    attempt
}

async fn is_in(rig: &Rig, wanted: impl Fn(StoreState) -> bool) {
    let mut state = rig.store.state();
    let became = timeout(SOON, state.wait_for(|state| wanted(*state))).await;
    became.unwrap_or_else(|_| panic!("it is {:?}", *rig.store.state().borrow())).unwrap();
}

/// Waits until the journal holds so many records: what goes there is answered to nobody.
async fn until_spilt(state_dir: &Path, wanted: usize) {
    let spilt =
        || fs::read(state_dir.join("spill")).unwrap().chunks(128).take_while(|it| it.starts_with(b"GSPL")).count();
    for _ in 0..500 {
        if spilt() == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} records, not {wanted}", spilt());
}

/// The same for a message's state.
async fn until_sent(rig: &Rig, name: &str) {
    for _ in 0..500 {
        if rig.state(name).await == PublicState::Sent {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} is {:?}", rig.state(name).await);
}

fn step_end(attempt: AttemptId, mr: u8) -> Vec<Step> {
    vec![Step::Ended { attempt, verdict: acked(mr), at: NOW }]
}

#[tokio::test]
#[ignore = "a part of a_full_disk_loses_nothing_and_goes_on_by_itself, on its file system"]
async fn child() {
    let dir = PathBuf::from(std::env::var_os(DIR).unwrap());
    let state_dir = dir.join("state");
    let mut rig = Rig::open(&state_dir);
    let mut keys = Vec::new();
    for name in ["a", "b", "waits", "late"] {
        keys.push(rig.accept(name, 1).await);
    }
    let (first, second) = (send_by(&rig, 1, keys[0]).await, send_by(&rig, 2, keys[1]).await);
    let waits = rig.claim(keys[2], 1);

    let filler = Filler::new(&dir);
    filler.fill();
    let refused = rig.store.accept(vec![Rig::message("refused", 1)], NOW).await;
    assert_eq!((refused.unwrap_err(), *rig.store.state().borrow()), (StoreError::NoRoom, StoreState::Full));
    assert_eq!(rig.store.receive(Rig::pdu(b"kept", Err("octets"))).await.unwrap_err(), StoreError::NoRoom);
    assert!(!rig.arms(waits).await, "what could not be written down does not go out");

    // The ballast makes room for the first result, the journal takes the second.
    rig.store.step(step_end(first, 7)).unwrap();
    until_sent(&rig, "a").await;
    assert!(!state_dir.join("ballast").exists());
    filler.fill();
    rig.store.step(step_end(second, 8)).unwrap();
    until_spilt(&state_dir, 1).await;
    assert_eq!(rig.state("b").await, PublicState::Sending);

    // A kill now: the next process has it all, on a disk with room or without.
    let (_copy, killed) = Rig::killed(&state_dir);
    let other = Rig::open(&killed);
    assert_eq!((other.state("a").await, other.state("b").await), (PublicState::Sent, PublicState::Sent));
    assert!(other.recovered.armed.is_empty());
    other.close();

    fs::remove_file(&filler.0).unwrap();
    is_in(&rig, |state| !state.is_held()).await;
    assert_eq!(rig.state("b").await, PublicState::Sent);
    until_spilt(&state_dir, 0).await;
    assert!(state_dir.join("ballast").exists(), "it is back");
    assert_eq!(rig.receive(b"kept", Err("octets")).await, Receipt::New);
    rig.accept("refused", 1).await;
    let again = rig.claim(keys[2], 1);
    assert!(rig.arm(again).await);
    rig.end(again, acked(9)).await;
    assert_eq!(rig.story("waits").await, ["queued", "sending", "sent"]);
    assert_eq!(rig.story("b").await, ["queued", "sending", "sent"], "told once");

    watermarks(&mut rig, &dir, &filler).await;
    rig.close();
}

/// A disk that fills: what has time waits outside. Full by the watermark: the database could still write, and nothing new is
/// begun (I-12).
async fn watermarks(rig: &mut Rig, dir: &Path, filler: &Filler) {
    let mut low = File::create(&filler.0).unwrap();
    while *rig.store.state().borrow() == StoreState::Ok {
        low.write_all(&vec![1; 1 << 20]).unwrap();
        rig.settled().await;
    }
    assert_eq!(*rig.store.state().borrow(), StoreState::Low);
    let mut bulk = Rig::message("bulk", 1);
    bulk.priority = Priority::Low;
    assert_eq!(rig.store.accept(vec![bulk], NOW).await.unwrap_err(), StoreError::NoRoom);
    let last = rig.accept("normal", 1).await;
    let claimed = rig.claim(last, 1);

    while *rig.store.state().borrow() != StoreState::Full {
        low.write_all(&vec![1; 1 << 16]).unwrap();
        let _ = rig.store.expire(Timestamp(0)).await;
    }
    assert!(nix::sys::statvfs::statvfs(dir).unwrap().blocks_available() > 100);
    assert!(!rig.arms(claimed).await);
    assert_eq!(rig.store.accept(vec![Rig::message("more", 1)], NOW).await.unwrap_err(), StoreError::NoRoom);
}

/// F-47: another program has the write lock.
#[tokio::test]
async fn a_database_that_is_held_loses_nothing_and_goes_on_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(&Config::new(dir.path()), NOW);
    let key = rig.accept("sent", 1).await;
    let attempt = send_by(&rig, 1, key).await;
    let shell = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    shell.execute_batch("BEGIN EXCLUSIVE").unwrap();
    rig.store.step(step_end(attempt, 7)).unwrap();
    is_in(&rig, |state| state == StoreState::Locked).await;
    assert_eq!(rig.store.accept(vec![Rig::message("refused", 1)], NOW).await.unwrap_err(), StoreError::Locked);
    assert_eq!(rig.state("sent").await, PublicState::Sending, "reading goes on");
    shell.execute_batch("ROLLBACK").unwrap();
    is_in(&rig, |state| !state.is_held()).await;
    assert_eq!(rig.state("sent").await, PublicState::Sent);
    rig.accept("refused", 1).await;
    assert_eq!(rig.state("refused").await, PublicState::Queued);
    rig.close();
}

/// A bridge that goes past an event meanwhile has that written down when there is room, with its cursor and not before.
#[tokio::test]
async fn what_is_parked_meanwhile_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for name in ["a", "b", "c"] {
        rig.accept(name, 1).await;
    }
    let shell = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    rig.store.acknowledge("mqtt", 2, vec![(1, "too large".to_owned()), (2, "not allowed".to_owned())]).unwrap();
    let refused = rig.store.accept(vec![Rig::message("refused", 1)], NOW).await;
    assert_eq!(refused.unwrap_err(), StoreError::Locked);
    rig.store.acknowledge("mqtt", 3, vec![(3, "not allowed".to_owned())]).unwrap();
    let many = (4..9000).map(|seq| (seq, String::new())).collect();
    assert_eq!(rig.store.acknowledge("mqtt", 9000, many).unwrap_err(), StoreError::Full, "the cursor stays");
    shell.execute_batch("ROLLBACK").unwrap();
    is_in(&rig, |state| !state.is_held()).await;
    rig.accept("d", 1).await;
    rig.close();
    let parked: i64 = shell.query_row("SELECT count(*) FROM parked WHERE seq <= 3", [], |row| row.get(0)).unwrap();
    let cursor: i64 = shell.query_row("SELECT seq FROM cursors", [], |row| row.get(0)).unwrap();
    assert_eq!((parked, cursor), (3, 3));
}

/// A-9: the database fails for good. What is in the air then still ends, and the next start knows how.
#[tokio::test]
async fn what_ends_after_the_database_has_failed_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let mut keys = Vec::new();
    for name in ["acked", "retried", "told late", "never"] {
        keys.push(rig.accept(&name.replace(' ', "-"), 1).await);
    }
    let acked_later = send_by(&rig, 1, keys[0]).await;
    let retried = send_by(&rig, 2, keys[1]).await;
    let late = send_by(&rig, 3, keys[2]).await;
    let never = rig.claim(keys[3], 1);
    rig.store.step(vec![Step::Ended { attempt: late, verdict: ambiguous(), at: NOW }]).unwrap();
    rig.settled().await;
    let shell = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON refusals BEGIN SELECT RAISE (ABORT, 'broken'); END";
    shell.execute_batch(broken).unwrap();
    let refusal = Refusal::new(RefusalCode::InvalidJson, "{");
    assert_eq!(rig.store.refuse(refusal, NOW).await.unwrap_err(), StoreError::Closed);
    rig.store.failed().wait_for(Option::is_some).await.unwrap();

    assert!(!timeout(SOON, rig.arms(never)).await.unwrap(), "nothing more goes out");
    assert_eq!(rig.store.accept(vec![Rig::message("more", 1)], NOW).await.unwrap_err(), StoreError::Closed);
    assert_eq!(rig.store.acknowledge("mqtt", 1, Vec::new()).unwrap_err(), StoreError::Closed);
    rig.store.step(step_end(acked_later, 7)).unwrap();
    until_spilt(dir.path(), 1).await;
    let retry = Verdict::Retry { failure: failure(), not_before: NOW };
    rig.store.step(vec![Step::Ended { attempt: retried, verdict: retry, at: NOW }]).unwrap();
    let evidence = Step::Evidence { attempt: late, mr: Some(5), report_until: later(86_400), at: NOW };
    rig.store.step(vec![evidence]).unwrap();
    let store = rig.store.clone();
    // Closed at once: what was given is kept all the same.
    rig.close();
    assert_eq!(store.step(step_end(never, 9)).unwrap_err(), StoreError::Closed);
    drop(store);
    shell.execute_batch("DROP TRIGGER broken").unwrap();
    let rig = Rig::open(dir.path());
    for (name, state) in [
        ("acked", PublicState::Sent),
        ("retried", PublicState::Queued),
        ("told-late", PublicState::Sent),
        ("never", PublicState::Queued),
    ] {
        assert_eq!(rig.state(name).await, state, "{name}");
    }
    rig.close();
}

/// What is told while nothing can be written is carried out afterwards, in the order it was told.
#[tokio::test]
async fn what_is_told_meanwhile_keeps_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let late = rig.accept("late", 1).await;
    let late = send_by(&rig, 1, late).await;
    let long = rig.accept("long", 2).await;
    let (first, second) = (rig.claim(long, 1), rig.claim(long, 2));
    assert!(rig.arm(first).await, "which writes that the second is claimed");
    let shell = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    rig.store.step(vec![Step::Ended { attempt: late, verdict: ambiguous(), at: NOW }]).unwrap();
    is_in(&rig, |state| state == StoreState::Locked).await;
    let evidence = Step::Evidence { attempt: late, mr: Some(5), report_until: later(86_400), at: NOW };
    rig.store.step(vec![evidence]).unwrap();
    // Alone.
    until_spilt(dir.path(), 2).await;
    let retry = Verdict::Retry { failure: failure(), not_before: NOW };
    rig.store.step(vec![Step::Release(second), Step::Ended { attempt: first, verdict: retry, at: NOW }]).unwrap();
    until_spilt(dir.path(), 4).await;
    shell.execute_batch("ROLLBACK").unwrap();
    is_in(&rig, |state| !state.is_held()).await;
    assert_eq!(rig.state("late").await, PublicState::Sent);
    assert_eq!(rig.story("late").await, ["queued", "sending", "uncertain", "sent"]);
    let due = rig.store.due(later(1), 9).await.unwrap();
    let parts: Vec<_> = due.work.iter().flat_map(|work| work.parts.iter().map(|part| part.seq)).collect();
    assert_eq!(parts, [1, 2], "both go out again");
    rig.close();
}
