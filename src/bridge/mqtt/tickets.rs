//! Which publishes at QoS 1 are in hand. One that comes again with a resumed session is carried out once.
//!
//! A packet id cannot mean another message before we acknowledged it (MQTT 5 §4.3.2, §4.4), so what comes again
//! unacknowledged is known without looking at it. What was acknowledged and comes again, because the link took the
//! PUBACK with it, cannot be told from a new message: it is carried out, and its `id` tells.

use std::collections::HashMap;

/// The right to acknowledge one publish, which ends with its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    packet: u16,
    session: u64,
}

/// What a publish is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// To be carried out.
    New(Ticket),
    /// Still being carried out; it is acknowledged then.
    InHand,
    /// Carried out after the link was gone: to be acknowledged now.
    Done(Ticket),
}

/// All publishes that are not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// Sessions that the broker lost.
    session: u64,
    /// Connections that have ended.
    ended: u64,
    open: HashMap<u16, Open>,
}

#[derive(Debug)]
struct Open {
    /// The connection in which it came last.
    connection: u64,
    done: bool,
}

impl Tickets {
    /// A connection has begun, with the session from before or without.
    pub(super) fn begin(&mut self, resumed: bool) {
        if !resumed {
            self.session += 1;
            self.open.clear();
        }
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) {
        self.ended += 1;
    }

    /// A publish came.
    pub(super) fn take(&mut self, packet: u16) -> Taken {
        let ticket = Ticket { packet, session: self.session };
        let connection = self.ended;
        match self.open.get_mut(&packet) {
            None => {
                self.open.insert(packet, Open { connection, done: false });
                Taken::New(ticket)
            }
            Some(open) => {
                open.connection = connection;
                if open.done { Taken::Done(ticket) } else { Taken::InHand }
            }
        }
    }

    /// A publish is carried out. Its packet id where it is to be [acknowledged](Self::acknowledged) now; else it comes
    /// again.
    pub(super) fn done(&mut self, ticket: Ticket) -> Option<u16> {
        if ticket.session != self.session {
            return None;
        }
        let open = self.open.get_mut(&ticket.packet)?;
        open.done = true;
        (open.connection == self.ended).then_some(ticket.packet)
    }

    /// The acknowledgement is on its way: the packet id is free.
    pub(super) fn acknowledged(&mut self, packet: u16) {
        self.open.remove(&packet);
    }

    /// A publish is left to the broker: when it comes again, it is carried out.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        if ticket.session == self.session {
            self.open.remove(&ticket.packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(tickets: &mut Tickets, packet: u16) -> Ticket {
        match tickets.take(packet) {
            Taken::New(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn reconnect(tickets: &mut Tickets, resumed: bool) {
        tickets.end();
        tickets.begin(resumed);
    }

    #[test]
    fn an_acknowledged_packet_id_is_free() {
        let mut tickets = Tickets::default();
        let ticket = new(&mut tickets, 1);
        assert_eq!(tickets.done(ticket), Some(1));
        tickets.acknowledged(1);
        new(&mut tickets, 1);
    }

    #[test]
    fn an_acknowledgement_that_found_no_room_is_due_when_the_publish_comes_again() {
        let mut tickets = Tickets::default();
        let ticket = new(&mut tickets, 1);
        assert_eq!(tickets.done(ticket), Some(1));
        reconnect(&mut tickets, true);
        assert_eq!(tickets.take(1), Taken::Done(ticket));
        assert_eq!(tickets.done(ticket), Some(1));
    }

    #[test]
    fn what_comes_again_in_hand_is_acknowledged_once_it_is_done() {
        let mut tickets = Tickets::default();
        let ticket = new(&mut tickets, 1);
        reconnect(&mut tickets, true);
        assert_eq!(tickets.take(1), Taken::InHand);
        assert_eq!(tickets.done(ticket), Some(1));
    }

    #[test]
    fn what_was_done_without_a_link_is_acknowledged_when_it_comes_again() {
        let mut tickets = Tickets::default();
        let ticket = new(&mut tickets, 1);
        tickets.end();
        assert_eq!(tickets.done(ticket), None);
        tickets.begin(true);
        assert_eq!(tickets.take(1), Taken::Done(ticket));
        assert_eq!(tickets.done(ticket), Some(1));
        tickets.acknowledged(1);
        new(&mut tickets, 1);
    }

    #[test]
    fn a_lost_session_acknowledges_nothing_of_before() {
        let mut tickets = Tickets::default();
        let before = new(&mut tickets, 1);
        reconnect(&mut tickets, false);
        let after = new(&mut tickets, 1);
        assert_eq!(tickets.done(before), None);
        tickets.leave(before);
        assert_eq!(tickets.done(after), Some(1));
    }

    #[test]
    fn what_is_left_to_the_broker_is_carried_out_when_it_comes_again() {
        let mut tickets = Tickets::default();
        let ticket = new(&mut tickets, 1);
        tickets.leave(ticket);
        assert_eq!(tickets.done(ticket), None);
        reconnect(&mut tickets, true);
        new(&mut tickets, 1);
    }
}
