//! A gateway on virtual modems, each a process of its own, as an operator would run them.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod machine;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// How long anything may take that takes no time: a busy machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The virtual phone that answers every text.
pub const ECHO: &str = "+49170555000";

/// What no log, recording or status may hold (I-30): each rig looks for them at its end.
pub const PIN: &str = "47110815";
pub const PASSWORD: &str = "canary-of-a-password";
pub const TEXT: &str = "canary of a text";

/// The command under test, deaf to the configuration of this machine.
pub fn gsmgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gsmgate"));
    command.env_remove("GSMGATE_CONFIG").env_remove("GSMGATE_SOCKET").env_remove("RUST_LOG");
    command.env_remove("CREDENTIALS_DIRECTORY").env_remove("NOTIFY_SOCKET");
    command
}

/// A process that is asked to end, and waited for, when the test does.
pub struct Process(pub Child);

impl Process {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Its exit code after this signal.
    pub fn end(&mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.0.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            self.signal(Signal::SIGTERM);
            let _ = self.0.wait();
        }
    }
}

/// The gateway, its modems, and a directory with everything of them.
pub struct Rig {
    pub gateway: Process,
    pub simulator: Process,
    pub dir: tempfile::TempDir,
    /// What it is told once the gateway is as it should be.
    status: String,
    env: Vec<(String, String)>,
}

/// What a rig is made of.
#[derive(Default)]
pub struct Setup<'a> {
    pub modems: usize,
    /// What the simulator is told beside.
    pub arguments: &'a [&'a str],
    /// Lines for each modem in the configuration.
    pub keys: &'a str,
    /// How many modems get ready.
    pub ready: usize,
    /// Of the gateway's environment.
    pub env: &'a [(&'a str, &'a str)],
}

impl Rig {
    /// Two modems, ready; the SIMs are called `sim0` and `sim1`.
    pub fn start() -> Rig {
        Rig::of(&Setup { modems: 2, ready: 2, ..Setup::default() })
    }

    /// Modems of which as many as should be are ready; the SIMs are called `sim0`, `sim1` …
    pub fn of(setup: &Setup<'_>) -> Rig {
        let keys = setup.keys;
        let table = |(n, port): (usize, &String)| {
            format!("[[modem]]\nport = {port:?}\nlabel = \"modem{n}\"\nsim_label = \"sim{n}\"\n{keys}\n")
        };
        let status = format!("STATUS={} of {} modems ready", setup.ready, setup.modems);
        let configure = |_: &Path, ports: &[String]| ports.iter().enumerate().map(table).collect();
        Rig::made(setup, status, configure)
    }

    /// As many virtual modems, and a gateway that runs; `configure` gets the rig's directory and their ports.
    pub fn with(modems: usize, configure: impl FnOnce(&Path, &[String]) -> String) -> Rig {
        Rig::made(&Setup { modems, ..Setup::default() }, "STATUS=".to_owned(), configure)
    }

    /// The same, of this setup.
    pub fn configured(setup: &Setup<'_>, configure: impl FnOnce(&Path, &[String]) -> String) -> Rig {
        Rig::made(setup, "STATUS=".to_owned(), configure)
    }

    fn made(setup: &Setup<'_>, status: String, configure: impl FnOnce(&Path, &[String]) -> String) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let simulator = gsmgate()
            .args(["simulate", "--json", "--latency", "10", "--report-delay", "10", "--modems"])
            .arg(setup.modems.to_string())
            .args(setup.arguments)
            .arg("--dir")
            .arg(dir.path().join("lab"))
            .stdout(Stdio::piped())
            .spawn();
        let mut simulator = Process(simulator.unwrap());
        let mut line = String::new();
        BufReader::new(simulator.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&ready["ready"], &ready["echo"]), (&true.into(), &ECHO.into()));
        let ports: Vec<String> = serde_json::from_value(ready["ports"].clone()).unwrap();

        let mut config = format!("[gateway]\nname = \"rig\"\nstate_dir = {:?}\n", dir.path().join("state"));
        config += &format!("control_socket = {:?}\n", dir.path().join("control.sock"));
        config += &configure(dir.path(), &ports);
        std::fs::write(dir.path().join("gsmgate.toml"), config).unwrap();
        let env: Vec<_> = setup.env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let gateway = start_gateway(dir.path(), &status, &env);
        Rig { gateway, simulator, dir, status, env }
    }

    /// The table of a broker that is not there, with a password.
    pub fn broker(dir: &Path) -> String {
        let file = dir.join("password");
        std::fs::write(&file, PASSWORD).unwrap();
        format!("[mqtt]\nurl = \"mqtt://127.0.0.1:1\"\nuser = \"u\"\npassword_file = {file:?}\n")
    }

    /// What was written so far that others may see: logs, recordings, and what the status tells.
    fn written(&self) -> Vec<(String, String)> {
        let recordings = std::fs::read_dir(self.path("state/recordings")).into_iter().flatten().flatten();
        let logs = std::fs::read_dir(self.dir.path()).unwrap().flatten();
        let logs = logs.filter(|entry| entry.file_name().to_string_lossy().starts_with("gateway.log"));
        let files = recordings.chain(logs).map(|entry| entry.path());
        let mut written: Vec<_> = files
            .map(|path| {
                (path.display().to_string(), String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned())
            })
            .collect();
        for look in ["status", "modems"] {
            let output = self.command(&["--json", look]).output().unwrap();
            written.push((look.to_owned(), String::from_utf8_lossy(&output.stdout).into_owned()));
        }
        written
    }

    /// Another process, after the one before has ended.
    pub fn restart(&mut self) {
        self.gateway = start_gateway(self.dir.path(), &self.status, &self.env);
    }

    /// The same, when so many modems will get ready.
    pub fn restart_with(&mut self, ready: usize) {
        let (_, rest) = self.status.split_once(" of ").expect("a rig that counts");
        self.status = format!("STATUS={ready} of {rest}");
        self.restart();
    }

    /// Pulls the plug of a virtual modem.
    pub fn unplug_virtual(&self, modem: usize) {
        self.lab(&format!(r#"{{"do":"unplug","modem":{modem}}}"#));
    }

    /// Puts it in again.
    pub fn plug_virtual(&self, modem: usize) {
        self.lab(&format!(r#"{{"do":"plug","modem":{modem}}}"#));
    }

    /// What the lab answers to an order that it carries out.
    pub fn lab(&self, order: &str) -> Value {
        use std::io::Write;
        let mut lab = UnixStream::connect(self.path("lab/ctl")).unwrap();
        lab.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(lab, "{order}").unwrap();
        let mut answer = String::new();
        BufReader::new(lab).read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["ok"], true, "{order}: {answer}");
        answer
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A client command of this gateway.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gsmgate();
        command.arg("--socket").arg(self.path("control.sock")).args(arguments);
        command
    }

    /// Exit code and lines of standard output.
    pub fn cli(&self, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
        lines(self.command(arguments).output().unwrap())
    }

    /// Exit code and objects.
    pub fn json(&self, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let (exit, lines) = self.cli(&[&["--json"], arguments].concat());
        (exit, lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// A connection to the control socket.
    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path("control.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// I-30
impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for (place, text) in self.written() {
            for secret in [PIN, PASSWORD, TEXT] {
                let found = text.lines().find(|line| line.contains(secret));
                assert!(found.is_none(), "I-30: {secret:?} in {place}: {found:?}");
            }
        }
    }
}

pub fn lines(output: Output) -> (Option<i32>, Vec<String>) {
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.lines().map(str::to_owned).collect())
}

/// Starts the gateway and waits until it tells the service manager this status.
fn start_gateway(dir: &Path, status: &str, env: &[(String, String)]) -> Process {
    let manager = manager(dir);
    let gateway = gsmgate()
        .arg("run")
        .arg("--config")
        .arg(dir.join("gsmgate.toml"))
        .env("NOTIFY_SOCKET", dir.join("notify"))
        // All that can be logged is.
        .env("RUST_LOG", "trace")
        .envs(env.iter().cloned())
        .stderr(log(dir))
        .spawn();
    let gateway = Process(gateway.unwrap());
    let mut octets = [0; 512];
    let mut said = String::new();
    while !(said.contains("READY=1") && said.contains(status)) {
        let n = manager.recv(&mut octets).unwrap_or_else(|error| {
            panic!("{error} after {said}\n{}", std::fs::read_to_string(dir.join("gateway.log")).unwrap())
        });
        said += &String::from_utf8_lossy(&octets[..n]);
    }
    gateway
}

/// The log of this process; those of the processes before are kept.
fn log(dir: &Path) -> std::fs::File {
    let path = dir.join("gateway.log");
    let before = (1..).map(|n| dir.join(format!("gateway.log.{n}"))).find(|path| !path.exists());
    // None the first time.
    let _ = std::fs::rename(&path, before.expect("one of many"));
    std::fs::File::create(path).unwrap()
}

/// Listens as the service manager from now on. What nobody reads holds a gateway up, so it is dropped soon.
pub fn manager(dir: &Path) -> UnixDatagram {
    // None the first time.
    let _ = std::fs::remove_file(dir.join("notify"));
    let manager = UnixDatagram::bind(dir.join("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    manager
}
