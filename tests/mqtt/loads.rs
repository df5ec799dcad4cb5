//! More than the broker takes at once: F-54 and F-59.

use super::proxy::{Acks, Faults};
use super::rig::{now, receive};
use super::world::World;
use gsmgate::model::{Refusal, RefusalCode, Timestamp};
use gsmgate::store::{self, Store};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// F-54: it wants one publish at a time, acknowledges out of order or slowly, or its line is slow. Whatever it does, no more is
/// under way than it wants, nothing is published twice, and nothing is lost.
#[tokio::test]
async fn f54_slow_broker() {
    let ms = Duration::from_millis;
    let to_gateway = |acks| Faults { acks: [Acks::Pass, acks], ..Faults::default() };
    for (name, settings, faults, window) in [
        ("receive maximum 1", "max_inflight_messages 1", to_gateway(Acks::Paced(ms(2))), 1),
        ("one acknowledgement at a time", "max_inflight_messages 0", to_gateway(Acks::Paced(ms(2))), 64),
        // An identifier that is still in use comes up again: 1 is acknowledged after 63.
        ("out of order", "max_inflight_messages 0", to_gateway(Acks::Reversed(63)), 64),
        ("in pairs", "max_inflight_messages 0", to_gateway(Acks::Reversed(2)), 64),
        ("slow line", "max_inflight_messages 0", Faults { slow: Some((100, ms(1))), ..Faults::default() }, 64),
        (
            "octet by octet",
            "max_inflight_messages 0",
            Faults { slow: Some((1, Duration::ZERO)), ..Faults::default() },
            64,
        ),
    ] {
        let mut world = World::start(settings).await;
        world.link_again(faults).await;
        world.command("first").await;
        world.receive_many(300).await;
        world.command("last").await;
        world.witness.upto(302).await;
        world.settle().await;
        let most = world.proxy.seen().iter().map(|link| link.most_in_flight).max().unwrap();
        println!("{name}: {most} under way at most");
        assert!(most <= window, "{name}: {most}");
        assert_eq!(world.witness.copies_after(0), (0, 0), "{name}");
        assert_eq!((world.accepted().await, world.last()), (2, 302), "{name}");
        world.rig.kill().await;
    }
}

/// F-54: the same memory with 30,000 events that wait as with none.
#[tokio::test]
async fn f54_slow_broker_takes_no_memory() {
    let mut peaks = Vec::new();
    for backlog in [0, 30_000] {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), backlog).await;
        let mut world = World::start("").await;
        // Another gateway than the world's: a process of its own, so that its memory can be told.
        world.rig.kill().await;
        world
            .proxy
            .spoil_all(Faults { acks: [Acks::Pass, Acks::Paced(Duration::from_millis(5))], ..Faults::default() });
        let gateway = gateway(dir.path(), world.proxy.address).await;
        world.witness.online().await;
        world.witness.upto(if backlog == 0 { 0 } else { 500 }).await;
        peaks.push(peak_kib(&gateway));
        drop(gateway);
        assert!(world.proxy.seen().iter().all(|link| link.most_in_flight <= 64));
    }
    println!("at most {} KiB with nothing waiting, {} KiB with 30,000 events", peaks[0], peaks[1]);
    // They would take some 20 MiB.
    assert!(peaks[1] < peaks[0] + 8 * 1024, "{peaks:?}");
}

/// Events that nobody was told of.
async fn fill(dir: &Path, n: usize) {
    let (store, _, closer) = Store::open(&store::Config::new(dir), now()).unwrap();
    for _ in 0..n / 500 {
        let mut writes = JoinSet::new();
        for _ in 0..500 {
            let store = store.clone();
            let detail = "a command that somebody got wrong, with as much to say of it as there usually is";
            let refusal = Refusal::new(RefusalCode::Unsupported, detail);
            writes.spawn(async move { store.refuse(refusal, now()).await.unwrap() });
        }
        writes.join_all().await;
    }
    drop(store);
    tokio::task::spawn_blocking(move || closer.close()).await.unwrap();
}

async fn gateway(dir: &Path, broker: std::net::SocketAddr) -> Child {
    let config = format!(
        "[gateway]\nname = \"t\"\nstate_dir = {dir:?}\ncontrol_socket = {:?}\n[mqtt]\nurl = \"mqtt://{broker}\"\n\
         [discovery]\ntake = \"none\"\n",
        dir.join("control.sock")
    );
    let path = dir.join("gsmgate.toml");
    std::fs::write(&path, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gsmgate"));
    command.env_remove("RUST_LOG").env_remove("NOTIFY_SOCKET").env_remove("CREDENTIALS_DIRECTORY");
    command.args(["run", "--config"]).arg(path).stderr(std::process::Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

/// The most that a process had in memory.
fn peak_kib(process: &Child) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// F-59: eight SIMs receive for fourteen days and nobody is told; what is old is tidied away every day. All of it is there,
/// in no more room than it needs, and goes out at 200 events a second or more.
#[tokio::test]
async fn f59_away_for_fourteen_days() {
    const SIMS: usize = 8;
    const DAYS: usize = 14;
    const A_DAY: usize = 100;
    let mut world = World::start("").await;
    world.proxy.away(true);
    let store = world.rig.store.clone();
    let end = now();
    for day in 0..DAYS {
        let at = Timestamp(end.0 - i64::try_from(DAYS - day).unwrap() * 86_400_000);
        let mut writes = JoinSet::new();
        for n in 0..SIMS * A_DAY {
            let store = store.clone();
            writes.spawn(async move { receive(&store, n % SIMS, &format!("day {day}, message {n}"), at).await });
        }
        writes.join_all().await;
        while store.tidy(at).await.unwrap() {}
    }
    while store.tidy(end).await.unwrap() {}
    let events = u64::try_from(SIMS * DAYS * A_DAY).unwrap();
    assert_eq!(world.last(), events);
    let size = |name: &str| std::fs::metadata(world.dir.path().join(name)).unwrap().len();
    let octets = size("gsmgate.db") + size("gsmgate.db-wal");
    println!("{events} events in {octets} octets: {} each", octets / events);
    assert!(octets / events < 2048, "{octets}");
    let back = Instant::now();
    world.proxy.away(false);
    world.settle().await;
    let rate = events as f64 / back.elapsed().as_secs_f64();
    println!("{rate:.0} events a second");
    assert!(rate >= 200.0, "{rate}");
    let whole = |event: &serde_json::Value| event["text"].as_str().is_some_and(|text| text.starts_with("day "));
    assert_eq!(world.witness.count(whole), SIMS * DAYS * A_DAY);
    world.rig.kill().await;
}
