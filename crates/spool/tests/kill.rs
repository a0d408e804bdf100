//! Real processes, killed at random instructions while they put tasks into a folder and take them out: no task is lost that was
//! accepted, none runs after it was done, and no two processes are at the same one.
//!
//! It has a `main` of its own, since a process that forks must have one thread. The wall clock goes a thousand times as fast as the
//! real one, so that pauses between tries take no time.

#![allow(clippy::unwrap_used, reason = "all of it is a test")]

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use goherd_spool::{FAILED, Folder, Moment, Next, Outcome, Retries, Settings, Spooler, Task};
use goherd_sys::Pid;
use goherd_sys::clock::Millis;
use goherd_sys::process::{
    Ending, Fork, exit_now, fork_alone, give_own_group, kill_group, lead_own_group, reap,
};
use goherd_sys::signal::Signum;

const ROUNDS: u32 = 1000;
const WRITERS: usize = 2;
const TAKERS: usize = 3;
/// So few that on a slow machine the folder does not fill faster than takers, each of which lists it, can work it off.
const TASKS_OF_A_LIFE: u64 = 5;

/// A task was accepted.
const ACCEPTED: u8 = b'A';
/// A run is about to begin.
const BEGUN: u8 = b'B';
/// A run has succeeded, and the task is about to be removed.
const SUCCEEDED: u8 = b'S';
/// That was answered.
const DONE: u8 = b'D';

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % below
    }
}

/// What all processes have.
struct World {
    folder: Folder,
    /// A file for each task that is being run, with the number of the process.
    work: PathBuf,
    /// What happened, in its order: a record is one `write` to the end of a file, which no death tears.
    records: File,
    began: Instant,
}

impl World {
    fn new(place: &Path) -> Self {
        let records = OpenOptions::new().append(true).create(true).open(place.join("records")).unwrap();
        let work = place.join("work");
        fs::create_dir(&work).unwrap();
        Self { folder: Folder::open(place.join("spool")).unwrap(), work, records, began: Instant::now() }
    }

    fn wall_millis(&self) -> u64 {
        1_795_995_712_000 + u64::try_from(self.began.elapsed().as_micros()).unwrap()
    }

    fn record(&self, what: u8, number: u64) {
        let record = [&[what; 8][..], &number.to_le_bytes()].concat();
        if (&self.records).write(&record).ok() != Some(16) {
            exit_now(3);
        }
    }

    /// Notes that this process runs the task. Another that lives must not have done so.
    fn enter(&self, number: u64) {
        let path = self.work.join(number.to_string());
        let other = fs::read_to_string(&path).ok().and_then(|pid| pid.parse::<u32>().ok());
        if other.is_some_and(lives) {
            exit_now(4);
        }
        if fs::write(path, std::process::id().to_string()).is_err() {
            exit_now(5);
        }
    }

    fn leave(&self, number: u64) {
        match fs::remove_file(self.work.join(number.to_string())) {
            Err(error) if error.kind() != ErrorKind::NotFound => exit_now(6),
            _ => {}
        }
    }
}

/// Whether a process lives, and is not on its way out: that begins before its locks end.
fn lives(pid: u32) -> bool {
    const EXITING: u64 = 4;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(')') else { return false };
    let flags = fields.split_whitespace().nth(6).and_then(|flags| flags.parse::<u64>().ok());
    flags.is_some_and(|flags| flags & EXITING == 0)
}

fn write_for_ever(world: &World, mut random: Random, parent: u32, base: u64) -> ! {
    lead_own_group().unwrap();
    for number in base..base + TASKS_OF_A_LIFE {
        let (text, body) = (number.to_string(), vec![b'x'; usize::try_from(random.next(20_000)).unwrap()]);
        let priority = random.next(3).to_string();
        let mut pairs = vec![(&b"number"[..], text.as_bytes()), (b"body", &body)];
        if random.next(2) == 0 {
            pairs.push((b"priority", priority.as_bytes()));
        }
        let task = Task::new(pairs).unwrap();
        if world.folder.put(&task, world.wall_millis() * 1_000_000).is_err() {
            exit_now(7);
        }
        world.record(ACCEPTED, number);
        sleep(Duration::from_micros(random.next(2000)));
    }
    while parent_id() == parent {
        sleep(Duration::from_millis(5)); // to be killed; otherwise the test has ended before its time
    }
    exit_now(0)
}

/// Runs tasks; `false`: there was none.
fn take_one(world: &World, spooler: &mut Spooler, random: &mut Random) -> bool {
    let mut complain = |line: &str| {
        if !line.contains("tried again") {
            eprintln!("{line}");
            exit_now(8);
        }
    };
    let job = match spooler.next(Millis::now(), Moment(world.wall_millis()), &mut complain) {
        Next::Run(job) => job,
        Next::AskAgain => return true,
        Next::Wait => return false,
    };
    let number = String::from_utf8(job.task.get(b"number").unwrap().to_vec()).unwrap().parse().unwrap();
    world.record(BEGUN, number);
    world.enter(number);
    sleep(Duration::from_micros(random.next(500)));
    world.leave(number);
    let wall = Moment(world.wall_millis());
    match random.next(8) {
        0 => spooler.end(Outcome::Failed("chance".to_owned()), wall, &mut complain),
        1 => spooler.end(Outcome::Interrupted, wall, &mut complain),
        _ => {
            world.record(SUCCEEDED, number);
            spooler.end(Outcome::Done, wall, &mut complain);
            world.record(DONE, number);
        }
    }
    true
}

fn spooler(world: &World) -> Spooler {
    let settings = Settings { retries: Retries { most: 0 }, frequency: 1000 };
    Spooler::new(world.folder.clone(), settings).unwrap()
}

fn take_for_ever(world: &World, mut random: Random, parent: u32) -> ! {
    lead_own_group().unwrap();
    let mut spooler = spooler(world);
    while parent_id() == parent {
        if !take_one(world, &mut spooler, &mut random) {
            sleep(Duration::from_millis(1));
        }
    }
    exit_now(0)
}

/// A process at place `place`: the first are writers.
fn spawn(world: &World, place: usize, round: u32, random: &mut Random) -> Pid {
    let (parent, own) = (std::process::id(), Random(random.next(u64::MAX >> 9) + 1));
    match fork_alone().unwrap() {
        Fork::Child if place < WRITERS => {
            write_for_ever(world, own, parent, (place as u64) << 60 | u64::from(round) << 32)
        }
        Fork::Child => take_for_ever(world, own, parent),
        Fork::Parent(pid) => {
            give_own_group(pid);
            pid
        }
    }
}

/// Kills a process and waits for its end.
fn kill(pid: Pid) {
    kill_group(pid, Signum::KILL);
    loop {
        match reap(pid) {
            Some(ending) => {
                return assert_eq!(ending, Ending::Killed(Signum::KILL), "it found something wrong");
            }
            None => std::thread::yield_now(),
        }
    }
}

fn kill_at_random(world: &World, random: &mut Random) {
    let mut processes: Vec<_> = (0..WRITERS + TAKERS).map(|place| spawn(world, place, 0, random)).collect();
    for round in 1..=ROUNDS {
        sleep(Duration::from_micros(random.next(6000)));
        let place = usize::try_from(random.next((WRITERS + TAKERS) as u64)).unwrap();
        kill(processes[place]);
        processes[place] = spawn(world, place, round, random);
    }
    processes.into_iter().for_each(kill);
}

/// Runs what is left.
fn finish(world: &World, random: &mut Random) {
    let (mut spooler, limit) = (spooler(world), Instant::now() + Duration::from_secs(300));
    while !world.folder.list().unwrap().tasks.is_empty() {
        assert!(Instant::now() < limit, "there are tasks that nobody can take");
        while take_one(world, &mut spooler, random) {}
        sleep(Duration::from_millis(1));
    }
}

fn judge(place: &Path) {
    let records = fs::read(place.join("records")).unwrap();
    assert_eq!(records.len() % 16, 0);
    let (mut accepted, mut begun, mut succeeded, mut done) =
        (HashSet::new(), 0, HashSet::new(), HashSet::new());
    let mut runs: HashMap<u64, u32> = HashMap::new();
    for record in records.chunks(16) {
        let number = u64::from_le_bytes(record[8..].try_into().unwrap());
        match record[0] {
            ACCEPTED => assert!(accepted.insert(number)),
            BEGUN => {
                assert!(!done.contains(&number), "task {number:x} runs after it was done");
                begun += 1;
                *runs.entry(number).or_default() += 1;
            }
            SUCCEEDED => {
                succeeded.insert(number);
            }
            _ => assert!(done.insert(number), "task {number:x} is done twice"),
        }
    }
    let lost: Vec<_> = accepted.difference(&succeeded).collect();
    assert!(lost.is_empty(), "accepted and never done: {lost:x?}");
    let failed = fs::read_dir(place.join("spool").join(FAILED)).unwrap().count();
    assert_eq!(failed, 0, "a whole task was taken for a damaged one");
    let again = runs.values().filter(|count| **count > 1).count();
    println!(
        "{ROUNDS} kills: {} tasks accepted, {} done, {begun} runs, {again} tasks ran more than once",
        accepted.len(),
        succeeded.len()
    );
    assert!(accepted.len() > 100 && again > 0, "too little happened for this to say anything");
}

fn main() {
    // Processes are killed, not the machine, so that memory does; a disk would only make it slow.
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let place = parent.join(format!("goherd-spool-kill-{}", std::process::id()));
    fs::create_dir(&place).unwrap();
    let world = World::new(&place);
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    kill_at_random(&world, &mut random);
    finish(&world, &mut random);
    judge(&place);
    fs::remove_dir_all(&place).unwrap();
}
