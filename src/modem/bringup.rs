//! Setting a modem up: what must be done before it may send, and what can wait.

use super::chat::{Lost, Reply};
use super::details::{AFTER_READY, CHECK};
use super::driver::{HUSHED, Session, flapping};
use super::inbox::Selected;
use super::port;
use super::profile::Init;
use crate::at::command::Domain;
use crate::at::net::{self, Stat};
use crate::at::sim::{PinState, pin_state};
use crate::at::{Answer, Command, Event, Expect, Memory, Params, Urc, sms};
use crate::clock;
use crate::model::{Cell, ModemPhase, Registration, SimStatus, StorageLevel, is_busy};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, warn};

/// How often a modem is woken before its port is given up: some need a dozen tries (Telit LE922, Cinterion MV3x).
const WAKE_TRIES: usize = 10;
/// Between two tries of something that the modem is not ready for yet.
const NOT_YET: Duration = Duration::from_secs(1);
/// How often PDU mode is tried: the SIM may still be loading (ofono does the same).
const PDU_MODE_TRIES: usize = 10;
/// How long a SIM may be busy before it is reported.
const SIM_BUSY: Duration = Duration::from_secs(30);
/// How long the message service may take to start behind the SIM. MODEMS.md: 5 to 40 s.
const SERVICE_STARTS: Duration = Duration::from_secs(40);
/// How often an answer may be lost before the question is one that the modem does not answer.
const ANSWERS_LOST: u32 = 2;
/// How often a blocked SIM or a missing registration is looked at. Most modems tell by themselves.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// After this span a report that nobody acknowledged has made the modem stop routing: TR2M is 12 to 20 s, 3GPP TS 24.011 §10.
pub(super) const ROUTING_STOPPED: Duration = Duration::from_secs(25);

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// From an open port to a modem that can send. Stays in here, published as blocked, while the SIM cannot be used.
    pub(super) async fn bring_up(&mut self) -> Result<(), Lost> {
        self.anew = false;
        self.up = false;
        self.registration = [None; 3];
        if std::mem::take(&mut self.restarted) {
            self.drop_orders();
        }
        self.board.phase(ModemPhase::BringUp, None);
        self.chat.wake(WAKE_TRIES).await?;
        let within = self.profile.deadlines.command;
        self.chat.ask(Command::plain_answers(), within).await?;
        self.chat.ask(Command::numeric_errors(), within).await?;
        self.identify_modem().await?;
        self.initialise().await?;
        self.await_sim().await?;
        self.await_message_service().await?;
        self.identify_sim().await?;
        self.set_up_messages().await?;
        self.report(Domain::Circuit).await?;
        if !self.merged_registration().can_send() {
            self.ask_registration(Domain::Eps).await?;
        }
        self.details = AFTER_READY.into();
        self.timers.check = clock::now() + CHECK;
        self.up = true;
        self.publish_registration();
        Ok(())
    }

    /// What every modem of its make is told.
    async fn initialise(&mut self) -> Result<(), Lost> {
        let is_usb = port::is_usb(&self.config.port);
        for init in self.profile.init {
            let text = match *init {
                Init::Always(text) => text,
                Init::Usb(text) if is_usb => text,
                Init::Uart(text) if !is_usb => text,
                Init::Usb(_) | Init::Uart(_) => continue,
            };
            self.chat.ask(Command::of_make(text, Expect::Nothing), self.profile.deadlines.command).await?;
        }
        Ok(())
    }

    /// Waits until the SIM can be used.
    async fn await_sim(&mut self) -> Result<(), Lost> {
        let busy_until = clock::now() + SIM_BUSY;
        loop {
            let reply = self.chat.ask(Command::pin_state(), self.profile.deadlines.command).await?;
            let Some(reason) = sim_trouble(&reply) else { return Ok(()) };
            let pause = match reason {
                Trouble::Locked(PinState::Pin) => match self.enter_pin().await? {
                    Ok(()) => continue,
                    Err(reason) => {
                        self.board.update(|status| status.sim = None);
                        self.board.phase(ModemPhase::Blocked, Some(reason));
                        LOOK_AGAIN
                    }
                },
                Trouble::Busy if clock::now() < busy_until => NOT_YET,
                trouble => {
                    self.board.update(|status| status.sim = None);
                    self.board.phase(ModemPhase::Blocked, Some(trouble.words()));
                    LOOK_AGAIN
                }
            };
            self.pause(pause).await?;
        }
    }

    /// Waits until the message service says that it can be used, where the make has a number for that. One that never says
    /// so is tried all the same.
    async fn await_message_service(&mut self) -> Result<(), Lost> {
        let Some(ready) = self.profile.ready else { return Ok(()) };
        let until = clock::now() + SERVICE_STARTS;
        while clock::now() < until {
            match self.ask_number(ready.asked).await? {
                Some(number) if number < i64::from(ready.from) => self.pause(NOT_YET).await?,
                Some(_) | None => return Ok(()),
            }
        }
        warn!(port = self.config.port, "the modem does not say that its message service is ready; it is tried");
        Ok(())
    }

    async fn identify_sim(&mut self) -> Result<(), Lost> {
        let iccid = loop {
            if let Some(iccid) = self.read_iccid().await? {
                break iccid;
            }
            let reason = "the SIM's serial number (ICCID) cannot be read; try another SIM, or report this modem";
            self.board.phase(ModemPhase::Blocked, Some(reason.to_owned()));
            self.pause(LOOK_AGAIN).await?;
        };
        self.iccid = Some(iccid.clone());
        self.board.update(|status| {
            if status.sim.as_ref().is_none_or(|sim| sim.iccid != iccid) {
                status.sim = Some(SimStatus {
                    iccid,
                    imsi: None,
                    operator: None,
                    registration: Registration::Unknown,
                    signal_dbm: None,
                    bit_errors: None,
                    cell: Cell::default(),
                    number: None,
                    storage: Vec::new(),
                });
            }
        });
        Ok(())
    }

    /// Listens for a while; ends early when the SIM's state changes.
    pub(super) async fn pause(&mut self, span: Duration) -> Result<(), Lost> {
        let end = clock::now() + span;
        loop {
            let happened = clock::timeout_at(end, async {
                tokio::select! {
                    biased;
                    event = self.chat.event() => Ok(event),
                    Some(ordered) = self.orders.next() => Err(ordered),
                }
            });
            match happened.await {
                Err(_) => return Ok(()),
                Ok(Err(ordered)) => self.obey_without_sim(ordered).await?,
                Ok(Ok(event)) => match event? {
                    // What the SIM says now is asked for next.
                    Event::Urc(Urc::Pin(_)) => return Ok(()),
                    // All that was set before is void.
                    Event::Urc(urc @ Urc::Started) => {
                        self.chat.keep(urc);
                        return Ok(());
                    }
                    Event::Urc(urc) => self.chat.keep(urc),
                    _ => {}
                },
            }
        }
    }

    /// PDU mode, memories, acknowledgement and indications. Also done again when the modem turns out to have forgotten.
    pub(super) async fn set_up_messages(&mut self) -> Result<(), Lost> {
        self.busy_until = clock::now() + SIM_BUSY;
        self.set_pdu_mode().await?;
        self.choose_memories().await?;
        self.acknowledges = self.profile.acknowledges && self.select_service().await?;
        self.choose_indications().await?;
        self.inbox.belongs(self.iccid.clone(), self.acknowledges);
        // A report that nobody acknowledged before we came stops the routing when its time is over.
        let routed = self.acknowledges && self.indications[3] == 1;
        self.timers.reassert = routed.then(|| clock::now() + ROUTING_STOPPED);
        Ok(())
    }

    async fn set_pdu_mode(&mut self) -> Result<(), Lost> {
        for _ in 0..PDU_MODE_TRIES {
            match self.chat.ask(Command::pdu_mode(), self.profile.deadlines.command).await? {
                Reply::Done(_) => return Ok(()),
                reply => debug!(port = self.config.port, %reply, "PDU mode is not possible yet"),
            }
            self.pause(NOT_YET).await?;
        }
        Err(Lost::Unfit("the modem refuses PDU mode".to_owned()))
    }

    /// Asks again while the SIM is busy: what it refuses now would be missing for as long as the port is open.
    pub(super) async fn ask_when_free(&mut self, command: Command, within: Duration) -> Result<Reply, Lost> {
        loop {
            match self.chat.ask(command.clone(), within).await? {
                Reply::Refused(result) if result.code().is_some_and(is_busy) && clock::now() < self.busy_until => {
                    self.pause(NOT_YET).await?;
                }
                reply => return Ok(reply),
            }
        }
    }

    /// Chooses where messages are received and which memories are to be swept, and selects them.
    async fn choose_memories(&mut self) -> Result<(), Lost> {
        let within = self.profile.deadlines.memory;
        let answer = self.memories_known(within).await?;
        let [read, write, receive] = answer.params("+CPMS").map(|it| sms::memories(&it)).unwrap_or_default();
        let plan = MemoryPlan::choose(self.profile.memories, &read, &write, &receive);
        self.inbox.begin(&plan);
        for choice in plan.selections() {
            if self.select_these(&choice).await? {
                return Ok(());
            }
        }
        warn!(port = self.config.port, "no message memory can be selected; the modem's choice is used");
        let answer = self.ask_when_free(Command::memory_levels(), within).await?.done().unwrap_or_default();
        let now = answer.params("+CPMS").and_then(|params| sms::selected(&params).first().copied());
        self.inbox.selected = match now {
            Some(memory) => Selected::Is(memory),
            None if read.is_empty() => Selected::Only,
            // Two memories that cannot be told apart are not read: a delete would hit the wrong one.
            None => Selected::Unknown,
        };
        Ok(())
    }

    /// Which memories there are; asked again while the SIM is still loading, or where the answer was lost: what lies in a memory
    /// that is not known is never read.
    async fn memories_known(&mut self, within: Duration) -> Result<Answer, Lost> {
        for _ in 0..=ANSWERS_LOST {
            match self.ask_when_free(Command::memories(), within).await? {
                Reply::Done(answer) if answer.params("+CPMS").is_some() => return Ok(answer),
                // An OK alone may be somebody else's.
                Reply::Done(_) | Reply::Silent(_) => {}
                Reply::Refused(_) => break,
            }
        }
        Ok(Answer::default())
    }

    async fn select_service(&mut self) -> Result<bool, Lost> {
        let within = self.profile.deadlines.command;
        let answer = self.ask_when_free(Command::services(), within).await?.done().unwrap_or_default();
        if !answer.params("+CSMS").is_some_and(|services| services.at(0).allows(1)) {
            return Ok(false);
        }
        Ok(self.ask_when_free(Command::acknowledged_service(), within).await?.done().is_some())
    }

    /// Goes down the ladder of the profile, as far as the modem says it can, until one step holds.
    async fn choose_indications(&mut self) -> Result<(), Lost> {
        let within = self.profile.deadlines.command;
        let answer = self.ask_when_free(Command::indications_known(), within).await?.done().unwrap_or_default();
        let known = answer.params("+CNMI").unwrap_or_else(|| Params::parse(""));
        let broadcasts = if self.config.broadcasts.is_some() && known.at(2).allows(2) { 2 } else { 0 };
        for values in self.profile.cnmi.iter().filter(|values| sms::indications_allowed(&known, **values)) {
            let [mode, mt, bm, ds, bfr] = *values;
            let values = [mode, mt, bm.max(broadcasts), ds, bfr];
            if self.ask_when_free(Command::select_indications(values), within).await?.done().is_none() {
                continue;
            }
            let now = self.indications_now().await?;
            // Where it cannot be read back, the OK is believed.
            if now.is_none_or(|now| (now[1], now[3]) == (values[1], values[3])) {
                self.indications = values;
                if values[3] == 0 {
                    warn!(port = self.config.port, "the modem cannot tell of status reports");
                }
                return Ok(());
            }
        }
        self.indications = [0; 5];
        warn!(port = self.config.port, "the modem announces no messages; they are looked for every minute");
        Ok(())
    }

    pub(super) async fn indications_now(&mut self) -> Result<Option<[u8; 5]>, Lost> {
        let reply = self.chat.ask(Command::indications_now(), self.profile.deadlines.command).await?;
        Ok(reply.done().and_then(|answer| sms::indications(&answer.params("+CNMI")?)))
    }

    /// Has changes of registration told, with the cell where possible, and asks once.
    pub(super) async fn report(&mut self, domain: Domain) -> Result<(), Lost> {
        let within = self.profile.deadlines.command;
        if self.chat.ask(Command::report_registration(domain, true), within).await?.done().is_none() {
            self.chat.ask(Command::report_registration(domain, false), within).await?;
        }
        self.ask_registration(domain).await
    }

    pub(super) async fn ask_registration(&mut self, domain: Domain) -> Result<(), Lost> {
        let reply = self.chat.ask(Command::registration(domain), self.profile.deadlines.command).await?;
        let Some(answer) = reply.done() else { return Ok(()) };
        if let Some(it) = answer.params(domain.name()).and_then(|params| net::registration(&params, true)) {
            self.registered(domain, it);
        }
        Ok(())
    }

    /// Publishes the registration and, with it, whether the modem can send.
    pub(super) fn publish_registration(&mut self) {
        let registration = self.merged_registration();
        self.update_sim(|sim| sim.registration = registration);
        if !self.up {
            return;
        }
        if registration.can_send() {
            self.timers.registration = None;
            self.without_network = None;
            match (self.watched, self.hushed_until) {
                (Some((_, losses)), _) => self.board.phase(ModemPhase::Blocked, Some(flapping(losses))),
                (None, Some(_)) => self.board.phase(ModemPhase::BringUp, Some(HUSHED.to_owned())),
                (None, None) => self.board.phase(ModemPhase::Ready, None),
            }
        } else {
            // What the network denies, no restart gets.
            let is_denied = registration == Registration::Denied;
            let since = self.without_network.unwrap_or_else(clock::now);
            self.without_network = (!is_denied).then_some(since);
            self.timers.registration = Some(clock::now() + LOOK_AGAIN);
            let reason = format!("no network: {}; check antenna, coverage and plan", registration.word());
            self.board.phase(ModemPhase::Blocked, Some(reason));
        }
    }

    /// The best of what the domains say: an SMS needs one of them.
    pub(super) fn merged_registration(&self) -> Registration {
        let known = self.registration.iter().flatten().map(|stat| registration(*stat));
        let best = known.clone().find(|it| it.can_send());
        best.or_else(|| known.clone().next()).unwrap_or_default()
    }

    pub(super) fn update_sim(&self, change: impl FnOnce(&mut SimStatus)) {
        self.board.update(|status| {
            if let Some(sim) = &mut status.sim {
                change(sim);
            }
        });
    }

    /// Publishes how full the memories are.
    pub(super) fn publish_storage(&mut self, levels: &[sms::Level]) {
        for level in levels.iter().filter(|level| self.memories.note(self.iccid.as_ref(), level)) {
            let detail = format!(
                "the memory {} holds {} of {} messages, and when it is full nothing more comes in; what gsmgate has stored it \
                 deletes: what stays is from before, and adopt = \"publish\" takes that over",
                level.memory, level.used, level.total
            );
            self.board.alarm("memory_filling", detail);
        }
        let level = |level: &sms::Level| StorageLevel {
            memory: level.memory.to_string(),
            used: level.used,
            total: level.total,
        };
        self.update_sim(|sim| sim.storage = levels.iter().map(level).collect());
    }
}

fn registration(stat: Stat) -> Registration {
    match stat {
        Stat::NotRegistered => Registration::NotRegistered,
        Stat::Home | Stat::HomeSmsOnly | Stat::HomeNoCsfb => Registration::Home,
        Stat::Searching => Registration::Searching,
        Stat::Denied => Registration::Denied,
        Stat::Roaming | Stat::RoamingSmsOnly | Stat::RoamingNoCsfb => Registration::Roaming,
        Stat::EmergencyOnly => Registration::EmergencyOnly,
        Stat::Unknown | Stat::Other(_) => Registration::Unknown,
    }
}

/// Why a SIM cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    Busy,
    Absent,
    Locked(PinState),
    Failed(String),
}

impl Trouble {
    /// For a person, with the next step.
    fn words(&self) -> String {
        match self {
            Trouble::Busy => "the SIM stays busy; take it out and put it in again".to_owned(),
            Trouble::Absent => "there is no SIM in the modem; put one in".to_owned(),
            Trouble::Locked(PinState::Pin) => "the SIM asks for its PIN".to_owned(),
            Trouble::Locked(PinState::Puk) => {
                "the SIM asks for its PUK; put it in a phone and enter the PUK there".to_owned()
            }
            Trouble::Locked(PinState::Other(lock)) => format!("the SIM is locked ({lock}); unlock it with a phone"),
            Trouble::Locked(PinState::Ready) => "the SIM is ready".to_owned(),
            Trouble::Failed(answer) => format!("the SIM does not work ({answer}); try another one"),
        }
    }
}

/// What an answer to `AT+CPIN?` says against using the SIM; `None`: it is ready.
pub(super) fn sim_trouble(reply: &Reply) -> Option<Trouble> {
    match reply {
        // Wavecom gives no OK after `+CPIN: READY`; and an OK alone says that it is too early to ask.
        Reply::Done(answer) | Reply::Silent(answer) => {
            let state = answer.bodies("+CPIN").next().map(pin_state);
            match state {
                None => Some(Trouble::Busy),
                Some(PinState::Ready) => None,
                Some(locked) => Some(Trouble::Locked(locked)),
            }
        }
        Reply::Refused(result) => Some(match result.code() {
            Some(10 | 310) => Trouble::Absent,
            Some(11 | 311) => Trouble::Locked(PinState::Pin),
            Some(12 | 316) => Trouble::Locked(PinState::Puk),
            Some(code) if is_busy(code) => Trouble::Busy,
            // A bare ERROR comes while the SIM is loading.
            None => Trouble::Busy,
            Some(_) => Trouble::Failed(result.to_string()),
        }),
    }
}

/// Where messages are received, and where they may lie besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemoryPlan {
    /// Messages are received here.
    pub(super) home: Memory,
    /// Selected for writing, which we never do, so that one `+CPMS?` tells the level of this memory too.
    pub(super) beside: Option<Memory>,
    /// All that can be read, `home` first.
    pub(super) swept: Vec<Memory>,
}

impl MemoryPlan {
    fn choose(preferred: &[Memory], read: &[Memory], write: &[Memory], receive: &[Memory]) -> MemoryPlan {
        let receives = |memory: &&Memory| receive.is_empty() || receive.contains(memory);
        let home = preferred.iter().filter(|memory| read.contains(memory)).find(receives).or_else(|| read.first());
        let home = home.copied().unwrap_or(Memory::SM);
        // MT is ME and SM in one, BM is not for us.
        let has_parts = read.contains(&Memory::ME) || read.contains(&Memory::SM);
        let others = read
            .iter()
            .copied()
            .filter(|memory| *memory != home && *memory != Memory::BM && !(*memory == Memory::MT && has_parts));
        let others: Vec<Memory> = if home == Memory::MT { Vec::new() } else { others.collect() };
        let beside = others.iter().copied().find(|memory| write.contains(memory));
        MemoryPlan { home, beside, swept: std::iter::once(home).chain(others).collect() }
    }

    /// What to try, the best first: some modems take fewer than three, or only equal ones.
    fn selections(&self) -> Vec<Vec<Memory>> {
        let home = self.home;
        let beside = self.beside.map(|beside| vec![home, beside, home]);
        beside.into_iter().chain([vec![home; 3], vec![home; 2], vec![home]]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::{Answer, FinalResult};

    #[test]
    fn table_of_memory_plans() {
        const ME: Memory = Memory::ME;
        const MT: Memory = Memory::MT;
        const SM: Memory = Memory::SM;
        const SR: Memory = Memory::SR;
        let plan = |home, beside, swept: &[Memory]| MemoryPlan { home, beside, swept: swept.to_vec() };
        let generic = [ME, SM, MT];
        for (name, read, write, receive, want) in [
            ("two", &[SM, ME][..], &[SM, ME][..], &[SM, ME][..], plan(ME, Some(SM), &[ME, SM])),
            ("SIM only", &[SM], &[SM], &[SM], plan(SM, None, &[SM])),
            ("receives on the SIM only", &[ME, SM], &[ME, SM], &[SM], plan(SM, Some(ME), &[SM, ME])),
            ("writes on the SIM only", &[ME, SM], &[ME], &[ME, SM], plan(ME, None, &[ME, SM])),
            (
                "with reports and the union",
                &[ME, MT, SM, SR],
                &[ME, MT, SM, SR],
                &[ME, MT, SM, SR],
                plan(ME, Some(SM), &[ME, SM, SR]),
            ),
            ("the union alone", &[MT], &[MT], &[MT], plan(MT, None, &[MT])),
            ("Wavecom", &[SM, Memory::BM, SR], &[SM], &[], plan(SM, None, &[SM, SR])),
            ("says nothing", &[], &[], &[], plan(SM, None, &[SM])),
        ] {
            assert_eq!(MemoryPlan::choose(&generic, read, write, receive), want, "{name}");
        }
        assert_eq!(
            plan(ME, Some(SM), &[ME, SM]).selections(),
            [vec![ME, SM, ME], vec![ME, ME, ME], vec![ME, ME], vec![ME]]
        );
    }

    #[test]
    fn table_of_sim_troubles() {
        let done = |line: &str| Reply::Done(Answer { lines: vec![line.to_owned()] });
        let refused = |line: &str| Reply::Refused(FinalResult::parse(line).unwrap());
        for (name, reply, want) in [
            ("ready", done("+CPIN: READY"), None),
            ("ready, no OK", Reply::Silent(Answer { lines: vec!["+CPIN: READY".to_owned()] }), None),
            ("PIN", done("+CPIN: SIM PIN"), Some(Trouble::Locked(PinState::Pin))),
            ("PUK", done("+CPIN: SIM PUK"), Some(Trouble::Locked(PinState::Puk))),
            ("OK alone", Reply::Done(Answer::default()), Some(Trouble::Busy)),
            ("silence", Reply::Silent(Answer::default()), Some(Trouble::Busy)),
            ("absent", refused("+CME ERROR: 10"), Some(Trouble::Absent)),
            ("busy", refused("+CME ERROR: 14"), Some(Trouble::Busy)),
            ("initialising", refused("+CME ERROR: 515"), Some(Trouble::Busy)),
            ("loading", refused("ERROR"), Some(Trouble::Busy)),
            ("failure", refused("+CME ERROR: 13"), Some(Trouble::Failed("+CME ERROR: 13".to_owned()))),
        ] {
            assert_eq!(sim_trouble(&reply), want, "{name}");
        }
    }
}
