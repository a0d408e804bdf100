//! The table of uwsgi signals: who receives which, and what raises them, as workers register it at run time.
//!
//! Every worker runs `main`, so all of them register the same; it is there once. A registration belongs to a *generation* of the
//! application's code. One generation is in force; what a newer one registers while it is being tried is seen by nobody, until
//! the master calls [`Signals::promote`]: then it is in force, and what it did not register is gone. When the trial
//! fails, [`Signals::forget`] leaves all as it was.
//!
//! Records are written under a lock. Readers take none: a record's stamp is the same before and after a good reading, and
//! that of a record whose writer was killed says that there is none.

use std::fmt;
use std::hash::Hasher as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::atomic::{AtomicU64, Ordering, fence};
use crate::lock::Lock;
use crate::region::{AdoptError, Kind, LINE, PARAMETER_COUNT, Region};
use crate::seats::Seat;

const KIND: Kind = Kind { name: "the table of signals", number: 6, version: 1 };

/// The longest receiver, cron entry or path, in bytes.
pub const LONGEST_TEXT: usize = 255;

/// Words of the head.
const LOCK: usize = 0;
const GENERATION: usize = 1;
const VERSION: usize = 2;

/// Words of a record. The stamp has the generation in its high half, 0 for none, and counts writes in its low half.
const STAMP: usize = 0;
const WHAT: usize = 1;
const FIRST: usize = 2;
const SECOND: usize = 3;
const LENGTH: usize = 4;
const TEXT: usize = 5;
const RECORD: usize = 40;

const SIGNALS: usize = 256;
/// The names of the signals that were allotted lie between head and records, as two words of a hash; 0: it has none.
const NAMES: usize = 2 * SIGNALS;
const RECORDS: usize = LINE + NAMES;
/// A signal has a receiver in the generation that is in force, and one in that which is being tried.
const RECEIVERS: usize = 2 * SIGNALS;

const PATIENCE_MS: u64 = 1000;

/// What raises a signal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Every so many milliseconds.
    Timer {
        /// The signal.
        signal: u8,
        /// At least 1.
        every_ms: u64,
    },
    /// Every so many milliseconds, so many times.
    RbTimer {
        /// The signal.
        signal: u8,
        /// At least 1.
        every_ms: u64,
        /// 0: for ever.
        times: u32,
    },
    /// At times that five fields of cron tell.
    Cron {
        /// The signal.
        signal: u8,
        /// The fields.
        fields: String,
    },
    /// When a file or folder changes.
    Monitor {
        /// The signal.
        signal: u8,
        /// Its path.
        path: String,
    },
}

impl Source {
    /// Kind, signal, two numbers and a text, as records have them.
    fn parts(&self) -> Parts {
        let (kind, signal, first, second, text) = match self {
            Self::Timer { signal, every_ms } => (1, *signal, *every_ms, 0, ""),
            Self::RbTimer { signal, every_ms, times } => (2, *signal, *every_ms, u64::from(*times), ""),
            Self::Cron { signal, fields } => (3, *signal, 0, 0, fields.as_str()),
            Self::Monitor { signal, path } => (4, *signal, 0, 0, path.as_str()),
        };
        Parts { what: kind << 8 | u64::from(signal), first, second, text: text.to_owned() }
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let signal = u8::try_from(parts.what & 0xff).ok()?;
        let every_ms = parts.first;
        Some(match parts.what >> 8 {
            1 => Self::Timer { signal, every_ms },
            2 => Self::RbTimer { signal, every_ms, times: u32::try_from(parts.second).ok()? },
            3 => Self::Cron { signal, fields: parts.text },
            4 => Self::Monitor { signal, path: parts.text },
            _ => return None,
        })
    }
}

/// Why something is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalError {
    /// The text is too long.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// All places for timers, cron entries and monitors are taken.
    NoRoom {
        /// How many there are.
        count: usize,
    },
    /// All signals have receivers.
    NoSignal,
    /// The signal was allotted to a timer, cron entry or file monitor that has asked for no certain one.
    Allotted {
        /// The signal.
        signal: u8,
    },
    /// The process runs code that is not in force any more.
    Outdated,
    /// Another process holds the table's lock and does not go on, though it lives.
    Busy,
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length } => {
                write!(
                    f,
                    "a receiver, cron entry or path has up to {LONGEST_TEXT} bytes, and this has {length}"
                )
            }
            Self::NoRoom { count } => {
                write!(
                    f,
                    "there is room for {count} timers, cron entries and file monitors, and all is taken"
                )
            }
            Self::NoSignal => write!(f, "all {SIGNALS} signals are taken"),
            Self::Allotted { signal } => write!(
                f,
                "signal {signal} was allotted to a timer, cron entry or file monitor: choose a lower number"
            ),
            Self::Outdated => {
                write!(f, "newer code is in force, so what this process registers would not count")
            }
            Self::Busy => write!(f, "another process holds the lock of the signals and does not go on"),
        }
    }
}

impl std::error::Error for SignalError {}

/// The table.
#[derive(Debug)]
pub struct Signals {
    region: Region,
}

impl Signals {
    /// An empty table with room for `sources` timers, cron entries and monitors (1 to 65 536), shared with every process forked
    /// from now on. Generation 1 is in force.
    pub fn new(sources: u32) -> io::Result<Self> {
        let words = RECORDS + (RECEIVERS + sources.clamp(1, 1 << 16) as usize) * RECORD;
        let table = Self { region: Region::new(KIND, "goherd-signals", [0; PARAMETER_COUNT], words)? };
        table.region.words()[GENERATION].store(1, Ordering::Relaxed);
        Ok(table)
    }

    /// Takes over the table of the master that this one replaces.
    pub fn adopt(fd: OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(KIND, fd)?;
        let words = region.words().len();
        let records = words.checked_sub(RECORDS).filter(|words| words.is_multiple_of(RECORD));
        let whole = records.is_some_and(|words| words / RECORD > RECEIVERS);
        region.expect_words(KIND, whole.then_some(words))?;
        Ok(Self { region })
    }

    /// The generation that is in force.
    #[must_use]
    pub fn generation(&self) -> u32 {
        u32::try_from(self.region.words()[GENERATION].load(Ordering::Acquire)).unwrap_or(1)
    }

    /// A number that grows with every registration: as long as it is the same, so is all else.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.region.words()[VERSION].load(Ordering::Acquire)
    }

    /// Has `signal` delivered to `receiver`, for code of this generation. The text means nothing here.
    pub fn register(
        &self,
        seat: &Seat,
        generation: u32,
        signal: u8,
        receiver: &str,
    ) -> Result<(), SignalError> {
        let parts = Parts { what: 0, first: 0, second: 0, text: receiver.to_owned() };
        parts.check()?;
        self.change(seat, generation, |current| {
            let name = self.name(signal);
            if self.is_taken(signal, current, generation)
                && name.iter().any(|word| word.load(Ordering::Relaxed) != 0)
            {
                return Err(SignalError::Allotted { signal });
            }
            name.iter().for_each(|word| word.store(0, Ordering::Relaxed));
            self.write_receiver(signal, current, generation, &parts)
        })
    }

    /// Finds a signal for what is called `name`, always the same one as long as code registers it that is in force or on trial,
    /// and has it delivered to `receiver`. Such signals are numbered from 255 down.
    pub fn allot(&self, seat: &Seat, generation: u32, name: &str, receiver: &str) -> Result<u8, SignalError> {
        let parts = Parts { what: 0, first: 0, second: 0, text: receiver.to_owned() };
        parts.check()?;
        let wanted = hash(name);
        self.change(seat, generation, |current| {
            let is_named = |&signal: &u8| {
                self.name(signal).each_ref().map(|word| word.load(Ordering::Relaxed)) == wanted
            };
            let mut all = (0..=u8::MAX).rev();
            let signal = match all.clone().find(is_named) {
                Some(signal) => signal,
                None => {
                    let free = all.find(|signal| !self.is_taken(*signal, current, generation));
                    let signal = free.ok_or(SignalError::NoSignal)?;
                    for (word, value) in self.name(signal).iter().zip(wanted) {
                        word.store(value, Ordering::Relaxed);
                    }
                    signal
                }
            };
            self.write_receiver(signal, current, generation, &parts)?;
            Ok(signal)
        })
    }

    /// Whether code that is in force, or of this generation, has registered the signal.
    fn is_taken(&self, signal: u8, current: u32, generation: u32) -> bool {
        self.receivers(signal).any(|record| [current, generation].contains(&record.generation()))
    }

    fn write_receiver(
        &self,
        signal: u8,
        current: u32,
        generation: u32,
        parts: &Parts,
    ) -> Result<(), SignalError> {
        let mut places = self.receivers(signal);
        let free = |record: &Record<'_>| {
            let owner = record.generation();
            owner < current || owner > current && owner < generation
        };
        let own = places.clone().find(|record| record.generation() == generation);
        // All processes register the same: it is not to vanish while one more does, or dies over it.
        if own.is_some_and(|record| record.read(generation).as_ref() == Some(parts)) {
            return Ok(());
        }
        let place = own.or_else(|| places.find(free)).ok_or(SignalError::Outdated)?;
        place.write(generation, parts);
        Ok(())
    }

    /// Whoever receives `signal`; `None`: nobody has registered it.
    #[must_use]
    pub fn receiver(&self, signal: u8) -> Option<String> {
        let current = self.generation();
        self.receivers(signal).find_map(|record| record.read(current)).map(|parts| parts.text)
    }

    /// Whether anybody receives `signal`, now or as soon as `generation` is in force.
    #[must_use]
    pub fn is_registered(&self, signal: u8, generation: u32) -> bool {
        self.is_taken(signal, self.generation(), generation)
    }

    /// Adds a source of signals, for code of this generation. The same source is there once, however often it is added.
    pub fn add(&self, seat: &Seat, generation: u32, source: &Source) -> Result<(), SignalError> {
        let parts = source.parts();
        parts.check()?;
        self.change(seat, generation, |current| {
            if self.sources().any(|record| record.read(generation).as_ref() == Some(&parts)) {
                return Ok(());
            }
            let place = self.sources().find(|record| record.generation() < current);
            let place = place.ok_or_else(|| SignalError::NoRoom { count: self.sources().count() })?;
            place.write(generation, &parts);
            Ok(())
        })
    }

    /// All sources in force.
    #[must_use]
    pub fn all(&self) -> Vec<Source> {
        let current = self.generation();
        self.sources().filter_map(|record| Source::from_parts(record.read(current)?)).collect()
    }

    /// Puts `generation` in force, and drops what others registered. For the master, at the end of a reload.
    pub fn promote(&self, seat: &Seat, generation: u32) -> Result<(), SignalError> {
        self.change(seat, generation, |_| {
            self.region.words()[GENERATION].store(u64::from(generation), Ordering::Release);
            self.drop_where(|owner| owner < generation);
            Ok(())
        })
    }

    /// Drops what `generation` registered, which is not in force. For the master, when new code has failed.
    pub fn forget(&self, seat: &Seat, generation: u32) -> Result<(), SignalError> {
        self.change(seat, generation, |current| {
            if generation != current {
                self.drop_where(|owner| owner == generation);
            }
            Ok(())
        })
    }

    fn drop_where(&self, doomed: impl Fn(u32) -> bool) {
        self.records().filter(|record| doomed(record.generation())).for_each(Record::erase);
    }

    /// Does `deed` under the lock, with the generation that is in force.
    fn change<T>(
        &self,
        seat: &Seat,
        generation: u32,
        deed: impl Fn(u32) -> Result<T, SignalError>,
    ) -> Result<T, SignalError> {
        let words = self.region.words();
        let lock = Lock::new(&words[LOCK]);
        let alive = |life| seat.seats().alive(life);
        lock.take(seat.life(), alive, Some(PATIENCE_MS)).map_err(|_| SignalError::Busy)?;
        let current = self.generation();
        let result = if generation < current { Err(SignalError::Outdated) } else { deed(current) };
        // Also when nothing has changed: whoever registered it first may have been killed before it came to this.
        words[VERSION].fetch_add(1, Ordering::Release);
        lock.release(seat.life());
        result
    }

    fn records(&self) -> impl Iterator<Item = Record<'_>> + Clone {
        self.region.words()[RECORDS..].chunks_exact(RECORD).map(|words| Record { words })
    }

    /// The words of the signal's name.
    fn name(&self, signal: u8) -> &[AtomicU64; 2] {
        let at = LINE + 2 * usize::from(signal);
        self.region.words()[at..at + 2].try_into().expect("it has that length")
    }

    fn receivers(&self, signal: u8) -> impl Iterator<Item = Record<'_>> + Clone {
        self.records().skip(2 * usize::from(signal)).take(2)
    }

    fn sources(&self) -> impl Iterator<Item = Record<'_>> + Clone {
        self.records().skip(RECEIVERS)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.as_fd()
    }
}

/// What stands for a name in the table; never zeroes.
fn hash(name: &str) -> [u64; 2] {
    let mut hasher = SipHasher13::new();
    hasher.write(name.as_bytes());
    let hash = hasher.finish128();
    [hash.h1 | 1, hash.h2]
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    what: u64,
    first: u64,
    second: u64,
    text: String,
}

impl Parts {
    fn check(&self) -> Result<(), SignalError> {
        let length = self.text.len();
        if length <= LONGEST_TEXT { Ok(()) } else { Err(SignalError::TooLong { length }) }
    }
}

#[derive(Clone, Copy)]
struct Record<'a> {
    words: &'a [AtomicU64],
}

impl Record<'_> {
    fn generation(&self) -> u32 {
        u32::try_from(self.words[STAMP].load(Ordering::Relaxed) >> 32).expect("32 bits are left")
    }

    fn erase(self) {
        let writes = self.words[STAMP].load(Ordering::Relaxed).wrapping_add(1) & u64::from(u32::MAX);
        self.words[STAMP].store(writes, Ordering::Relaxed);
        fence(Ordering::Release);
    }

    fn write(self, generation: u32, parts: &Parts) {
        self.erase();
        for (at, value) in [(WHAT, parts.what), (FIRST, parts.first), (SECOND, parts.second)] {
            self.words[at].store(value, Ordering::Relaxed);
        }
        self.words[LENGTH].store(parts.text.len() as u64, Ordering::Relaxed);
        for (word, bytes) in self.words[TEXT..].iter().zip(parts.text.as_bytes().chunks(size_of::<u64>())) {
            let mut padded = [0; size_of::<u64>()];
            padded[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(padded), Ordering::Relaxed);
        }
        let writes = self.words[STAMP].load(Ordering::Relaxed);
        self.words[STAMP].store(u64::from(generation) << 32 | writes, Ordering::Release);
    }

    /// What it holds, if it is of this generation and nobody writes to it meanwhile.
    fn read(&self, generation: u32) -> Option<Parts> {
        let stamp = self.words[STAMP].load(Ordering::Acquire);
        if stamp >> 32 != u64::from(generation) {
            return None;
        }
        let word = |at: usize| self.words[at].load(Ordering::Relaxed);
        let bytes: Vec<u8> = (TEXT..RECORD).flat_map(|at| word(at).to_ne_bytes()).collect();
        let text = bytes.get(..usize::try_from(word(LENGTH)).ok()?)?;
        let text = String::from_utf8_lossy(text).into_owned();
        let parts = Parts { what: word(WHAT), first: word(FIRST), second: word(SECOND), text };
        fence(Ordering::Acquire);
        (word(STAMP) == stamp).then_some(parts)
    }
}

#[cfg(test)]
#[cfg(not(miri))] // it would take an hour: the table is long. What it is made of (`names`, `lock`) is tried there.
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::atomic::killable::killed_after;
    use crate::seats::Seats;

    fn table(sources: u32) -> (Signals, Seat) {
        (Signals::new(sources).unwrap(), Arc::new(Seats::new(2).unwrap()).sit().unwrap())
    }

    fn timer(signal: u8, every_ms: u64) -> Source {
        Source::Timer { signal, every_ms }
    }

    #[test]
    fn what_all_workers_register_is_there_once() {
        let (signals, seat) = table(8);
        let sources = [
            timer(1, 1000),
            Source::RbTimer { signal: 255, every_ms: 5, times: 3 },
            Source::Cron { signal: 0, fields: "*/5 * * * 1-5".into() },
            Source::Monitor { signal: 9, path: "/etc/app.conf".into() },
        ];
        assert_eq!(signals.receiver(1), None);
        for _worker in 0..3 {
            signals.register(&seat, 1, 1, "workers").unwrap();
            for source in &sources {
                signals.add(&seat, 1, source).unwrap();
            }
        }
        assert_eq!(signals.all(), sources);
        assert_eq!(signals.receiver(1).as_deref(), Some("workers"));
        assert_eq!(signals.receiver(2), None);
        signals.register(&seat, 1, 1, "").unwrap();
        assert_eq!(signals.receiver(1).as_deref(), Some(""));
        #[cfg(not(miri))] // which knows no descriptors of memory
        {
            let adopted = Signals::adopt(signals.as_fd().try_clone_to_owned().unwrap()).unwrap();
            assert_eq!((adopted.all().len(), adopted.version()), (4, signals.version()));
        }
    }

    #[test]
    fn new_code_counts_when_it_is_promoted_and_old_registrations_vanish() {
        let (signals, seat) = table(8);
        signals.register(&seat, 1, 5, "workers").unwrap();
        signals.register(&seat, 1, 6, "mule").unwrap();
        signals.add(&seat, 1, &timer(5, 10)).unwrap();
        signals.add(&seat, 1, &timer(6, 10)).unwrap();
        signals.register(&seat, 2, 5, "mules").unwrap();
        signals.add(&seat, 2, &timer(5, 10)).unwrap();
        assert_eq!(signals.receiver(5).as_deref(), Some("workers"));
        assert_eq!(signals.all(), [timer(5, 10), timer(6, 10)]);
        signals.promote(&seat, 2).unwrap();
        assert_eq!(signals.receiver(5).as_deref(), Some("mules"));
        assert_eq!(signals.receiver(6), None);
        assert_eq!(signals.all(), [timer(5, 10)]);
        assert_eq!(signals.register(&seat, 1, 6, "mule"), Err(SignalError::Outdated));
        assert_eq!(signals.generation(), 2);
    }

    #[test]
    fn code_that_failed_leaves_nothing() {
        let (signals, seat) = table(3);
        signals.register(&seat, 1, 5, "workers").unwrap();
        signals.add(&seat, 1, &timer(5, 10)).unwrap();
        for generation in 2..10 {
            signals.register(&seat, generation, 5, "mules").unwrap();
            signals.add(&seat, generation, &timer(5, 99)).unwrap();
            signals.forget(&seat, generation).unwrap();
        }
        assert_eq!(signals.receiver(5).as_deref(), Some("workers"));
        assert_eq!(signals.all(), [timer(5, 10)]);
        // A trial whose end was not noted makes room for the next one.
        signals.register(&seat, 10, 5, "mules").unwrap();
        signals.register(&seat, 11, 5, "mule1").unwrap();
        signals.promote(&seat, 11).unwrap();
        assert_eq!(signals.receiver(5).as_deref(), Some("mule1"));
    }

    #[test]
    fn what_is_called_the_same_has_the_same_signal_in_every_process_and_generation() {
        let (signals, seat) = table(1);
        let allot = |generation, name| signals.allot(&seat, generation, name, "worker");
        assert_eq!([allot(1, "a"), allot(1, "b"), allot(1, "a")], [Ok(255), Ok(254), Ok(255)]);
        assert_eq!(signals.receiver(255).as_deref(), Some("worker"));
        let taken = signals.register(&seat, 1, 254, "mule").unwrap_err();
        assert!(taken.to_string().starts_with("signal 254 was allotted"), "{taken}");
        // New code has "b" still, and "c"; "a" is there until it is in force.
        assert_eq!([allot(2, "c"), allot(2, "b")], [Ok(253), Ok(254)]);
        signals.forget(&seat, 2).unwrap();
        assert_eq!([allot(3, "d"), allot(3, "b")], [Ok(253), Ok(254)]);
        signals.promote(&seat, 3).unwrap();
        assert_eq!((signals.receiver(255), allot(3, "e")), (None, Ok(255)));
        signals.register(&seat, 3, 9, "").unwrap();
        assert!(signals.is_registered(9, 4) && !signals.is_registered(8, 4));
    }

    #[test]
    fn all_signals_may_be_taken() {
        let (signals, seat) = table(1);
        for number in 0..256 {
            signals.allot(&seat, 1, &number.to_string(), "").unwrap();
        }
        assert_eq!(signals.allot(&seat, 1, "more", "").unwrap_err().to_string(), "all 256 signals are taken");
        assert_eq!(signals.allot(&seat, 1, "7", ""), Ok(248));
    }

    #[test]
    fn what_is_refused_says_why() {
        let (signals, seat) = table(1);
        signals.add(&seat, 1, &timer(1, 1)).unwrap();
        assert_eq!(
            signals.add(&seat, 1, &timer(1, 2)).unwrap_err().to_string(),
            "there is room for 1 timers, cron entries and file monitors, and all is taken"
        );
        let long = Source::Monitor { signal: 1, path: "p".repeat(256) };
        assert_eq!(signals.add(&seat, 1, &long), Err(SignalError::TooLong { length: 256 }));
    }

    #[test]
    fn a_registration_whose_writer_is_killed_is_there_or_not() {
        let mut stores = 0;
        loop {
            let (signals, seats) = (Signals::new(2).unwrap(), Arc::new(Seats::new(2).unwrap()));
            let dead = seats.sit_as(goherd_sys::Pid::new(1 << 30).unwrap(), 0).unwrap();
            let next = seats.sit().unwrap();
            signals.register(&next, 1, 7, "worker").unwrap();
            let killed = killed_after(stores, || signals.register(&dead, 1, 7, "mule").unwrap());
            let found = signals.receiver(7);
            assert!(
                found.is_none() || found.as_deref() == Some("worker") || found.as_deref() == Some("mule")
            );
            signals.register(&next, 1, 7, "mule2").unwrap();
            assert_eq!(signals.receiver(7).as_deref(), Some("mule2"));
            if !killed {
                break;
            }
            stores += 1;
        }
        assert!(stores > 5);
    }
}
