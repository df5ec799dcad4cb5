//! Sending: `AT+CMGS`, prompt, armed mark, PDU, Ctrl-Z, reference; and what each way of failing says about the part.
//!
//! ```text
//!  AT+CMGS=n     "> "     armed        PDU        Ctrl-Z          +CMGS: mr  OK
//!  |--------------|---------|-----------|------------|-----------------|
//!  <------------- provably not sent ---------------->|<-- uncertain -->| accepted
//! ```
//! RELIABILITY §2.1.

use super::chat::Lost;
use super::details::Detail;
use super::driver::{Desk, Session};
use super::profile::Profile;
use super::{LaneEventKind, Outgoing};
use crate::at::{Answer, Command, Event, FinalResult, Payload, sms};
use crate::clock;
use crate::model::{SendOutcome, UncertainReason};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// How long a prompt is held for the armed mark. It is a commit on our own disk; modems leave the prompt by themselves
/// after a minute or so.
const ARMING: Duration = Duration::from_secs(20);

/// SMSC address unknown. 3GPP TS 27.005 §3.2.5.
const NO_SERVICE_CENTRE: u16 = 330;

/// How a try ended, and what the line needs before the next.
#[derive(Debug)]
struct End {
    outcome: SendOutcome,
    line: Line,
}

#[derive(Debug)]
enum Line {
    /// In step.
    Fine,
    /// A late answer may come: to be brought in step first.
    Doubtful,
    /// Of no use any more.
    Lost(Lost),
}

/// A part whose command is written.
struct Begun {
    payload: Payload,
    /// `None`: the mark is durable already.
    armed: Option<oneshot::Receiver<bool>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Sends a part, and on without a pause while more wait and nothing else does.
    ///
    /// The command of the next part is written before the end of the last is told, so that the line is never idle and the
    /// two events reach the scheduler together: it commits them as one.
    pub(super) async fn send(&mut self, desk: &mut Desk, first: Outgoing) -> Result<(), Lost> {
        let mut next = Some(first);
        let mut last_end = None;
        while let Some(Outgoing { attempt, pdu, tpdu_octets, mut armed }) = next.take() {
            let began = clock::now();
            let verdict = armed.try_recv();
            let begun = match verdict {
                // Taken back before anything was written.
                Ok(false) | Err(TryRecvError::Closed) => Err(End::of(SendOutcome::Withdrawn)),
                Ok(true) | Err(TryRecvError::Empty) => self.begin(pdu, tpdu_octets).await,
            };
            if let Some(end) = last_end.take() {
                desk.tell(end).await;
            }
            let end = match begun {
                Err(end) => end,
                Ok(payload) => {
                    desk.tell(LaneEventKind::Started(attempt)).await;
                    let armed = verdict.is_err().then_some(armed);
                    self.carry(desk, Begun { payload, armed }).await
                }
            };
            if let SendOutcome::Uncertain { reason: UncertainReason::Timeout | UncertainReason::HangUp, .. } =
                end.outcome
            {
                desk.remember(attempt, self.submit_deadline().saturating_sub(clock::now() - began));
            }
            if let SendOutcome::Rejected { code: NO_SERVICE_CENTRE }
            | SendOutcome::NotSent { code: Some(NO_SERVICE_CENTRE), .. } = end.outcome
            {
                self.details.push_back(Detail::ServiceCentre);
            }
            if let SendOutcome::Uncertain { reason, .. } = end.outcome {
                desk.recorder.uncertain(reason);
            }
            let ended = LaneEventKind::Ended(attempt, end.outcome);
            match end.line {
                Line::Fine => last_end = Some(ended),
                Line::Doubtful => {
                    desk.tell(ended).await;
                    self.chat.resync().await?;
                }
                Line::Lost(lost) => {
                    desk.tell(ended).await;
                    return Err(lost);
                }
            }
            self.sort(desk).await;
            if !self.has_work() && !desk.stopping() && desk.hushed_until().is_none() {
                next = desk.outgoing.try_recv().ok();
            }
        }
        if let Some(end) = last_end {
            desk.tell(end).await;
        }
        Ok(())
    }

    /// Writes `AT+CMGS`. Nothing that is not a PDU gets so far.
    async fn begin(&mut self, pdu: String, tpdu_octets: usize) -> Result<Payload, End> {
        let payload = Payload::try_from(pdu).map_err(|error| End::not_sent(None, error.to_string()))?;
        let octets = u8::try_from(tpdu_octets)
            .map_err(|_| End::not_sent(None, format!("a TPDU of {tpdu_octets} octets is too long")))?;
        match self.chat.begin(Command::submit(octets), self.profile.deadlines.prompt).await {
            Ok(()) => Ok(payload),
            Err(lost) => Err(End::not_sent(None, lost.to_string()).on(Line::Lost(lost))),
        }
    }

    /// From the written command to the end.
    async fn carry(&mut self, desk: &mut Desk, begun: Begun) -> End {
        if let Err(end) = self.await_prompt().await {
            return end;
        }
        if let Some(armed) = begun.armed
            && let Err(end) = self.await_armed(desk, armed).await
        {
            return end;
        }
        // Whatever fails up to here, Ctrl-Z has not been written: a byte the kernel did not take is not on the wire.
        match self.chat.submit(begun.payload, self.submit_deadline()).await {
            Ok(true) => self.await_reference().await,
            Ok(false) => left_the_prompt(),
            Err(lost) => End::not_sent(None, lost.to_string()).on(Line::Lost(lost)),
        }
    }

    async fn await_prompt(&mut self) -> Result<(), End> {
        loop {
            match self.chat.event().await {
                Ok(Event::Prompt) => return Ok(()),
                Ok(Event::Urc(urc)) => self.chat.keep(urc),
                Ok(Event::Failed(result, _)) => return Err(End::not_sent(result.code(), result.to_string())),
                Ok(Event::Done(_)) => return Err(End::not_sent(None, "OK instead of a prompt".to_owned())),
                Ok(Event::TimedOut(_)) => {
                    let detail = format!("no prompt within {} s", self.profile.deadlines.prompt.as_secs());
                    return Err(End::not_sent(None, detail).on(Line::Doubtful));
                }
                Err(lost) => return Err(End::not_sent(None, lost.to_string()).on(Line::Lost(lost))),
            }
        }
    }

    /// Holds the prompt until the armed mark is durable.
    async fn await_armed(&mut self, desk: &mut Desk, mut armed: oneshot::Receiver<bool>) -> Result<(), End> {
        let limit = clock::sleep(ARMING);
        tokio::pin!(limit);
        let end = loop {
            // Cancel safe: the verdict stays in its channel, octets stay in the engine. What the modem has said goes
            // before the verdict, since it may have left the prompt.
            let event = tokio::select! {
                biased;
                () = &mut limit => break End::not_sent(None, format!("not armed within {} s", ARMING.as_secs())),
                event = self.chat.event() => event,
                verdict = &mut armed => match verdict {
                    Ok(true) => return Ok(()),
                    Ok(false) | Err(_) => break End::of(SendOutcome::Withdrawn),
                },
                () = Desk::stopped(&mut desk.stop) => {
                    break End::not_sent(None, "the gateway is stopping".to_owned());
                }
            };
            match event {
                Ok(Event::Urc(urc)) => self.chat.keep(urc),
                Ok(Event::Failed(result, _)) => {
                    return Err(End::not_sent(result.code(), result.to_string()).on(Line::Doubtful));
                }
                Ok(_) => return Err(left_the_prompt()),
                Err(lost) => return Err(End::not_sent(None, lost.to_string()).on(Line::Lost(lost))),
            }
        };
        Err(match self.chat.cancel().await {
            Ok(()) => end,
            Err(lost) => end.on(Line::Lost(lost)),
        })
    }

    async fn await_reference(&mut self) -> End {
        loop {
            match self.chat.event().await {
                Ok(Event::Done(answer)) => return End::of(accepted(&answer)),
                Ok(Event::Failed(result, answer)) => return End::of(refused(&result, &answer, self.profile)),
                Ok(Event::TimedOut(answer)) => {
                    return End::of(cut_off(&answer, UncertainReason::Timeout)).on(Line::Doubtful);
                }
                Ok(Event::Urc(urc)) => self.chat.keep(urc),
                Ok(Event::Prompt) => {}
                Err(lost) => {
                    let answer = self.chat.abandon();
                    return End::of(cut_off(&answer, UncertainReason::HangUp)).on(Line::Lost(lost));
                }
            }
        }
    }
}

/// An end that came while the prompt was held. It may be of an exchange before, so the line is brought in step.
fn left_the_prompt() -> End {
    End::not_sent(None, "the modem left the prompt".to_owned()).on(Line::Doubtful)
}

impl End {
    fn of(outcome: SendOutcome) -> End {
        End { outcome, line: Line::Fine }
    }

    fn not_sent(code: Option<u16>, detail: String) -> End {
        End::of(SendOutcome::NotSent { code, detail })
    }

    fn on(self, line: Line) -> End {
        End { line, ..self }
    }
}

/// `OK` after the payload. The reference is believed when there is exactly one.
fn accepted(answer: &Answer) -> SendOutcome {
    let mut references = answer.bodies("+CMGS");
    let mr = match (references.next(), references.next()) {
        (Some(only), None) => sms::reference(&crate::at::Params::parse(only)),
        _ => None,
    };
    SendOutcome::Accepted { mr }
}

/// An error after the payload, with the standard's code for what it means to this make.
fn refused(result: &FinalResult, answer: &Answer, profile: &Profile) -> SendOutcome {
    if !answer.lines.is_empty() {
        // A reference and an error: one of them is wrong.
        return SendOutcome::Uncertain { reason: UncertainReason::Garbled, code: result.code() };
    }
    let code = match result {
        FinalResult::Cms(error) => error.code.map(|code| profile.standard_code(code)),
        FinalResult::Cme(error) => error.as_cms(),
        _ => None,
    };
    match code {
        Some(code) => SendOutcome::Rejected { code },
        None => SendOutcome::Uncertain { reason: UncertainReason::Code, code: result.code() },
    }
}

/// No final result. A reference is only given after the service centre's answer, so it decides without the `OK`.
fn cut_off(answer: &Answer, reason: UncertainReason) -> SendOutcome {
    match accepted(answer) {
        accepted @ SendOutcome::Accepted { mr: Some(_) } => accepted,
        _ => SendOutcome::Uncertain { reason, code: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::profile::GENERIC;

    fn answer(lines: &[&str]) -> Answer {
        Answer { lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn table_of_ends_with_ok() {
        for (lines, mr) in [
            (&["+CMGS: 7"][..], Some(7)),
            (&["+CMGS: 0"], Some(0)),
            (&["+CMGS: 7,\"0791\""], Some(7)),
            (&["+CMGS:255"], Some(255)),
            (&["+CMGS: 256"], None),
            (&["+CMGS: x"], None),
            (&[], None),
            (&["+CMGS: 1", "+CMGS: 2"], None),
        ] {
            assert_eq!(accepted(&answer(lines)), SendOutcome::Accepted { mr }, "{lines:?}");
        }
    }

    #[test]
    fn table_of_ends_with_an_error() {
        let uncertain = |code| SendOutcome::Uncertain { reason: UncertainReason::Code, code };
        for (result, want) in [
            ("+CMS ERROR: 38", SendOutcome::Rejected { code: 38 }),
            // What the code means is for the scheduler to say, also when it means that nobody knows.
            ("+CMS ERROR: 500", SendOutcome::Rejected { code: 500 }),
            ("+CMS ERROR: 512", SendOutcome::Rejected { code: 512 }),
            ("+CMS ERROR: SIM busy", SendOutcome::Rejected { code: 314 }),
            ("+CMS ERROR: vendor words", uncertain(None)),
            ("+CME ERROR: 515", SendOutcome::Rejected { code: 314 }),
            ("+CME ERROR: 30", SendOutcome::Rejected { code: 331 }),
            ("+CME ERROR: 1", uncertain(Some(1))),
            ("ERROR", uncertain(None)),
            ("COMMAND NOT SUPPORT", uncertain(None)),
        ] {
            let result = FinalResult::parse(result).unwrap();
            assert_eq!(refused(&result, &Answer::default(), &GENERIC), want, "{result}");
        }
        let both = refused(&FinalResult::Error, &answer(&["+CMGS: 7"]), &GENERIC);
        assert_eq!(both, SendOutcome::Uncertain { reason: UncertainReason::Garbled, code: None });
    }

    #[test]
    fn a_reference_decides_without_the_ok() {
        let reason = UncertainReason::Timeout;
        assert_eq!(cut_off(&answer(&["+CMGS: 7"]), reason), SendOutcome::Accepted { mr: Some(7) });
        for lines in [&[][..], &["+CMGS: x"]] {
            assert_eq!(cut_off(&answer(lines), reason), SendOutcome::Uncertain { reason, code: None });
        }
    }
}
