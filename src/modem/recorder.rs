//! The flight recorder: what was last said on the line of one modem, masked, kept in memory and written down when
//! something goes wrong.

use super::board::Board;
use super::mask::{Mask, final_result};
use super::mask_fields::{make, sentence, shape};
use super::profile::Profile;
use super::{Config, Disposal, port};
use crate::at::Memory;
use crate::at::line::{Lines, Piece};
use crate::clock;
use crate::model::{Label, ModemStatus, UncertainReason};
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tracing::{info, trace, warn};

/// Most that is kept of what came last. Each line counts [`LINE`] octets more than its text.
const RECENT: Bound = Bound { octets: 64 * 1024, lines: 4096 };
/// How a session begins: with it a replay comes as far as the driver came.
const BEGINNING: Bound = Bound { octets: 16 * 1024, lines: 400 };
/// So many lines at most go with the oldest, so that no exchange is torn apart.
const NEAR: usize = 200;
/// Octets that a line costs beside its text.
const LINE: usize = 40;
/// Not more than one file in this time for each modem: a modem that comes and goes must not wear out an SD card.
const PAUSE: Duration = Duration::from_secs(600);
/// Files that are kept of each modem, the newest.
const FILES: usize = 10;
/// How long a disk may take at the stop.
const LAST_WRITE: Duration = Duration::from_secs(2);
/// Spans from here on are written between two lines, to a hundredth of a second: short ones would only be in the way of
/// who reads, and longer ones let a replay do things in another order.
pub(super) const SPAN: Duration = Duration::from_millis(20);
/// The form of the time in a file's name.
const STAMP: &str = "%Y%m%dT%H%M%SZ";
/// Characters of such a time.
const STAMP_LEN: usize = 16;

/// The recorder of one modem; cheap to clone.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

/// Says nothing of what it keeps.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder(…)")
    }
}

struct Shared {
    ring: Mutex<Ring>,
    status: watch::Receiver<ModemStatus>,
    /// As the operator named it, or its number: a label made from the IMEI or the port tells whose it is.
    label: String,
    profile: Option<String>,
    /// `None`: nothing is ever written.
    folder: Option<PathBuf>,
    /// The newest that is to be written.
    pending: Mutex<Option<Dump>>,
    due: Notify,
}

/// A recording on its way to a file.
#[derive(Debug)]
struct Dump {
    label: String,
    text: String,
}

impl Recorder {
    /// A recorder that writes into a folder, if there is one.
    pub(super) fn new(config: &Config, status: watch::Receiver<ModemStatus>, folder: Option<PathBuf>) -> Recorder {
        Recorder(Arc::new(Shared {
            ring: Mutex::new(Ring::new(clock::now())),
            status,
            label: config.label.as_ref().map_or_else(|| format!("modem{}", config.index), Label::to_string),
            profile: config.profile.clone(),
            folder,
            pending: Mutex::default(),
            due: Notify::new(),
        }))
    }

    /// One that nobody reads, of a line that is no modem's yet.
    pub(crate) fn of_nobody(port: &str) -> Recorder {
        let config = Config::new(0, port);
        let (_, status) = Board::new(&config, mpsc::channel(1).0);
        Recorder::new(&config, status, None)
    }

    /// The text as it would be written now.
    pub fn text(&self) -> String {
        self.render("asked for")
    }

    /// A new session begins.
    pub(super) fn opened(&self) {
        self.ring().begin();
    }

    /// Something is written to the port of this name.
    pub(super) fn sent(&self, port: &str, octets: &[u8]) {
        let mut ring = self.ring();
        let text = ring.mask.sent(octets);
        trace!(port, "> {text}");
        ring.sent(text);
    }

    /// Octets came from it.
    pub(super) fn came(&self, port: &str, octets: &[u8]) {
        let mut ring = self.ring();
        for octet in octets {
            match ring.lines.push(*octet) {
                Some(Piece::Line(line)) => {
                    let text = ring.mask.came(&line);
                    trace!(port, "< {text}");
                    ring.push(Kind::Came, text);
                }
                Some(Piece::Prompt) => {
                    trace!(port, "< >");
                    ring.push(Kind::Prompt, String::new());
                }
                None => {}
            }
        }
    }

    /// An exchange had no end in time.
    pub(super) fn deadline(&self, port: &str) {
        trace!(port, "(no final result in time)");
        self.ring().push(Kind::Deadline, String::new());
    }

    /// The session has ended.
    pub(super) fn lost(&self, reason: &str) {
        let reason = self.event("lost: ", reason);
        self.save(&format!("the session was lost: {reason}"));
    }

    /// It is decided what becomes of a message in a slot, or of a routed one; `None`: it was not committed.
    pub(super) fn decided(&self, slot: Option<(Memory, u16)>, disposal: Option<Disposal>) {
        let place = slot.map_or_else(|| "routed".to_owned(), |(memory, index)| format!("{memory} {index}"));
        self.ring().push(Kind::Event, format!("decided: {place}: {}", word(disposal)));
    }

    /// Nobody knows whether a part left.
    pub(super) fn uncertain(&self, reason: UncertainReason) {
        let reason = self.event("uncertain: ", reason.word());
        self.save(&format!("a submit ended uncertain: {reason}"));
    }

    /// The driver does something about a modem that does not behave.
    pub(super) fn recovering(&self, deed: &str) {
        let deed = self.event("recovering: ", deed);
        self.save(&format!("the driver acts: {deed}"));
    }

    /// Writes what is to be written, not more often than in [`PAUSE`]. Never returns. Cancel safe: a write that has begun
    /// goes on by itself.
    pub(super) async fn keep(&self) {
        let mut is_warned = false;
        loop {
            self.0.due.notified().await;
            self.write(&mut is_warned).await;
            clock::sleep(PAUSE).await;
        }
    }

    /// Writes what still waits.
    pub(super) async fn close(&self) {
        // A disk that hangs must not hold up the stop.
        let _ = clock::timeout(LAST_WRITE, self.write(&mut false)).await;
    }

    async fn write(&self, is_warned: &mut bool) {
        let Some(folder) = self.0.folder.clone() else { return };
        let Some(dump) = lock(&self.0.pending).take() else { return };
        let label = dump.label.clone();
        let now = jiff::Timestamp::now();
        let written = tokio::task::spawn_blocking(move || store(&folder, &dump, now)).await;
        match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(path) => {
                *is_warned = false;
                info!(modem = label, file = %path.display(), "what was last said to the modem is written down");
            }
            Err(error) if !*is_warned => {
                *is_warned = true;
                warn!(modem = label, %error, "a recording cannot be written; the next may be");
            }
            Err(_) => {}
        }
    }

    /// Puts an event among the lines; returns it masked.
    fn event(&self, kind: &str, text: &str) -> String {
        let text = sentence(text);
        self.ring().push(Kind::Event, format!("{kind}{text}"));
        text
    }

    fn save(&self, why: &str) {
        if self.0.folder.is_some() {
            let dump = Dump { label: self.0.label.clone(), text: self.render(why) };
            *lock(&self.0.pending) = Some(dump);
            self.0.due.notify_one();
        }
    }

    fn render(&self, why: &str) -> String {
        let status = self.0.status.borrow().clone();
        let mut text = format!("# gsmgate {} recording of {}\n", env!("CARGO_PKG_VERSION"), self.0.label);
        let mut head = |name: &str, value: &str| {
            let _ = writeln!(text, "# {name}: {value}");
        };
        let known = |field: &Option<String>| field.clone().unwrap_or_else(|| "unknown".to_owned());
        let (maker, model) = (known(&status.manufacturer), known(&status.model));
        let profile = self.0.profile.as_deref().and_then(Profile::named).unwrap_or_else(|| Profile::of(&maker, &model));
        head("why", &sentence(why));
        head("modem", &format!("{}, {}, firmware {}", make(&maker), make(&model), make(&known(&status.firmware))));
        head("profile", profile.name);
        head("line", if port::is_usb(&self.0.status.borrow().port) { "usb" } else { "uart" });
        // A reason that names a path has the maker's serial number in it, and what is in brackets may be the modem's word.
        let reason = status.reason.filter(|reason| !reason.contains('/'));
        let reason = reason.map(|reason| reason.split(" (").next().unwrap_or_default().to_owned());
        let status = [Some(status.phase.word().to_owned()), reason];
        head("status", &sentence(&status.into_iter().flatten().collect::<Vec<_>>().join(": ")));
        let _ = writeln!(text, "# written: {:.0}", jiff::Timestamp::now());
        self.ring().render(&mut text);
        text
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.0.ring)
    }
}

/// What becomes of a message, in a word.
pub(super) fn word(disposal: Option<Disposal>) -> &'static str {
    match disposal {
        Some(Disposal::Delete) => "delete",
        Some(Disposal::Keep) => "keep",
        None => "not committed",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Clone, Copy)]
struct Bound {
    octets: usize,
    lines: usize,
}

impl Bound {
    fn doubled(self) -> Bound {
        Bound { octets: 2 * self.octets, lines: 2 * self.lines }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sent,
    Came,
    Prompt,
    Deadline,
    Event,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    kind: Kind,
    text: Box<str>,
}

/// Lines, the oldest first, of which the oldest go when there are too many.
#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    octets: usize,
}

impl Queue {
    fn push(&mut self, entry: Entry) {
        self.octets += entry.text.len() + LINE;
        self.entries.push_back(entry);
    }

    /// How many had to go. What is left begins with a command, where one is near.
    fn trim(&mut self, bound: Bound) -> usize {
        let before = self.entries.len();
        while self.octets > bound.octets || self.entries.len() > bound.lines {
            let next = self.entries.iter().skip(1).take(NEAR).position(Entry::is_command).unwrap_or(0);
            for entry in self.entries.drain(..=next) {
                self.octets -= entry.text.len() + LINE;
            }
        }
        before - self.entries.len()
    }

    fn is_full(&self, bound: Bound) -> bool {
        self.octets >= bound.octets || self.entries.len() >= bound.lines
    }
}

/// The lines that are kept: the end of the sessions before, how this one began, and what came last.
#[derive(Debug)]
struct Ring {
    mask: Mask,
    lines: Lines,
    before: Queue,
    beginning: Queue,
    recent: Queue,
    /// Lines of this session that are gone.
    dropped: usize,
    began: Instant,
}

impl Ring {
    fn new(now: Instant) -> Ring {
        Ring {
            mask: Mask::default(),
            lines: Lines::default(),
            before: Queue::default(),
            beginning: Queue::default(),
            recent: Queue::default(),
            dropped: 0,
            began: now,
        }
    }

    fn begin(&mut self) {
        self.lines = Lines::default();
        self.mask.begin();
        self.dropped = 0;
        for queue in [std::mem::take(&mut self.beginning), std::mem::take(&mut self.recent)] {
            queue.entries.into_iter().for_each(|entry| self.before.push(entry));
        }
        self.before.trim(BEGINNING);
        self.push(Kind::Event, "opened".to_owned());
    }

    /// Ctrl-Z ends the payload before it.
    fn sent(&mut self, text: String) {
        let queue = if self.recent.entries.is_empty() { &mut self.beginning } else { &mut self.recent };
        match queue.entries.back_mut() {
            Some(last) if text == "^Z" && last.kind == Kind::Sent => {
                last.text = format!("{}^Z", last.text).into();
                queue.octets += 2;
            }
            _ => self.push(Kind::Sent, text),
        }
    }

    fn push(&mut self, kind: Kind, text: String) {
        let entry = Entry { at: clock::now(), kind, text: text.into() };
        // An exchange is not torn apart, if it can be helped.
        let bound = if entry.is_command() { BEGINNING } else { BEGINNING.doubled() };
        if self.recent.entries.is_empty() && self.dropped == 0 && !self.beginning.is_full(bound) {
            self.beginning.push(entry);
        } else {
            self.recent.push(entry);
            self.dropped += self.recent.trim(RECENT);
        }
    }

    fn render(&mut self, out: &mut String) {
        let first = [&self.before, &self.beginning].into_iter().find_map(|queue| queue.entries.front());
        let mut told = first.map_or(self.began, |entry| entry.at);
        let _ = writeln!(out, "# {} s after the start", told.duration_since(self.began).as_secs());
        for entry in self.before.entries.iter().chain(&self.beginning.entries) {
            entry.render(&mut told, out);
        }
        if self.dropped > 0 {
            let _ = writeln!(out, "= {} lines are missing here", self.dropped);
        }
        for entry in &self.recent.entries {
            entry.render(&mut told, out);
        }
        let unfinished = String::from_utf8_lossy(self.lines.unfinished()).into_owned();
        if !unfinished.is_empty() {
            // Were it the whole line, this is what would be known of it.
            let shown = final_result(&unfinished).unwrap_or_else(|| shape(&unfinished));
            let _ = writeln!(out, "<< \\r\\n{shown}");
        }
        // Since the last line something may have become due.
        span(clock::now(), &mut told, out);
    }
}

impl Entry {
    fn is_command(&self) -> bool {
        self.kind == Kind::Sent && self.text.starts_with("AT")
    }

    fn render(&self, told: &mut Instant, out: &mut String) {
        span(self.at, told, out);
        let _ = match self.kind {
            Kind::Sent => writeln!(out, "> {}", self.text),
            Kind::Came => writeln!(out, "< {}", self.text),
            Kind::Prompt => writeln!(out, "<< \\r\\n> "),
            Kind::Deadline => writeln!(out, "~ deadline"),
            Kind::Event => writeln!(out, "= {}", self.text),
        };
    }
}

/// The span up to a time. `told` is the time up to which spans are written: what is rounded away is not lost.
fn span(at: Instant, told: &mut Instant, out: &mut String) {
    let span = at.duration_since(*told);
    if span >= SPAN {
        let hundredths = span.as_millis() / 10;
        *told += Duration::from_millis(u64::try_from(hundredths * 10).unwrap_or(0));
        let _ = writeln!(out, "~ {}.{:02}", hundredths / 100, hundredths % 100);
    }
}

/// Writes a file under a name of its own and takes away the oldest of the same modem. Blocks.
fn store(folder: &Path, dump: &Dump, now: jiff::Timestamp) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let name = format!("{}-{}.txt", dump.label, now.strftime(STAMP));
    let draft = folder.join(format!(".{name}"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let path = folder.join(name);
    let written = file.write_all(dump.text.as_bytes()).and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        // On a full disk it only takes room.
        let _ = fs::remove_file(&draft);
    }
    written?;
    if let Err(error) = prune(folder, &dump.label) {
        warn!(%error, "old recordings cannot be taken away");
    }
    Ok(path)
}

fn prune(folder: &Path, label: &str) -> io::Result<()> {
    let prefix = format!("{label}-");
    let is_ours = |name: &str| {
        let stamp = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".txt"));
        stamp.is_some_and(|stamp| stamp.len() == STAMP_LEN && stamp.ends_with('Z') && stamp.as_bytes()[8] == b'T')
    };
    let names = fs::read_dir(folder)?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_ours(name)).collect();
    names.sort_unstable();
    for name in names.iter().rev().skip(FILES) {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn recorder(folder: Option<PathBuf>) -> Recorder {
        let config = Config::new(0, "/dev/serial/by-id/usb-ACME_1234567890-if00");
        let (_, status) = Board::new(&config, mpsc::channel(1).0);
        Recorder::new(&config, status, folder)
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test(start_paused = true)]
    async fn lines_and_spans_are_written_as_a_transcript() {
        let recorder = recorder(None);
        recorder.opened();
        recorder.sent("p", b"\x1b\r");
        recorder.sent("p", b"AT\r");
        clock::sleep(Duration::from_millis(19)).await;
        recorder.came("p", b"\r\nO");
        recorder.came("p", b"K\r\n");
        clock::sleep(Duration::from_millis(19)).await;
        recorder.sent("p", b"AT+CMGS=7\r");
        clock::sleep(Duration::from_millis(1234)).await;
        recorder.came("p", b"\r\n> ");
        recorder.sent("p", b"0001");
        recorder.sent("p", &[0x1a]);
        recorder.deadline("p");
        recorder.came("p", b"\r\n+CMGS: 1\r\nOK");
        let text = recorder.text();
        let (head, body) = text.split_once("= opened\n").unwrap();
        assert_eq!(
            body,
            "> ^[\n> AT\n< OK\n~ 0.03\n> AT+CMGS=7\n~ 1.24\n<< \\r\\n> \n> 0001^Z\n~ deadline\n< +CMGS: 1\n<< \\r\\nOK\n"
        );
        assert!(
            head.contains("# modem: unknown, unknown, firmware unknown\n# profile: generic\n# line: uart\n"),
            "{head}"
        );
        assert!(head.contains("# status: offline\n") && !head.contains("12345"), "{head}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded_and_has_the_beginning_of_the_session() {
        let recorder = recorder(None);
        for session in 0..3 {
            recorder.opened();
            for n in 0..20_000 {
                recorder.sent("p", format!("AT+CMGR={}\r", n % 1000).as_bytes());
                recorder.came("p", b"\r\n+CMGR: 0,,28\r\n");
                recorder.came("p", format!("\r\n{}\r\n", "00".repeat(150)).as_bytes());
            }
            recorder.lost(&format!("session {session}"));
        }
        let text = recorder.text();
        assert!(text.len() < 128 * 1024, "{}", text.len());
        assert!(text.contains("= opened\n> AT+CMGR=0\n") && text.contains(" lines are missing here\n> AT+CMGR="));
        assert!(text.contains("= lost: session 1\n") && text.ends_with("= lost: session 2\n"));
        let ring = recorder.ring();
        let octets = [&ring.before, &ring.beginning, &ring.recent].map(|queue| {
            assert_eq!(queue.octets, queue.entries.iter().map(|entry| entry.text.len() + LINE).sum::<usize>());
            queue.octets
        });
        assert!(octets.iter().sum::<usize>() <= RECENT.octets + 3 * BEGINNING.octets, "{octets:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_without_a_command_takes_away_the_oldest_alone() {
        let recorder = recorder(None);
        recorder.opened();
        recorder.sent("p", b"AT\r");
        for n in 0..5000 {
            recorder.came("p", format!("\r\n+ZUSIMR:{}\r\n", n % 7).as_bytes());
            assert!(n < 1000 || recorder.ring().recent.entries.len() > 100, "{n}");
        }
        let text = recorder.text();
        assert!(text.matches("+ZUSIMR").count() > 1500 && text.contains(" lines are missing here\n"), "{}", text.len());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_shows_in_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = recorder(Some(dir.path().to_owned()));
        recorder.sent("p", b"AT+CPIN=\"4711\"\r");
        recorder.lost("one");
        recorder.close().await;
        assert!(files(dir.path())[0].starts_with("modem0-2"), "{:?}", files(dir.path()));
        assert!(recorder.text().contains(" recording of modem0\n"));
        assert_eq!(format!("{recorder:?} {:?}", recorder.ring().mask), "Recorder(…) Mask(…)");
    }

    #[tokio::test(start_paused = true)]
    async fn a_modem_that_comes_and_goes_makes_one_file_in_ten_minutes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("recordings");
        let recorder = recorder(Some(folder.clone()));
        let keeper = recorder.clone();
        let keeper = tokio::spawn(async move { keeper.keep().await });
        let read =
            || files(&folder).iter().map(|name| fs::read_to_string(folder.join(name)).unwrap()).next_back().unwrap();
        recorder.opened();
        recorder.lost("one");
        clock::sleep(Duration::from_secs(1)).await;
        assert!(read().contains("# why: the session was lost: one\n"));
        recorder.lost("two");
        recorder.uncertain(UncertainReason::Timeout);
        clock::sleep(Duration::from_secs(590)).await;
        assert!(read().contains(": one\n") && !read().contains("# why: a submit"));
        clock::sleep(Duration::from_secs(20)).await;
        assert!(read().contains("# why: a submit ended uncertain: timeout\n") && read().contains("= lost: two\n"));
        recorder.recovering("three");
        keeper.abort();
        recorder.close().await;
        assert!(read().contains("# why: the driver acts: three\n"), "the stop does not wait");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(&files(&folder)[0]))), (0o700, 0o600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_cannot_be_written_stops_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let recorder = recorder(Some(file.path().join("recordings")));
        let keeper = recorder.clone();
        let keeper = tokio::spawn(async move { keeper.keep().await });
        for n in 0..3 {
            recorder.lost(&n.to_string());
            clock::sleep(Duration::from_secs(601)).await;
        }
        assert!(!keeper.is_finished());
        assert!(recorder.text().contains("= lost: 2\n"));
    }

    #[test]
    fn the_newest_files_of_a_modem_are_kept_and_no_others_touched() {
        let folder = tempfile::tempdir().unwrap();
        for other in ["a-b-20260101T000000Z.txt", "a-note.txt", "x"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        for second in 0..15 {
            let dump = Dump { label: "a".to_owned(), text: "t".to_owned() };
            store(folder.path(), &dump, jiff::Timestamp::from_second(second).unwrap()).unwrap();
        }
        let names = files(folder.path());
        assert_eq!(names.len(), FILES + 3, "{names:?}");
        assert_eq!(names[0], "a-19700101T000005Z.txt");
        assert!(names.contains(&"a-b-20260101T000000Z.txt".to_owned()) && names.contains(&"a-note.txt".to_owned()));
    }
}
