//! Counters and gauges that all processes share, by name. They outlive workers, and an upgrade of the master.
//!
//! Registering takes a lock, counting does not: a handle is a number, and each metric has a cache line of its own.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::atomic::{AtomicU64, Ordering};
use crate::names::{self, FIRST_OWN, NameError, Names};
use crate::region::{AdoptError, Kind, PARAMETER_COUNT, Region};
use crate::seats::Seat;

const KIND: Kind = Kind { name: "the table of metrics", number: 4, version: 1 };

/// Words of a metric.
const VALUE: usize = FIRST_OWN;
const WHAT: usize = FIRST_OWN + 1;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It only grows, and begins anew at 0 after 2^63 - 1.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl What {
    fn number(self) -> u64 {
        match self {
            Self::Counter => 1,
            Self::Gauge => 2,
        }
    }

    fn from_number(number: u64) -> Self {
        if number == Self::Counter.number() { Self::Counter } else { Self::Gauge }
    }
}

/// Why a metric is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricError {
    /// It cannot have this name.
    Name(NameError),
    /// There is one of another kind with this name.
    OtherKind {
        /// The name.
        name: String,
        /// What it is.
        is: What,
    },
}

impl fmt::Display for MetricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(f, "metric: {error}"),
            Self::OtherKind { name, is: What::Counter } => {
                write!(f, "the metric {name} is a counter already")
            }
            Self::OtherKind { name, is: What::Gauge } => write!(f, "the metric {name} is a gauge already"),
        }
    }
}

impl std::error::Error for MetricError {}

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    region: Region,
}

/// One of them, as a place in the table that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The number of its word.
    at: usize,
}

/// A metric's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its name.
    pub name: String,
    /// What it is.
    pub what: What,
    /// Its value now.
    pub value: i64,
}

impl Metric {
    /// A number for it, by which [`Metrics::numbered`] finds it.
    #[must_use]
    pub fn number(self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }
}

impl Metrics {
    /// Room for `count` metrics (1 to 65 536), shared with every process forked from now on.
    pub fn new(count: u32) -> io::Result<Self> {
        let words = names::words_for(count.clamp(1, 1 << 16) as usize);
        Ok(Self { region: Region::new(KIND, "goherd-metrics", [0; PARAMETER_COUNT], words)? })
    }

    /// Takes over the metrics of the master that this one replaces.
    pub fn adopt(fd: OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(KIND, fd)?;
        let words = region.words().len();
        region.expect_words(KIND, names::count_in(words).map(|_| words))?;
        Ok(Self { region })
    }

    /// The metric `name`, made with the value 0 if there is none. All who register the same name get the same metric.
    pub fn register(&self, name: &str, what: What, seat: &Seat) -> Result<Metric, MetricError> {
        let prepare = |place: &[AtomicU64]| {
            place[VALUE].store(0, Ordering::Relaxed);
            place[WHAT].store(what.number(), Ordering::Relaxed);
        };
        let place = Names::new(self.region.words()).find_or_make(name, seat, prepare);
        let place = place.map_err(MetricError::Name)?;
        let is = What::from_number(place[WHAT].load(Ordering::Relaxed));
        if is != what {
            return Err(MetricError::OtherKind { name: name.to_owned(), is });
        }
        let words = self.region.words();
        let at = words.element_offset(&place[VALUE]).expect("the place is one of these words");
        Ok(Metric { at })
    }

    /// The metric with this number, in any process.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Option<Metric> {
        let at = number as usize;
        (names::is_own(at, VALUE) && at < self.region.words().len()).then_some(Metric { at })
    }

    /// Adds to it; a sum beyond 64 bits begins anew at the other end. Without waiting, from any process.
    pub fn add(&self, metric: Metric, by: i64) {
        if let Some(word) = self.word(metric) {
            word.fetch_add(by.cast_unsigned(), Ordering::Relaxed);
        }
    }

    /// Sets it.
    pub fn set(&self, metric: Metric, value: i64) {
        if let Some(word) = self.word(metric) {
            word.store(value.cast_unsigned(), Ordering::Relaxed);
        }
    }

    /// Its value now.
    #[must_use]
    pub fn value(&self, metric: Metric) -> i64 {
        self.word(metric).map_or(0, |word| word.load(Ordering::Relaxed).cast_signed())
    }

    /// All of them, in the order in which they were registered.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        let names = Names::new(self.region.words()).iter();
        let reading = |(name, place): (String, &[AtomicU64])| Reading {
            name,
            what: What::from_number(place[WHAT].load(Ordering::Relaxed)),
            value: place[VALUE].load(Ordering::Relaxed).cast_signed(),
        };
        names.map(reading).collect()
    }

    fn word(&self, metric: Metric) -> Option<&AtomicU64> {
        self.region.words().get(metric.at)
    }
}

impl AsFd for Metrics {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::seats::Seats;

    #[test]
    fn a_metric_is_made_once_and_counted_by_all() {
        let metrics = Metrics::new(2).unwrap();
        let seat = Arc::new(Seats::new(1).unwrap()).sit().unwrap();
        let served = metrics.register("app.served", What::Counter, &seat).unwrap();
        metrics.add(served, 2);
        let same = metrics.register("app.served", What::Counter, &seat).unwrap();
        metrics.add(same, 1);
        let depth = metrics.register("queue", What::Gauge, &seat).unwrap();
        metrics.set(depth, 5);
        metrics.add(depth, -7);
        #[cfg(not(miri))] // which knows no descriptors of memory
        let metrics = Metrics::adopt(metrics.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(metrics.value(served), 3);
        let readings = metrics.readings();
        assert_eq!(readings[0], Reading { name: "app.served".into(), what: What::Counter, value: 3 });
        assert_eq!(readings[1], Reading { name: "queue".into(), what: What::Gauge, value: -2 });
    }

    #[test]
    fn what_is_refused_says_why() {
        let metrics = Metrics::new(1).unwrap();
        let seat = Arc::new(Seats::new(1).unwrap()).sit().unwrap();
        metrics.register("a", What::Counter, &seat).unwrap();
        let refusal = |name: &str, what| metrics.register(name, what, &seat).unwrap_err().to_string();
        assert_eq!(refusal("a", What::Gauge), "the metric a is a counter already");
        assert_eq!(
            refusal("b", What::Gauge),
            "metric: there is no room for \"b\": all 1 places have other names"
        );
        for name in ["", "two words", &"x".repeat(64)] {
            assert!(refusal(name, What::Counter).contains("is no name"), "{name}");
        }
    }

    #[test]
    fn a_name_whose_writer_was_killed_is_not_there() {
        use crate::atomic::killable::killed_after;
        let metrics = Metrics::new(1).unwrap();
        let seats = Arc::new(Seats::new(2).unwrap());
        let dead = seats.sit_as(goherd_sys::Pid::new(1 << 30).unwrap(), 0).unwrap();
        let next = seats.sit().unwrap();
        let mut stores = 0;
        while killed_after(stores, || drop(metrics.register("first", What::Counter, &dead))) {
            assert_eq!(metrics.readings(), []);
            stores += 1;
        }
        assert!(stores > 2);
        assert!(metrics.register("first", What::Counter, &next).is_ok());
    }
}
