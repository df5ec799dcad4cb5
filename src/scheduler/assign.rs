//! Gives parts to lanes: what is due, in order, while there is room.

use super::Scheduler;
use super::lane::{InHand, Lane};
use super::router::{self, LaneFacts, NoLane, Wanted};
use super::{Config, SIM_AWAY, encode, retry};
use crate::model::{AttemptId, Iccid, PartKey, Priority, Timestamp};
use crate::slots::Outgoing;
use crate::store::{Claim, Step};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::oneshot;

impl Scheduler {
    /// Gives parts to lanes until the lanes are full or nothing fits.
    pub(super) fn assign(&mut self, steps: &mut Vec<Step>) {
        let now = (self.clock)();
        let mut index = 0;
        while index < self.queue.len() && !self.stopping && !self.held {
            if !self.lanes.iter().any(Lane::has_room) && self.queue.work(index).priority < Priority::Alarm {
                break;
            }
            if self.queue.work(index).undecided.is_some() {
                self.decide(index, now, steps);
                continue;
            }
            // RELIABILITY F-30: two that send at a time draw twice as much.
            if self.weak && self.lanes.iter().any(|lane| !lane.in_hand.is_empty()) {
                break;
            }
            match self.give_next(index, now, steps) {
                Given::Part => {}
                Given::Whole => self.queue.remove(index),
                Given::Wait => index += 1,
                Given::Absent if self.restart(index, now, steps) => {}
                Given::Absent => self.set_aside(index),
                // Others may go out meanwhile: this one must not fill the window.
                Given::Closed(until) if self.lanes.iter().any(|lane| lane.is_open(&self.config.limits, now)) => {
                    self.look_aside_at = [self.look_aside_at, Some(until)].into_iter().flatten().min();
                    self.set_aside(index);
                }
                Given::Closed(_) => index += 1,
            }
        }
    }

    /// What no SIM may carry now must not fill the window. Where there is no room aside either, it stays in the store.
    fn set_aside(&mut self, index: usize) {
        if !self.queue.set_aside(index) {
            self.queue.remove(index);
            self.narrow = true;
        }
    }

    /// A part nobody knows about: the wait for evidence is over.
    fn decide(&mut self, index: usize, at: Timestamp, steps: &mut Vec<Step>) {
        let work = self.queue.work(index);
        if let Some(undecided) = work.undecided {
            let part = PartKey { message: work.key, seq: undecided.seq };
            let again = retry::may_resend(work.on_uncertain, undecided.resends);
            steps.push(if again { Step::Resend { part, at } } else { Step::GiveUp { part, at } });
        }
        self.queue.remove(index);
        self.more = true;
    }

    /// A message in parts whose SIM stays away goes out anew by another. False: it waits.
    fn restart(&mut self, index: usize, at: Timestamp, steps: &mut Vec<Step>) -> bool {
        let work = self.queue.work(index);
        let (key, may_restart) = (work.key, work.may_restart);
        let Some(bound) = work.bound.clone().filter(|_| may_restart) else { return false };
        let gone_at = *self.seen.get(&bound).unwrap_or(&self.started_at);
        // What is in the air ends first, within the driver's own deadline.
        let base = if self.queue.in_hand(key) > 0 { at } else { gone_at };
        let restart_at = base.after(SIM_AWAY);
        if at < restart_at {
            self.look_aside_at = [self.look_aside_at, Some(restart_at)].into_iter().flatten().min();
            return false;
        }
        if !self.lanes.iter().any(|lane| lane.ready) {
            return false;
        }
        tracing::warn!(message = key.0, "a SIM stays away in the middle of a message; all of it goes out by another");
        steps.push(Step::Restart { message: key, at });
        self.queue.remove(index);
        self.more = true;
        true
    }

    fn give_next(&mut self, index: usize, now: Timestamp, steps: &mut Vec<Step>) -> Given {
        let avoid = self.avoid.get(&self.queue.work(index).key).map_or_else(Vec::new, |avoid| avoid.sims.clone());
        let work = self.queue.work(index);
        if work.parts.is_empty() || work.expires_at <= now {
            self.next_at = Some(self.next_at.map_or(now, |at| at.min(work.expires_at)));
            return Given::Whole;
        }
        let wanted = Wanted { pinned: work.pinned.as_ref(), bound: work.bound.as_ref() };
        let (facts, indices) = lane_facts(&self.lanes, &self.config, &avoid, now);
        let (lane, routing) = match router::choose(&facts, wanted, now) {
            Ok((chosen, routing)) => (indices[chosen], routing),
            Err(NoLane::Busy) => {
                if work.priority == Priority::Alarm {
                    self.make_room(index, &avoid, now, steps);
                }
                return Given::Wait;
            }
            Err(NoLane::Closed(until)) => return Given::Closed(until),
            Err(NoLane::Absent) => return Given::Absent,
        };
        self.give(index, lane, routing, now, steps)
    }

    /// T2b: a part that is claimed and not begun yields to an alarm.
    fn make_room(&mut self, index: usize, avoid: &[Iccid], now: Timestamp, steps: &mut Vec<Step>) {
        let work = self.queue.work(index);
        let wanted = Wanted { pinned: work.pinned.as_ref(), bound: work.bound.as_ref() };
        let (mut facts, indices) = lane_facts(&self.lanes, &self.config, avoid, now);
        for (facts, lane) in facts.iter_mut().zip(&indices) {
            facts.has_room = self.lanes[*lane].has_room_for_alarm();
        }
        let Ok((chosen, _)) = router::choose(&facts, wanted, now) else { return };
        let lane = &mut self.lanes[indices[chosen]];
        if lane.in_hand.iter().any(|held| held.withdrawn) {
            return;
        }
        let yields = lane.in_hand.iter_mut().rfind(|held| held.is_claimed() && held.priority < Priority::Alarm);
        steps.extend(yields.map(InHand::take_back));
    }

    fn give(
        &mut self,
        index: usize,
        lane: usize,
        routing: &'static str,
        now: Timestamp,
        steps: &mut Vec<Step>,
    ) -> Given {
        let Some((iccid, sim)) = self.lanes[lane].sim.clone() else { return Given::Absent };
        let attempt = AttemptId(self.next_attempt);
        let work = self.queue.work(index);
        let pending = work.parts.remove(0);
        let part = PartKey { message: work.key, seq: pending.seq };
        let encoded = match encode::part(work, &pending, &iccid, now) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::error!(%error, "a part that was accepted cannot be encoded; please report this");
                return Given::Whole;
            }
        };
        let (to, priority) = (work.to.clone(), work.priority);
        let facts = retry::Facts {
            tries: pending.tries,
            report: work.report,
            rd: encoded.rd,
            expires_at: work.expires_at,
            other_sim: work.pinned.is_none() && work.bound.is_none(),
        };
        work.bound = Some(iccid.clone());
        let whole = work.parts.is_empty();
        let (armed, wait) = oneshot::channel();
        let lane = &mut self.lanes[lane];
        let tpdu_sha256 = Sha256::digest(encoded.hex.as_bytes()).into();
        let outgoing = Outgoing { attempt, pdu: encoded.hex, tpdu_octets: encoded.tpdu_octets, armed: wait };
        if lane.outgoing.try_send(outgoing).is_err() {
            // The driver is gone: its state will say so, and the message comes again from the store.
            lane.ready = false;
            return Given::Whole;
        }
        self.next_attempt += 1;
        lane.given += 1;
        lane.limits.note(&self.config.limits, now);
        lane.in_hand.push(InHand { attempt, part, to, priority, facts, armed: Some(armed), withdrawn: false });
        let resend_of = pending.resend_of.map(|(of, _)| of);
        let port = Arc::clone(&lane.port);
        let validity = encoded.validity;
        let claim = Claim { attempt, part, iccid, sim, port, tpdu_sha256, validity, routing, resend_of, at: now };
        steps.push(Step::Claim(claim));
        self.queue.given(index);
        if whole { Given::Whole } else { Given::Part }
    }
}

/// What became of one look at a message.
enum Given {
    /// A part was given; there are more.
    Part,
    /// It has nothing more to give now.
    Whole,
    /// Its lanes are full.
    Wait,
    /// Its lanes are closed, the first until then.
    Closed(Timestamp),
    /// Its SIM is not there.
    Absent,
}

/// The facts of the lanes that have a SIM, and which lane each is.
fn lane_facts<'a>(
    lanes: &'a [Lane],
    config: &Config,
    avoid: &[Iccid],
    now: Timestamp,
) -> (Vec<LaneFacts<'a>>, Vec<usize>) {
    let with_sim = lanes.iter().enumerate().filter_map(|(index, lane)| Some((index, lane, lane.sim.as_ref()?)));
    let facts = with_sim.map(|(index, lane, (iccid, sim))| {
        let facts = LaneFacts {
            sim,
            iccid,
            ready: lane.ready,
            has_room: lane.has_room(),
            closed_until: lane.opens_at(&config.limits, now),
            in_hand: lane.in_hand.len(),
            given: lane.given,
            avoid: avoid.contains(iccid),
        };
        (facts, index)
    });
    facts.unzip()
}
