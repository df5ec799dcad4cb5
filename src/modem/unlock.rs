//! Entering the SIM's PIN, as the guard in `pin.rs` allows.

use super::bringup::{Trouble, sim_trouble};
use super::chat::{Lost, Reply};
use super::driver::Session;
use super::pin::{PinQuestion, PinRefusal, decide};
use super::profile::Asked;
use crate::at::sim::PinState;
use crate::at::{Answer, Command, Expect, Params, Pin};
use crate::clock;
use crate::model::{PinMark, PinRecord};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tracing::{info, warn};

/// How long a SIM may be busy with the PIN that was just entered, or go on asking for it.
const SETTLES: Duration = Duration::from_secs(10);
/// How often it is looked at where the modem does not tell of it.
const LOOK: Duration = Duration::from_millis(500);

/// `+CPINR: SIM PIN,tries[,default]`. 3GPP TS 27.007 §8.73.
const STANDARD: Asked = Asked { command: "+CPINR", name: "+CPINR", row: Some("SIM PIN"), field: 1 };
/// VERIFY without a PIN asks the card itself: it answers 63 Cx, x the tries left. 3GPP TS 31.101 §11.1.9.
const CARD: Asked = Asked { command: "+CSIM=10,\"0020000100\"", name: "+CSIM", row: None, field: 1 };

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Enters the PIN where there is one and it may be entered. `Err`: why the SIM stays locked, with the next step.
    pub(super) async fn enter_pin(&mut self) -> Result<Result<(), String>, Lost> {
        let Some(pin) = self.config.pin.clone() else {
            return Ok(Err("the SIM asks for its PIN; name the file that holds it as pin_file".to_owned()));
        };
        let iccid = self.read_iccid().await?;
        let modem = self.imei.as_ref().map(|imei| imei.as_str().to_owned()).unwrap_or_default();
        let sim = iccid.map_or_else(|| format!("imei:{modem}"), |iccid| iccid.as_str().to_owned());
        let tries = self.pin_tries().await?;
        let Some(record) = self.remember(&sim, &modem, &pin, None).await else {
            return Ok(Err(NO_MEMORY.to_owned()));
        };
        if let Err(refusal) = decide(record, tries, self.config.pin_force) {
            return Ok(Err(refusal.words()));
        }
        // Durable before a digit is written: a wrong PIN must not be entered again after our death.
        if self.remember(&sim, &modem, &pin, Some(PinMark::Tried)).await.is_none() {
            return Ok(Err(NO_MEMORY.to_owned()));
        }
        let reply = self.chat.ask(Command::enter_pin(&pin), self.profile.deadlines.memory).await?;
        let mark = match &reply {
            Reply::Done(_) => self.settled().await?,
            // 16 incorrect password, 12 PUK: that was the last try.
            Reply::Refused(result) if matches!(result.code(), Some(12 | 16 | 316)) => PinMark::Refused,
            // Busy and the like: what the SIM made of it shows in the tries that are left.
            Reply::Refused(_) | Reply::Silent(_) => PinMark::Tried,
        };
        if mark != PinMark::Tried {
            self.remember(&sim, &modem, &pin, Some(mark)).await;
        }
        match mark {
            PinMark::Accepted => {
                info!(port = self.config.port, "the SIM has taken its PIN");
                Ok(Ok(()))
            }
            PinMark::Refused => {
                warn!(port = self.config.port, "the SIM has refused its PIN; it is not entered again");
                Ok(Err(PinRefusal::Refused.words()))
            }
            PinMark::Tried => Ok(Err(format!("the SIM asks for its PIN, and entering it ended with {reply}"))),
        }
    }

    /// What the SIM made of a PIN that the modem has said OK to: some say so before they have asked the card. Only a SIM
    /// that is ready, or asks for something behind the PIN, has taken it; one that stays busy may come back and ask again.
    async fn settled(&mut self) -> Result<PinMark, Lost> {
        let end = clock::now() + SETTLES;
        loop {
            let reply = self.chat.ask(Command::pin_state(), self.profile.deadlines.command).await?;
            let so_far = match sim_trouble(&reply) {
                None | Some(Trouble::Locked(PinState::Other(_) | PinState::Ready)) => return Ok(PinMark::Accepted),
                Some(Trouble::Locked(PinState::Puk)) => return Ok(PinMark::Refused),
                Some(Trouble::Locked(PinState::Pin)) => PinMark::Refused,
                Some(Trouble::Busy | Trouble::Absent | Trouble::Failed(_)) => PinMark::Tried,
            };
            if clock::now() >= end {
                return Ok(so_far);
            }
            self.pause(LOOK).await?;
        }
    }

    /// How many tries the PIN has left, by the first way that tells.
    async fn pin_tries(&mut self) -> Result<Option<u8>, Lost> {
        for asked in self.profile.pin_tries.into_iter().chain([STANDARD]) {
            if let Some(tries) = self.ask_number(asked).await?.and_then(|tries| u8::try_from(tries).ok()) {
                return Ok(Some(tries));
            }
        }
        let answer = self.answer_of_make(CARD).await?;
        Ok(answer.params(CARD.name).and_then(|params| tries_of_card(params.text(CARD.field)?)))
    }

    /// A number that a make's own command answers.
    pub(super) async fn ask_number(&mut self, asked: Asked) -> Result<Option<i64>, Lost> {
        let answer = self.answer_of_make(asked).await?;
        Ok(number_in(&answer, asked))
    }

    async fn answer_of_make(&mut self, asked: Asked) -> Result<Answer, Lost> {
        let command = Command::of_make(asked.command, Expect::Named(asked.name));
        Ok(self.chat.ask(command, self.profile.deadlines.memory).await?.done().unwrap_or_default())
    }

    /// Asks who remembers PINs, and has a new mark remembered. `None`: nobody does.
    async fn remember(&mut self, sim: &str, modem: &str, pin: &Pin, mark: Option<PinMark>) -> Option<PinRecord> {
        let (answer, record) = oneshot::channel();
        let (sim, modem) = (sim.to_owned(), modem.to_owned());
        self.pins.send(PinQuestion { sim, modem, pin: pin.clone(), mark, answer }).await.ok()?;
        record.await.ok()
    }
}

const NO_MEMORY: &str = "the SIM asks for its PIN, and that it was entered cannot be written down now";

/// The number that was asked for, among the lines of an answer.
fn number_in(answer: &Answer, asked: Asked) -> Option<i64> {
    let mut lines = answer.bodies(asked.name).map(Params::parse);
    let line = lines.find(|params| asked.row.is_none_or(|row| params.text(0) == Some(row)))?;
    line.text(asked.field)?.trim().parse().ok()
}

/// Tries left, from the card's status words.
fn tries_of_card(response: &str) -> Option<u8> {
    match response.get(response.len().checked_sub(4)?..)?.to_ascii_uppercase().as_str() {
        "6983" => Some(0),
        // No PIN is wanted: it is off, or was entered.
        "9000" => None,
        words => u8::from_str_radix(words.strip_prefix("63C")?, 16).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_numbers() {
        for (name, lines, asked, want) in [
            ("standard", &["+CPINR: SIM PUK,10,10", "+CPINR: SIM PIN,2,3"][..], STANDARD, Some(2)),
            ("standard, another row", &["+CPINR: SIM PUK,10,10"], STANDARD, None),
            (
                "Quectel",
                &["+QPINC: \"SC\",3,10", "+QPINC: \"P2\",1,10"],
                Asked { command: "", name: "+QPINC", row: Some("SC"), field: 1 },
                Some(3),
            ),
            (
                "Huawei",
                &["^CPIN: SIM PIN,3,10,3,10,3"],
                Asked { command: "", name: "^CPIN", row: None, field: 3 },
                Some(3),
            ),
            ("Telit", &["#PCT: 3"], Asked { command: "", name: "#PCT", row: None, field: 0 }, Some(3)),
            ("too few fields", &["#PCT: 3"], Asked { command: "", name: "#PCT", row: None, field: 1 }, None),
            ("no number", &["#PCT: x"], Asked { command: "", name: "#PCT", row: None, field: 0 }, None),
            ("nothing", &[], STANDARD, None),
        ] {
            let answer = Answer { lines: lines.iter().map(|line| (*line).to_owned()).collect() };
            assert_eq!(number_in(&answer, asked), want, "{name}");
        }
    }

    #[test]
    fn table_of_status_words() {
        for (response, want) in [
            ("63C3", Some(3)),
            ("63c1", Some(1)),
            ("63C0", Some(0)),
            ("6983", Some(0)),
            ("9000", None),
            ("6A82", None),
            ("", None),
        ] {
            assert_eq!(tries_of_card(response), want, "{response}");
        }
    }
}
