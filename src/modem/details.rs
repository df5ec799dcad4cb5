//! What is set and found out beside sending: once after a bring-up, and from time to time.

use super::bringup::{LOOK_AGAIN, sim_trouble};
use super::chat::{ATTENTION, Lost, Reply};
use super::driver::Session;
use super::profile::Quantity;
use super::recover::PULSE;
use crate::at::command::Domain;
use crate::at::{Command, net, sms};
use crate::clock;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tracing::warn;

/// How often memories are looked at for what nobody announced: `+CMTI` stops when one is full (fault F-15).
pub(super) const CHECK: Duration = Duration::from_secs(60);
/// Every so many looks `+CNMI` is compared too: some firmwares forget it.
const CHECKS_PER_INDICATIONS: u32 = 10;

/// Something to set or to find out that sending does not wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// `AT&D0`
    Dtr,
    /// Registration in a domain: have changes told, and ask once.
    Report(Domain),
    /// Registration in a domain: ask.
    Registration(Domain),
    /// The network's name.
    Operator,
    /// Signal strength.
    Signal,
    /// IMSI
    Subscriber,
    /// Firmware
    Firmware,
    /// Whether the SIM knows its service centre.
    ServiceCentre,
    /// Whether the SIM is still the one it was.
    Sim,
    /// Whether `+CNMI` is still as it was set.
    Indications,
    /// Set `+CNMI` again.
    Reassert,
    /// Set all of the message service again.
    SetUp,
    /// Whether the modem still answers.
    Pulse,
    /// Calls are to come with their number.
    CallingLine,
    /// Which cell broadcasts are taken.
    Broadcasts,
    /// The SIM's own number.
    OwnNumber,
    /// What the make measures, by its place in the profile.
    Gauge(usize),
}

pub(super) const AFTER_READY: [Detail; 11] = [
    Detail::Dtr,
    Detail::CallingLine,
    Detail::Broadcasts,
    Detail::Report(Domain::Eps),
    Detail::Report(Domain::Packet),
    Detail::Operator,
    Detail::Signal,
    Detail::Subscriber,
    Detail::Firmware,
    Detail::ServiceCentre,
    Detail::OwnNumber,
];

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// One of the things that sending does not wait for.
    pub(super) async fn run_detail(&mut self, detail: Detail) -> Result<(), Lost> {
        let within = self.profile.deadlines.command;
        match detail {
            Detail::Dtr => drop(self.chat.ask(Command::ignore_dtr(), within).await?),
            Detail::Report(domain) => self.report(domain).await?,
            Detail::Registration(domain) => self.ask_registration(domain).await?,
            Detail::Operator => {
                let answer = self.chat.ask(Command::operator(), within).await?.done().unwrap_or_default();
                let name = answer.params("+COPS").and_then(|params| net::operator(&params));
                self.update_sim(|sim| sim.operator = name);
            }
            Detail::Signal => {
                let answer = self.chat.ask(Command::signal(), within).await?.done().unwrap_or_default();
                let dbm = answer.params("+CSQ").and_then(|params| net::signal_dbm(&params));
                let bit_errors = answer.params("+CSQ").and_then(|params| net::bit_errors(&params));
                self.update_sim(|sim| (sim.signal_dbm, sim.bit_errors) = (dbm, bit_errors));
            }
            Detail::Subscriber => {
                let imsi = self.read_imsi().await?;
                self.update_sim(|sim| sim.imsi = imsi);
            }
            Detail::Firmware => {
                let firmware = self.read_firmware().await?;
                self.board.update(|status| status.firmware = firmware);
            }
            Detail::Sim => {
                let reply = self.chat.ask(Command::pin_state(), within).await?;
                self.anew |= sim_trouble(&reply).is_some() || self.read_iccid().await? != self.iccid;
            }
            Detail::ServiceCentre => self.look_for_service_centre().await?,
            Detail::Indications => {
                let now = self.indications_now().await?;
                let is_so = |now: [u8; 5]| (now[1], now[3]) == (self.indications[1], self.indications[3]);
                // It may take now what it refused when it was set up.
                let has_none = self.indications[1] == 0;
                if has_none || now.is_some_and(|now| !is_so(now)) {
                    warn!(port = self.config.port, ?now, "the modem does not announce what it was to announce");
                    self.set_up_messages().await?;
                }
            }
            Detail::SetUp => self.set_up_messages().await?,
            Detail::CallingLine => drop(self.chat.ask(Command::calling_line(), within).await?),
            Detail::Broadcasts => {
                if let Some(list) = self.config.broadcasts.clone() {
                    let reply = self.chat.ask(Command::broadcasts(&list), within).await?;
                    if !matches!(reply, Reply::Done(_)) {
                        warn!(port = self.config.port, %reply, "the modem does not take these cell broadcasts");
                    }
                }
            }
            Detail::OwnNumber => {
                let number = self.read_own_number().await?;
                self.update_sim(|sim| sim.number = number);
            }
            Detail::Gauge(n) => self.read_gauge(n).await?,
            Detail::Pulse => drop(self.chat.ask(Command::attention(), ATTENTION).await?),
            Detail::Reassert => drop(self.chat.ask(Command::select_indications(self.indications), within).await?),
        }
        Ok(())
    }

    /// One of the make's own measurements. One that gave no number is not asked again.
    async fn read_gauge(&mut self, n: usize) -> Result<(), Lost> {
        let Some(gauge) = self.profile.gauges.get(n).filter(|_| !self.blind_gauges.contains(&n)) else { return Ok(()) };
        let Some(value) = self.ask_number(gauge.asked).await? else {
            self.blind_gauges.push(n);
            return Ok(());
        };
        let Ok(value) = i32::try_from(value) else { return Ok(()) };
        self.board.update(|status| match gauge.quantity {
            Quantity::Celsius => status.temperature_tenths = Some(value.saturating_mul(10)),
            Quantity::TenthsCelsius => status.temperature_tenths = Some(value),
            Quantity::Millivolts => status.supply_mv = u32::try_from(value).ok(),
        });
        Ok(())
    }

    /// A SIM without its service centre, or that has lost it, cannot send (`+CMS ERROR: 330`): it is given the one that is
    /// configured, else the one that it had.
    async fn look_for_service_centre(&mut self) -> Result<(), Lost> {
        let within = self.profile.deadlines.memory;
        let Some(answer) = self.chat.ask(Command::service_centre(), within).await?.done() else { return Ok(()) };
        let found = answer.params("+CSCA").and_then(|params| sms::service_centre(&params));
        if let Some(number) = found.as_deref().and_then(|number| number.parse().ok()) {
            self.service_centre = self.iccid.clone().zip(Some(number));
            return Ok(());
        }
        let before = self.service_centre.clone().filter(|(iccid, _)| Some(iccid) == self.iccid.as_ref());
        let Some(number) = self.config.service_centre.clone().or(before.map(|(_, number)| number)) else {
            let detail = "the SIM knows no service centre, and sending will fail with +CMS ERROR: 330; name the operator's \
                          as service_centre in [[modem]]";
            self.board.alarm("no_service_centre", detail);
            return Ok(());
        };
        let reply = self.chat.ask(Command::set_service_centre(&number), within).await?;
        match reply {
            Reply::Done(_) => self.board.alarm("service_centre_set", "the SIM had no service centre and was given one"),
            reply => warn!(port = self.config.port, %reply, "the SIM knows no service centre and takes none"),
        }
        Ok(())
    }

    /// When [`Session::tick`] is due.
    pub(super) fn due(&self) -> Instant {
        let timers = [self.timers.registration, self.timers.reassert, self.inbox.retry_at, self.hushed_until];
        let recovery = [Some(self.chat.last_heard() + PULSE), self.network_due, self.watched.map(|(until, _)| until)];
        let others = [self.ussd.as_ref().map(|ussd| ussd.until), self.call.as_ref().and_then(|call| call.due)];
        timers.into_iter().chain(recovery).chain(others).flatten().fold(self.timers.check, Instant::min)
    }

    /// Puts what is due on the list.
    pub(super) fn tick(&mut self) {
        let now = clock::now();
        let is_due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        if self.timers.check <= now {
            self.timers.check = now + CHECK;
            self.timers.checks += 1;
            self.inbox.check_soon();
            self.details.push_back(Detail::Signal);
            self.details.extend((0..self.profile.gauges.len()).map(Detail::Gauge));
            if self.timers.checks.is_multiple_of(CHECKS_PER_INDICATIONS) {
                self.details.extend([Detail::Indications, Detail::Operator]);
            }
        }
        if is_due(&mut self.timers.registration) {
            self.details.extend([Detail::Registration(Domain::Circuit), Detail::Registration(Domain::Eps)]);
            self.timers.registration = Some(now + LOOK_AGAIN);
        }
        // Whatever else is to be asked tells it too.
        if self.chat.last_heard() + PULSE <= now && self.details.is_empty() {
            self.details.push_back(Detail::Pulse);
        }
        if is_due(&mut self.timers.reassert) {
            self.details.push_back(Detail::Reassert);
        }
        if is_due(&mut self.inbox.retry_at) {
            self.inbox.sweep_all();
        }
    }
}
