//! A disk that knows what was synced, and what a power cut may leave of the rest.

use super::random::Random;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// The files of a directory, by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// What the disk does other than it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Nothing: a sync is a sync.
    None,
    /// A commit does not wait for the disk: what `PRAGMA synchronous = NORMAL` means.
    Commits,
    /// The database file is never synced.
    Database,
}

/// When the power is cut: at the call with this number among all, or among those of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    pub(crate) kind: Option<&'static str>,
    pub(crate) after: usize,
}

/// Kinds of calls that cuts aim at: those of a checkpoint and around it come rarely by themselves (F-41).
pub(crate) const AIMS: [&str; 8] = [
    "database write",
    "database sync",
    "database truncate",
    "wal reset",
    "wal sync",
    "wal create",
    "wal delete",
    "journal delete",
];

/// The power is off: no call does anything any more.
#[derive(Debug)]
pub(crate) struct Off;

/// The disk under one state directory.
pub(crate) struct Disk {
    lie: Lie,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: Vec<File>,
    /// What each name stands for, as the process sees it, and as the disk has it.
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    calls: usize,
    cut: Option<Cut>,
    /// What was under way when the power was cut.
    off: Option<String>,
    open: usize,
}

struct File {
    area: &'static str,
    synced: Vec<u8>,
    /// Octets that the process sees.
    len: usize,
    pending: Vec<Change>,
    unsynced: Unsynced,
}

/// What came last to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsynced {
    Sync,
    Header,
    Frames,
}

struct Change {
    /// Its number among all calls.
    call: usize,
    what: What,
}

enum What {
    Write { at: usize, octets: Vec<u8> },
    Len(usize),
}

impl Disk {
    /// A disk that has these files, all of them synced.
    pub(crate) fn new(image: &Image, cut: Cut, lie: Lie) -> Disk {
        let mut state = State { cut: Some(cut), ..State::default() };
        for (name, octets) in image {
            state.add(name, octets.clone());
        }
        state.synced_names = state.names.clone();
        Disk { lie, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn check(&self) -> Result<(), Off> {
        if self.state().off.is_some() { Err(Off) } else { Ok(()) }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.check().is_err()
    }

    /// Cuts the power between two calls.
    pub(crate) fn cut_now(&self) {
        self.state().off.get_or_insert_with(|| "nothing".to_owned());
    }

    /// What was under way.
    pub(crate) fn under_way(&self) -> String {
        self.state().off.clone().unwrap_or_default()
    }

    /// Calls that change something, so far.
    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    /// Files that are open.
    pub(crate) fn open_files(&self) -> usize {
        self.state().open
    }

    /// The file of this name, made where it is missing. The database is made by the store itself: then it is empty here.
    pub(crate) fn open(&self, name: &str) -> Result<usize, Off> {
        let mut state = self.state();
        let file = match state.names.get(name) {
            Some(file) if state.off.is_none() => *file,
            Some(_) => return Err(Off),
            None => {
                state.call(&format!("{} create", area(name)))?;
                state.add(name, Vec::new())
            }
        };
        state.open += 1;
        Ok(file)
    }

    pub(crate) fn close(&self) {
        self.state().open -= 1;
    }

    pub(crate) fn write(&self, file: usize, at: usize, octets: &[u8]) -> Result<(), Off> {
        let mut state = self.state();
        let is_header = state.files[file].area == "wal" && at == 0;
        state.files[file].unsynced = if is_header { Unsynced::Header } else { Unsynced::Frames };
        let len = state.files[file].len.max(at + octets.len());
        let what = What::Write { at, octets: octets.to_vec() };
        state.change(file, if is_header { "reset" } else { "write" }, len, what)
    }

    pub(crate) fn truncate(&self, file: usize, len: usize) -> Result<(), Off> {
        self.state().change(file, "truncate", len, What::Len(len))
    }

    /// `directory`: the names are synced too.
    pub(crate) fn sync(&self, file: usize, directory: bool) -> Result<(), Off> {
        let mut state = self.state();
        let kind = format!("{} sync", state.files[file].area);
        state.call(&kind)?;
        let unsynced = std::mem::replace(&mut state.files[file].unsynced, Unsynced::Sync);
        let is_ignored = match self.lie {
            Lie::None => false,
            // The sync after a header, and the second one in a row, which a checkpoint asks for, are NORMAL's too.
            Lie::Commits => state.files[file].area == "wal" && unsynced == Unsynced::Frames,
            Lie::Database => state.files[file].area == "database",
        };
        if !is_ignored {
            state.files[file].sync();
        }
        if directory {
            state.synced_names = state.names.clone();
        }
        Ok(())
    }

    pub(crate) fn delete(&self, name: &str, directory: bool) -> Result<(), Off> {
        let mut state = self.state();
        state.call(&format!("{} delete", area(name)))?;
        state.names.remove(name);
        if directory {
            state.synced_names = state.names.clone();
        }
        Ok(())
    }

    /// What a start finds after the cut: everything that was synced, and of the rest what chance leaves.
    pub(crate) fn left(&self, random: &mut Random) -> Image {
        let state = self.state();
        let fate = Fate::of(&state, random);
        let mut image = Image::new();
        let all: BTreeMap<&String, ()> = state.names.keys().chain(state.synced_names.keys()).map(|n| (n, ())).collect();
        for name in all.into_keys() {
            let (now, synced) = (state.names.get(name), state.synced_names.get(name));
            let kept = if now == synced || fate.keeps_name(random) { now } else { synced };
            if let Some(file) = kept {
                image.insert(name.clone(), state.files[*file].left(*file, &fate, random));
            }
        }
        image
    }
}

impl State {
    fn add(&mut self, name: &str, octets: Vec<u8>) -> usize {
        let len = octets.len();
        let area = area(name);
        self.files.push(File { area, synced: octets, len, pending: Vec::new(), unsynced: Unsynced::Sync });
        self.names.insert(name.to_owned(), self.files.len() - 1);
        self.files.len() - 1
    }

    /// Counts a call that changes something; the one that the cut is meant for does not return.
    fn call(&mut self, kind: &str) -> Result<(), Off> {
        if self.off.is_some() {
            return Err(Off);
        }
        self.calls += 1;
        if let Some(cut) = &mut self.cut
            && cut.kind.is_none_or(|wanted| wanted == kind)
        {
            if cut.after == 0 {
                self.off = Some(kind.to_owned());
                return Err(Off);
            }
            cut.after -= 1;
        }
        Ok(())
    }

    /// A change that is cut off may be on the disk all the same.
    fn change(&mut self, file: usize, verb: &str, len: usize, what: What) -> Result<(), Off> {
        if self.off.is_some() {
            return Err(Off);
        }
        let done = self.call(&format!("{} {verb}", self.files[file].area));
        let change = Change { call: self.calls, what };
        let file = &mut self.files[file];
        file.len = len;
        file.pending.push(change);
        done
    }
}

fn area(name: &str) -> &'static str {
    match name.rsplit_once('-') {
        Some((_, "wal")) => "wal",
        Some((_, "journal")) => "journal",
        _ => "database",
    }
}

impl File {
    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.what.apply(&mut self.synced, |_| true);
        }
    }

    fn left(&self, number: usize, fate: &Fate, random: &mut Random) -> Vec<u8> {
        let mut image = self.synced.clone();
        for change in &self.pending {
            match fate.of_change(number, change.call, random) {
                Kept::Whole => change.what.apply(&mut image, |_| true),
                Kept::Torn => change.what.apply(&mut image, |_| random.per_cent(50)),
                Kept::Nothing => {}
            }
        }
        // The length is not data: it may be on the disk before what it makes room for.
        if image.len() < self.len && random.per_cent(20) {
            image.resize(self.len, 0);
        }
        image
    }
}

impl What {
    /// Of a write the sectors that are kept; a length is one thing.
    fn apply(&self, image: &mut Vec<u8>, mut keeps: impl FnMut(usize) -> bool) {
        match self {
            What::Len(len) if keeps(0) => image.resize(*len, 0),
            What::Len(_) => {}
            What::Write { at, octets } => {
                let mut from = *at;
                let end = at + octets.len();
                while from < end {
                    let to = end.min((from / SECTOR + 1) * SECTOR);
                    if keeps(from / SECTOR) {
                        image.resize(image.len().max(to), 0);
                        image[from..to].copy_from_slice(&octets[from - at..to - at]);
                    }
                    from = to;
                }
            }
        }
    }
}

/// How a disk may have gone about what it was not made to sync.
enum Fate {
    /// It had written everything.
    Everything,
    /// It had written nothing.
    Nothing,
    /// In order, up to this call, whose sectors were on their way.
    Until(usize),
    /// One file, and nothing of the others.
    OneFile(usize),
    /// As it came; so many of a hundred.
    Scattered(usize),
}

enum Kept {
    Whole,
    Torn,
    Nothing,
}

impl Fate {
    fn of(state: &State, random: &mut Random) -> Fate {
        match random.below(8) {
            0 => Fate::Everything,
            1 => Fate::Nothing,
            2 | 3 => {
                let calls: Vec<usize> = state.files.iter().flat_map(|f| f.pending.iter().map(|c| c.call)).collect();
                random.pick(&calls).map_or(Fate::Nothing, |call| Fate::Until(*call))
            }
            4 => Fate::OneFile(random.below(state.files.len().max(1))),
            _ => Fate::Scattered(1 + random.below(99)),
        }
    }

    fn of_change(&self, file: usize, call: usize, random: &mut Random) -> Kept {
        let is_kept = match self {
            Fate::Everything => true,
            Fate::Nothing => false,
            Fate::Until(last) if call == *last => return Kept::Torn,
            Fate::Until(last) => call < *last,
            Fate::OneFile(only) => file == *only,
            Fate::Scattered(_) if random.per_cent(10) => return Kept::Torn,
            Fate::Scattered(chance) => random.per_cent(*chance),
        };
        if is_kept { Kept::Whole } else { Kept::Nothing }
    }

    fn keeps_name(&self, random: &mut Random) -> bool {
        match self {
            Fate::Everything => true,
            Fate::Nothing => false,
            _ => random.per_cent(50),
        }
    }
}
