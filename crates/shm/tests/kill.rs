//! Real processes, killed at random instructions while they write: what they leave must be whole, and nothing may be lost
//! to use.
//!
//! It has a `main` of its own, since a process that forks must have one thread.

#![allow(clippy::unwrap_used, reason = "all of it is a test")]

use std::os::unix::process::parent_id;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use goherd_shm::cache::{CacheError, Rule, Settings, Ttl};
use goherd_shm::once::{Begun, Once};
use goherd_shm::{Cache, Locks, Seat, Seats};
use goherd_sys::Pid;
use goherd_sys::clock::Millis;
use goherd_sys::process::{
    Ending, Fork, exit_now, fork_alone, give_own_group, kill_group, lead_own_group, reap,
};
use goherd_sys::signal::Signum;

const KILLS: u32 = 1000;
const WRITERS: usize = 4;
const KEYS: u64 = 48;

/// What all processes have.
struct World {
    seats: Arc<Seats>,
    locks: Locks,
    cache: Cache,
    once: Once,
}

fn settings() -> Settings {
    // Less room than the keys need, so that entries are dropped and refused too.
    Settings { items: 32, key_size: 16, block_size: 64, blocks: 64, purge_lru: true }
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % below
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// A value with the checksum of its key and its bytes.
fn value(key: &[u8], random: &mut Random) -> Vec<u8> {
    let length = usize::try_from(random.next(300)).unwrap();
    let mut value = vec![0; 8];
    value.extend((0..length).map(|_| u8::try_from(random.next(256)).unwrap()));
    let sum = checksum(&[key, &value[8..]].concat());
    value[..8].copy_from_slice(&sum.to_ne_bytes());
    value
}

fn is_whole(key: &[u8], value: &[u8]) -> bool {
    value.len() >= 8 && value[..8] == checksum(&[key, &value[8..]].concat()).to_ne_bytes()
}

/// A writer's life: it ends by being killed, or with a code that tells what was wrong.
fn write_for_ever(world: &World, seed: u64, parent: u32) -> ! {
    let (_, seat) = (lead_own_group(), world.seats.sit().unwrap());
    let mut random = Random(seed);
    loop {
        if random.next(64) == 0 && parent_id() != parent {
            exit_now(0); // the test has ended before its time
        }
        let key = format!("key{}", random.next(KEYS)).into_bytes();
        let now = Millis::now();
        let done = match random.next(10) {
            0 => world.cache.delete(&seat, &key, now).map(|_| ()),
            1 if random.next(40) == 0 => world.cache.clear(&seat, now),
            1 => world.cache.add_to(&seat, b"number", 1, Ttl::Endless, now).map(|_| ()),
            2..6 => {
                world.cache.put(&seat, &key, &value(&key, &mut random), Ttl::Millis(50), Rule::Always, now)
            }
            _ => Ok(()),
        };
        match done {
            // On a machine with too much to do, a holder that lives may not run for that long.
            Ok(()) | Err(CacheError::Busy) => {}
            Err(_) => exit_now(3),
        }
        if world.cache.get(&seat, &key, now).is_some_and(|value| !is_whole(&key, &value)) {
            exit_now(4);
        }
        if random.next(8) == 0
            && (world.locks.lock(0, &seat, None).is_err() || world.locks.unlock(0, &seat).is_err())
        {
            exit_now(5);
        }
    }
}

fn spawn(world: &World, seed: u64) -> Pid {
    let parent = std::process::id();
    match fork_alone().unwrap() {
        Fork::Child => write_for_ever(world, seed, parent),
        Fork::Parent(pid) => {
            give_own_group(pid);
            pid
        }
    }
}

/// Waits for the end of `pid`, which has been killed.
fn take(pid: Pid) {
    loop {
        match reap(pid) {
            Some(ending) => {
                assert_eq!(ending, Ending::Killed(Signum::KILL), "a writer found something wrong");
                return;
            }
            None => std::thread::yield_now(),
        }
    }
}

fn kill_writers(world: &World, random: &mut Random, me: &Seat) {
    let mut writers: Vec<_> = (0..WRITERS).map(|_| spawn(world, random.next(u64::MAX >> 9) + 1)).collect();
    for round in 0..KILLS {
        sleep(Duration::from_micros(random.next(3000)));
        let victim = usize::try_from(random.next(WRITERS as u64)).unwrap();
        kill_group(writers[victim], Signum::KILL);
        take(writers[victim]);
        // Every other time the others are left to find out for themselves.
        if round % 2 == 0 {
            for life in world.seats.bury(writers[victim]) {
                world.cache.release_all_of(me, life);
                world.locks.release_all_of(life);
            }
        }
        writers[victim] = spawn(world, random.next(u64::MAX >> 9) + 1);
    }
    for pid in writers {
        kill_group(pid, Signum::KILL);
        take(pid);
    }
}

fn check(world: &World, me: &Seat) {
    let now = Millis::now();
    world.locks.lock(0, me, Some(1000)).expect("the dead keep no lock");
    world.cache.delete(me, b"none", now).expect("the dead keep no lock");
    let entries: Vec<_> = world.cache.entries(me, Millis(0)).collect();
    for entry in entries.iter().filter(|entry| entry.key != b"number") {
        assert!(is_whole(&entry.key, &entry.value), "a torn entry: {entry:?}");
    }
    assert_eq!(world.cache.stats().items, entries.len() as u64);
    world.cache.clear(me, now).unwrap();
    let stats = world.cache.stats();
    assert_eq!((stats.items, stats.blocks, stats.bytes), (0, 0, 0), "room has leaked");
    let put = |key: &str, length: usize| {
        world.cache.put(me, key.as_bytes(), &vec![1; length], Ttl::Endless, Rule::Always, now)
    };
    assert_eq!(put("all blocks", 64 * 64), Ok(()));
    world.cache.clear(me, now).unwrap();
    for number in 0..32 {
        assert_eq!(put(&number.to_string(), 128), Ok(()));
    }
    assert_eq!(
        (world.cache.stats().items, world.cache.stats().purged),
        (32, stats.purged),
        "room has leaked"
    );
}

/// A process that dies within `once` lets the next one run it.
fn check_once(world: &World, me: &Seat) {
    let dead = match fork_alone().unwrap() {
        Fork::Child => {
            let (_, seat) = (lead_own_group(), world.seats.sit().unwrap());
            let run = world.once.begin("migrate", &seat, None) == Ok(Begun::Run);
            world.locks.lock(1, &seat, None).unwrap();
            exit_now(if run { 0 } else { 1 });
        }
        Fork::Parent(pid) => {
            while goherd_sys::trace::of(pid) != goherd_sys::trace::Trace::Gone {
                std::thread::yield_now();
            }
            pid
        }
    };
    assert_eq!(world.once.begin("migrate", me, Some(1000)), Ok(Begun::Run));
    world.once.finish("migrate", me).unwrap();
    assert_eq!(world.once.begin("migrate", me, Some(0)), Ok(Begun::Done));
    assert_eq!(reap(dead), Some(Ending::Exited(0)));
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let world = World {
        seats: Arc::new(Seats::new(WRITERS + 2).unwrap()),
        locks: Locks::new(2).unwrap(),
        cache: Cache::new("kill", &settings()).unwrap(),
        once: Once::new(4).unwrap(),
    };
    let me = world.seats.sit().unwrap();
    let seed = Millis::now().0 | 1;
    let begun = Instant::now();
    check_once(&world, &me);
    kill_writers(&world, &mut Random(seed), &me);
    let repairs = world.cache.stats().repairs;
    check(&world, &me);
    println!(
        "killed {KILLS} writers in {:.1?} (seed {seed}): {repairs} repairs, nothing torn, nothing leaked",
        begun.elapsed()
    );
    ExitCode::SUCCESS
}
