//! What people ask of a modem beside messages. Each is carried out between two parts, by the task that has the line.

use super::chat::{Lost, Reply};
use super::driver::Session;
use crate::at::{Command, Expect, Params, TypedLine};
use crate::model::Number;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, mpsc, oneshot};

/// How long a typed command may take: `AT+COPS=?` looks for networks for minutes.
const TYPED: Duration = Duration::from_secs(180);
/// Places of a phonebook that are read at a time, so that a part never waits for all of it.
const PLACES: u16 = 20;
/// Places that are looked at.
const MOST_PLACES: u16 = 1000;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A typed command.
    Typed(TypedLine),
    /// USSD: a code, or the answer to a menu.
    Ussd(String),
    /// The end of a USSD session.
    EndUssd,
    /// The make's own restart.
    Restart,
    /// This SIM slot, from 1.
    SimSlot(u8),
    /// The SIM's phonebook.
    Phonebook,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq)]
pub enum Carried {
    /// Done; there is nothing to tell.
    Out,
    /// The lines of the answer, and the final result.
    Lines(Vec<String>, String),
    /// What the network said.
    Ussd {
        /// Its text.
        text: String,
        /// It waits for an answer.
        wants_answer: bool,
    },
    /// What stands in the phonebook.
    Phonebook(Vec<Entry>),
}

/// Says what, never the content.
impl std::fmt::Debug for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Carried::Out => "Out",
            Carried::Lines(..) => "Lines",
            Carried::Ussd { .. } => "Ussd",
            Carried::Phonebook(_) => "Phonebook",
        })
    }
}

/// One place of a phonebook.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The place, from 1.
    pub place: u16,
    /// The number as it is stored.
    pub number: String,
    /// Whose it is.
    pub name: String,
}

/// Says where, never whose.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({})", self.place)
    }
}

/// What came of it, or why nothing did: what is wrong and the next step.
pub type Outcome = Result<Carried, String>;

/// Who waits for it.
pub type Answer = oneshot::Sender<Outcome>;

/// An order, and where its answer goes.
#[derive(Debug)]
pub struct Ordered {
    /// What is asked.
    pub order: Order,
    /// Dropped without an answer: the modem was lost in the middle.
    pub answer: Answer,
}

/// Orders that wait; the session takes them, and while there is none the desk turns them away.
#[derive(Debug, Clone)]
pub(super) struct Orders(Arc<Mutex<mpsc::Receiver<Ordered>>>);

impl Orders {
    pub(super) fn new(orders: mpsc::Receiver<Ordered>) -> Orders {
        Orders(Arc::new(Mutex::new(orders)))
    }

    /// The next one. Cancel safe.
    pub(super) async fn next(&self) -> Option<Ordered> {
        self.0.lock().await.recv().await
    }

    fn waiting(&self) -> Option<Ordered> {
        self.0.try_lock().ok()?.try_recv().ok()
    }

    /// True while one waits.
    pub(super) fn are_waiting(&self) -> bool {
        self.0.try_lock().is_ok_and(|orders| !orders.is_empty())
    }
}

/// A phonebook that is being read.
pub(super) struct Reading {
    answer: Answer,
    next: u16,
    last: u16,
    entries: Vec<Entry>,
}

/// Tells whoever waits; who went away needs no answer.
pub(super) fn tell(answer: Answer, outcome: Outcome) {
    let _ = answer.send(outcome);
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// A step of the order that waits, if one does. False: none. `Err`: the line is lost, or the modem begins anew.
    pub(super) async fn obey(&mut self) -> Result<bool, Lost> {
        if let Some(reading) = self.phonebook.take() {
            self.read_phonebook(reading).await?;
        } else if let Some(ordered) = self.ordered.take().or_else(|| self.orders.waiting()) {
            self.carry_out(ordered).await?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// While the SIM cannot be used: what does not need it. The rest is told why not.
    pub(super) async fn obey_without_sim(&mut self, ordered: Ordered) -> Result<(), Lost> {
        match ordered.order {
            Order::Typed(_) | Order::Restart | Order::SimSlot(_) => self.carry_out(ordered).await,
            Order::Ussd(_) | Order::EndUssd | Order::Phonebook => {
                tell(ordered.answer, Err("the modem has no usable SIM; see `gsmgate modems`".to_owned()));
                Ok(())
            }
        }
    }

    /// True while somebody waits for more than the network.
    pub(super) fn has_orders(&self) -> bool {
        self.phonebook.is_some() || self.ordered.is_some() || self.orders.are_waiting()
    }

    /// Tells who waits for what the modem has forgotten.
    pub(super) fn drop_orders(&mut self) {
        let ussd = self.ussd.take().map(|waiting| waiting.answer);
        let reading = self.phonebook.take().map(|reading| reading.answer);
        for answer in ussd.into_iter().chain(reading) {
            tell(answer, Err("the modem began anew in the middle of it; ask again".to_owned()));
        }
    }

    async fn carry_out(&mut self, Ordered { order, answer }: Ordered) -> Result<(), Lost> {
        if answer.is_closed() {
            // Nobody wants it any more.
            return Ok(());
        }
        let outcome = match order {
            Order::Typed(line) => self.typed(&line).await?,
            Order::Ussd(text) => return self.begin_ussd(&text, answer).await,
            Order::EndUssd => self.end_ussd().await?,
            Order::Restart => {
                tell(answer, Ok(Carried::Out));
                return Err(Lost::Asked);
            }
            Order::SimSlot(slot) => self.select_slot(slot).await?,
            Order::Phonebook => return self.begin_phonebook(answer).await,
        };
        tell(answer, outcome);
        Ok(())
    }

    async fn typed(&mut self, line: &TypedLine) -> Result<Outcome, Lost> {
        self.chat.begin(Command::typed(line), TYPED).await?;
        let (lines, result) = self.chat.finish_typed().await?;
        // What only asks changes nothing; nobody knows what anything else does.
        self.anew |= !line.only_asks();
        Ok(match result {
            Some(result) => Ok(Carried::Lines(lines, result)),
            None => Err(format!("no final result within {} s", TYPED.as_secs())),
        })
    }

    async fn select_slot(&mut self, slot: u8) -> Result<Outcome, Lost> {
        let slots = self.profile.sim_slots;
        let Some(commands) = usize::from(slot).checked_sub(1).and_then(|n| slots.get(n)) else {
            return Ok(Err(match slots.len() {
                0 => format!("no command to change the SIM slot is known for this make ({})", self.profile.name),
                n => format!("slots are 1 to {n}"),
            }));
        };
        // Another SIM, or none: everything is asked and set anew, and the IMEI may be another.
        (self.anew, self.config.imei) = (true, None);
        self.drop_orders();
        let mut outcome = Ok(Carried::Out);
        // All are written whatever comes of one: the last may switch on what the first has switched off.
        for command in *commands {
            let command = Command::of_make(command, Expect::Nothing);
            let reply = self.chat.ask(command, self.profile.deadlines.memory).await?;
            if !matches!(reply, Reply::Done(_)) && outcome.is_ok() {
                outcome = Err(format!("the modem refuses to change the slot: {reply}"));
            }
        }
        Ok(outcome)
    }

    async fn begin_phonebook(&mut self, answer: Answer) -> Result<(), Lost> {
        let within = self.profile.deadlines.memory;
        if self.chat.ask(Command::select_phonebook(), within).await?.done().is_none() {
            tell(answer, Err("the modem refuses the SIM's phonebook".to_owned()));
            return Ok(());
        }
        let places = self.chat.ask(Command::phonebook_places(), within).await?.done().unwrap_or_default();
        let last = places.params("+CPBR").and_then(|params| last_of_range(&params)).unwrap_or(0).min(MOST_PLACES);
        self.phonebook = Some(Reading { answer, next: 1, last, entries: Vec::new() });
        Ok(())
    }

    /// Some places; the rest in the next turn.
    async fn read_phonebook(&mut self, mut reading: Reading) -> Result<(), Lost> {
        if reading.next > reading.last {
            tell(reading.answer, Ok(Carried::Phonebook(reading.entries)));
            return Ok(());
        }
        let last = (reading.next + PLACES - 1).min(reading.last);
        let answer = match self.chat.ask(Command::phonebook(reading.next, last), self.profile.deadlines.memory).await? {
            Reply::Done(answer) => answer,
            // Where nothing stands some modems say an error, and others nothing.
            Reply::Refused(_) => crate::at::Answer::default(),
            Reply::Silent(_) => {
                tell(reading.answer, Err(format!("the modem does not answer for places {} to {last}", reading.next)));
                return Ok(());
            }
        };
        reading.entries.extend(answer.bodies("+CPBR").filter_map(|body| entry(&Params::parse(body))));
        reading.next = last + 1;
        self.phonebook = Some(reading);
        Ok(())
    }

    /// The SIM's own number, where it knows it.
    pub(super) async fn read_own_number(&mut self) -> Result<Option<Number>, Lost> {
        let reply = self.chat.ask(Command::own_number(), self.profile.deadlines.memory).await?;
        let answer = reply.done().unwrap_or_default();
        Ok(answer.bodies("+CNUM").find_map(|body| {
            let params = Params::parse(body);
            let digits = params.text(1)?.trim();
            let is_international = params.number::<u8>(2) == Some(145) && !digits.starts_with('+');
            format!("{}{digits}", if is_international { "+" } else { "" }).parse().ok()
        }))
    }
}

/// The last of `(1-250),40,14`.
fn last_of_range(params: &Params<'_>) -> Option<u16> {
    let text = params.at(0).members().first()?.text()?;
    text.rsplit('-').next()?.trim().parse().ok()
}

/// `index,"number",type,"name"`
fn entry(params: &Params<'_>) -> Option<Entry> {
    Some(Entry {
        place: params.number(0)?,
        number: params.text(1)?.to_owned(),
        name: params.text(3).unwrap_or_default().to_owned(),
    })
}
