//! A modem for tests: answers over an in-memory line as scripted, and keeps what it was sent.

use super::port::OpenError;
use super::{
    Config, Handle, LaneEvent, LaneEventKind, Links, Noticed, Order, Ordered, Outcome, Outgoing, Pin, PinQuestion,
    Received, start,
};
use crate::model::{AttemptId, ModemPhase, ModemStatus, PinMark, PinRecord, SendOutcome};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot, watch};

/// What it does with one `AT+CMGS`.
#[derive(Debug, Clone)]
pub(super) enum Submit {
    /// Prompt; after Ctrl-Z these octets.
    Answer(String),
    /// No prompt, these octets at once.
    Refuse(String),
    /// Prompt, and these octets in the same breath: it takes no payload any more.
    Leave(&'static str),
    /// Nothing at all.
    NoPrompt,
    /// Prompt; after Ctrl-Z nothing, and these octets when so much time is over.
    Late(Duration, String),
    /// Prompt; after Ctrl-Z it hangs up.
    HangUpAfterCtrlZ,
    /// Prompt, and then it takes no more octets.
    Deaf,
}

impl Submit {
    pub(super) fn accept(mr: u8) -> Submit {
        Submit::Answer(format!("\r\n+CMGS: {mr}\r\n\r\nOK\r\n"))
    }
}

/// What the modem is like.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Answers to commands that begin so, instead of the usual; each is used up but the last.
    pub(super) answers: HashMap<&'static str, VecDeque<&'static str>>,
    /// One for each `AT+CMGS`; accepting with 0 when used up.
    pub(super) submits: VecDeque<Submit>,
    /// Octets said before anything is asked.
    pub(super) banner: &'static str,
    /// Hangs up instead of answering the n-th thing it is sent, from 0.
    pub(super) hang_up_at: Option<usize>,
    /// Writes its octets one by one.
    pub(super) dribbles: bool,
    /// Says this before each line of each answer.
    pub(super) chatter: &'static str,
    /// Messages in the memory ME.
    pub(super) slots: BTreeMap<u16, String>,
    /// Octets the line holds.
    pub(super) line: Option<usize>,
    /// Answers nothing.
    pub(super) mute: bool,
}

/// What happens in the test.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Everything that was sent, line by line, over all openings.
    pub(super) sent: Vec<String>,
    /// The scripts of the openings to come; a plain one when used up.
    pub(super) scripts: VecDeque<Script>,
    /// What is remembered of the PIN, by SIM.
    pub(super) pins: HashMap<String, PinMark>,
}

/// A driver with fake modems behind it.
pub(super) struct Bench {
    pub(super) handle: Handle,
    pub(super) lane: mpsc::Receiver<LaneEvent>,
    pub(super) received: mpsc::Receiver<Received>,
    pub(super) notices: mpsc::Receiver<Noticed>,
    pub(super) world: Arc<Mutex<World>>,
    urcs: tokio::sync::broadcast::Sender<Saying>,
    attempts: i64,
}

/// What a test has the modem do.
#[derive(Debug, Clone)]
enum Saying {
    Octets(String),
    Slot(u16, String),
    FallSilent,
    HangUp,
}

impl Bench {
    pub(super) fn start(scripts: impl IntoIterator<Item = Script>) -> Bench {
        Bench::start_listening(scripts, None)
    }

    pub(super) fn start_listening(
        scripts: impl IntoIterator<Item = Script>,
        listen_first: Option<(AttemptId, Duration)>,
    ) -> Bench {
        Bench::start_as(Config::new(0, "/dev/ttyFAKE0"), scripts, listen_first)
    }

    /// A driver of a modem whose port somebody else finds.
    pub(super) fn start_found(
        config: Config,
        scripts: impl IntoIterator<Item = Script>,
        found: watch::Receiver<Option<String>>,
    ) -> Bench {
        Bench::start_on(config, scripts, None, Some(found))
    }

    /// A driver that knows the PIN 4711.
    pub(super) fn start_with_pin(scripts: impl IntoIterator<Item = Script>) -> Bench {
        let config = Config { pin: Pin::try_from("4711").ok(), ..Config::new(0, "/dev/ttyFAKE0") };
        Bench::start_as(config, scripts, None)
    }

    fn start_as(
        config: Config,
        scripts: impl IntoIterator<Item = Script>,
        listen_first: Option<(AttemptId, Duration)>,
    ) -> Bench {
        Bench::start_on(config, scripts, listen_first, None)
    }

    fn start_on(
        config: Config,
        scripts: impl IntoIterator<Item = Script>,
        listen_first: Option<(AttemptId, Duration)>,
        found: Option<watch::Receiver<Option<String>>>,
    ) -> Bench {
        let world = Arc::new(Mutex::new(World { scripts: scripts.into_iter().collect(), ..World::default() }));
        let (urcs, _) = tokio::sync::broadcast::channel(64);
        let (lane_in, lane) = mpsc::channel(64);
        let (received_in, received) = mpsc::channel(16);
        let (pins, mut questions) = mpsc::channel::<PinQuestion>(1);
        tokio::spawn({
            let world = world.clone();
            async move {
                while let Some(question) = questions.recv().await {
                    let mut world = world.lock().unwrap();
                    let record = PinRecord { here: world.pins.get(&question.sim).copied(), ..PinRecord::default() };
                    if let Some(mark) = question.mark {
                        world.sent.push(format!("remember {mark:?}"));
                        world.pins.insert(question.sim, mark);
                    }
                    let _ = question.answer.send(record);
                }
            }
        });
        let (notices_in, notices) = mpsc::channel(64);
        let links = Links {
            lane: lane_in,
            received: received_in,
            pins,
            notices: notices_in,
            recordings: None,
            dial: super::Dial::default(),
        };
        let open = {
            let (world, urcs, found) = (world.clone(), urcs.clone(), found.clone());
            let name = move || {
                let found = found.clone();
                async move {
                    match found {
                        Some(mut found) => found.wait_for(Option::is_some).await.unwrap().clone().unwrap(),
                        None => "/dev/ttyFAKE0".to_owned(),
                    }
                }
            };
            let connect = move || {
                let script = world.lock().unwrap().scripts.pop_front().unwrap_or_default();
                let (ours, theirs) = duplex(script.line.unwrap_or(4096));
                tokio::spawn(FakeModem::new(theirs, script, world.clone()).run(urcs.subscribe()));
                ours
            };
            move || {
                let (name, connect) = (name(), connect.clone());
                async move { Ok::<_, OpenError>((name.await, connect())) }
            }
        };
        let handle = start(config, links, listen_first, found, open);
        Bench { handle, lane, received, notices, world, urcs, attempts: 0 }
    }

    /// A driver with this configuration, over a modem that is ready.
    pub(super) async fn ready_as(config: Config, script: Script) -> Bench {
        let mut bench = Bench::start_as(config, [script], None);
        bench.phase(ModemPhase::Ready).await;
        bench.settle().await;
        bench
    }

    /// Gives an order; the answer comes when it comes.
    pub(super) async fn order(&self, order: Order) -> oneshot::Receiver<Outcome> {
        let (answer, outcome) = oneshot::channel();
        self.handle.orders.send(Ordered { order, answer }).await.unwrap();
        outcome
    }

    /// A driver over a modem that is ready.
    pub(super) async fn ready(script: Script) -> Bench {
        let mut bench = Bench::start([script]);
        bench.phase(ModemPhase::Ready).await;
        bench
    }

    pub(super) async fn phase(&mut self, phase: ModemPhase) -> ModemStatus {
        self.handle.status.wait_for(|status| status.phase == phase).await.unwrap().clone()
    }

    /// Gives a part to send; the sender arms it.
    pub(super) async fn give(&mut self) -> oneshot::Sender<bool> {
        let (arm, armed) = oneshot::channel();
        self.attempts += 1;
        let outgoing = Outgoing { attempt: AttemptId(self.attempts), pdu: PDU.to_owned(), tpdu_octets: 14, armed };
        self.handle.outgoing.send(outgoing).await.unwrap();
        arm
    }

    /// Sends a part as the scheduler does, and tells how it ended.
    pub(super) async fn send(&mut self) -> SendOutcome {
        let arm = self.give().await;
        let attempt = AttemptId(self.attempts);
        match self.event().await {
            LaneEventKind::Started(started) => {
                assert_eq!(started, attempt);
                let _ = arm.send(true);
            }
            LaneEventKind::Ended(_, outcome) => return outcome,
            other => panic!("{other:?}"),
        }
        self.ended().await
    }

    /// Keeps a part waiting behind the one in the air while `n` are sent; `after_each` sees the bench after each.
    pub(super) async fn stream(&mut self, n: usize, mut after_each: impl FnMut(&mut Bench)) {
        let mut arms = VecDeque::from([self.give().await, self.give().await]);
        let mut ended = 0;
        while ended < n {
            match self.event().await {
                LaneEventKind::Started(_) => arms.pop_front().unwrap().send(true).unwrap(),
                LaneEventKind::Ended(_, SendOutcome::Accepted { .. }) => {
                    ended += 1;
                    arms.push_back(self.give().await);
                    after_each(self);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(super) async fn event(&mut self) -> LaneEventKind {
        self.lane.recv().await.unwrap().kind
    }

    pub(super) async fn ended(&mut self) -> SendOutcome {
        match self.event().await {
            LaneEventKind::Ended(_, outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Has the modem say something by itself.
    pub(super) fn say(&self, line: &str) {
        self.urcs.send(Saying::Octets(format!("\r\n{line}\r\n"))).unwrap();
    }

    /// Puts a message into a slot of the memory ME, in silence.
    pub(super) fn store(&self, index: u16, pdu: &str) {
        self.urcs.send(Saying::Slot(index, pdu.to_owned())).unwrap();
    }

    /// Has the modem answer nothing any more.
    pub(super) fn fall_silent(&self) {
        self.urcs.send(Saying::FallSilent).unwrap();
    }

    pub(super) fn hang_up(&self) {
        self.urcs.send(Saying::HangUp).unwrap();
    }

    pub(super) fn sent(&self) -> Vec<String> {
        self.world.lock().unwrap().sent.clone()
    }

    /// How often something that begins so was sent.
    pub(super) fn count(&self, head: &str) -> usize {
        self.sent().iter().filter(|line| line.starts_with(head)).count()
    }

    /// Lets everything happen that needs no time.
    pub(super) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// An SMS-SUBMIT, as the encoder makes them.
pub(super) const PDU: &str = "0011000B919471103254F60000A70141";
/// An SMS-DELIVER: "hellohello", from ETSI TS 123 040 examples all over the web.
pub(super) const DELIVER: &str = "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37";

/// Answers to what a plain modem is asked. The longest head that fits counts.
const PLAIN: &[(&str, &str)] = &[
    ("AT+CGSN", "357868041000000"),
    ("AT+CGMI", "ACME"),
    ("AT+CGMM", "GSM Modem"),
    ("AT+CGMR", "1.0"),
    ("AT+CIMI", "262019000000100"),
    ("AT+CPIN?", "+CPIN: READY"),
    ("AT+CCID", "+CCID: 8949000000000001000"),
    ("AT+CPMS=?", "+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")"),
    ("AT+CPMS=", "+CPMS: 0,50,0,50,0,50"),
    ("AT+CSMS=?", "+CSMS: (0,1)"),
    ("AT+CSMS=", "+CSMS: 1,1,1"),
    ("AT+CNMI=?", "+CNMI: (0-2),(0-3),(0,2,3),(0-2),(0,1)"),
    ("AT+CREG?", "+CREG: 2,1,\"00C3\",\"A1B2\""),
    ("AT+CEREG?", "+CEREG: 2,1,\"00C3\",\"A1B2\",7"),
    ("AT+CGREG?", "+CGREG: 2,1"),
    ("AT+COPS?", "+COPS: 0,0,\"SimNet\",7"),
    ("AT+CSQ", "+CSQ: 20,99"),
    ("AT+CSCA?", "+CSCA: \"+491710760000\",145"),
];

struct FakeModem {
    line: DuplexStream,
    script: Script,
    world: Arc<Mutex<World>>,
    indications: String,
    memory: String,
    /// In the prompt: what is done after Ctrl-Z.
    prompt: Option<Submit>,
    taken: usize,
    input: Vec<u8>,
}

impl FakeModem {
    fn new(line: DuplexStream, script: Script, world: Arc<Mutex<World>>) -> FakeModem {
        let indications = "0,0,0,0,0".to_owned();
        FakeModem {
            line,
            script,
            world,
            indications,
            memory: "ME".to_owned(),
            prompt: None,
            taken: 0,
            input: Vec::new(),
        }
    }

    async fn run(mut self, mut sayings: tokio::sync::broadcast::Receiver<Saying>) {
        let banner = self.script.banner;
        self.write(banner).await;
        let mut buffer = [0; 256];
        loop {
            let deaf = matches!(self.prompt, Some(Submit::Deaf));
            tokio::select! {
                saying = sayings.recv() => match saying {
                    Ok(Saying::Octets(octets)) => self.write(&octets).await,
                    Ok(Saying::Slot(index, pdu)) => drop(self.script.slots.insert(index, pdu)),
                    Ok(Saying::FallSilent) => self.script.mute = true,
                    Ok(Saying::HangUp) | Err(_) => return,
                },
                read = self.line.read(&mut buffer), if !deaf => match read {
                    Ok(0) | Err(_) => return,
                    Ok(n) => self.input.extend(&buffer[..n]),
                },
            }
            while let Some(item) = self.next_item() {
                if self.script.hang_up_at == Some(self.taken) {
                    return;
                }
                self.taken += 1;
                if !item.is_empty() {
                    self.world.lock().unwrap().sent.push(item.clone());
                }
                if !self.script.mute && !self.handle(&item).await {
                    return;
                }
            }
        }
    }

    /// The next line, payload or ESC that is complete.
    fn next_item(&mut self) -> Option<String> {
        let ends: &[u8] = if self.prompt.is_some() { b"\x1a\x1b" } else { b"\r\x1b" };
        let at = self.input.iter().position(|octet| ends.contains(octet))?;
        let rest = self.input.split_off(at + 1);
        let taken = String::from_utf8(std::mem::replace(&mut self.input, rest)).unwrap();
        Some(match taken.as_bytes()[at] {
            b'\x1b' => format!("{}ESC", &taken[..at]),
            b'\x1a' => format!("{}^Z", &taken[..at]),
            _ => taken[..at].to_owned(),
        })
    }

    /// False: hang up.
    async fn handle(&mut self, item: &str) -> bool {
        if let Some(submit) = self.prompt.take() {
            return self.after_payload(submit, item.ends_with("^Z")).await;
        }
        if item.starts_with("AT+CMGS=") {
            let submit = self.script.submits.pop_front().unwrap_or(Submit::accept(0));
            match submit {
                Submit::Refuse(octets) => self.write(&octets).await,
                Submit::Leave(octets) => self.write(&format!("\r\n> {octets}")).await,
                Submit::NoPrompt => {}
                submit => {
                    self.prompt = Some(submit);
                    self.write("\r\n> ").await;
                }
            }
        } else if item.starts_with("AT") {
            let answer = self.answer(item);
            self.write(&answer).await;
        }
        true
    }

    async fn after_payload(&mut self, submit: Submit, given: bool) -> bool {
        if !given {
            self.write("\r\nOK\r\n").await;
            return true;
        }
        match submit {
            Submit::Answer(octets) => self.write(&octets).await,
            Submit::Late(after, octets) => {
                tokio::time::sleep(after).await;
                self.write(&octets).await;
            }
            Submit::HangUpAfterCtrlZ => return false,
            Submit::Refuse(_) | Submit::Leave(_) | Submit::NoPrompt | Submit::Deaf => {}
        }
        true
    }

    fn answer(&mut self, command: &str) -> String {
        let scripted = self.script.answers.iter_mut().filter(|(head, _)| command.starts_with(**head));
        if let Some((_, answers)) = scripted.max_by_key(|(head, _)| head.len())
            && let Some(answer) = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }
        {
            if answer.ends_with("\r\nOK\r\n") {
                self.select(command);
            }
            return answer.to_owned();
        }
        let lines = self.memory_answer(command).or_else(|| {
            let plain = PLAIN.iter().filter(|(head, _)| command.starts_with(head));
            Some(vec![plain.max_by_key(|(head, _)| head.len())?.1.to_owned()])
        });
        let lines: String =
            lines.unwrap_or_default().iter().map(|line| format!("\r\n{line}{}", self.script.chatter)).collect();
        format!("{lines}\r\n\r\nOK\r\n")
    }

    fn memory_answer(&mut self, command: &str) -> Option<Vec<String>> {
        let number = || command.split('=').nth(1)?.parse::<u16>().ok();
        let in_me = self.memory == "ME";
        match command {
            "AT+CNMI?" => return Some(vec![format!("+CNMI: {}", self.indications)]),
            "AT+CPMS?" => {
                let used = self.script.slots.len();
                return Some(vec![format!("+CPMS: \"ME\",{used},50,\"SM\",0,50,\"ME\",{used},50")]);
            }
            "AT+CMGL=4" if in_me => {
                let list = self.script.slots.iter();
                return Some(list.flat_map(|(index, pdu)| [format!("+CMGL: {index},1,,28"), pdu.clone()]).collect());
            }
            _ => {}
        }
        if command.starts_with("AT+CMGR=") {
            let pdu = self.script.slots.get(&number()?).filter(|_| in_me)?;
            return Some(vec!["+CMGR: 0,,28".to_owned(), pdu.clone()]);
        }
        if command.starts_with("AT+CMGD=") {
            self.script.slots.remove(&number()?);
        }
        if let Some(values) = command.strip_prefix("AT+CNMI=").filter(|values| *values != "?") {
            self.indications = values.to_owned();
        }
        self.select(command);
        None
    }

    fn select(&mut self, command: &str) {
        if let Some(memory) = command.strip_prefix("AT+CPMS=\"") {
            self.memory = memory[..2].to_owned();
        }
    }

    async fn write(&mut self, octets: &str) {
        let step = if self.script.dribbles { 1 } else { octets.len().max(1) };
        for chunk in octets.as_bytes().chunks(step) {
            // The driver may be gone.
            let _ = self.line.write_all(chunk).await;
            tokio::task::yield_now().await;
        }
    }
}
