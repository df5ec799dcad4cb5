//! The states of a part, and how they roll up to the state of the message that the client sees.

use super::words::words;

/// Where a part stands: RELIABILITY §2.2. One part is one SMS-SUBMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PartState {
    /// Waits for a SIM.
    Ready = 0,
    /// Given to a lane; provably not sent.
    Claimed = 1,
    /// The mark before the payload is durable; it may leave at any moment.
    Armed = 2,
    /// The service centre has it.
    Acked = 3,
    /// Nobody knows whether it left.
    Ambiguous = 4,
    /// Never known (final).
    Unknown = 5,
    /// Refused for good (final).
    Failed = 6,
    /// The network gave up on it; a late report may still say delivered.
    FailedNet = 7,
    /// The service centre still tries.
    Pending = 8,
    /// In the recipient's phone (final).
    Delivered = 9,
    /// The centre is done with it but cannot say delivered (final).
    SentUnconfirmed = 10,
    /// Its time was over before it could be sent (final).
    Expired = 11,
    /// Sent; the report never came (final).
    NoReport = 12,
    /// Taken back by the client, or because an earlier part failed (final).
    Cancelled = 13,
}

impl PartState {
    /// All states, in the order of their numbers.
    pub const ALL: [PartState; 14] = [
        PartState::Ready,
        PartState::Claimed,
        PartState::Armed,
        PartState::Acked,
        PartState::Ambiguous,
        PartState::Unknown,
        PartState::Failed,
        PartState::FailedNet,
        PartState::Pending,
        PartState::Delivered,
        PartState::SentUnconfirmed,
        PartState::Expired,
        PartState::NoReport,
        PartState::Cancelled,
    ];

    /// The state with this number; `None` for a number that no version has used.
    pub fn from_number(n: u8) -> Option<PartState> {
        PartState::ALL.get(usize::from(n)).copied()
    }

    /// True when the service centre has had it.
    pub fn was_sent(self) -> bool {
        matches!(
            self,
            PartState::Acked
                | PartState::FailedNet
                | PartState::Pending
                | PartState::Delivered
                | PartState::SentUnconfirmed
                | PartState::NoReport
        )
    }

    /// True when nothing more is to happen to it by our doing.
    pub fn is_final(self) -> bool {
        !matches!(
            self,
            PartState::Ready
                | PartState::Claimed
                | PartState::Armed
                | PartState::Acked
                | PartState::Ambiguous
                | PartState::Pending
        )
    }
}

words! {
    /// The state of a message as clients see it.
    pub enum PublicState {
        /// Accepted, nothing sent yet.
        Queued = 0 "queued",
        /// A part is on its way to the network, or some parts are through and others wait.
        Sending = 1 "sending",
        /// The service centre has all parts.
        Sent = 2 "sent",
        /// All parts are in the recipient's phone (final).
        Delivered = 3 "delivered",
        /// It will not arrive whole (final, but a late report may still say delivered).
        Failed = 4 "failed",
        /// Its time was over (final).
        Expired = 5 "expired",
        /// Taken back before anything was sent (final).
        Cancelled = 6 "cancelled",
        /// Nobody knows whether a part left; being resolved.
        Uncertain = 7 "uncertain",
        /// Never known whether it left (final).
        Unknown = 8 "unknown",
        /// The service centre is done but does not say delivered (final).
        SentUnconfirmed = 9 "sent_unconfirmed",
        /// Sent; no report came in time (final).
        NoReport = 10 "no_report",
    }
}

impl PublicState {
    /// True when no further change is to be expected.
    pub fn is_final(self) -> bool {
        !matches!(self, PublicState::Queued | PublicState::Sending | PublicState::Sent | PublicState::Uncertain)
    }
}

/// States that decide the message as soon as one part has them, strongest first.
const DECISIVE: [(PartState, PublicState); 6] = [
    (PartState::Failed, PublicState::Failed),
    (PartState::FailedNet, PublicState::Failed),
    (PartState::Expired, PublicState::Expired),
    (PartState::Ambiguous, PublicState::Uncertain),
    (PartState::Armed, PublicState::Sending),
    (PartState::Unknown, PublicState::Unknown),
];

/// States of parts that are all through, the least certain first.
const THROUGH: [(PartState, PublicState); 5] = [
    (PartState::Acked, PublicState::Sent),
    (PartState::Pending, PublicState::Sent),
    (PartState::NoReport, PublicState::NoReport),
    (PartState::SentUnconfirmed, PublicState::SentUnconfirmed),
    (PartState::Delivered, PublicState::Delivered),
];

/// The message's state from its parts'. An empty slice is `queued`.
pub fn roll_up(parts: &[PartState]) -> PublicState {
    let any = |state: PartState| parts.contains(&state);
    let waiting = any(PartState::Ready) || any(PartState::Claimed);
    let sent = parts.iter().any(|state| state.was_sent());
    for (part, message) in DECISIVE {
        // Parts that still wait are tried after an unknown one, so it is not the end yet.
        let not_yet = part == PartState::Unknown && waiting;
        if any(part) && !not_yet {
            return message;
        }
    }
    if any(PartState::Cancelled) {
        return if sent { PublicState::Failed } else { PublicState::Cancelled };
    }
    if waiting {
        let begun = sent || any(PartState::Unknown);
        return if begun { PublicState::Sending } else { PublicState::Queued };
    }
    THROUGH.into_iter().find(|(part, _)| any(*part)).map_or(PublicState::Queued, |(_, message)| message)
}

#[cfg(test)]
mod tests {
    use super::PartState::*;
    use super::*;

    #[test]
    fn table_of_roll_ups() {
        for (parts, want) in [
            (&[Ready][..], PublicState::Queued),
            (&[Claimed, Ready], PublicState::Queued),
            (&[Armed], PublicState::Sending),
            (&[Acked, Ready], PublicState::Sending),
            (&[Acked, Claimed], PublicState::Sending),
            (&[Acked], PublicState::Sent),
            (&[Acked, Delivered], PublicState::Sent),
            (&[Pending, Delivered], PublicState::Sent),
            (&[Delivered, Delivered], PublicState::Delivered),
            (&[Delivered, SentUnconfirmed], PublicState::SentUnconfirmed),
            (&[Delivered, NoReport], PublicState::NoReport),
            (&[Ambiguous], PublicState::Uncertain),
            (&[Acked, Ambiguous, Ready], PublicState::Uncertain),
            (&[Unknown], PublicState::Unknown),
            (&[Unknown, Ready], PublicState::Sending),
            (&[Unknown, Acked], PublicState::Unknown),
            (&[Delivered, Unknown], PublicState::Unknown),
            (&[Failed], PublicState::Failed),
            (&[Acked, Failed, Cancelled], PublicState::Failed),
            (&[Delivered, FailedNet], PublicState::Failed),
            (&[Acked, Cancelled], PublicState::Failed),
            (&[Cancelled, Cancelled], PublicState::Cancelled),
            (&[Expired], PublicState::Expired),
            (&[Acked, Expired], PublicState::Expired),
        ] {
            assert_eq!(roll_up(parts), want, "{parts:?}");
        }
    }

    #[test]
    fn states_stand_by_their_numbers() {
        for (n, state) in PartState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, n);
        }
    }
}
