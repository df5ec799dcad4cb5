//! The serial line between host and modem: bounded both ways, and paced as 8N1 when a speed is given.

use super::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Octets from the host that the modem has not looked at yet; more are lost, as on a UART without flow control.
const INPUT_MAX: usize = 4096;
/// Octets the host has not fetched yet; more are lost. Holds the answer to `AT+CMGL` of two full memories of 255 slots.
const OUTPUT_MAX: usize = 512 * 1024;
/// Octets that leave in one piece on a paced line: about a millisecond at 115,200 baud, the tick of the timer.
const PIECE: usize = 12;
/// Bits an octet takes on the wire: start, eight of data, stop.
const BITS_PER_OCTET: u32 = 10;

/// Both directions of one line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How long one octet is on the wire; zero when the line is not paced.
    octet: Duration,
    input: VecDeque<(Moment, u8)>,
    input_free: Moment,
    output: VecDeque<(Moment, Vec<u8>)>,
    output_free: Moment,
    output_octets: usize,
    /// Octets lost because a side did not keep up.
    pub(super) overruns: u64,
}

impl Line {
    /// A line of this speed; 0 stands for "not paced".
    pub(super) fn new(baud: u32) -> Line {
        let octet = if baud == 0 { Duration::ZERO } else { Duration::from_secs(1) * BITS_PER_OCTET / baud };
        Line { octet, ..Line::default() }
    }

    /// Forgets what is under way, as pulling the plug does.
    pub(super) fn clear(&mut self) {
        *self = Line { octet: self.octet, overruns: self.overruns, ..Line::default() };
    }

    /// Cuts the line at `at`: what has not arrived by then on either side never will.
    pub(super) fn cut(&mut self, at: Moment) {
        self.input.clear();
        self.output.retain(|(due, _)| *due <= at);
        self.output_octets = self.output.iter().map(|(_, octets)| octets.len()).sum();
    }

    /// The host began to send these octets at `now`.
    pub(super) fn received(&mut self, now: Moment, octets: &[u8]) {
        let room = INPUT_MAX - self.input.len();
        self.overruns += octets.len().saturating_sub(room) as u64;
        let mut at = self.input_free.max(now);
        for octet in octets.iter().take(room) {
            at += self.octet;
            self.input.push_back((at, *octet));
        }
        self.input_free = at;
    }

    /// The next octet that has arrived whole by `now`, with the moment it did.
    pub(super) fn take(&mut self, now: Moment) -> Option<(Moment, u8)> {
        self.input.pop_front_if(|(at, _)| *at <= now)
    }

    /// When to look at the input again: at the first octet that ends something, else at the last one.
    pub(super) fn next_input(&self) -> Option<Moment> {
        let ends = |octet: u8| matches!(octet, b'\r' | 0x1A | 0x1B);
        let end = self.input.iter().find(|(_, octet)| ends(*octet));
        end.or_else(|| self.input.back()).map(|(at, _)| *at)
    }

    /// The modem sends these octets, from `at` on or when the line is free.
    pub(super) fn send(&mut self, at: Moment, octets: &[u8]) {
        let room = OUTPUT_MAX - self.output_octets;
        self.overruns += octets.len().saturating_sub(room) as u64;
        let octets = &octets[..octets.len().min(room)];
        self.output_octets += octets.len();
        if self.octet.is_zero() {
            self.send_at(at, octets);
            return;
        }
        for piece in octets.chunks(PIECE) {
            self.output_free = self.output_free.max(at) + self.octet * piece.len() as u32;
            self.output.push_back((self.output_free, piece.to_vec()));
        }
    }

    /// When something that is sent at `at` gets its turn behind what is under way.
    pub(super) fn next_free(&self, at: Moment) -> Moment {
        self.output.back().map_or(at, |(last, _)| at.max(*last))
    }

    fn send_at(&mut self, at: Moment, octets: &[u8]) {
        match self.output.back_mut() {
            Some((last, piece)) if *last >= at => piece.extend_from_slice(octets),
            _ => self.output.push_back((at, octets.to_vec())),
        }
    }

    /// What has reached the host by `now`.
    pub(super) fn poll_transmit(&mut self, now: Moment) -> Option<Vec<u8>> {
        let (_, mut octets) = self.output.pop_front_if(|(at, _)| *at <= now)?;
        while let Some((_, more)) = self.output.pop_front_if(|(at, _)| *at <= now) {
            octets.extend(more);
        }
        self.output_octets -= octets.len();
        Some(octets)
    }

    /// When `poll_transmit` has something.
    pub(super) fn next_output(&self) -> Option<Moment> {
        self.output.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn unpaced_is_at_once_and_in_one_piece() {
        let mut line = Line::new(0);
        line.received(MS, b"AT\r");
        assert_eq!(line.take(MS), Some((MS, b'A')));
        line.send(MS, b"\r\nOK");
        line.send(MS, b"\r\n");
        assert_eq!(line.poll_transmit(MS).unwrap(), b"\r\nOK\r\n");
        assert_eq!(line.poll_transmit(MS), None);
    }

    #[test]
    fn paced_both_ways() {
        let mut line = Line::new(9600);
        line.received(Duration::ZERO, b"AT\r");
        let octet = Duration::from_secs(10) / 9600;
        assert_eq!(line.next_input(), Some(octet * 3), "the carriage return decides");
        assert_eq!(line.take(octet - Duration::from_nanos(1)), None);
        assert_eq!(line.take(octet), Some((octet, b'A')));
        line.send(Duration::ZERO, &[b'x'; 30]);
        assert_eq!(line.poll_transmit(octet * 12).unwrap().len(), 12);
        assert_eq!(line.poll_transmit(octet * 29).unwrap().len(), 12);
        assert_eq!(line.next_output(), Some(octet * 30));
        assert_eq!(line.poll_transmit(octet * 30).unwrap().len(), 6);
    }

    #[test]
    fn a_cut_line_keeps_what_has_arrived() {
        let mut line = Line::new(10_000);
        line.received(MS, b"AT\r");
        line.send(MS, &[b'x'; 30]);
        line.cut(MS * 13);
        assert_eq!(line.take(MS * 100), None);
        assert_eq!(line.poll_transmit(MS * 100).unwrap().len(), 12);
    }

    #[test]
    fn overruns_are_counted_not_kept() {
        let mut line = Line::new(0);
        line.received(MS, &[b'x'; INPUT_MAX + 5]);
        line.received(MS, b"y");
        line.send(MS, &vec![b'z'; OUTPUT_MAX + 7]);
        assert_eq!(line.overruns, 13);
        assert_eq!(line.poll_transmit(MS).unwrap().len(), OUTPUT_MAX);
        line.send(MS, b"again");
        assert_eq!(line.poll_transmit(MS).unwrap(), b"again");
    }
}
