//! Which SIM carries a part: facts of the lanes in, a choice with its reason out.

use crate::model::{Iccid, Label, Timestamp};

/// What the choice needs to know of one lane.
#[derive(Debug, Clone)]
pub struct LaneFacts<'a> {
    /// The SIM's label.
    pub sim: &'a Label,
    /// The SIM.
    pub iccid: &'a Iccid,
    /// The driver can take a part and the network takes messages.
    pub ready: bool,
    /// Room for one more claim.
    pub has_room: bool,
    /// Closed until then: a limit is used up or the breaker is open.
    pub closed_until: Timestamp,
    /// Parts claimed or in the air.
    pub in_hand: usize,
    /// Parts given to it since the start: breaks ties in turn.
    pub given: u64,
    /// An earlier try of this message was refused because of this SIM or its modem.
    pub avoid: bool,
}

/// What the choice needs to know of the message.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Only the SIM with this label.
    pub pinned: Option<&'a Label>,
    /// Earlier parts went out by this SIM; the rest must follow.
    pub bound: Option<&'a Iccid>,
}

/// Why no lane was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLane {
    /// A lane that may carry it has no room: wait.
    Busy,
    /// Every lane that may carry it is closed, the first until then.
    Closed(Timestamp),
    /// No lane that may carry it is there now.
    Absent,
}

/// The lane with the fewest parts in hand among those that may carry the message, and why.
pub fn choose(lanes: &[LaneFacts<'_>], wanted: Wanted<'_>, now: Timestamp) -> Result<(usize, &'static str), NoLane> {
    let allowed = |lane: &LaneFacts<'_>| {
        lane.ready
            && wanted.pinned.is_none_or(|label| label == lane.sim)
            && wanted.bound.is_none_or(|iccid| iccid == lane.iccid)
    };
    let candidates = lanes.iter().enumerate().filter(|(_, lane)| allowed(lane));
    let total = candidates.clone().count();
    if total == 0 {
        return Err(NoLane::Absent);
    }
    let open = candidates.clone().filter(|(_, lane)| lane.closed_until <= now);
    if open.clone().next().is_none() {
        let opens = candidates.map(|(_, lane)| lane.closed_until).min();
        return Err(opens.map_or(NoLane::Absent, NoLane::Closed));
    }
    // A SIM that refused this message is used again only when there is no other.
    let fresh = open.clone().any(|(_, lane)| !lane.avoid);
    open.filter(|(_, lane)| lane.has_room && !(fresh && lane.avoid))
        .min_by_key(|(_, lane)| (lane.in_hand, lane.given))
        .map(|(index, _)| (index, reason(wanted, total, fresh, lanes)))
        .ok_or(NoLane::Busy)
}

fn reason(wanted: Wanted<'_>, total: usize, fresh: bool, lanes: &[LaneFacts<'_>]) -> &'static str {
    if wanted.pinned.is_some() {
        "asked for by the client"
    } else if wanted.bound.is_some() {
        "earlier parts went out by it"
    } else if total == 1 {
        if lanes.len() == 1 { "the only SIM" } else { "the only SIM that is ready" }
    } else if fresh && lanes.iter().any(|lane| lane.avoid) {
        "another SIM refused it before"
    } else {
        "least loaded"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100);

    struct Fixture(Vec<(Label, Iccid)>);

    impl Fixture {
        fn new() -> Fixture {
            let row = |n: u32| (format!("sim-{n}").parse().unwrap(), format!("894900000000000000{n}").parse().unwrap());
            Fixture(vec![row(1), row(2)])
        }

        fn lanes(&self) -> Vec<LaneFacts<'_>> {
            let lane = |(sim, iccid)| LaneFacts {
                sim,
                iccid,
                ready: true,
                has_room: true,
                closed_until: Timestamp(0),
                in_hand: 0,
                given: 0,
                avoid: false,
            };
            self.0.iter().map(|(sim, iccid)| lane((sim, iccid))).collect()
        }
    }

    const ANY: Wanted<'static> = Wanted { pinned: None, bound: None };

    #[test]
    fn the_least_loaded_goes_first() {
        let fixture = Fixture::new();
        let mut lanes = fixture.lanes();
        lanes[0].in_hand = 1;
        assert_eq!(choose(&lanes, ANY, NOW).unwrap().0, 1);
        lanes[1].in_hand = 1;
        lanes[1].given = 9;
        assert_eq!(choose(&lanes, ANY, NOW).unwrap().0, 0);
    }

    #[test]
    fn pinned_and_bound_wait_for_their_sim() {
        let fixture = Fixture::new();
        let mut lanes = fixture.lanes();
        let pinned = Wanted { pinned: Some(&fixture.0[0].0), bound: None };
        lanes[0].has_room = false;
        assert_eq!(choose(&lanes, pinned, NOW), Err(NoLane::Busy));
        lanes[0].ready = false;
        assert_eq!(choose(&lanes, pinned, NOW), Err(NoLane::Absent));
        let bound = Wanted { pinned: None, bound: Some(&fixture.0[1].1) };
        assert_eq!(choose(&lanes, bound, NOW), Ok((1, "earlier parts went out by it")));
    }

    #[test]
    fn a_sim_that_refused_is_the_last_resort() {
        let fixture = Fixture::new();
        let mut lanes = fixture.lanes();
        lanes[0].avoid = true;
        assert_eq!(choose(&lanes, ANY, NOW), Ok((1, "another SIM refused it before")));
        lanes[1].has_room = false;
        assert_eq!(choose(&lanes, ANY, NOW), Err(NoLane::Busy));
        lanes[1].ready = false;
        assert_eq!(choose(&lanes, ANY, NOW), Ok((0, "the only SIM that is ready")));
    }

    #[test]
    fn closed_lanes_wait() {
        let fixture = Fixture::new();
        let mut lanes = fixture.lanes();
        lanes[0].closed_until = Timestamp(101);
        lanes[1].closed_until = Timestamp(i64::MAX);
        assert_eq!(choose(&lanes, ANY, NOW), Err(NoLane::Closed(Timestamp(101))));
        assert_eq!(choose(&lanes, ANY, Timestamp(101)).unwrap().0, 0);
        lanes[0] = LaneFacts { closed_until: NOW, avoid: true, ..lanes[0].clone() };
        assert_eq!(choose(&lanes, ANY, NOW).unwrap().0, 0, "better than one that is closed");
    }
}
