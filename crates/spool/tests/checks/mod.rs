//! What must hold for the bytes of any file, and for any name: a function which panics where it does not.
//!
//! `../seeds.rs` calls it with the files of `fuzz/seeds/task`, and the fuzzer (`make fuzz`) with what it can think of.

use goherd_spool::{Name, Order, Task};

/// Takes the bytes for a file, for a block and for a name.
pub fn task(bytes: &[u8]) {
    file(bytes, bytes.len() as u64);
    file(bytes, u64::MAX); // a file that has become shorter since it was asked for its length
    if let Ok(task) = Task::of_block(bytes.to_vec()) {
        whole(&task);
    }
    if let Some(name) = std::str::from_utf8(bytes).ok().and_then(Name::parse) {
        assert_eq!(name.to_string().as_bytes(), bytes, "a name is written in one way");
    }
}

fn file(bytes: &[u8], length: u64) {
    if let Ok(task) = Task::read(bytes, length) {
        assert_eq!([&task.head()[..], task.block()].concat(), bytes, "a task is written in one way");
        whole(&task);
    }
}

fn whole(task: &Task) {
    let pairs: Vec<_> = task.pairs().collect();
    assert!(!pairs.is_empty() && pairs.iter().all(|(key, _)| !key.is_empty()));
    assert_eq!(Task::new(pairs.iter().copied()).as_ref(), Ok(task));
    assert!(pairs.iter().all(|(key, value)| task.get(key) == Some(value)), "no key is there twice");
    let _it_may_be_none = Order::of(task);
}
