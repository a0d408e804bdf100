//! A task and the bytes of its file: pairs of strings, in a block that crosses to Go as it stands.
//!
//! A block is pairs, one behind another: length of the key (`u32`), length of the value (`u32`), key, value. The file is a head of 32
//! bytes and a block. The head: magic (8), version (`u32`), number of pairs (`u32`), length of the block (`u64`), CRC-32 of the
//! block (`u32`), CRC-32 of the 28 bytes before (`u32`). All numbers are little-endian.
//!
//! Reading takes no more memory than the file has bytes, and than [`LARGEST_TASK`].

use std::fmt;
use std::io::{self, Read};

/// The longest key, in bytes.
pub const LONGEST_KEY: usize = 65_535;
/// The most bytes of a task: of all keys and values, and 8 for each pair.
pub const LARGEST_TASK: u64 = 256 << 20;

const MAGIC: [u8; 8] = *b"goherd\0T";
const VERSION: u32 = 1;
const HEAD: usize = 32;
const PAIR_HEAD: usize = 8;

/// What is to be done: at least one pair, no key twice, none empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    block: Vec<u8>,
    pairs: u32,
}

/// Why something is no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskError {
    /// There are no pairs.
    Empty,
    /// A key is empty, or longer than [`LONGEST_KEY`]: it has so many bytes.
    Key(usize),
    /// A key is there twice.
    Twice,
    /// It has so many bytes, which are more than [`LARGEST_TASK`].
    Large(u64),
    /// The lengths in a block do not fit it.
    Lengths,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a task needs at least one key"),
            Self::Key(0) => write!(f, "a key of a task must not be empty"),
            Self::Key(length) => {
                write!(f, "a key of the task has {length} bytes, and {LONGEST_KEY} are the most")
            }
            Self::Twice => write!(f, "a key of the task is there twice"),
            Self::Large(length) => {
                write!(f, "the task has {length} bytes, and {LARGEST_TASK} are the most")
            }
            Self::Lengths => write!(f, "the lengths of the task's keys and values do not add up"),
        }
    }
}

impl std::error::Error for TaskError {}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin as tasks do.
    NoTask,
    /// Another version of the format.
    Version(u32),
    /// Its head does not have its checksum.
    Head,
    /// It has fewer bytes than it says.
    Truncated,
    /// It has more bytes than it says.
    Longer,
    /// What it holds does not have its checksum.
    Damaged,
    /// What it holds is no task.
    Task(TaskError),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTask => write!(f, "it is no task of Goherd's"),
            Self::Version(found) => {
                write!(f, "its format has version {found}, and this Goherd reads version {VERSION}")
            }
            Self::Head => write!(f, "its head is damaged"),
            Self::Truncated => write!(f, "it ends too early"),
            Self::Longer => write!(f, "something follows its end"),
            Self::Damaged => write!(f, "it is damaged: its checksum is another"),
            Self::Task(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Fault {}

/// Why a task is not read.
#[derive(Debug)]
pub enum Unread {
    /// The file cannot be read.
    Io(io::Error),
    /// What it holds is no task.
    Fault(Fault),
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Task {
    /// A task of these pairs.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Result<Self, TaskError> {
        let mut block = Vec::new();
        for (key, value) in pairs {
            for part in [key, value] {
                let length = u32::try_from(part.len()).map_err(|_| TaskError::Large(part.len() as u64))?;
                block.extend(length.to_le_bytes());
            }
            block.extend(key);
            block.extend(value);
        }
        Self::of_block(block)
    }

    /// The task that a block is.
    pub fn of_block(block: Vec<u8>) -> Result<Self, TaskError> {
        if block.len() as u64 > LARGEST_TASK {
            return Err(TaskError::Large(block.len() as u64));
        }
        let mut pairs = 0;
        let mut keys = std::collections::HashSet::new();
        let mut rest = Pairs { rest: &block };
        for (key, _) in rest.by_ref() {
            if key.is_empty() || key.len() > LONGEST_KEY {
                return Err(TaskError::Key(key.len()));
            }
            if !keys.insert(key) {
                return Err(TaskError::Twice);
            }
            pairs += 1;
        }
        match (rest.rest.is_empty(), pairs) {
            (false, _) => Err(TaskError::Lengths),
            (true, 0) => Err(TaskError::Empty),
            (true, pairs) => Ok(Self { block, pairs }),
        }
    }

    /// Its block.
    #[must_use]
    pub fn block(&self) -> &[u8] {
        &self.block
    }

    /// Its pairs, in the order in which they were given.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        Pairs { rest: &self.block }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.pairs().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// What comes before the block in a file.
    #[must_use]
    pub fn head(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(&MAGIC);
        head[8..12].copy_from_slice(&VERSION.to_le_bytes());
        head[12..16].copy_from_slice(&self.pairs.to_le_bytes());
        head[16..24].copy_from_slice(&(self.block.len() as u64).to_le_bytes());
        head[24..28].copy_from_slice(&crc32fast::hash(&self.block).to_le_bytes());
        let sum = crc32fast::hash(&head[..28]);
        head[28..].copy_from_slice(&sum.to_le_bytes());
        head
    }

    /// The task that `input` holds, which has `length` bytes.
    pub fn read(mut input: impl Read, length: u64) -> Result<Self, Unread> {
        let mut head = [0; HEAD];
        fill(&mut input, &mut head[..8], Fault::NoTask)?;
        if head[..8] != MAGIC {
            return Err(Fault::NoTask.into());
        }
        fill(&mut input, &mut head[8..], Fault::Truncated)?;
        let word = |at: usize| head[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let block_length = head[16..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if word(8) != VERSION {
            return Err(Fault::Version(word(8)).into());
        }
        if word(28) != crc32fast::hash(&head[..28]) {
            return Err(Fault::Head.into());
        }
        match (HEAD as u64).saturating_add(block_length) {
            whole if whole > length => return Err(Fault::Truncated.into()),
            whole if whole < length => return Err(Fault::Longer.into()),
            _ if block_length > LARGEST_TASK => {
                return Err(Fault::Task(TaskError::Large(block_length)).into());
            }
            _ => {}
        }
        // The head's own word is not enough: `length` is only what the file had when it was asked.
        let mut block = Vec::new();
        input.take(block_length).read_to_end(&mut block).map_err(Unread::Io)?;
        if block.len() as u64 != block_length {
            return Err(Fault::Truncated.into());
        }
        if word(24) != crc32fast::hash(&block) {
            return Err(Fault::Damaged.into());
        }
        let task = Self::of_block(block).map_err(Fault::Task)?;
        if task.pairs == word(12) { Ok(task) } else { Err(Fault::Task(TaskError::Lengths).into()) }
    }
}

/// Reads as many bytes as `room` has; `fault`: there are fewer.
fn fill(input: &mut impl Read, room: &mut [u8], fault: Fault) -> Result<(), Unread> {
    input.read_exact(room).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => fault.into(),
        _ => Unread::Io(error),
    })
}

/// The pairs of a block; what is left over at their end does not begin with a whole pair.
struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (lengths, rest) = self.rest.split_at_checked(PAIR_HEAD)?;
        let length = |at: usize| lengths[at..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
        let (key, rest) = rest.split_at_checked(length(0)?)?;
        let (value, rest) = rest.split_at_checked(length(4)?)?;
        self.rest = rest;
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn task() -> Task {
        Task::new([(&b"to"[..], &b"a@example.org"[..]), (b"body", b"\0\xff"), (b"empty", b"")]).unwrap()
    }

    fn file(task: &Task) -> Vec<u8> {
        [&task.head()[..], task.block()].concat()
    }

    fn read(bytes: &[u8]) -> Result<Task, Fault> {
        Task::read(bytes, bytes.len() as u64).map_err(|error| match error {
            Unread::Fault(fault) => fault,
            Unread::Io(error) => panic!("{error}"),
        })
    }

    #[test]
    fn a_task_comes_out_as_it_went_in() {
        assert_eq!(read(&file(&task())), Ok(task()));
        assert_eq!(task().get(b"body"), Some(&b"\0\xff"[..]));
        assert_eq!((task().get(b"empty"), task().get(b"other")), (Some(&b""[..]), None));
        assert_eq!(task().pairs().map(|(key, _)| key).collect::<Vec<_>>(), [&b"to"[..], b"body", b"empty"]);
    }

    #[test]
    fn what_is_no_task_is_refused() {
        let long = vec![b'k'; LONGEST_KEY + 1];
        let longest = &long[1..];
        assert_eq!(Task::new([]), Err(TaskError::Empty));
        assert_eq!(Task::new([(&b""[..], &b"v"[..])]), Err(TaskError::Key(0)));
        assert_eq!(Task::new([(&long[..], &b"v"[..])]), Err(TaskError::Key(LONGEST_KEY + 1)));
        assert!(Task::new([(longest, &b"v"[..])]).is_ok());
        assert_eq!(Task::new([(&b"k"[..], &b"v"[..]), (b"k", b"w")]), Err(TaskError::Twice));
        assert_eq!(Task::of_block(vec![1, 2, 3]), Err(TaskError::Lengths));
        let mut cut = task().block().to_vec();
        cut.pop();
        assert_eq!(Task::of_block(cut), Err(TaskError::Lengths));
    }

    #[test]
    fn a_file_is_refused_with_its_fault() {
        let good = file(&task());
        let changed = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        };
        assert_eq!(read(b""), Err(Fault::NoTask));
        assert_eq!(read(b"#!/bin/sh\nexit 0\n# and so on, and on, and on"), Err(Fault::NoTask));
        assert_eq!(read(&good[..20]), Err(Fault::Truncated));
        assert_eq!(read(&good[..good.len() - 1]), Err(Fault::Truncated));
        assert_eq!(read(&[&good[..], b"x"].concat()), Err(Fault::Longer));
        assert_eq!(read(&changed(8)), Err(Fault::Version(0)));
        assert_eq!(read(&changed(12)), Err(Fault::Head));
        assert_eq!(read(&changed(20)), Err(Fault::Head));
        assert_eq!(read(&changed(good.len() - 1)), Err(Fault::Damaged));
    }

    #[test]
    fn a_length_that_lies_takes_no_memory() {
        let mut head = task().head();
        head[16..24].copy_from_slice(&(u64::MAX - 40).to_le_bytes());
        let sum = crc32fast::hash(&head[..28]);
        head[28..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(read(&head), Err(Fault::Truncated));
        let claimed = LARGEST_TASK + 1;
        head[16..24].copy_from_slice(&claimed.to_le_bytes());
        let sum = crc32fast::hash(&head[..28]);
        head[28..].copy_from_slice(&sum.to_le_bytes());
        let refused = Task::read(&head[..], claimed + HEAD as u64);
        assert!(
            matches!(refused, Err(Unread::Fault(Fault::Task(TaskError::Large(length)))) if length == claimed)
        );
    }

    proptest! {
        #[test]
        fn no_changed_byte_goes_unnoticed(at in 0..100_usize, mask in 1..=255_u8) {
            let mut bytes = file(&task());
            let at = at % bytes.len();
            bytes[at] ^= mask;
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn any_map_goes_through(
            map in proptest::collection::hash_map("[a-z]{1,9}", proptest::collection::vec(any::<u8>(), 0..99), 1..9)
        ) {
            let task = Task::new(map.iter().map(|(key, value)| (key.as_bytes(), &value[..]))).unwrap();
            prop_assert_eq!(read(&file(&task)), Ok(task));
        }
    }
}
