//! The folder with real files and made-up times.

#![allow(clippy::unwrap_used, reason = "all of it is a test")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use goherd_spool::{
    Claim, Claimed, FAILED, Folder, Moment, Name, Next, Outcome, Retries, Settings, Spooler, TEMPORARY, Task,
};
use goherd_sys::clock::Millis;

const START: u64 = 1_795_995_712_000;

/// A folder that is removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("goherd-spool-{name}-{}", std::process::id()));
        let _absent = fs::remove_dir_all(&path);
        Self(path)
    }

    fn folder(&self) -> Folder {
        Folder::open(&self.0).unwrap()
    }

    fn failed(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(FAILED)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn why(&self) -> String {
        let why = self.failed().into_iter().find(|name| name.ends_with(".why")).unwrap();
        fs::read_to_string(self.0.join(FAILED).join(why)).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _absent = fs::remove_dir_all(&self.0);
    }
}

fn task(pairs: &[(&str, &str)]) -> Task {
    Task::new(pairs.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()))).unwrap()
}

fn put(folder: &Folder, pairs: &[(&str, &str)], millis: u64) -> Name {
    folder.put(&task(pairs), (START + millis) * 1_000_000).unwrap()
}

/// A spooler with clocks of its own.
struct Clocked {
    spooler: Spooler,
    millis: u64,
    log: Vec<String>,
}

impl Clocked {
    fn new(folder: Folder, most: u32) -> Self {
        let settings = Settings { retries: Retries { most }, frequency: 30_000 };
        Self { spooler: Spooler::new(folder, settings).unwrap(), millis: 0, log: Vec::new() }
    }

    fn next(&mut self) -> Option<(String, u32)> {
        // Made-up times may lie behind the timer's own, so that it is always readable.
        for _ in 0..3 {
            let (now, wall) = (Millis(10_000_000 + self.millis), Moment(START + self.millis));
            match self.spooler.next(now, wall, &mut |line| self.log.push(line.to_owned())) {
                Next::Run(job) => {
                    let name = String::from_utf8(job.task.get(b"name").unwrap().to_vec()).unwrap();
                    return Some((name, job.tries));
                }
                Next::AskAgain => {}
                Next::Wait => return None,
            }
        }
        None
    }

    fn end(&mut self, outcome: Outcome) {
        self.spooler.end(outcome, Moment(START + self.millis), &mut |line| self.log.push(line.to_owned()));
    }
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed(reason.to_owned())
}

fn first(name: &str) -> Option<(String, u32)> {
    Some((name.to_owned(), 1))
}

#[test]
fn a_task_is_run_once_and_is_gone() {
    let place = Place::new("once");
    let folder = place.folder();
    let name = put(&folder, &[("name", "a"), ("body", "x")], 0);
    assert_eq!(name.due, Moment(START));
    let mut spooler = Clocked::new(folder.clone(), 3);
    assert_eq!(spooler.next(), first("a"));
    spooler.end(Outcome::Done);
    assert_eq!(spooler.next(), None);
    let listing = folder.list().unwrap();
    assert!(listing.tasks.is_empty() && listing.strangers.is_empty());
    assert_eq!((place.failed(), spooler.log), (vec![], vec![]));
}

#[test]
fn tasks_come_by_priority_then_time_and_new_ones_are_noticed() {
    let place = Place::new("order");
    let folder = place.folder();
    put(&folder, &[("name", "second")], 0);
    put(&folder, &[("name", "third")], 1);
    put(&folder, &[("name", "later"), ("at", &(START / 1000 + 50).to_string())], 0);
    let mut spooler = Clocked::new(folder.clone(), 3);
    spooler.millis = 10;
    assert_eq!(spooler.next(), first("second"));
    put(&folder, &[("name", "urgent"), ("priority", "1")], 5);
    put(&folder, &[("name", "most urgent"), ("priority", "0")], 6);
    let mut order = Vec::new();
    loop {
        spooler.end(Outcome::Done);
        let Some((name, _)) = spooler.next() else { break };
        order.push(name);
    }
    assert_eq!(order, ["most urgent", "urgent", "third"]);
    spooler.millis = 49_999;
    assert_eq!(spooler.next(), None);
    spooler.millis = 50_000;
    assert_eq!(spooler.next(), first("later"));
}

#[test]
fn a_task_that_fails_is_tried_again_after_its_pause_and_then_set_aside() {
    let place = Place::new("retry");
    put(&place.folder(), &[("name", "a")], 0);
    let mut spooler = Clocked::new(place.folder(), 2);
    assert_eq!(spooler.next(), first("a"));
    spooler.end(failed("no connection"));
    assert!(
        spooler.log[0].contains("(try 1), and is tried again in 1 s: no connection"),
        "{:?}",
        spooler.log
    );
    spooler.millis = 999;
    assert_eq!(spooler.next(), None);
    spooler.millis = 1000;
    assert_eq!(spooler.next(), Some(("a".to_owned(), 2)));
    spooler.end(failed("still none"));
    spooler.millis = 1_000_000;
    assert_eq!(spooler.next(), None);
    assert_eq!(place.failed().len(), 2);
    assert_eq!(place.why(), "tried 2 times: still none\n");
}

#[test]
fn a_task_that_is_given_up_is_set_aside_at_once_and_can_be_put_back() {
    let place = Place::new("give-up");
    put(&place.folder(), &[("name", "a")], 0);
    let mut spooler = Clocked::new(place.folder(), 0);
    assert_eq!(spooler.next(), first("a"));
    spooler.end(Outcome::GivenUp("no such account".to_owned()));
    assert_eq!((spooler.next(), place.why()), (None, "given up: no such account\n".to_owned()));
    let file = place.failed().into_iter().find(|name| name.ends_with(".task")).unwrap();
    fs::copy(place.0.join(FAILED).join(&file), place.0.join(&file)).unwrap();
    spooler.millis = 1000;
    assert_eq!(spooler.next(), first("a"), "it has all of its tries again");
    spooler.end(Outcome::GivenUp("again".to_owned()));
    assert_eq!(place.failed().len(), 4, "nothing in failed/ is overwritten: two tasks, two reasons");
    let folder = place.folder();
    for round in 0..2 {
        fs::write(place.0.join("stranger"), format!("{round}")).unwrap();
        folder.set_aside("stranger".as_ref(), "stranger".as_ref(), "it is strange").unwrap();
    }
    let contents = ["stranger", "stranger.2"].map(|name| fs::read(place.0.join(FAILED).join(name)).unwrap());
    assert_eq!(contents, [b"0", b"1"]);
}

#[test]
fn an_interrupted_task_is_due_at_once_and_its_try_does_not_count() {
    let place = Place::new("interrupt");
    put(&place.folder(), &[("name", "a")], 0);
    let mut spooler = Clocked::new(place.folder(), 1);
    for _ in 0..3 {
        assert_eq!(spooler.next(), first("a"));
        spooler.end(Outcome::Interrupted);
    }
}

#[test]
fn two_are_never_at_the_same_task() {
    let place = Place::new("two");
    let folder = place.folder();
    put(&folder, &[("name", "a")], 0);
    let (mut one, mut other) = (Clocked::new(folder.clone(), 9), Clocked::new(folder.clone(), 9));
    assert_eq!(one.next(), first("a"));
    assert_eq!(other.next(), None);
    other.millis = 5000; // its pause is over, and it still runs
    assert_eq!(other.next(), None);
    drop(one); // as if its process had died
    other.millis = 5999;
    assert_eq!(other.next(), None, "it is looked at again a second later");
    other.millis = 6000;
    assert_eq!(other.next(), Some(("a".to_owned(), 2)));
    other.end(Outcome::Done);
    assert!(folder.list().unwrap().tasks.is_empty());
}

#[test]
fn a_task_whose_process_dies_each_time_is_set_aside() {
    let place = Place::new("poison");
    put(&place.folder(), &[("name", "a")], 0);
    for tries in 1..=3 {
        let mut spooler = Clocked::new(place.folder(), 3);
        spooler.millis = u64::from(tries) * 100_000;
        assert_eq!(spooler.next(), Some(("a".to_owned(), tries)));
    }
    let mut spooler = Clocked::new(place.folder(), 3);
    spooler.millis = 900_000;
    assert_eq!(spooler.next(), None);
    assert!(place.why().starts_with("it was tried 3 times, and its process ended"), "{}", place.why());
    assert!(spooler.log[0].contains("set aside as"), "{:?}", spooler.log);
}

#[test]
fn a_claim_on_a_name_of_the_past_is_none() {
    let place = Place::new("past");
    let folder = place.folder();
    let name = put(&folder, &[("name", "a")], 0);
    let retries = Retries { most: 0 };
    let Ok(Claimed::Mine(claim, _)) = Claim::take(&folder, &name, retries, Moment(START)) else {
        panic!("it is free")
    };
    assert!(matches!(Claim::take(&folder, &name, retries, Moment(START)), Ok(Claimed::Gone)));
    let running = claim.name().clone();
    assert!(matches!(Claim::take(&folder, &running, retries, Moment(START)), Ok(Claimed::Held)));
    claim.done().unwrap();
    assert!(matches!(Claim::take(&folder, &running, retries, Moment(START)), Ok(Claimed::Gone)));
}

#[test]
fn damaged_files_and_strangers_are_set_aside_and_never_deleted() {
    let place = Place::new("damaged");
    let folder = place.folder();
    let damaged = place.0.join(put(&folder, &[("name", "damaged")], 0).to_string());
    let mut bytes = fs::read(&damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    let cut = place.0.join(put(&folder, &[("name", "cut")], 0).to_string());
    fs::write(&cut, &fs::read(&cut).unwrap()[..40]).unwrap();
    let empty = place.0.join(put(&folder, &[("name", "empty")], 0).to_string());
    fs::write(&empty, "").unwrap();
    fs::write(place.0.join("uwsgi_spoolfile_on_host_1_2_3"), "of uWSGI").unwrap();
    let link = put(&folder, &[("name", "link")], 0).to_string();
    fs::rename(place.0.join(&link), place.0.join(".target")).unwrap();
    symlink(".target", place.0.join(&link)).unwrap();
    fs::create_dir(place.0.join("sub")).unwrap();
    put(&folder, &[("name", "good")], 1);

    let mut spooler = Clocked::new(folder.clone(), 3);
    spooler.millis = 5;
    assert_eq!(spooler.next(), first("good"));
    spooler.end(Outcome::Done);
    assert_eq!(spooler.next(), None);
    let failed = place.failed();
    assert_eq!(failed.len(), 10, "{failed:?}");
    let why = |file: &str| fs::read_to_string(place.0.join(FAILED).join(format!("{file}.why"))).unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(why(&name(&damaged)).contains("checksum"));
    assert!(why(&name(&cut)).contains("ends too early"));
    assert!(why(&name(&empty)).contains("no task"));
    assert!(why(&link).contains("cannot be opened"));
    assert!(why("uwsgi_spoolfile_on_host_1_2_3").contains("name"));
    assert_eq!(fs::read(place.0.join(FAILED).join(name(&damaged))).unwrap(), bytes);
    assert!(place.0.join(".target").exists() && place.0.join("sub").exists());
    assert_eq!(spooler.log.len(), 5, "{:?}", spooler.log);
    let listing = folder.list().unwrap();
    assert!(listing.tasks.is_empty() && listing.strangers.is_empty());
}

#[test]
fn a_folder_that_goes_and_comes_again_is_worked_off() {
    let place = Place::new("goes");
    let mut spooler = Clocked::new(place.folder(), 3);
    assert_eq!(spooler.next(), None);
    fs::remove_dir_all(&place.0).unwrap();
    spooler.millis = 1;
    assert_eq!(spooler.next(), None);
    assert!(spooler.log.iter().any(|line| line.contains("cannot list")), "{:?}", spooler.log);
    let said = spooler.log.len();
    spooler.millis = 40_000;
    assert_eq!(spooler.next(), None);
    assert!(spooler.log.len() <= said + 2, "an error is not repeated: {:?}", spooler.log);
    put(&place.folder(), &[("name", "a")], 0);
    spooler.millis = 80_000;
    assert_eq!(spooler.next(), first("a"));
}

#[test]
fn what_dead_writers_left_is_swept_and_what_living_ones_write_is_not() {
    let place = Place::new("sweep");
    let folder = place.folder();
    let file = |name: &str| place.0.join(TEMPORARY).join(name);
    let old = |file: &fs::File| {
        file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
    };
    old(&fs::File::create(file("dead")).unwrap());
    let living = fs::File::create(file("living")).unwrap();
    living.try_lock().unwrap();
    old(&living);
    fs::File::create(file("young")).unwrap();
    folder.sweep(SystemTime::now());
    assert_eq!(["dead", "living", "young"].map(|name| file(name).exists()), [false, true, true]);
}

#[test]
fn a_folder_is_made_for_its_owner_alone_and_tmp_again_if_it_is_gone() {
    let place = Place::new("made");
    let folder = place.folder();
    assert_eq!(fs::metadata(&place.0).unwrap().mode() & 0o777, 0o700);
    fs::remove_dir(place.0.join(TEMPORARY)).unwrap();
    let name = put(&folder, &[("name", "a")], 0);
    assert_eq!(fs::metadata(place.0.join(name.to_string())).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(place.0.join(TEMPORARY)).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_is_an_error_that_names_it() {
    let place = Place::new("bad");
    let error = Folder::open(place.0.join("no/such")).unwrap_err().to_string();
    assert!(error.contains("cannot make the folder") && error.contains("no/such"), "{error}");
    fs::write(&place.0, "a file").unwrap();
    let error = Folder::open(&place.0).unwrap_err().to_string();
    assert!(error.contains("Not a directory") || error.contains("Permission"), "{error}");
    fs::remove_file(&place.0).unwrap();
    fs::create_dir(&place.0).unwrap();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(place.0.join("probe"), "").is_err() {
        assert!(Folder::open(&place.0).is_err(), "root may do all, others may not");
    }
}

#[test]
fn a_task_that_asks_for_what_cannot_be_is_not_put() {
    let place = Place::new("order-bad");
    let folder = place.folder();
    let error = folder.put(&task(&[("at", "soon")]), START * 1_000_000).unwrap_err();
    assert!(error.to_string().contains("at must be a time") && error.os_error().is_none());
    assert!(folder.list().unwrap().tasks.is_empty());
}
