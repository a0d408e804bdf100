//! What can be asked of a cache in Redis, and what may come of it.

use std::fmt;

use goherd_shm::cache::Rule;

/// The longest value, in bytes: Redis takes no longer ones.
pub const LONGEST_VALUE: usize = 512 << 20;

/// A question or an order. Keys are those of the application, without the prefix; times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The value of a key.
    Get {
        /// The key.
        key: Vec<u8>,
    },
    /// An entry.
    Put {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
        /// How long it lives; `None`: until it is deleted.
        ttl: Option<u64>,
        /// When it is put.
        rule: Rule,
    },
    /// A sum; a key that is not there counts from 0.
    Add {
        /// The key.
        key: Vec<u8>,
        /// What is added.
        by: i64,
        /// How long a key lives that is not there.
        ttl: Option<u64>,
    },
    /// The end of an entry.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// How long an entry lives.
    Ttl {
        /// The key.
        key: Vec<u8>,
    },
    /// Some keys.
    Keys {
        /// 0, or what the portion before has given.
        cursor: u64,
    },
    /// The end of some entries.
    Clear {
        /// So, too.
        cursor: u64,
    },
}

impl Call {
    /// The key that it writes, or tries to.
    pub(crate) fn written(&self) -> Option<&[u8]> {
        match self {
            Self::Put { key, .. } | Self::Add { key, .. } | Self::Delete { key } => Some(key),
            Self::Get { .. } | Self::Ttl { .. } | Self::Keys { .. } | Self::Clear { .. } => None,
        }
    }

    /// Whether doing it twice comes to the same as doing it once, answer included.
    pub(crate) fn may_be_repeated(&self) -> bool {
        match self {
            Self::Get { .. } | Self::Ttl { .. } | Self::Keys { .. } | Self::Clear { .. } => true,
            Self::Put { rule, .. } => *rule == Rule::Always,
            Self::Add { .. } | Self::Delete { .. } => false,
        }
    }
}

/// What a call has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// The value.
    Value(Vec<u8>),
    /// The sum; or for how many milliseconds the entry lives, `i64::MAX` for one that lives until it is deleted.
    Number(i64),
    /// Keys, each behind its length as a `u32` of this machine.
    Keys {
        /// The keys.
        block: Vec<u8>,
        /// What to ask for next; 0: those were the last.
        next: u64,
    },
    /// What to clear next; 0: that was all.
    Next(u64),
}

/// Why a call has come to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Of what kind it is.
    pub reason: Reason,
    /// A sentence for people, if there is more to say.
    pub text: String,
}

/// The kinds of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no such entry.
    Missing,
    /// There is one.
    Exists,
    /// The key is empty or too long.
    Key,
    /// The value is too long.
    Value,
    /// Redis has no more memory.
    Full,
    /// The entry is not a number of 64 bits, or the sum would not be one.
    NotANumber,
    /// Redis refuses for another reason.
    Refused,
    /// Redis cannot be reached, or does not answer in time.
    Unreachable,
}

impl Failure {
    pub(crate) fn bare(reason: Reason) -> Self {
        Self { reason, text: String::new() }
    }

    pub(crate) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() { write!(f, "{:?}", self.reason) } else { f.write_str(&self.text) }
    }
}
