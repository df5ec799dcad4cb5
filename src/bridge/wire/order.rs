//! What is asked of a modem beside messages, and what came of it.

use super::command::{command, transaction};
use super::fields::{Fields, invalid};
use crate::gateway::{Carried, Order, TypedLine};
use crate::model::{Label, Refusal};
use serde_json::{Value, json};

/// A checked order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCommand {
    /// The modem, or the SIM in it.
    pub modem: Label,
    /// What it is to do.
    pub order: Order,
    /// The client's word for this request, repeated in the answer.
    pub transaction: Option<String>,
}

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderVerb {
    /// `{"modem", "code"}`, or `{"modem", "end": true}`.
    Ussd,
    /// `{"modem"}`
    Restart,
    /// `{"modem", "slot"}`
    SimSlot,
    /// `{"modem"}`
    Phonebook,
    /// `{"modem", "command"}`
    At,
}

impl OrderVerb {
    /// All.
    pub const ALL: [OrderVerb; 5] =
        [OrderVerb::Ussd, OrderVerb::Restart, OrderVerb::SimSlot, OrderVerb::Phonebook, OrderVerb::At];

    /// The verb with this word.
    pub fn named(word: &str) -> Option<OrderVerb> {
        OrderVerb::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// Its word in topics and on the control socket.
    pub fn word(self) -> &'static str {
        match self {
            OrderVerb::Ussd => "ussd",
            OrderVerb::Restart => "modem_restart",
            OrderVerb::SimSlot => "sim_slot",
            OrderVerb::Phonebook => "phonebook",
            OrderVerb::At => "at",
        }
    }
}

/// Reads an order.
pub fn parse_order(verb: OrderVerb, payload: &[u8]) -> Result<OrderCommand, Refusal> {
    command(payload, |fields| {
        let keys: &[&str] = match verb {
            OrderVerb::Ussd => &["modem", "code", "end", "transaction"],
            OrderVerb::Restart | OrderVerb::Phonebook => &["modem", "transaction"],
            OrderVerb::SimSlot => &["modem", "slot", "transaction"],
            OrderVerb::At => &["modem", "command", "transaction"],
        };
        fields.only(keys)?;
        let transaction = transaction(fields)?;
        let modem = fields.text("modem")?.ok_or_else(|| invalid("/modem", "missing; a label of `gsmgate modems`"))?;
        let modem = modem.parse().map_err(|error: crate::model::IdError| invalid("/modem", error.to_string()))?;
        Ok(OrderCommand { modem, order: order(verb, fields)?, transaction })
    })
}

fn order(verb: OrderVerb, fields: &mut Fields<'_>) -> Result<Order, Refusal> {
    Ok(match verb {
        OrderVerb::Restart => Order::Restart,
        OrderVerb::Phonebook => Order::Phonebook,
        OrderVerb::SimSlot => {
            let slot = fields.integer("slot", 1, 8)?.ok_or_else(|| invalid("/slot", "missing; 1 is the first"))?;
            Order::SimSlot(u8::try_from(slot).unwrap_or(u8::MAX))
        }
        OrderVerb::Ussd => {
            let code = fields.text("code")?;
            match (code, fields.boolean("end")?.unwrap_or(false)) {
                (Some(code), false) => Order::Ussd(code.into_owned()),
                (None, true) => Order::EndUssd,
                (None, false) => return Err(invalid("/code", "missing; such as *100#")),
                (Some(_), true) => return Err(invalid("/end", "goes without code")),
            }
        }
        OrderVerb::At => {
            let line = fields.text("command")?.ok_or_else(|| invalid("/command", "missing; such as AT+CSQ"))?;
            let line =
                TypedLine::try_from(line.into_owned()).map_err(|error| invalid("/command", error.to_string()))?;
            Order::Typed(line)
        }
    })
}

/// What came of an order.
pub fn carried(carried: &Carried) -> Value {
    match carried {
        Carried::Out => json!({}),
        Carried::Lines(lines, result) => json!({ "lines": lines, "result": result }),
        Carried::Ussd { text, wants_answer } => json!({ "text": text, "wants_answer": wants_answer }),
        Carried::Phonebook(entries) => {
            let one = |entry: &crate::gateway::Entry| json!({ "place": entry.place, "number": entry.number, "name": entry.name });
            json!({ "entries": entries.iter().map(one).collect::<Vec<_>>() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RefusalCode;

    fn read(verb: OrderVerb, payload: &str) -> Result<Order, (RefusalCode, Option<String>)> {
        let command = parse_order(verb, payload.as_bytes());
        command.map(|command| command.order).map_err(|refusal| (refusal.code, refusal.field))
    }

    #[test]
    fn table_of_orders() {
        let invalid = |field: &str| Err((RefusalCode::InvalidField, Some(field.to_owned())));
        for (verb, payload, want) in [
            (OrderVerb::Ussd, r#"{"modem":"m","code":"*100#"}"#, Ok(Order::Ussd("*100#".to_owned()))),
            (OrderVerb::Ussd, r#"{"modem":"m","end":true}"#, Ok(Order::EndUssd)),
            (OrderVerb::Ussd, r#"{"modem":"m"}"#, invalid("/code")),
            (OrderVerb::Ussd, r#"{"modem":"m","code":"1","end":true}"#, invalid("/end")),
            (OrderVerb::Restart, r#"{"modem":"m","transaction":"t"}"#, Ok(Order::Restart)),
            (OrderVerb::Restart, r#"{"modem":"M!"}"#, invalid("/modem")),
            (OrderVerb::Restart, r#"{}"#, invalid("/modem")),
            (OrderVerb::Restart, r#"{"modem":"m","code":"1"}"#, invalid("/code")),
            (OrderVerb::SimSlot, r#"{"modem":"m","slot":2}"#, Ok(Order::SimSlot(2))),
            (OrderVerb::SimSlot, r#"{"modem":"m","slot":0}"#, invalid("/slot")),
            (OrderVerb::Phonebook, r#"{"modem":"m"}"#, Ok(Order::Phonebook)),
            (OrderVerb::At, r#"{"modem":"m","command":"AT+CMGS=1"}"#, invalid("/command")),
            (OrderVerb::At, r#"{"modem":"m"}"#, invalid("/command")),
        ] {
            assert_eq!(read(verb, payload), want, "{payload}");
        }
        assert!(matches!(read(OrderVerb::At, r#"{"modem":"m","command":"AT+CSQ"}"#), Ok(Order::Typed(_))));
        assert_eq!(OrderVerb::named("modem_restart"), Some(OrderVerb::Restart));
        assert_eq!(OrderVerb::named("reboot"), None);
    }

    #[test]
    fn what_came_of_it() {
        let lines = Carried::Lines(vec!["+CSQ: 20,99".to_owned()], "OK".to_owned());
        assert_eq!(carried(&lines), json!({ "lines": ["+CSQ: 20,99"], "result": "OK" }));
        let said = Carried::Ussd { text: "1 Top up".to_owned(), wants_answer: true };
        assert_eq!(carried(&said), json!({ "text": "1 Top up", "wants_answer": true }));
        assert_eq!(carried(&Carried::Out), json!({}));
    }
}
