//! USB and the system: F-26 to F-33.

use super::support::{PATIENCE, Process, gsmgate};
use super::world::{MS, Measured, SECOND, World};
use gsmgate::model::{NoticeKind, PublicState};
use gsmgate::modem::Order;
use gsmgate::simulator::{Fault, FaultKind, Foreign, LabConfig, What, When};
use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

pub(crate) async fn f_26_replug() -> Measured {
    let world = World::on_ptys(LabConfig::default()).await.all_ready().await;
    let back = 3 * SECOND;
    world.lab.fault(Fault::once(FaultKind::Replug { back })).await.unwrap();
    let id = world.text("replug").await;
    let measured = world.judge(&[("replug".to_owned(), id)]).await;
    world.struck().await;
    measured.took(world.recoveries().await[0])
}

/// A Quectel.
const USB_ID: &str = "2c7c:0125";

pub(crate) async fn f_27_other_ports() -> Measured {
    let (world, machine) = World::to_be_found(LabConfig { modems: 3, ..LabConfig::default() }).await;
    for (modem, nmea) in [(0, false), (1, true)] {
        world.lab.fault(Fault::once(FaultKind::OtherPort { nmea }).of_modem(modem)).await.unwrap();
    }
    let lines: Vec<_> = (0..3).map(|n| world.dir().join(format!("modem{n}"))).collect();
    let begun = world.now();
    machine.plug("1-1", 2, USB_ID, &[(0, "ttyUSB0", &lines[0]), (2, "ttyUSB1", &lines[1]), (3, "ttyUSB2", &lines[2])]);
    world.until("the modem among its ports", || async { (world.n_ready() == 1).then_some(()) }).await;
    Measured { took: world.now() - begun, ..Measured::default() }
}

pub(crate) async fn f_33_sixteen_modems() -> Measured {
    let (world, machine) = World::to_be_found(LabConfig { modems: 16, ..LabConfig::default() }).await;
    let begun = world.now();
    for n in 0..16_u8 {
        let line = world.dir().join(format!("modem{n}"));
        machine.plug(&format!("1-{n}"), u32::from(n) + 2, USB_ID, &[(2, &format!("ttyUSB{n}"), &line)]);
    }
    world.until("sixteen modems", || async { (world.n_ready() == 16).then_some(()) }).await;
    Measured { took: world.now() - begun, ..Measured::default() }
}

pub(crate) async fn f_28_drops() -> Measured {
    let world = World::on_ptys(LabConfig { modems: 2, ..LabConfig::default() }).await.all_ready().await;
    let drops = FaultKind::Drops { every: 20 * SECOND, back: SECOND };
    world.lab.fault(Fault::once(drops).of_modem(0)).await.unwrap();
    let mut measured = Measured::default();
    for n in 0..10 {
        let text = format!("drops {n}");
        let id = world.text(&text).await;
        measured = measured.and(world.judge(&[(text, id)]).await);
        tokio::time::sleep(8 * SECOND).await;
    }
    assert!(world.notices(NoticeKind::Alarm).await.contains(&"flapping".to_owned()));
    measured
}

pub(crate) async fn f_29_slow_reset() -> Measured {
    let world = World::on_ptys(LabConfig::default()).await.all_ready().await;
    let back = 60 * SECOND;
    world.lab.fault(Fault::once(FaultKind::SlowReset { back })).await.unwrap();
    let label = world.status(0).unwrap().label;
    world.gateway.order(&label, Order::Restart).await.unwrap();
    let struck = world.struck().await;
    let id = world.text("reset").await;
    let measured = world.judge(&[("reset".to_owned(), id)]).await;
    let status = world.is_ready(0).await;
    assert!(status.recovery.reset <= 1, "no reset follows the other: {:?}", status.recovery);
    measured.took(world.now() - struck - back)
}

/// In processes of their own and in real time. Root is stopped by no permission, so the gateway is somebody else.
pub(crate) async fn f_32_no_permission() -> Measured {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let simulate = gsmgate().args(["simulate", "--dir"]).arg(path("lab")).stdout(Stdio::piped()).spawn();
    let mut simulator = Process(simulate.unwrap());
    BufReader::new(simulator.0.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    let port = std::fs::canonicalize(path("lab/modem0")).unwrap();
    let allow = |mode| std::fs::set_permissions(&port, Permissions::from_mode(mode)).unwrap();
    allow(0);
    let socket = path("box/control.sock");
    let config = format!(
        "[gateway]\nname = \"rig\"\nstate_dir = {:?}\ncontrol_socket = {socket:?}\n[[modem]]\nport = {port:?}\n",
        path("box/state")
    );
    std::fs::write(path("gsmgate.toml"), config).unwrap();
    let mut gateway = stranger(&dir);
    gateway.arg("run").arg("--config").arg(path("gsmgate.toml")).stderr(Stdio::null());
    let gateway = Process(gateway.spawn().unwrap());
    let denied = |said: &str| said.contains("no permission to open") && said.contains("member of the group");
    await_modems(&socket, denied);
    // As long as udev may take.
    std::thread::sleep(3 * SECOND);
    allow(0o666);
    let fixed = Instant::now();
    await_modems(&socket, |said| !said.contains("no permission to open"));
    let took = fixed.elapsed();
    await_modems(&socket, |said| said.contains("\"ready\""));
    drop(gateway);
    drop(simulator);
    Measured { took, ..Measured::default() }
}

/// The command as a user who is not root, with a folder of his own.
fn stranger(dir: &tempfile::TempDir) -> Command {
    const NOBODY: u32 = 65_534;
    let own = dir.path().join("box");
    std::fs::create_dir(&own).unwrap();
    if !nix::unistd::geteuid().is_root() {
        return gsmgate();
    }
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    chown(&own, Some(NOBODY), Some(NOBODY)).unwrap();
    // Where the tests are built is no place for strangers.
    let binary = dir.path().join("gsmgate");
    std::fs::copy(env!("CARGO_BIN_EXE_gsmgate"), &binary).unwrap();
    let mut command = Command::new(binary);
    command.env_clear().uid(NOBODY).gid(NOBODY);
    command
}

/// Waits until `gsmgate modems` says what is wanted.
fn await_modems(socket: &Path, wanted: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    loop {
        let output = gsmgate().arg("--json").arg("--socket").arg(socket).arg("modems").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        if output.status.success() && wanted(&said) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{said}");
        std::thread::sleep(20 * MS);
    }
}

pub(crate) async fn f_30_power_unstable() -> Measured {
    let world = World::ready(LabConfig { modems: 4, ..LabConfig::default() }).await;
    assert!(overlap(&world).await, "several send at a time");
    let gauge = world.dir().join("sys/class/hwmon/hwmon1");
    std::fs::create_dir_all(&gauge).unwrap();
    std::fs::write(gauge.join("in0_lcrit_alarm"), "1\n").unwrap();
    std::fs::write(gauge.join("name"), "rpi_volt\n").unwrap();
    let begun = world.now();
    let alarm = || async { (world.notices(NoticeKind::Alarm).await == ["power_unstable"]).then_some(()) };
    world.until("an alarm", alarm).await;
    let took = world.now() - begun;
    let measured = world.traffic(1).await.took(took);
    assert!(!overlap(&world).await, "one sends at a time");
    assert_eq!(world.notices(NoticeKind::Alarm).await.len(), 1);
    std::fs::write(gauge.join("in0_lcrit_alarm"), "0\n").unwrap();
    tokio::time::sleep(70 * SECOND).await;
    assert!(overlap(&world).await, "several again");
    measured
}

/// Sends by all SIMs; true when one began before the one before it had its answer.
async fn overlap(world: &World) -> bool {
    let since = world.now();
    let mut sent = Vec::new();
    for n in 0..8 {
        let text = format!("{n} at {since:?}");
        let id = world.text(&text).await;
        sent.push((text, id));
    }
    assert_eq!(world.judge(&sent).await.lost, 0);
    let records = world.records().await;
    let spans = records.iter().filter_map(|record| match &record.what {
        What::Submit { text, cmgs_at_us, .. } if sent.iter().any(|it| it.0 == *text) => {
            Some((*cmgs_at_us, record.at_us))
        }
        _ => None,
    });
    let mut spans: Vec<_> = spans.collect();
    spans.sort_unstable();
    assert_eq!(spans.len(), sent.len());
    spans.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

pub(crate) async fn f_31_foreigner() -> Measured {
    let mut measured = Measured::default();
    for foreign in [Foreign::Ok, Foreign::Stolen] {
        for nth in 1..=6 {
            let fault = Fault::once(FaultKind::Foreigner { foreign }).when(When::Nth(nth));
            let world = World::with(fault).await;
            let texts: Vec<String> = (0..3).map(|n| format!("{foreign:?} {nth} {n}")).collect();
            let mut sent = Vec::new();
            for text in texts {
                let id = world.text(&text).await;
                sent.push((text, id));
            }
            let struck = world.struck().await;
            measured = measured.and(world.judge(&sent).await);
            let id = world.text("last").await;
            assert_eq!(world.ended(&id).await.state, PublicState::Delivered);
            measured = measured.and(measured.took(world.now() - struck));
        }
    }
    foreigner_is_named().await;
    measured
}

/// One that is seen is named at once; one that is not, for the third sign of it.
async fn foreigner_is_named() {
    let world = World::on_ptys(LabConfig::default()).await.all_ready().await;
    let port = world.dir().join("modem0");
    // Before us it had the port already, or it is root.
    let other = Command::new("sleep").arg("1000").stdin(File::open(&port).unwrap()).spawn().unwrap();
    let other = Process(other);
    let alarm = || async { world.details(NoticeKind::Alarm).await.pop() };
    world.lab.fault(Fault::once(FaultKind::Foreigner { foreign: Foreign::Stolen })).await.unwrap();
    let told = world.until("an alarm", alarm).await;
    assert!(told.contains(&format!("sleep (process {})", other.0.id())), "{told}");

    let world = World::ready(LabConfig::default()).await;
    // Not every answer of which a part is gone has lost its end.
    for nth in (1..40).step_by(3) {
        world
            .lab
            .fault(Fault::once(FaultKind::Foreigner { foreign: Foreign::Stolen }).when(When::Nth(nth)))
            .await
            .unwrap();
    }
    let alarm = || async { world.notices(NoticeKind::Alarm).await.pop() };
    assert_eq!(world.until("an alarm", alarm).await, "line_disturbed");
    let struck = world.records().await.iter().filter(|record| matches!(record.what, What::FaultStruck { .. })).count();
    assert!(struck >= 3, "one lost end is no reason: {struck}");
}
