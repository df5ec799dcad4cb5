//! What people ask of a modem beside messages. Each is carried out between two parts, by the task that has the line.

use super::chat::{Lost, Reply};
use super::driver::{Desk, Session};
use super::ladder::Step;
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
}

/// Tells whoever waits; who went away needs no answer.
pub(super) fn tell(answer: Answer, outcome: Outcome) {
    let _ = answer.send(outcome);
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// The order that waits, if one does. False: none. `Err`: the line is lost, or the modem begins anew.
    pub(super) async fn obey(&mut self, desk: &mut Desk) -> Result<bool, Lost> {
        let Some(ordered) = self.ordered.take().or_else(|| self.orders.waiting()) else { return Ok(false) };
        if let Some(Order::Restart) = self.carry_out(ordered).await? {
            self.take(desk, Step::Reset, "a restart is asked for").await;
            return Err(Lost::Restarted);
        }
        Ok(true)
    }

    /// While the SIM cannot be used: what does not need it. The rest is told why not.
    pub(super) async fn obey_without_sim(&mut self, ordered: Ordered) -> Result<(), Lost> {
        match ordered.order {
            Order::Typed(_) => self.carry_out(ordered).await.map(drop),
            _ => {
                tell(ordered.answer, Err("the modem has no usable SIM; see `gsmgate modems`".to_owned()));
                Ok(())
            }
        }
    }

    /// Carries an order out. Gives back what has to be done by the caller, who ends the session with it.
    async fn carry_out(&mut self, Ordered { order, answer }: Ordered) -> Result<Option<Order>, Lost> {
        let outcome = match order {
            Order::Typed(line) => self.typed(&line).await?,
            Order::Ussd(text) => {
                self.begin_ussd(&text, answer).await?;
                return Ok(None);
            }
            Order::EndUssd => self.end_ussd().await?,
            Order::Restart => {
                tell(answer, Ok(Carried::Out));
                return Ok(Some(order));
            }
            Order::SimSlot(slot) => self.select_slot(slot).await?,
            Order::Phonebook => self.phonebook().await?,
        };
        tell(answer, outcome);
        Ok(None)
    }

    async fn typed(&mut self, line: &TypedLine) -> Result<Outcome, Lost> {
        let command = Command::typed(line);
        // What only asks changes nothing; after anything else the message service is set up again.
        let only_asks = command.text().ends_with('?') || !command.text().contains(['=', '&', ';']);
        self.chat.begin(command, TYPED).await?;
        let (lines, result) = self.chat.finish_typed().await?;
        if !only_asks && self.up {
            self.details.push_back(super::bringup::Detail::SetUp);
        }
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
        for command in *commands {
            let command = Command::of_make(command, Expect::Nothing);
            let reply = self.chat.ask(command, self.profile.deadlines.memory).await?;
            if !matches!(reply, Reply::Done(_)) {
                return Ok(Err(format!("the modem refuses to change the slot: {reply}")));
            }
        }
        // Another SIM: everything is asked and set anew.
        self.anew = true;
        Ok(Ok(Carried::Out))
    }

    async fn phonebook(&mut self) -> Result<Outcome, Lost> {
        let within = self.profile.deadlines.memory;
        if self.chat.ask(Command::select_phonebook(), within).await?.done().is_none() {
            return Ok(Err("the modem refuses the SIM's phonebook".to_owned()));
        }
        let answer = self.chat.ask(Command::phonebook_places(), within).await?.done().unwrap_or_default();
        let places = answer.params("+CPBR").and_then(|params| last_of_range(&params)).unwrap_or(0).min(MOST_PLACES);
        let mut entries = Vec::new();
        for first in (1..=places).step_by(usize::from(PLACES)) {
            let last = (first + PLACES - 1).min(places);
            // Where nothing stands some modems say an error, and others nothing.
            let answer = self.chat.ask(Command::phonebook(first, last), within).await?.done().unwrap_or_default();
            entries.extend(answer.bodies("+CPBR").filter_map(|body| entry(&Params::parse(body))));
        }
        Ok(Ok(Carried::Phonebook(entries)))
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
