//! Carries out commands: many at a time, those with one id in order, each acknowledged when it is durable.

use super::client::{Client, Command, Echo, MAX_ECHO, RECEIVE_MAXIMUM};
use super::tickets::Ticket;
use super::told;
use super::topics::{Topics, Verb};
use crate::bridge::wire::{self, ByIdCommand, Defaults, OrderCommand, SendCommand};
use crate::gateway::{Gateway, Order, Origin};
use crate::model::{Label, MessageId, Refusal, RefusalCode, Timestamp};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Commands in hand at a time: what the broker may send at QoS 1, and as many at QoS 0.
const IN_HAND: usize = 2 * RECEIVE_MAXIMUM as usize;

/// The receiver of commands.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) gateway: Gateway,
    pub(super) client: Client,
    pub(super) topics: Topics,
    pub(super) commands: mpsc::Receiver<Command>,
    /// Octets of the commands that wait.
    pub(super) waiting: Arc<AtomicUsize>,
}

/// A command that was read.
#[derive(Debug)]
struct Work {
    action: Result<Action, Refusal>,
    /// The client's id: commands with an equal one are carried out one after the other.
    id: Option<MessageId>,
    transaction: Option<String>,
    answer: Answer,
    ticket: Option<Ticket>,
}

#[derive(Debug)]
enum Action {
    Send(SendCommand, Option<Origin>),
    Cancel(MessageId),
    Get(MessageId),
    Order(Label, Order),
}

/// Where the answer goes.
#[derive(Debug)]
struct Answer {
    topic: String,
    /// Whether success is answered too.
    to_success: bool,
    echo: Echo,
}

impl Inbound {
    /// Runs until told to stop; ends what is in hand then.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut tasks: JoinSet<Option<MessageId>> = JoinSet::new();
        let mut active = HashSet::new();
        let mut waiting = VecDeque::new();
        loop {
            let stopping = *stop.borrow();
            if stopping && tasks.is_empty() && waiting.is_empty() {
                return;
            }
            tokio::select! {
                Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                    // A panic is nobody's command any more: the bridge begins anew, and the broker sends it again.
                    let ended = ended.expect("carrying out a command does not panic");
                    if let Some(id) = ended {
                        active.remove(&id);
                    }
                }
                command = self.commands.recv(), if !stopping && tasks.len() + waiting.len() < IN_HAND => {
                    let Some(command) = command else { return };
                    self.waiting.fetch_sub(command.octets(), Ordering::Relaxed);
                    let ticket = command.ticket;
                    if let Some(work) = read(command, &self.topics, self.gateway.now()) {
                        waiting.push_back(work);
                    } else if let Some(ticket) = ticket {
                        // Unacknowledged, it would come again at every connection and hold a place of the window.
                        self.client.acknowledge(ticket);
                    }
                }
                () = told(&mut stop), if !stopping => {}
            }
            while let Some(work) = next(&mut waiting, &active) {
                active.extend(work.id.clone());
                tasks.spawn(carry_out(work, self.gateway.clone(), self.client.clone(), stop.clone()));
            }
        }
    }
}

/// The first that waits for none with the same id.
fn next(waiting: &mut VecDeque<Work>, active: &HashSet<MessageId>) -> Option<Work> {
    let free = |work: &Work| work.id.as_ref().is_none_or(|id| !active.contains(id));
    let at = waiting.iter().position(free)?;
    waiting.remove(at)
}

/// Does what writes, and again while the store takes nothing: until then the command is the broker's. `None`: the bridge is to
/// stop.
async fn when_room<T, E, F: Future<Output = Result<T, E>>>(
    gateway: &Gateway,
    stop: &mut watch::Receiver<bool>,
    act: impl Fn() -> F,
) -> Option<Result<T, E>> {
    loop {
        if !has_room(gateway, stop).await {
            return None;
        }
        let done = act().await;
        // It may turn out to be full with this very command.
        if done.is_ok() || !gateway.store_state().borrow().is_held() {
            return Some(done);
        }
    }
}

/// Waits while the store takes nothing. False: the bridge is to stop.
async fn has_room(gateway: &Gateway, stop: &mut watch::Receiver<bool>) -> bool {
    let mut state = gateway.store_state();
    tokio::select! {
        room = state.wait_for(|state| !state.is_held()) => room.is_ok(),
        () = told(stop) => false,
    }
}

/// Returns the id that is free again.
async fn carry_out(
    mut work: Work,
    gateway: Gateway,
    client: Client,
    mut stop: watch::Receiver<bool>,
) -> Option<MessageId> {
    if matches!(work.action, Ok(Action::Order(..)))
        && let Some(ticket) = work.ticket.take()
    {
        // It may spend money, or restart a modem: rather never than twice.
        client.acknowledge(ticket);
    }
    let id = work.id.clone();
    match answer(&mut work, &gateway, &mut stop).await {
        Some(payload) => {
            if let Some(payload) = payload {
                client.answer(work.answer.topic, payload, work.answer.echo).await;
            }
            if let Some(ticket) = work.ticket {
                client.acknowledge(ticket);
            }
        }
        // The broker keeps it.
        None => {
            if let Some(ticket) = work.ticket {
                client.leave(ticket);
            }
        }
    }
    id
}

/// What is answered, if anything; `None`: nothing durable came of the command.
async fn answer(work: &mut Work, gateway: &Gateway, stop: &mut watch::Receiver<bool>) -> Option<Option<Vec<u8>>> {
    let action = std::mem::replace(&mut work.action, Err(Refusal::new(RefusalCode::Internal, "it is taken")));
    let result = match action {
        Ok(Action::Send(command, origin)) => {
            let submit = || gateway.submit(command.submissions.clone(), origin.clone());
            when_room(gateway, stop, submit).await?.map(|receipts| wire::receipts(&receipts))
        }
        Ok(Action::Cancel(id)) => {
            when_room(gateway, stop, || gateway.cancel(&id)).await?.map(|state| state_of(&id, state.word()))
        }
        Ok(Action::Order(modem, order)) => gateway.order(&modem, order).await.map(|carried| wire::carried(&carried)),
        Ok(Action::Get(id)) => gateway.message(&id).await.map(|view| wire::message(&view)),
        Err(refusal) => Err(refusal),
    };
    let refusal = match result {
        Ok(data) => return Some(work.answer.to_success.then(|| wire::ok(data, work.transaction.as_deref()))),
        Err(refusal) => Refusal {
            id: refusal.id.or_else(|| work.id.as_ref().map(MessageId::to_string)),
            transaction: refusal.transaction.or_else(|| work.transaction.take()),
            ..refusal
        },
    };
    let payload = wire::error(&refusal);
    // Without a durable trace the broker keeps the command.
    let is_kept = refusal.code != RefusalCode::Internal
        && when_room(gateway, stop, || gateway.refuse(refusal.clone())).await?.is_ok();
    if !is_kept {
        tracing::error!("the store failed: a refusal is not kept");
        return None;
    }
    Some(Some(payload))
}

fn state_of(id: &MessageId, state: &str) -> Value {
    json!({ "id": id.as_str(), "state": state })
}

/// Reads a command. `None`: there is nothing to do, as when a retained message is cleared.
fn read(command: Command, topics: &Topics, now: Timestamp) -> Option<Work> {
    let verb = topics.verb(&command.topic)?;
    if command.retained && command.payload.is_empty() {
        return None;
    }
    let mut id = None;
    let mut transaction = None;
    let action = allowed(&command, topics).and_then(|()| match verb {
        Verb::Send | Verb::SendTo(_) => {
            let mut read = read_send(verb, &command, now)?;
            (id, transaction) = (read.id.take(), read.transaction.take());
            Ok(Action::Send(read, origin(&command)))
        }
        Verb::Cancel | Verb::Get => {
            let ByIdCommand { id: named, transaction: word } = wire::parse_by_id(&command.payload)?;
            (id, transaction) = (Some(named.clone()), word);
            Ok(if verb == Verb::Cancel { Action::Cancel(named) } else { Action::Get(named) })
        }
        Verb::Order(verb) => {
            let OrderCommand { modem, order, transaction: word } = wire::parse_order(verb, &command.payload)?;
            transaction = word;
            Ok(Action::Order(modem, order))
        }
        Verb::Unknown => {
            let detail = "this version knows send, send/<digits>, and as requests: cancel, get, ussd, modem_restart, \
                          sim_slot, phonebook";
            Err(Refusal::new(RefusalCode::Unsupported, detail))
        }
    });
    let response_topic = command.response_topic.filter(|topic| topics.may_answer_to(topic));
    let asked = response_topic.is_some() || transaction.is_some();
    let answer = Answer {
        to_success: asked || matches!(verb, Verb::Cancel | Verb::Get | Verb::Order(_)),
        topic: response_topic.unwrap_or_else(|| topics.response(verb)),
        echo: echo(command.correlation, command.user_properties),
    };
    Some(Work { action, id, transaction, answer, ticket: command.ticket })
}

/// Refuses what no payload can make good.
fn allowed(command: &Command, topics: &Topics) -> Result<(), Refusal> {
    if command.retained {
        let detail = "a retained command would be carried out again at every connection; publish it without retain, \
                      and clear the topic with an empty retained message";
        return Err(Refusal::new(RefusalCode::RetainedCommand, detail));
    }
    match &command.response_topic {
        Some(topic) if !topics.may_answer_to(topic) => {
            let detail = "the response topic holds a wildcard, begins with $, is longer than 256 octets, or lies under \
                          our base topic and not under its response/";
            Err(Refusal::new(RefusalCode::InvalidField, detail))
        }
        _ => Ok(()),
    }
}

fn read_send(verb: Verb<'_>, command: &Command, now: Timestamp) -> Result<SendCommand, Refusal> {
    let expires_in = command.expiry.map(|seconds| Duration::from_secs(u64::from(seconds).max(1)));
    let defaults = Defaults { expires_in, ..Defaults::default() };
    match verb {
        Verb::SendTo(digits) => wire::plain_text(digits, &command.payload, now, &defaults),
        _ => wire::parse_send(&command.payload, now, &defaults),
    }
}

/// What names a command that has no id. A topic holds no NUL, so the two cannot run into each other.
fn origin(command: &Command) -> Option<Origin> {
    let (topic, correlation) = (command.response_topic.as_ref()?, command.correlation.as_ref()?);
    Some(Origin([topic.as_bytes(), b"\0", correlation].concat()))
}

/// What the answer carries over; what is too long to be an identity is left out.
fn echo(correlation: Option<Vec<u8>>, user_properties: Vec<(String, String)>) -> Echo {
    let mut room = MAX_ECHO;
    let mut fits = |octets: usize| {
        let rest = room.checked_sub(octets);
        room = rest.unwrap_or(room);
        rest.is_some()
    };
    Echo {
        correlation: correlation.filter(|data| fits(data.len())),
        user_properties: user_properties.into_iter().filter(|(key, value)| fits(key.len() + value.len())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RefusalCode::{InvalidField, InvalidJson, InvalidNumber, RetainedCommand, Unsupported};

    const NOW: Timestamp = Timestamp(1_795_572_000_000);

    fn command(topic: &str, payload: &str) -> Command {
        Command {
            topic: format!("gsmgate/pi1/{topic}"),
            payload: payload.as_bytes().to_vec(),
            retained: false,
            expiry: None,
            response_topic: None,
            correlation: None,
            user_properties: Vec::new(),
            ticket: None,
        }
    }

    fn work(command: Command) -> Option<Work> {
        read(command, &Topics::new("gsmgate/pi1"), NOW)
    }

    const GOOD: &str = r#"{"to":"+491701234567","text":"a","id":"x","transaction":"t"}"#;

    #[test]
    fn table_of_refusals() {
        let retained = |topic, payload| Command { retained: true, ..command(topic, payload) };
        let to = |topic: &str| Command { response_topic: Some(topic.to_owned()), ..command("send", GOOD) };
        for (command, code, topic) in [
            (command("send", "x"), InvalidJson, "gsmgate/pi1/response/send"),
            (retained("send", GOOD), RetainedCommand, "gsmgate/pi1/response/send"),
            (retained("send/491701234567", "a"), RetainedCommand, "gsmgate/pi1/response/send"),
            (retained("request/cancel", r#"{"id":"x"}"#), RetainedCommand, "gsmgate/pi1/response/cancel"),
            (command("send/12x", "a"), InvalidNumber, "gsmgate/pi1/response/send"),
            (command("request/cancel", "{}"), InvalidField, "gsmgate/pi1/response/cancel"),
            (command("request/reboot", "{}"), Unsupported, "gsmgate/pi1/response/request"),
            (command("notify/anna", "hello"), Unsupported, "gsmgate/pi1/response/request"),
            (to("gsmgate/pi1/send"), InvalidField, "gsmgate/pi1/response/send"),
            (to("app/#"), InvalidField, "gsmgate/pi1/response/send"),
            (Command { payload: vec![0xff], ..to("app/1") }, InvalidJson, "app/1"),
        ] {
            let shown = format!("{command:?}");
            let work = work(command).unwrap();
            assert_eq!(work.action.unwrap_err().code, code, "{shown}");
            assert_eq!(work.answer.topic, topic, "{shown}");
        }
    }

    #[test]
    fn what_is_nothing_to_do() {
        assert!(work(Command { retained: true, ..command("send", "") }).is_none());
        assert!(work(command("status/x", "{}")).is_none());
        assert!(work(Command { topic: "other/send".into(), ..command("", GOOD) }).is_none());
    }

    #[test]
    fn success_is_answered_to_who_asks() {
        let plain = r#"{"to":"+491701234567","text":"a"}"#;
        let to = |payload| Command { response_topic: Some("app/1".into()), ..command("send", payload) };
        for (command, to_success, topic) in [
            (command("send", plain), false, "gsmgate/pi1/response/send"),
            (command("send/491701234567", "a"), false, "gsmgate/pi1/response/send"),
            (command("send", GOOD), true, "gsmgate/pi1/response/send"),
            (to(plain), true, "app/1"),
            (command("request/get", r#"{"id":"x"}"#), true, "gsmgate/pi1/response/get"),
        ] {
            let work = work(command).unwrap();
            assert!(work.action.is_ok());
            assert_eq!((work.answer.to_success, work.answer.topic.as_str()), (to_success, topic));
        }
    }

    #[test]
    fn an_origin_needs_both_halves() {
        let with = |topic: Option<&str>, data: Option<&[u8]>| Command {
            response_topic: topic.map(str::to_owned),
            correlation: data.map(<[u8]>::to_vec),
            ..command("send", GOOD)
        };
        assert_eq!(origin(&with(Some("a"), None)), None);
        assert_eq!(origin(&with(None, Some(b"1"))), None);
        assert_eq!(origin(&with(Some("a"), Some(b"1"))), Some(Origin(b"a\x001".to_vec())));
    }

    #[test]
    fn message_expiry_is_the_expiry() {
        let work = work(Command { expiry: Some(60), ..command("send", GOOD) }).unwrap();
        let Ok(Action::Send(command, _)) = work.action else { panic!("{work:?}") };
        assert_eq!(command.submissions[0].expires_at, Some(NOW.after(Duration::from_secs(60))));
    }

    #[test]
    fn an_echo_is_bounded() {
        let pair = |n: usize| ("k".to_owned(), "v".repeat(n));
        let echo = echo(Some(vec![0; 100]), vec![pair(10), pair(5_000), pair(20)]);
        assert_eq!(echo.correlation.map(|data| data.len()), Some(100));
        assert_eq!(echo.user_properties, [pair(10), pair(20)]);
    }

    #[test]
    fn equal_ids_wait_for_each_other() {
        let mut waiting: VecDeque<_> = ["a", "a", "b"]
            .into_iter()
            .map(|id| work(command("request/get", &format!(r#"{{"id":"{id}"}}"#))).unwrap())
            .collect();
        let mut active = HashSet::new();
        let mut started = Vec::new();
        while let Some(work) = next(&mut waiting, &active) {
            started.push(work.id.clone().unwrap().to_string());
            active.extend(work.id);
        }
        assert_eq!(started, ["a", "b"]);
        active.clear();
        assert_eq!(next(&mut waiting, &active).and_then(|work| work.id).unwrap().as_str(), "a");
    }
}
