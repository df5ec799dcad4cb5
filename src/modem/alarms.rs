//! When something needs a person: decisions without I/O, each told once until it is over.

use crate::at::Memory;
use crate::at::sms::Level;
use crate::model::Iccid;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// A memory of which so many per cent are used is nearly full (RELIABILITY F-15): when it is full, nothing more comes in.
const NEARLY_FULL: u32 = 80;
/// From so many per cent down it has room again.
const HAS_ROOM: u32 = 60;
/// So many signs within [`DISTURBED_WITHIN`] make a disturbed line. One lost answer is nothing.
const DISTURBED: usize = 3;
const DISTURBED_WITHIN: Duration = Duration::from_secs(600);

/// What a person was told of the memories.
#[derive(Debug, Default)]
pub(super) struct Memories {
    sim: Option<Iccid>,
    told: Vec<Memory>,
}

impl Memories {
    /// Takes how full a memory is, with this SIM in the modem; true when a person is to be told.
    pub(super) fn note(&mut self, sim: Option<&Iccid>, level: &Level) -> bool {
        if self.sim.as_ref() != sim {
            *self = Memories { sim: sim.cloned(), told: Vec::new() };
        }
        let Some(per_cent) = (u32::from(level.used) * 100).checked_div(u32::from(level.total)) else { return false };
        let was_told = self.told.contains(&level.memory);
        if was_told && per_cent <= HAS_ROOM {
            self.told.retain(|memory| *memory != level.memory);
        }
        let tells = !was_told && per_cent >= NEARLY_FULL;
        if tells {
            self.told.push(level.memory);
        }
        tells
    }
}

/// Signs that the line is disturbed: by another program on it, by noise, or by a modem that answers at random
/// (RELIABILITY F-31, T-28). A sign is a command without any answer although the modem lives, or an end that nobody waits for.
#[derive(Debug, Default)]
pub(super) struct Disturbances {
    /// The newest [`DISTURBED`], the oldest first.
    signs: VecDeque<Instant>,
    told: bool,
}

impl Disturbances {
    /// Takes a sign; true while nobody was told of this disturbance, which is over when ten minutes were quiet.
    pub(super) fn note(&mut self, now: Instant) -> bool {
        while self.signs.len() >= DISTURBED
            || self.signs.front().is_some_and(|at| now.duration_since(*at) >= DISTURBED_WITHIN)
        {
            self.signs.pop_front();
        }
        if self.signs.is_empty() {
            self.told = false;
        }
        self.signs.push_back(now);
        !self.told
    }

    /// What a person is to be told, if it is time: at once where it is known who else has the port open, else for the third
    /// sign.
    pub(super) fn due(&mut self, other: Option<&str>) -> Option<String> {
        if other.is_none() && self.signs.len() < DISTURBED {
            return None;
        }
        self.told = true;
        Some(match other {
            Some(other) => format!("{other} has the modem's port open too and takes answers away; stop it"),
            None => "answers of the modem are lost, or come unasked: look whether another program uses its port \
                     (ModemManager, a getty), and at cable, speed and supply"
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_that_fills_is_told_of_once_until_it_has_room() {
        let mut memories = Memories::default();
        let mut at = |used| memories.note(None, &Level { memory: Memory::SM, used, total: 30 });
        let told = [0, 23, 24, 25, 30, 19, 24, 18, 23, 24].map(&mut at);
        assert_eq!(told, [false, false, true, false, false, false, false, false, false, true]);
        assert!(memories.note(None, &Level { memory: Memory::ME, used: 10, total: 10 }), "each memory for itself");
        let other = "8949000000000001000".parse().ok();
        assert!(memories.note(other.as_ref(), &Level { memory: Memory::SM, used: 30, total: 30 }), "another SIM");
        assert!(!Memories::default().note(None, &Level { memory: Memory::SR, used: 5, total: 0 }), "it has no slots");
    }

    #[test]
    fn a_disturbed_line_is_told_of_at_the_third_sign_and_again_after_a_quiet_time() {
        let (mut line, start) = (Disturbances::default(), Instant::now());
        let mut at = |s, other| {
            let asks = line.note(start + Duration::from_secs(s));
            asks && line.due(other).is_some()
        };
        let told = [0, 300, 610, 620, 630, 1220, 1820, 1830, 1840].map(|s| at(s, None));
        assert_eq!(told, [false, false, false, true, false, false, false, false, true]);
        assert!(!at(1850, Some("ModemManager (process 812)")), "it was told");
        assert!(at(2450, Some("ModemManager (process 812)")), "one that is seen is named at once");
    }
}
