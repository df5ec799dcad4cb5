//! Who may talk to whom: F-57 and F-58.

use super::mosquitto::Mosquitto;
use super::proxy::{Faults, Proxy, Seen};
use super::rig::{Rig, receive, soon};
use super::world::{SPEED, Witness, World};
use gsmgate::bridge::mqtt;
use gsmgate::clock;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::process::Child;
use tracing_subscriber::fmt::MakeWriter;

/// F-57: each is refused with its reason, tried again after longer and longer pauses, and never without TLS; once the broker is as
/// it should be, what waited goes out.
#[tokio::test]
async fn f57_bad_tls() {
    clock::run_faster(SPEED);
    let log = Log::default();
    // For all tests: what is looked for is said of no other.
    tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).init();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    authority(dir, "ca");
    authority(dir, "nobody");
    certificate(dir, "expired", "ca", "localhost", 0);
    certificate(dir, "good", "ca", "localhost", 30);
    certificate(dir, "elsewhere", "ca", "broker.example", 30);
    certificate(dir, "unsigned", "nobody", "localhost", 30);
    let good = tls_broker(dir, "good").await;
    // Its validity ends with the second in which it was made.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (name, reason) in [
        ("expired", "certificate expired"),
        ("elsewhere", "certificate not valid for name"),
        ("unsigned", "UnknownIssuer"),
        ("old TLS", "ProtocolVersion"),
    ] {
        // Each keeps its server until it is done with.
        let (old, broker);
        let address = if name == "old TLS" {
            old = old_tls(dir).await;
            old.0
        } else {
            broker = tls_broker(dir, name).await;
            broker.address
        };
        log.clear();
        let seen = refused_then_accepted(dir, address, &good, name).await;
        let said = log.text();
        assert!(said.contains(reason), "{name}: {reason} is not in {said}");
        assert!(seen.iter().all(|link| link.first != Some(0x10)), "{name}: a CONNECT without TLS");
        println!("{name}: {} links", seen.len());
    }
}

/// A gateway that meets the one broker nine times, then the other: all links.
async fn refused_then_accepted(dir: &Path, bad: std::net::SocketAddr, good: &Mosquitto, name: &str) -> Vec<Seen> {
    let proxy = Proxy::start(bad).await;
    proxy.spoil_all(Faults { opaque: true, ..Faults::default() });
    let mut config =
        mqtt::Config::new(&format!("mqtts://localhost:{}", proxy.address.port()), &"t".parse().unwrap()).unwrap();
    config.ca = Some(std::fs::read(dir.join("ca.pem")).unwrap());
    let state = tempfile::tempdir().unwrap();
    let rig = Rig::linked(Default::default(), state.path(), config);
    receive(&rig.store, 0, "kept", super::rig::now()).await;
    soon("it is tried again and again", async {
        while proxy.seen().iter().filter(|link| link.is_over).count() < 9 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let began: Vec<_> = proxy.seen().iter().map(|link| link.began).collect();
    // Half a second, twice as long each time, and by chance half of it: after eight, 32 s of the gateway's time at least.
    let longest = began.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest >= Duration::from_secs(30) / SPEED, "{name}: {longest:?}");
    let mut witness = Witness::connect(plain(good)).await;
    proxy.lead_to(good.address);
    witness.upto(1).await;
    assert_eq!(witness.count(|event| event["text"] == "kept"), 1, "{name}");
    rig.kill().await;
    proxy.seen()
}

/// A broker with TLS, and a listener without for the witness.
async fn tls_broker(dir: &Path, name: &str) -> Mosquitto {
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = |end| dir.join(format!("{name}.{end}")).display().to_string();
    let settings =
        format!("certfile {}\nkeyfile {}\nlistener {plain} 127.0.0.1\n# plain {plain}", file("pem"), file("key"));
    Mosquitto::start_in(tempfile::tempdir().unwrap(), &format!("{settings}\nallow_anonymous true")).await
}

/// Where the witness gets in.
fn plain(broker: &Mosquitto) -> std::net::SocketAddr {
    let config = std::fs::read_to_string(broker.dir().join("mosquitto.conf")).unwrap();
    let port = config.lines().find_map(|line| line.strip_prefix("# plain ")).unwrap();
    std::net::SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// A server that knows nothing newer than TLS 1.1.
async fn old_tls(dir: &Path) -> (std::net::SocketAddr, Child) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = tokio::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-accept"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("-cert")
        .arg(dir.join("good.pem"))
        .arg("-key")
        .arg(dir.join("good.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    soon("the server listens", async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    (address, server)
}

fn authority(dir: &Path, name: &str) {
    openssl(dir, &format!("req -x509 {NEW_KEY} -days 30 -keyout {name}.key -out {name}.pem -subj /CN={name}"));
}

fn certificate(dir: &Path, name: &str, authority: &str, host: &str, days: u32) {
    openssl(
        dir,
        &format!("req {NEW_KEY} -keyout {name}.key -out {name}.csr -subj /CN={name} -addext subjectAltName=DNS:{host}"),
    );
    let by = format!("-CA {authority}.pem -CAkey {authority}.key -copy_extensions copy");
    openssl(dir, &format!("x509 -req -in {name}.csr -days {days} -out {name}.pem {by}"));
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

fn openssl(dir: &Path, arguments: &str) {
    let made = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output();
    let made = made.expect("openssl is installed: apt-get install openssl");
    assert!(made.status.success(), "{arguments}: {}", String::from_utf8_lossy(&made.stderr));
}

/// What was logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

/// A broker with a password for the gateway, and these lines about what it may do. Everybody else may do everything.
async fn guarded(rules: &str) -> World {
    let dir = tempfile::tempdir().unwrap();
    set_password(dir.path(), "right");
    set_rules(dir.path(), rules);
    let file = |name: &str| dir.path().join(name).display().to_string();
    let settings = format!("allow_anonymous true\npassword_file {}\nacl_file {}", file("passwords"), file("rules"));
    let broker = Mosquitto::start_in(dir, &settings).await;
    World::start_with(broker, |config| {
        config.user = Some("gateway".to_owned());
        config.password = Some("right".to_owned());
    })
    .await
}

fn set_password(dir: &Path, password: &str) {
    let made = Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(dir.join("passwords"))
        .args(["gateway", password])
        .output()
        .expect("mosquitto_passwd is installed with mosquitto");
    assert!(made.status.success(), "{made:?}");
}

fn set_rules(dir: &Path, rules: &str) {
    std::fs::write(dir.join("rules"), format!("topic readwrite #\nuser gateway\n{rules}\n")).unwrap();
}

/// F-58: the password is changed while the link is up: thrown out and refused, and nothing is lost until it is right again.
#[tokio::test]
async fn f58_credentials_revoked() {
    let mut world = guarded("topic readwrite gsmgate/t/#").await;
    world.receive_many(5).await;
    world.settle().await;
    set_password(world.broker.dir(), "another");
    world.broker.reload().await;
    // The broker looks at the password of who is there again, or not: at the latest now.
    world.proxy.cut(super::proxy::End::Reset);
    let refused = |seen: &[Seen]| seen.iter().filter(|link| link.refused).count() >= 3;
    world.links("it is refused", refused).await;
    world.receive_many(5).await;
    set_password(world.broker.dir(), "right");
    world.broker.reload().await;
    world.witness.upto(10).await;
    world.command("after").await;
    world.witness.upto(11).await;
    assert_eq!((world.last(), world.accepted().await), (11, 1));
    assert_eq!(world.witness.copies_after(0), (0, 0));
    world.rig.kill().await;
}

/// F-58: the broker's access list keeps one topic from us (reason 0x87): those events are parked and stay in the log, an alarm
/// tells so, and other topics flow. Mosquitto 2.0.11 also ends the link each time; that is no takeover.
#[tokio::test]
async fn f58_publish_denied() {
    let mut world = guarded("topic readwrite gsmgate/t/#\ntopic deny gsmgate/t/inbound/sim-1").await;
    world.receive("before").await;
    world.settle().await;
    let denied = |n: usize| format!("denied {n}");
    world.proxy.away(true);
    for n in 0..8 {
        receive(&world.rig.store, 1, &denied(n), super::rig::now()).await;
    }
    world.witness.parked.extend(2..=9);
    world.receive("other").await;
    world.command("other").await;
    world.proxy.away(false);
    while world.witness.count(|event| event["alarm"] == "event_parked") == 0 {
        world.witness.next().await;
    }
    // 1 before, 8 parked, 2 others, 1 alarm.
    world.witness.upto(12).await;
    world.settle().await;
    let kept = world.rig.gateway.events(1, 8).await.unwrap();
    for (n, event) in kept.iter().enumerate() {
        let gsmgate::model::EventKind::Inbound(inbound) = &event.kind else { panic!("{event:?}") };
        assert_eq!(inbound.text.as_deref(), Some(denied(n).as_str()));
    }
    set_rules(world.broker.dir(), "topic readwrite gsmgate/t/#");
    world.broker.reload().await;
    receive(&world.rig.store, 1, "mended", super::rig::now()).await;
    world.witness.upto(13).await;
    assert_eq!(world.witness.count(|event| event["text"] == "mended"), 1);
    assert_eq!(world.witness.count(|event| event["event_type"] == "alarm"), 1, "told once, and nothing else");
    world.rig.kill().await;
}
