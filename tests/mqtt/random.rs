//! Chance that can be replayed.

/// The seed; the same seed is the same run as far as chance goes.
const SEED: &str = "GSMGATE_MQTT_SEED";

/// splitmix64.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The seed of the environment, or a new one; prints the line that replays it.
    pub(crate) fn start(test: &str) -> Random {
        let given = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a number"));
        let seed = given.unwrap_or_else(|| u64::from(getrandom::u32().unwrap()));
        println!("replay: {SEED}={seed} cargo test --test mqtt_faults {test} -- --nocapture");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to n - 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub(crate) fn octets(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    /// Up to n characters that a topic may have: no wildcards, no controls.
    pub(crate) fn text(&mut self, n: usize) -> String {
        let ranges = [0x20_u32..0x7f, 0xa1..0x250, 0x4e00..0x9fff, 0x1f300..0x1f5ff];
        let length = self.below(n) + 1;
        let mut any = || {
            let range = self.one_of(&ranges).clone();
            let size = usize::try_from(range.end - range.start).unwrap();
            char::from_u32(range.start + u32::try_from(self.below(size)).unwrap()).unwrap()
        };
        (0..length).map(|_| any()).filter(|c| !matches!(c, '+' | '#')).collect()
    }
}
