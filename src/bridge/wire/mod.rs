//! The JSON that all bridges speak: commands in, events, views and replies out.

mod base64;
mod command;
mod event;
mod fields;
mod json;
mod order;
mod reply;
mod time;
mod view;

pub use command::{
    ByIdCommand, Defaults, MAX_PAYLOAD, MAX_RECIPIENTS, SendCommand, parse_by_id, parse_send, plain_text,
};
pub use event::{Topic, topic, write};
pub use order::{OrderCommand, OrderVerb, carried, parse_order};
pub use reply::{error, ok, receipts};
pub use view::{counts, message, modem, sim};

#[cfg(test)]
mod tests;
