//! Mosquitto, the broker that is recommended, as a process of its own.

use super::rig::soon;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A running Mosquitto; it forgets everything when it ends, unless its settings say otherwise.
pub(crate) struct Mosquitto {
    pub(crate) address: SocketAddr,
    dir: TempDir,
    settings: String,
    child: Child,
}

impl Mosquitto {
    /// One for anybody, with these lines in its configuration too.
    pub(crate) async fn start(settings: &str) -> Mosquitto {
        Mosquitto::start_in(tempfile::tempdir().unwrap(), &format!("allow_anonymous true\n{settings}")).await
    }

    /// One with files in this directory, and no other settings than these.
    pub(crate) async fn start_in(dir: TempDir, settings: &str) -> Mosquitto {
        for _ in 0..5 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            // Somebody may be quicker to take the port.
            if let Some(child) = run(dir.path(), address, settings).await {
                return Mosquitto { address, dir, settings: settings.to_owned(), child };
            }
        }
        panic!("mosquitto does not start: {}", std::fs::read_to_string(log(dir.path())).unwrap());
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends without a word.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts again after an end, on the same port.
    pub(crate) async fn again(&mut self) {
        let (dir, address, settings) = (self.dir.path(), self.address, &self.settings);
        self.child = soon("mosquitto starts again", async {
            loop {
                if let Some(child) = run(dir, address, settings).await {
                    return child;
                }
            }
        })
        .await;
    }

    /// Waits until its log has this.
    pub(crate) async fn says(&self, what: &str) {
        soon(what, async {
            while !std::fs::read_to_string(log(self.dir.path())).unwrap().contains(what) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// Has it read its password and access files again.
    pub(crate) async fn reload(&self) {
        let reloads = || std::fs::read_to_string(log(self.dir.path())).unwrap().matches("Reloading config").count();
        let before = reloads();
        let pid = Pid::from_raw(self.child.id().expect("it runs").try_into().unwrap());
        kill(pid, Signal::SIGHUP).unwrap();
        soon("it reads them", async {
            while reloads() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

fn log(dir: &Path) -> PathBuf {
    dir.join("mosquitto.log")
}

/// `None`: it ended at once.
async fn run(dir: &Path, address: SocketAddr, settings: &str) -> Option<Child> {
    let log = log(dir);
    // As root it would become another user, who cannot read here. 0: as many as there are.
    let all = format!(
        "user root\nlistener {} {}\nmax_queued_messages 0\nmessage_size_limit 0\nset_tcp_nodelay true\n{settings}\n",
        address.port(),
        address.ip()
    );
    std::fs::write(dir.join("mosquitto.conf"), all).unwrap();
    let out = std::fs::File::create(&log).unwrap();
    // Debian keeps it where users do not look.
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
    let mut child = Command::new("mosquitto")
        .env("PATH", path)
        .arg("-c")
        .arg(dir.join("mosquitto.conf"))
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("mosquitto is installed: apt-get install mosquitto");
    soon("mosquitto runs", async {
        loop {
            // What it says itself: on a port that was taken somebody else would answer.
            if std::fs::read_to_string(&log).unwrap().contains(" running\n") {
                return Some(child);
            }
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
