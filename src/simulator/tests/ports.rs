//! The lab on real ptys, in memory, and behind its control socket.

use super::*;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// For what should be at once.
const SOON: Duration = Duration::from_secs(10);

/// Reads until what was read ends so.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut heard = Vec::new();
    let reading = async {
        while !heard.ends_with(end.as_bytes()) {
            heard.push(stream.read_u8().await.unwrap());
        }
    };
    let in_time = timeout(SOON, reading).await;
    assert!(in_time.is_ok(), "{:?}", String::from_utf8_lossy(&heard));
    String::from_utf8(heard).unwrap()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), said: &str, end: &str) -> String {
    stream.write_all(said.as_bytes()).await.unwrap();
    read_until(stream, end).await
}

#[tokio::test(start_paused = true)]
async fn in_memory_and_in_virtual_time() {
    let config = LabConfig { latency: 800 * MS, echo_delay: 1500 * MS, ..quick(1) };
    let echo = config.echo_number.clone();
    let (lab, handle) = Lab::new(config).unwrap();
    let task = tokio::spawn(lab.run());
    let mut host = handle.connect(0).await.unwrap();
    ask(&mut host, "ATE0+CNMI=2,1,0,1,0\r", "OK\r\n").await;
    let began = tokio::time::Instant::now();
    let (line, octets) = pdu(&submit(&echo, "hello"));
    ask(&mut host, &format!("AT+CMGS={octets}\r"), "> ").await;
    ask(&mut host, &format!("{line}\x1a"), "OK\r\n").await;
    assert_eq!(began.elapsed(), 800 * MS);
    read_until(&mut host, "+CMTI: \"SM\",1\r\n").await;
    assert_eq!(began.elapsed(), 2300 * MS);
    let heard = ask(&mut host, "AT+CMGR=1\r", "OK\r\n").await;
    assert_eq!(text_of(&delivers(&heard)), "hello");

    handle.unplug(0, None).await.unwrap();
    assert_eq!(host.read(&mut [0; 8]).await.unwrap(), 0, "end of file");
    assert!(matches!(handle.connect(0).await, Err(LabError::NotConnectable(0))));
    handle.plug(0).await.unwrap();
    let mut host = handle.connect(0).await.unwrap();
    ask(&mut host, "ATE0\r", "OK\r\n").await;
    // A host that opens the line again takes it over.
    let mut again = handle.connect(0).await.unwrap();
    assert_eq!(host.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(ask(&mut again, "AT\r", "OK\r\n").await, "\r\nOK\r\n");
    let stats = handle.stats().await.unwrap();
    assert_eq!((stats.len(), stats[0].plugged, stats[0].counters.submits), (1, true, 1));
    drop(handle);
    assert!(task.await.unwrap().is_ok(), "it ends with its last handle");
    assert_eq!(again.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn records_can_be_waited_for() {
    let (lab, handle) = Lab::new(quick(1)).unwrap();
    tokio::spawn(lab.run());
    let waiter = tokio::spawn({
        let handle = handle.clone();
        async move { handle.wait_for(0, |record| matches!(record.what, What::Stored { index: 2, .. })).await }
    });
    handle.inject(0, "+491701", "one").await.unwrap();
    handle.inject_pdu(0, "00").await.unwrap();
    let record = waiter.await.unwrap().unwrap();
    assert_eq!(record.seq, 4);
    assert_eq!(handle.records(2).await.unwrap().len(), 2);
    assert!(matches!(handle.inject_pdu(0, "0x").await, Err(LabError::Hex(_))));
    assert!(matches!(handle.inject(5, "+491701", "x").await, Err(LabError::Network(NetworkError::NoModem(5)))));
}

#[test]
fn a_lab_has_modems() {
    for modems in [0, 65] {
        assert!(Lab::new(quick(modems)).is_err());
    }
}

/// A host's end of a pty: opened as a program does that knows nothing of the lab.
struct Tty {
    file: tokio::io::unix::AsyncFd<File>,
}

#[allow(deprecated, reason = "its replacement is unsafe; a file keeps its descriptor")]
fn open(link: &Path) -> Tty {
    use nix::fcntl::OFlag;
    let flags = (OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(link).unwrap();
    Tty { file: tokio::io::unix::AsyncFd::new(file).unwrap() }
}

impl Tty {
    fn write(&self, text: &str) -> std::io::Result<()> {
        self.file.get_ref().write_all(text.as_bytes())
    }

    /// At least one octet, or nothing at end-of-file.
    async fn read(&self) -> Vec<u8> {
        use std::io::Read as _;
        let mut octets = [0; 4096];
        loop {
            let mut guard = timeout(SOON, self.file.readable()).await.expect("in time").unwrap();
            if let Ok(result) = guard.try_io(|file| file.get_ref().read(&mut octets)) {
                return octets[..result.unwrap()].to_vec();
            }
        }
    }

    async fn ask(&self, said: &str, end: &str) -> String {
        self.write(said).unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(end.as_bytes()) {
            let more = self.read().await;
            assert!(!more.is_empty(), "hung up after {:?}", String::from_utf8_lossy(&heard));
            heard.extend(more);
        }
        String::from_utf8(heard).unwrap()
    }
}

#[tokio::test]
async fn on_ptys_with_links_that_stay() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.jsonl");
    let config = LabConfig { dir: Some(dir.path().into()), log: Some(log.clone()), ..quick(2) };
    let (lab, handle) = Lab::new(config).unwrap();
    let task = tokio::spawn(lab.run());
    assert!(handle.connect(0).await.is_err(), "it is on a pty");
    let link = dir.path().join("modem0");
    let first_name = std::fs::read_link(&link).unwrap();
    let tty = open(&link);
    assert_eq!(tty.ask("AT\r", "OK\r\n").await, "AT\r\r\nOK\r\n", "raw: nothing is mapped, nothing comes back");
    tty.ask("ATE0+CNMI=2,1,0,0,0\r", "OK\r\n").await;
    // Closing is no hang-up, and the modem remembers.
    drop(tty);
    let tty = open(&link);
    let (line, octets) = pdu(&submit(&LabConfig::number(1), "over the pty"));
    assert_eq!(tty.ask(&format!("AT+CMGS={octets}\r"), "> ").await, "\r\n> ");
    mr(&tty.ask(&format!("{line}\x1a"), "OK\r\n").await);

    // The other modem has it.
    let other = open(&dir.path().join("modem1"));
    let heard = other.ask("AT+CMGL=4\r", "OK\r\n").await;
    assert_eq!(text_of(&delivers(&heard)), "over the pty");

    handle.unplug(0, None).await.unwrap();
    assert_eq!(tty.read().await, b"", "end of file");
    assert!(tty.write("AT\r").is_err(), "EIO");
    assert!(!link.exists() && link.symlink_metadata().is_err(), "the link goes with the device");
    handle.plug(0).await.unwrap();
    assert_ne!(std::fs::read_link(&link).unwrap(), first_name, "another name");
    assert_eq!(open(&link).ask("AT\r", "OK\r\n").await, "AT\r\r\nOK\r\n");

    let lines = std::fs::read_to_string(&log).unwrap();
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(words, ["submit", "arrive", "stored", "read", "unplugged", "plugged"]);
    assert!(events.iter().zip(1..).all(|(event, seq)| event["seq"] == seq));

    drop(handle);
    task.await.unwrap().unwrap();
    assert!(link.symlink_metadata().is_err(), "nothing is left behind");
}

#[tokio::test]
async fn a_fault_replugs_a_pty_under_the_same_link() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, handle) = Lab::new(LabConfig { dir: Some(dir.path().into()), ..quick(1) }).unwrap();
    tokio::spawn(lab.run());
    let link = dir.path().join("modem0");
    let tty = open(&link);
    let name = std::fs::read_link(&link).unwrap();
    handle.fault(Fault::once(FaultKind::Replug { back: 30 * MS })).await.unwrap();
    tty.write("AT\r").unwrap();
    // The echo may have left before the plug was pulled.
    while !tty.read().await.is_empty() {}
    timeout(SOON, handle.wait_for(0, |record| record.what == What::Plugged)).await.expect("in time").unwrap();
    assert_ne!(std::fs::read_link(&link).unwrap(), name);
    assert_eq!(open(&link).ask("AT\r", "OK\r\n").await, "AT\r\r\nOK\r\n");
}

#[tokio::test]
async fn the_control_socket_takes_json_lines() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("ctl");
    // One that a dead lab left behind is no obstacle.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let config = LabConfig { dir: Some(dir.path().into()), ..quick(1) };
    let task = tokio::spawn({
        let socket = socket.clone();
        async move { serve(config, &socket, || {}).await }
    });
    let connecting = async {
        loop {
            match UnixStream::connect(&socket).await {
                Ok(stream) => return stream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let stream = timeout(SOON, connecting).await.unwrap();
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    for (said, want) in [
        (r#"{"do":"inject","modem":0,"from":"+491701234567","text":"hello"}"#, r#"{"ok":true}"#),
        (r#"{"do":"inject_pdu","modem":0,"pdu":"00FF"}"#, r#"{"ok":true}"#),
        (r#"{"do":"inject","modem":3,"from":"+49","text":"x"}"#, r#"{"ok":false,"error":"there is no modem 3"}"#),
        (r#"{"do":"fault","fault":"F-13","step":"accepted","when":{"nth":2}}"#, r#"{"ok":true}"#),
        (r#"{"do":"fault","fault":"F-06","for_ms":100,"modem":0}"#, r#"{"ok":true}"#),
        (r#"{"do":"clear_faults"}"#, r#"{"ok":true}"#),
        (r#"{"do":"unplug","modem":0,"back_ms":1000000}"#, r#"{"ok":true}"#),
        (r#"{"do":"plug","modem":0}"#, r#"{"ok":true}"#),
    ] {
        to.write_all(format!("{said}\n").as_bytes()).await.unwrap();
        let got = timeout(SOON, lines.next_line()).await.unwrap().unwrap();
        assert_eq!(got.as_deref(), Some(want), "{said}");
    }
    for said in ["not json", "{}", r#"{"do":"dance"}"#, r#"{"do":"fault","fault":"F-99"}"#] {
        to.write_all(format!("{said}\n").as_bytes()).await.unwrap();
        let got = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
        assert!(got.starts_with(r#"{"ok":false,"error":"not understood: "#), "{got}");
    }
    to.write_all(b"{\"do\":\"stats\"}\n").await.unwrap();
    let got = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
    let stats: serde_json::Value = serde_json::from_str(&got).unwrap();
    assert_eq!((&stats["stats"][0]["stored"], &stats["stats"][0]["plugged"]), (&2.into(), &true.into()), "{got}");

    // A second lab does not take a socket that is in use.
    let second = serve(quick(1), &socket, || {}).await;
    assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    task.abort();
    _ = task.await;
    assert!(!socket.exists());
}
