//! Faults: processes that are killed, forks that fail, disks and pipes that are full, storms of signals. Whoever is not
//! hit by one does not notice.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use goherd_tests::{
    Address, Client, Habit, Launch, Process, Scratch, Server, Signal, Tally, Toolchain, Traffic, app,
    eventually, kill, launch, limit, skip, with_both_toolchains,
};

use crate::reloads::{HABITS, Site};
use crate::{hold, probe};

with_both_toolchains!(
    a_worker_killed_in_a_request_costs_that_request,
    half_of_the_workers_killed_again_and_again_cost_what_they_had_under_way,
    a_master_killed_under_load_makes_room_for_another,
    a_server_that_cannot_fork_serves_with_whom_it_has,
    a_worker_that_the_application_brings_down_brings_down_no_other,
    a_worker_that_cannot_start_harms_no_other,
    workers_that_hang_while_they_start_do_not_hold_up_the_end,
    children_in_sessions_of_their_own_end_with_the_server,
    a_storm_of_signals_costs_nothing,
    reloads_and_an_end_at_the_same_time_are_an_end,
    a_log_that_nobody_reads_stops_nothing,
    a_log_on_a_full_disk_stops_nothing,
    a_library_overwritten_in_place_is_refused_and_the_old_one_serves_on,
);

/// Waits until there are so many workers, none of them among `gone`, and all of them ready.
fn replaced(server: &Server, gone: &[u32], count: usize) {
    eventually("those who are gone are replaced", || {
        let now = server.worker_pids();
        (now.len() == count && !now.iter().any(|pid| gone.contains(pid))).then_some(())
    });
    eventually("all workers are ready", || {
        let now = server.worker_pids();
        let ready = |pid: &u32| server.lines_with(&format!("(pid {pid}) is ready after ")) > 0;
        now.iter().all(ready).then_some(())
    });
}

fn a_worker_killed_in_a_request_costs_that_request(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).processes(2).start(), Scratch::new());
    let mut lost = hold(&server, &scratch, "lost");
    let free = server.answering_pid();
    let mut kept = hold(&server, &scratch, "kept"); // both workers are busy now
    let victim = server.worker_pids().into_iter().find(|&pid| pid != free).unwrap();
    kill(victim, Signal::KILL);
    assert!(lost.receive().is_err(), "it is told at once");
    replaced(&server, &[victim], 2);
    assert_eq!(server.text("/"), "hello from the probe\n", "the successor serves");
    scratch.write("kept", "");
    assert_eq!(kept.receive().unwrap().text(), "let go");
    assert_eq!(server.stop(), 0);
}

fn half_of_the_workers_killed_again_and_again_cost_what_they_had_under_way(toolchain: Toolchain) {
    let server = probe(toolchain).processes(4).goroutines(4).start();
    let fresh = [Habit::Fresh, Habit::Fresh, Habit::Fresh, Habit::Slow(20), Habit::Slow(20)];
    let traffic = Traffic::begin(&server.address(), &fresh);
    let mut raids: Vec<(Instant, Instant)> = Vec::new();
    for _ in 0..4 {
        let answered = traffic.answered();
        eventually("requests are answered", || (traffic.answered() > answered + 50).then_some(()));
        let victims: Vec<u32> = server.worker_pids().into_iter().take(2).collect();
        let began = Instant::now();
        victims.iter().for_each(|&pid| kill(pid, Signal::KILL));
        eventually("they are dead", || victims.iter().all(|&pid| Process::find(pid).is_none()).then_some(()));
        raids.push((began, Instant::now()));
        replaced(&server, &victims, 4);
    }
    let Tally { answered, missed, .. } = traffic.end();
    for miss in &missed {
        let (began, failed) = miss.lasted;
        let was_hit = raids.iter().any(|&(from, to)| began <= to && failed >= from);
        assert!(was_hit, "{miss:?} is of no raid: {raids:?}\n{}", server.log());
    }
    assert!(answered > 200, "{answered} answers");
    assert_eq!(server.stop(), 0);
}

fn a_master_killed_under_load_makes_room_for_another(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).processes(2).goroutines(8).start(), Scratch::new());
    let mut held = hold(&server, &scratch, "gate");
    let traffic = Traffic::begin(&server.address(), &[Habit::KeepAlive, Habit::Fresh, Habit::Slow(30)]);
    eventually("requests are answered", || (traffic.answered() > 50).then_some(()));
    server.signal(Signal::KILL);
    let address = format!("127.0.0.1:{}", server.port());
    let again = launch().with(["--http-socket", &address]).load(&app(toolchain, "probe"));
    let successor = eventually("another master has the port", || {
        let successor = again.begin();
        let fate = eventually("it starts, or not", || {
            let serves = (successor.lines_with(" is ready after ") > 0).then_some(true);
            serves.or_else(|| successor.try_exit().map(|_| false))
        });
        fate.then_some(successor)
    });
    let answered = traffic.answered();
    eventually("clients are answered again", || (traffic.answered() > answered + 50).then_some(()));
    drop(traffic);
    assert_eq!(successor.text("/"), "hello from the probe\n");
    scratch.write("gate", "");
    assert_eq!(held.receive().unwrap().text(), "let go", "what was under way finishes");
    server.wait_until_nobody_is_left();
    assert_eq!(successor.stop(), 0);
}

/// A user that no other process belongs to, for limits that count a user's processes.
const NOBODY_ELSE: u32 = 64_123;

/// The site as a user whose processes are counted; `None`: that cannot be had here.
fn as_somebody(site: &Site) -> Option<Launch> {
    if !rustix::process::geteuid().is_root() {
        return Some(site.launch());
    }
    let [uid, gid] = ["--reuid", "--regid"].map(|option| format!("{option}={NOBODY_ELSE}"));
    let command = ["setpriv", &uid, &gid, "--clear-groups"];
    let works = Command::new(command[0]).args(&command[1..]).arg("true").output();
    if !works.is_ok_and(|output| output.status.success()) {
        return None;
    }
    site.scratch.open_to_all();
    let binary = site.scratch.install_server();
    Some(site.launch().program(&binary).under(command))
}

fn a_server_that_cannot_fork_serves_with_whom_it_has(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let Some(launch) = as_somebody(&site) else { return skip("setpriv cannot change the user here") };
    let server = launch.start();
    let old = server.worker_pids();
    limit::processes(server.master_pid(), Some(1));
    let began = Instant::now();
    kill(old[0], Signal::KILL);
    let line = server.wait_for_lines("cannot be forked", 2).remove(0);
    assert!(line.contains("worker ") && line.contains("the next try is in 0."), "{line}");
    for _ in 0..50 {
        assert_eq!(server.answering_pid(), old[1]);
    }
    server.signal(Signal::HUP);
    server.wait_for_log("reloading: ");
    server.wait_for_lines("cannot be forked", 4);
    server.signal(Signal::USR1);
    server.wait_for_log("statistics: master pid ");
    assert_eq!(server.answering_pid(), old[1], "a reload waits");
    let complaints = server.lines_with("cannot be forked") as u64;
    assert!(complaints <= 1 + began.elapsed().as_secs(), "{complaints} complaints:\n{}", server.log());
    limit::processes(server.master_pid(), None);
    server.wait_for_log("the reload is complete");
    replaced(&server, &old, 2);
    assert_eq!(server.stop(), 0);
}

fn a_worker_that_the_application_brings_down_brings_down_no_other(toolchain: Toolchain) {
    for how in ["exit", "fault", "signal", "stack", "maps"] {
        // gccgo's stacks grow for as long as there is memory, and it would tell each of their frames.
        let limits = ["--limit-as", "2048", "--go-maxprocs", "4", "--env", "GOTRACEBACK=none"];
        let (server, scratch) = (probe(toolchain).processes(2).with(limits).start(), Scratch::new());
        let mut held = hold(&server, &scratch, "gate");
        let victim = server.answering_pid(); // the other one is busy
        assert!(server.connect().get(&format!("/die?how={how}")).is_err(), "{how}");
        eventually(&format!("{how}: it is dead"), || Process::find(victim).is_none().then_some(()));
        assert_eq!(server.text("/"), "hello from the probe\n", "{how}: the successor serves");
        assert_ne!(server.answering_pid(), victim);
        scratch.write("gate", "");
        assert_eq!(held.receive().unwrap().text(), "let go", "{how}");
        assert_eq!(server.stop(), 0);
    }
}

fn a_worker_that_cannot_start_harms_no_other(toolchain: Toolchain) {
    let launch = probe(toolchain).processes(2).goroutines(8).with(["--env", "PROBE_MAIN=panic in worker 2"]);
    let server = launch.expect_workers(1).start();
    let serving = server.answering_pid();
    let traffic = Traffic::begin(&server.address(), &HABITS);
    server.wait_for_log("replacing it in 2 s (young deaths in a row: 2)");
    server.signal(Signal::USR1);
    server.wait_for_log("statistics: worker 1 (pid ");
    let tally = traffic.end();
    assert!(tally.missed.is_empty() && tally.answered > 100, "{tally}\n{}", server.log());
    assert_eq!(server.answering_pid(), serving);
    assert_eq!(server.stop(), 0);
}

fn workers_that_hang_while_they_start_do_not_hold_up_the_end(toolchain: Toolchain) {
    let server = probe(toolchain).processes(2).with(["--env", "PROBE_MAIN=hang"]).begin();
    server.wait_for_lines("probe: main run 1", 2);
    assert_eq!(server.stop(), 0);
}

fn children_in_sessions_of_their_own_end_with_the_server(toolchain: Toolchain) {
    for end in [Signal::TERM, Signal::INT] {
        let server = probe(toolchain).processes(2).start();
        let child: u32 = server.text("/spawn?session=own").parse().unwrap();
        let orphan: u32 = server.text("/spawn?session=own").parse().unwrap();
        let parent = Process::find(orphan).unwrap().parent;
        assert_ne!(Process::find(orphan).unwrap().group, Process::find(parent).unwrap().group);
        kill(parent, Signal::KILL);
        eventually("the master adopts it", || {
            let adopted = Process::find(orphan)?.parent == server.master_pid();
            adopted.then_some(())
        });
        assert!(Process::find(child).is_some());
        assert_eq!(server.end_with(end), 0);
        assert_eq!([child, orphan].map(Process::find), [None, None]);
    }
}

fn a_storm_of_signals_costs_nothing(toolchain: Toolchain) {
    let server = probe(toolchain).processes(2).goroutines(8).start();
    // Nobody asks while the server pauses and resumes: how long it pauses is anybody's guess, as is how often, since signals of
    // one kind that wait together are one.
    let signals = [Signal::USR1, Signal::TTIN, Signal::TTOU, Signal::TSTP, Signal::TSTP, Signal::USR2];
    (0..20).for_each(|_| gust(&server, 50, &signals));
    // Behind the end of a reload there is nothing left of them. Lines that nobody reads in time are lost, so it may take another.
    eventually("a reload is complete", || {
        server.signal(Signal::HUP);
        server.soon("the reload is complete", 1)
    });
    let paused = eventually("the server says whether it pauses", || {
        let told = server.lines_with("statistics: master ");
        server.signal(Signal::USR1);
        Some(server.soon("statistics: master ", told + 1)?.last()?.ends_with(", paused"))
    });
    if paused {
        server.signal(Signal::TSTP);
    }
    let traffic = Traffic::begin(&server.address(), &[Habit::KeepAlive, Habit::Fresh, Habit::Slow(30)]);
    (0..60).for_each(|_| gust(&server, 50, &[Signal::TTIN, Signal::TTOU, Signal::USR1]));
    let answered = traffic.answered();
    eventually("requests are answered", || (traffic.answered() > answered + 50).then_some(()));
    let tally = traffic.end();
    assert!(tally.missed.is_empty(), "{tally}\n{}", server.log());
    assert_eq!(server.stop(), 0);
}

/// Sends these signals so many times. More workers may be asked for than less, in the end: until there is one, it asks for less.
fn gust(server: &Server, times: usize, signals: &[Signal]) {
    for _ in 0..times {
        signals.iter().for_each(|&signal| server.signal(signal));
    }
    eventually("one worker is left", || {
        server.signal(Signal::TTOU);
        (server.worker_pids().len() == 1).then_some(())
    });
}

fn reloads_and_an_end_at_the_same_time_are_an_end(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    for reloads in [1, 2, 5, 50] {
        let server = site.launch().start();
        for _ in 0..reloads {
            server.signal(Signal::HUP);
        }
        server.signal(Signal::TERM);
        for _ in 0..reloads {
            server.signal(Signal::HUP);
        }
        assert_eq!(server.exit().code(), Some(0), "{}", server.log());
        server.wait_until_nobody_is_left();
    }
}

/// The process that answers, of the application hello, which writes nothing into the log.
fn answering(address: &Address) -> Option<u32> {
    let told = Client::connect(address).ok()?.get("/json").ok()?.text();
    let (_, after) = told.split_once("\"pid\":")?;
    after.split(',').next()?.parse().ok()
}

/// What a server goes on doing, whatever becomes of its log.
fn goes_on(server: &Server, address: &Address) {
    let [old] = server.worker_pids()[..] else { panic!("there is one worker") };
    assert_eq!(answering(address), Some(old));
    for _ in 0..100 {
        server.signal(Signal::USR1);
    }
    kill(old, Signal::KILL);
    let new = eventually("the worker is replaced", || answering(address).filter(|&pid| pid != old));
    server.signal(Signal::HUP);
    eventually("the server is reloaded", || answering(address).filter(|&pid| pid != new));
    eventually("one worker is left", || (server.worker_pids().len() == 1).then_some(()));
}

fn a_log_that_nobody_reads_stops_nothing(toolchain: Toolchain) {
    let server = launch().on_loopback().load(&app(toolchain, "hello")).start();
    let address = server.address();
    server.choke_log();
    goes_on(&server, &address);
    server.read_log_on();
    eventually("lost lines are told", || {
        server.signal(Signal::USR1);
        (server.lines_with("lines of this log are lost") > 0).then_some(())
    });
    assert_eq!(server.stop(), 0);
}

fn a_log_on_a_full_disk_stops_nothing(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let address = Address::Unix(scratch.path("socket"));
    let launch = launch().with(["--http-socket", &scratch.text("socket")]).load(&app(toolchain, "hello"));
    let server = launch.log_into(Path::new("/dev/full")).begin();
    eventually("it serves", || answering(&address));
    goes_on(&server, &address);
    assert_eq!(server.stop(), 0);
}

fn a_library_overwritten_in_place_is_refused_and_the_old_one_serves_on(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let server = site.launch().start();
    let old = server.worker_pids();
    let library = site.scratch.path("app.so");
    let whole = fs::read(&library).unwrap();
    let traffic = Traffic::begin(&server.address(), &HABITS);
    fs::write(&library, vec![0xcc; whole.len()]).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is refused: ");
    kill(old[0], Signal::KILL);
    replaced(&server, &old[..1], 2);
    fs::write(&library, whole).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    let tally = traffic.end();
    assert!(tally.answered > 100, "{tally}");
    replaced(&server, &old, 2);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_master_without_descriptors_lives_and_recovers() {
    let server = launch().on_loopback().processes(2).start();
    let old = server.worker_pids();
    limit::descriptors(server.master_pid(), Some(3));
    kill(old[0], Signal::KILL);
    server.wait_for_log("cannot be forked: Too many open files");
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is refused: ");
    assert_eq!(server.get("/").status, 404);
    limit::descriptors(server.master_pid(), None);
    replaced(&server, &old[..1], 2);
    assert_eq!(server.stop(), 0);
}

#[test]
fn workers_that_want_for_descriptors_do_not_spin() {
    let server = launch().on_loopback().with(["--max-fd", "64", "--max-connections", "63"]).start();
    let worker = server.workers()[0];
    let mut clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
    server.wait_for_log("no connection can be accepted: Too many open files");
    let (began, used) = (Instant::now(), worker.cpu_time());
    for client in clients.iter_mut().take(10) {
        assert_eq!(client.get("/").unwrap().status, 404, "those that are in are served");
        std::thread::sleep(std::time::Duration::from_millis(50)); // for as long as this, it has nothing to do
    }
    let (passed, used) = (began.elapsed(), worker.cpu_time() - used);
    assert!(used < passed / 2, "{used:?} of {passed:?}");
    assert!(server.lines_with("no connection can be accepted") <= 2, "{}", server.log());
    drop(clients);
    assert_eq!(server.get("/").status, 404);
    assert_eq!(server.stop(), 0);
}

/// A file system on a folder, for as long as the value lasts; `None`: none can be mounted here.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    /// One that has room for so many files and folders, its own among them.
    fn with_room_for(files: u32, folder: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("nr_inodes={files}"), "goherd-test"]).arg(folder);
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _not_mounted_any_more = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn an_upgrade_needs_no_room_for_a_pidfile() {
    let (site, full) = (Site::new(Toolchain::Go), Scratch::new());
    let Some(_mount) = Mount::with_room_for(2, full.folder()) else {
        return skip("no file system can be mounted here");
    };
    let pidfile = full.text("app.pid");
    site.configure(&format!("pidfile = {pidfile}"));
    let server = crate::upgrades::server_in(&site);
    crate::upgrades::upgrade(&site, &server, 1);
    server.wait_for_log(&format!("pidfile: cannot write {pidfile}"));
    server.wait_for_log("the reload is complete");
    assert_eq!(fs::read_to_string(&pidfile).unwrap(), format!("{}\n", server.master_pid()));
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.stop(), 0);
}

/// `unshare` for a process to which the machine was started at another time.
fn started(seconds: i64) -> [String; 4] {
    ["unshare", "--time", "--monotonic", &seconds.to_string()].map(str::to_owned)
}

#[test]
fn the_time_since_the_machine_s_start_may_be_anything() {
    let up = fs::read_to_string("/proc/uptime").unwrap();
    let up: i64 = up.split('.').next().unwrap().parse().unwrap();
    for seconds in [1 - up, 1_000_000_000] {
        let command = started(seconds);
        let works = Command::new(&command[0]).args(&command[1..]).arg("true").output();
        if !works.is_ok_and(|output| output.status.success()) {
            return skip("unshare cannot change the time here");
        }
        let launch = probe(Toolchain::Go).goroutines(4).processes(2);
        let server = launch.with(["--harakiri", "1", "--harakiri-grace", "60"]).under(command).start();
        let old = server.worker_pids();
        assert_eq!(server.text("/sleep?ms=10"), "slept");
        assert_eq!(server.get("/until-gone?file=/dev/null").status, 504, "time limits are kept");
        server.signal(Signal::HUP);
        server.wait_for_log("the reload is complete");
        replaced(&server, &old, 2);
        assert_eq!(server.stop(), 0);
    }
}

/// Every source file below `folder`.
fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => path.extension().is_some_and(|end| end == "rs").then_some(path).into_iter().collect(),
        })
        .collect()
}

/// The clock on the wall may be set at any time: nobody may wait for a moment of it, or measure with it.
#[test]
fn the_clock_on_the_wall_is_read_for_dates_and_files_only() {
    let crates = goherd_tests::Place::Workspace.path().join("crates");
    let with = |word: &str| -> Vec<String> {
        let has = |path: &std::path::PathBuf| fs::read_to_string(path).unwrap().contains(word);
        let name = |path: std::path::PathBuf| path.strip_prefix(&crates).unwrap().display().to_string();
        let mut found: Vec<_> = sources(&crates).into_iter().filter(has).map(name).collect();
        found.sort();
        found
    };
    assert_eq!(with("ClockId::Realtime"), ["sys/src/clock.rs"]);
    assert_eq!(with("unix_seconds("), ["reactor/src/date.rs", "sys/src/clock.rs"]);
    // When files were touched, which is compared with itself or is hours ago, and how a date is written.
    let of_files = ["master/src/house/touch.rs", "proto/src/encode.rs"];
    let of_tasks = ["spool/src/folder.rs", "spool/src/spooler.rs", "spool/tests/folder.rs"];
    assert_eq!(with("SystemTime"), [&of_files[..], &of_tasks].concat());
    // Cron and the times of tasks, which are times of the wall by nature; the files of caches; statistics.
    let by_nature = ["bridge/src/spool.rs", "bridge/src/status.rs", "master/src/house/chime.rs"];
    let shown_or_kept =
        ["master/src/house/stats/document.rs", "master/src/house/upkeep.rs", "sys/src/clock.rs"];
    assert_eq!(with("unix_millis("), [&by_nature[..], &shown_or_kept].concat());
    assert_eq!(with("TimerfdClockId::Realtime"), [""; 0]);
}
