//! USSD: a code goes out, the network's text comes when it comes, and may want an answer. 3GPP TS 27.007 §7.15.

use super::chat::{Lost, Reply};
use super::driver::{Desk, Session};
use super::orders::{Answer, Carried, Outcome, tell};
use super::profile;
use crate::at::urc::Ussd;
use crate::at::{Command, UssdString};
use crate::clock;
use crate::model::{Notice, NoticeKind};
use crate::tpdu::{CbsDcs, ussd};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// How long the network may take to answer.
const NETWORK: Duration = Duration::from_secs(60);
/// GSM 7 bit, language unspecified. 3GPP TS 23.038 §5.
const GSM7: u8 = 15;

/// Who waits for what the network says.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) answer: Answer,
    pub(super) until: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Sends a code, or the answer to a menu. The answer comes later: the line is free for messages meanwhile.
    pub(super) async fn begin_ussd(&mut self, text: &str, answer: Answer) -> Result<(), Lost> {
        if self.ussd.is_some() {
            tell(answer, Err("another USSD code waits for its answer; end it first".to_owned()));
            return Ok(());
        }
        let form = match self.profile.ussd {
            profile::Ussd::Plain => ussd::Form::Raw,
            profile::Ussd::Packed => ussd::Form::Packed,
        };
        let string = ussd::encode(text, form).map_err(|error| error.to_string());
        let string = string.and_then(|string| UssdString::try_from(string).map_err(|error| error.to_string()));
        let string = match string {
            Ok(string) => string,
            Err(error) => {
                tell(answer, Err(error));
                return Ok(());
            }
        };
        match self.chat.ask(Command::ussd(&string, GSM7), self.profile.deadlines.memory).await? {
            Reply::Done(_) => self.ussd = Some(Waiting { answer, until: clock::now() + NETWORK }),
            reply => tell(answer, Err(format!("the modem does not send it: {reply}"))),
        }
        Ok(())
    }

    /// Ends a session, wanted or not.
    pub(super) async fn end_ussd(&mut self) -> Result<Outcome, Lost> {
        if let Some(waiting) = self.ussd.take() {
            tell(waiting.answer, Err("it was ended".to_owned()));
        }
        let reply = self.chat.ask(Command::end_ussd(), self.profile.deadlines.memory).await?;
        Ok(if let Reply::Done(_) = reply { Ok(Carried::Out) } else { Err(format!("the modem says: {reply}")) })
    }

    /// What the network says: the answer that somebody waits for, or word of its own.
    pub(super) fn heard_ussd(&mut self, desk: &Desk, said: &Ussd) {
        let text = said.string.as_deref().map(|string| ussd::decode(string, said.dcs.map(CbsDcs)));
        let wants_answer = said.state == 1;
        match self.ussd.take() {
            Some(waiting) => tell(waiting.answer, outcome(said.state, text, wants_answer)),
            None => {
                let session = if wants_answer { "wants_answer" } else { "over" };
                let detail = "the network sent USSD by itself";
                desk.board.notice(Notice { text, ..Notice::new(NoticeKind::Ussd, session, detail) });
            }
        }
    }

    /// Gives up what the network has not answered in time.
    pub(super) async fn ussd_if_due(&mut self) -> Result<(), Lost> {
        if let Some(waiting) = self.ussd.take_if(|waiting| waiting.until <= clock::now()) {
            tell(waiting.answer, Err(format!("the network did not answer within {} s", NETWORK.as_secs())));
            // So that its late answer is none to the next code.
            self.chat.ask(Command::end_ussd(), self.profile.deadlines.memory).await?;
        }
        Ok(())
    }
}

fn outcome(state: u8, text: Option<String>, wants_answer: bool) -> Outcome {
    match (state, text) {
        (_, Some(text)) => Ok(Carried::Ussd { text, wants_answer }),
        (4, None) => Err("the network does not support this code".to_owned()),
        (5, None) => Err("the network did not answer the modem".to_owned()),
        (2, None) => Err("the network ended it without a word".to_owned()),
        (_, None) => Ok(Carried::Ussd { text: String::new(), wants_answer }),
    }
}
