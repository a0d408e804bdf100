//! The spooler: what was handed over is run, at least once, whoever dies.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use goherd_tests::{
    Client, Launch, Scratch, Server, Signal, Toolchain, app, eventually, kill, launch, skip,
    with_both_toolchains,
};

with_both_toolchains!(
    a_task_is_run_once_and_not_by_a_worker,
    tasks_run_by_priority_and_not_before_their_time,
    a_task_that_fails_is_tried_again,
    a_task_that_fails_too_often_is_set_aside,
    a_task_outlives_its_spooler,
    reloads_lose_no_task_and_run_none_twice,
    upgrades_lose_no_task,
    a_task_may_finish_at_the_end_of_the_server,
    a_task_is_told_in_time_that_its_process_ends,
    what_is_no_task_is_set_aside,
    what_cannot_be_spooled_is_an_error,
    folders_are_chosen_by_name,
    a_task_that_takes_too_long_is_killed,
    a_spooler_gets_signals_while_a_task_runs,
    the_example_writes_its_letters,
);

/// A spooler's folder, and the journal of what its tasks do.
struct Post {
    scratch: Scratch,
}

impl Post {
    fn new() -> Self {
        Self { scratch: Scratch::new() }
    }

    fn folder(&self) -> PathBuf {
        self.scratch.path("spool")
    }

    /// A server with one worker and one spooler.
    fn launch(&self, toolchain: Toolchain) -> Launch {
        launch()
            .on_loopback()
            .load(&app(toolchain, "spooling"))
            .with(["--goroutines=16", "--spooler", &self.scratch.text("spool")])
            .expect_workers(2)
    }

    /// The target that hands over a task called `name`, of which the rest says more.
    fn target(&self, name: &str, rest: &str) -> String {
        format!("/spool?name={name}&journal={}{rest}", self.scratch.text("journal"))
    }

    fn spool(&self, server: &Server, name: &str, rest: &str) {
        let answer = server.text(&self.target(name, rest));
        assert_eq!(answer, "ok", "{name}\n{}", server.log());
    }

    /// What happened to tasks: name, what, try, process.
    fn journal(&self) -> Vec<[String; 4]> {
        let text = fs::read_to_string(self.scratch.path("journal")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| words(line).try_into().unwrap()).collect()
    }

    /// The same of one task: what, and in which try.
    fn story(&self, name: &str) -> Vec<String> {
        let mine = self.journal().into_iter().filter(|line| line[0] == name);
        mine.map(|[_, what, tries, _]| format!("{what} {tries}")).collect()
    }

    fn wait_for(&self, server: &Server, name: &str, story: &[&str]) {
        eventually(&format!("{name}: {story:?}; {:?}\n{}", self.story(name), server.log()), || {
            (self.story(name) == story).then_some(())
        });
    }

    /// The process that has begun the task last.
    fn process_of(&self, name: &str) -> u32 {
        eventually("the task begins", || {
            let begun = self.journal().into_iter().rfind(|line| line[0] == name && line[1] == "begins");
            begun.map(|line| line[3].parse().unwrap())
        })
    }

    /// The tasks in the folder.
    fn tasks(&self) -> Vec<String> {
        files(&self.folder())
    }

    fn wait_until_empty(&self, server: &Server) {
        eventually(&format!("all tasks are done\n{}", server.log()), || {
            self.tasks().is_empty().then_some(())
        });
    }

    /// What was set aside, and the reasons.
    fn set_aside(&self, server: &Server, count: usize) -> (Vec<String>, String) {
        let failed = self.folder().join("failed");
        let found = eventually(&format!("{count} tasks are set aside\n{}", server.log()), || {
            let all = files(&failed);
            let (why, tasks): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| name.ends_with(".why"));
            let reasons: Vec<_> = why.iter().flat_map(|name| fs::read_to_string(failed.join(name))).collect();
            (tasks.len() == count && reasons.len() == count).then_some((tasks, reasons))
        });
        (found.0, found.1.concat())
    }

    /// Has a task run until [`let_go`](Self::let_go), and waits until it does.
    fn hold(&self, server: &Server, name: &str) -> u32 {
        self.spool(server, name, &format!("&do=wait&file={}", self.scratch.text(&format!("{name}.go"))));
        self.process_of(name)
    }

    fn let_go(&self, name: &str) {
        self.scratch.write(&format!("{name}.go"), "");
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// The files in a folder that are no folders.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

fn a_task_is_run_once_and_not_by_a_worker(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).start();
    let answer = server.connect().post(&post.target("a", "&x=%C3%A4%00"), &[b'y'; 100_000]).unwrap();
    assert_eq!(answer.text(), "ok");
    post.wait_for(&server, "a", &["begins 1", "ends:100000 1"]);
    post.spool(&server, "b", "&do=again");
    post.wait_for(&server, "b2", &["begins 1", "ends:0 1"]);
    post.wait_until_empty(&server);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        for turn in 0..10 {
            assert_eq!(client.get(&post.target(&format!("n{number}.{turn}"), "")).unwrap().text(), "ok");
        }
    }
    post.wait_until_empty(&server);
    assert_eq!(server.stop(), 0);
    let journal = post.journal();
    let begun: Vec<_> = journal.iter().filter(|line| line[1] == "begins").map(|line| &line[0]).collect();
    assert_eq!(begun.len(), 83, "each of a, b, b2 and 80 more has begun once: {begun:?}");
    let spooler = &journal[0][3];
    assert!(journal.iter().all(|line| line[3] == *spooler));
    assert!(server.log().contains(&format!("spooler 1 (pid {spooler}) is ready")));
    assert_eq!(files(&post.folder().join("failed")), [""; 0]);
    assert_eq!(fs::metadata(post.folder()).unwrap().mode() & 0o777, 0o700);
}

fn tasks_run_by_priority_and_not_before_their_time(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).start();
    post.hold(&server, "first");
    let soon = unix_seconds() + 2.5;
    post.spool(&server, "soon", &format!("&at={soon:.3}&priority=0"));
    post.spool(&server, "far", &format!("&at={:.0}", soon + 100_000.0));
    for (name, rest) in [("last", ""), ("third", "&priority=7"), ("second", "&priority=3")] {
        post.spool(&server, name, rest);
    }
    post.let_go("first");
    post.wait_for(&server, "soon", &["begins 1", "ends:0 1"]);
    assert!(unix_seconds() >= soon, "it began before its time");
    post.wait_for(&server, "last", &["begins 1", "ends:0 1"]);
    let order: Vec<_> = post.journal().into_iter().map(|line| line[0].clone()).collect();
    let others: Vec<_> = order.iter().filter(|name| *name != "soon").collect();
    assert_eq!(others, ["first", "first", "second", "second", "third", "third", "last", "last"]);
    eventually("one task waits for its time", || (post.tasks().len() == 1).then_some(()));
    assert_eq!(server.stop(), 0);
    assert_eq!((post.tasks().len(), post.story("far").len()), (1, 0));
}

fn a_task_that_fails_is_tried_again(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).start();
    post.spool(&server, "fails", "&do=fail&times=2");
    post.spool(&server, "panics", "&do=panic&times=1");
    post.spool(&server, "leaves", "&do=goexit&times=1");
    let ends = |name, tries: usize| {
        let mut story: Vec<_> = (1..=tries).map(|number| format!("begins {number}")).collect();
        story.push(format!("ends:0 {tries}"));
        post.wait_for(&server, name, &story.iter().map(String::as_str).collect::<Vec<_>>());
    };
    ends("panics", 2);
    ends("leaves", 2);
    ends("fails", 3);
    post.wait_until_empty(&server);
    for part in [
        "failed (try 1), and is tried again in 1 s: it does not work",
        "failed (try 2), and is tried again in 2 s: it does not work",
        "is tried again in 1 s: panic: at the disco",
        "has called runtime.Goexit",
        ": panic running task ",
    ] {
        server.wait_for_log(part);
    }
    assert!(server.log().contains("main.do"), "the stack of the panic is in the log");
    assert_eq!(server.stop(), 0);
}

fn a_task_that_fails_too_often_is_set_aside(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).with(["--spooler-retries=2"]).start();
    post.spool(&server, "given", "&do=give+up");
    let (given, why) = post.set_aside(&server, 1);
    assert!(why.contains("given up: no such account: the task is given up"), "{why}");
    post.spool(&server, "fails", "&do=fail");
    post.spool(&server, "exits", "&do=exit");
    let (_, why) = post.set_aside(&server, 3);
    assert!(why.contains("tried 2 times: it does not work"), "{why}");
    assert!(why.contains("tried 2 times, and its process ended while it ran the last time"), "{why}");
    assert_eq!(post.story("given"), ["begins 1"]);
    assert_eq!(post.story("exits"), ["begins 1", "begins 2"]);
    post.spool(&server, "good", "");
    post.wait_for(&server, "good", &["begins 1", "ends:0 1"]);
    // What was set aside is whole: put back, it runs again.
    let failed = post.folder().join("failed");
    fs::rename(failed.join(&given[0]), post.folder().join(&given[0])).unwrap();
    fs::remove_file(failed.join(format!("{}.why", given[0]))).unwrap();
    post.wait_for(&server, "given", &["begins 1", "begins 1"]);
    post.set_aside(&server, 3);
    assert_eq!(server.stop(), 0);
}

fn a_task_outlives_its_spooler(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).start();
    let killed = post.hold(&server, "a");
    post.spool(&server, "waits", "");
    kill(killed, Signal::KILL);
    post.wait_for(&server, "waits", &["begins 1", "ends:0 1"]);
    post.wait_for(&server, "a", &["begins 1", "begins 2"]);
    assert_ne!(post.process_of("a"), killed);
    post.let_go("a");
    post.wait_for(&server, "a", &["begins 1", "begins 2", "ends:0 2"]);
    post.wait_until_empty(&server);
    // The whole server dies, with a task at hand and one that waits.
    post.hold(&server, "b");
    post.spool(&server, "c", "");
    server.family().iter().for_each(|process| kill(process.pid, Signal::KILL));
    server.exit();
    assert_eq!(post.tasks().len(), 2);
    post.let_go("b");
    let server = post.launch(toolchain).start();
    post.wait_for(&server, "b", &["begins 1", "begins 2", "ends:0 2"]);
    post.wait_for(&server, "c", &["begins 1", "ends:0 1"]);
    assert_eq!(server.stop(), 0);
}

/// Hands over `count` tasks, one after another, of which the first ones have these names already.
fn storm(post: &Post, server: &Server, name: &str, count: usize) {
    let mut client = server.connect();
    for number in 0..count {
        let target = post.target(&format!("{name}.{number}"), "");
        let answer = client.get(&target).or_else(|_| {
            // The worker was replaced, and has ended the connection between two requests.
            client = server.connect();
            client.get(&target)
        });
        let answer = answer.unwrap();
        assert_eq!(answer.text(), "ok");
        if answer.ends_the_connection() {
            client = server.connect();
        }
    }
}

/// Each of these tasks has ended, and none has begun twice.
fn all_ran_once(post: &Post, server: &Server, name: &str, count: usize) {
    post.wait_until_empty(server);
    for number in 0..count {
        assert_eq!(post.story(&format!("{name}.{number}")), ["begins 1", "ends:0 1"], "{}", server.log());
    }
}

fn reloads_lose_no_task_and_run_none_twice(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).with(["--spooler-processes=2"]).expect_workers(3).start();
    for round in 1..=2 {
        let held = format!("held{round}");
        let old = post.hold(&server, &held);
        let name = format!("round{round}");
        server.signal(Signal::HUP);
        storm(&post, &server, &name, 100);
        post.let_go(&held);
        server.wait_for_lines("the reload is complete", round);
        storm(&post, &server, &format!("{name}.after"), 10);
        all_ran_once(&post, &server, &name, 100);
        all_ran_once(&post, &server, &format!("{name}.after"), 10);
        post.wait_for(&server, &held, &["begins 1", "ends:0 1"]);
        eventually("the old spooler is gone", || {
            (!Path::new(&format!("/proc/{old}")).exists()).then_some(())
        });
    }
    assert_eq!(server.stop(), 0);
}

fn upgrades_lose_no_task(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).program(&post.scratch.install_server()).start();
    post.hold(&server, "held");
    post.scratch.install_server();
    server.signal(Signal::HUP);
    storm(&post, &server, "storm", 50);
    server.wait_for_log("is good: it takes over");
    post.let_go("held");
    server.wait_for_log("the reload is complete");
    storm(&post, &server, "after", 10);
    all_ran_once(&post, &server, "storm", 50);
    all_ran_once(&post, &server, "after", 10);
    post.wait_for(&server, "held", &["begins 1", "ends:0 1"]);
    assert_eq!(server.stop(), 0);
}

fn a_task_may_finish_at_the_end_of_the_server(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).start();
    post.hold(&server, "a");
    post.spool(&server, "b", "");
    server.signal(Signal::TERM);
    server.wait_for_log("finishing");
    post.let_go("a");
    server.exit();
    assert_eq!(post.story("a"), ["begins 1", "ends:0 1"]);
    // The spooler is told to end when the workers have ended: until then it may have taken the next one.
    let left = post.tasks().len();
    assert_eq!(post.story("b").len(), if left == 1 { 0 } else { 2 }, "what waits stays for the next server");
    let server = post.launch(toolchain).start();
    post.wait_for(&server, "b", &["begins 1", "ends:0 1"]);
    assert_eq!(server.stop(), 0);
}

fn a_task_is_told_in_time_that_its_process_ends(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).with(["--mule-reload-mercy=12"]).start();
    post.hold(&server, "a");
    assert_eq!(server.stop(), 0);
    assert_eq!(post.story("a"), ["begins 1", "is-told 1"]);
    let server = post.launch(toolchain).start();
    post.let_go("a");
    post.wait_for(&server, "a", &["begins 1", "is-told 1", "begins 1", "ends:0 1"]);
    assert_eq!(server.stop(), 0);
}

fn what_is_no_task_is_set_aside(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).start();
    let held = post.hold(&server, "held");
    post.spool(&server, "damaged", "&x=y");
    let damaged = post.tasks().into_iter().find(|name| name.contains("-n0000-")).unwrap();
    let path = post.folder().join(&damaged);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    post.scratch.write("whole", &bytes);
    fs::rename(post.scratch.path("whole"), &path).unwrap();
    post.scratch.write("cut", &bytes[..50]);
    fs::rename(post.scratch.path("cut"), post.folder().join(damaged.replace("-n0000-", "-n0000-0"))).unwrap();
    fs::write(post.folder().join("uwsgi_spoolfile_on_host_1"), "of somebody else").unwrap();
    fs::write(post.folder().join(".keep"), "").unwrap();
    post.let_go("held");
    let (files, why) = post.set_aside(&server, 3);
    for part in ["checksum", "ends too early", "its name is not that of a task"] {
        assert!(why.contains(part), "{why}");
        assert_eq!(server.wait_for_lines(part, 1).len(), 1);
    }
    let kept = fs::read(post.folder().join("failed").join(&damaged)).unwrap();
    assert!(files.contains(&damaged) && kept == bytes, "nothing is changed or deleted");
    post.spool(&server, "good", "");
    post.wait_for(&server, "good", &["begins 1", "ends:0 1"]);
    assert_eq!(post.process_of("good"), held, "nobody has died over it");
    assert!(post.folder().join(".keep").exists());
    assert_eq!(server.stop(), 0);
}

fn what_cannot_be_spooled_is_an_error(toolchain: Toolchain) {
    let post = Post::new();
    let server = post.launch(toolchain).start();
    for (rest, part) in [
        ("&at=soon", "at must be a time in seconds since 1970"),
        ("&at=-1", "at must be a time"),
        ("&priority=high", "priority must be a whole number"),
        ("&priority=-1", "of which the lower runs first"),
        (
            "&spooler=/elsewhere",
            "missing: uwsgi: spool: the server has no spooler /elsewhere (option spooler): there is /",
        ),
        ("&key=65536", "a key of the task has 65536 bytes, and 65535 are the most"),
        ("&empty=1", "a task needs at least one key"),
        ("&over=1", "cancelled: uwsgi: spool: context canceled"),
    ] {
        let said = server.text(&post.target("x", rest));
        assert!(said.contains(part), "{rest}: {said}");
    }
    post.spool(&server, "longest", "&key=65535");
    post.wait_for(&server, "longest", &["begins 1", "ends:0 1"]);
    assert_eq!(post.story("x").len(), 0);
    assert_eq!(server.stop(), 0);

    let without = launch().on_loopback().load(&app(toolchain, "spooling")).start();
    let said = without.text(&post.target("x", ""));
    assert_eq!(said, "missing: uwsgi: spool: the server has no spooler (option spooler)");
    assert_eq!(without.stop(), 0);

    let nobody = post.launch(toolchain).environment("SPOOLING_HANDLER", "none").start();
    nobody.wait_for_log("spooler 1 runs no tasks: the program does not call OnSpool before Run");
    post.spool(&nobody, "waits", "");
    assert_eq!((nobody.stop(), post.tasks().len()), (0, 1));
}

fn folders_are_chosen_by_name(toolchain: Toolchain) {
    let (post, scratch) = (Post::new(), Scratch::new());
    let text = format!(
        "[uwsgi]\nchdir = {}\nspooler = slow\nspooler = {}\nspooler-processes = 2",
        scratch.folder().display(),
        post.scratch.text("spool")
    );
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "spooling"))
        .with(["--goroutines=16".into(), scratch.write("app.ini", text)])
        .expect_workers(5)
        .start();
    let held = format!("&do=wait&file={}", post.scratch.text("go"));
    post.spool(&server, "a", &held); // for the first folder
    post.spool(&server, "b", &format!("{held}&spooler={}", scratch.text("slow")));
    post.spool(&server, "c", &format!("{held}&spooler={}", post.scratch.text("spool")));
    post.spool(&server, "waits", "&spooler=slow");
    let mut processes = ["a", "b", "c"].map(|name| post.process_of(name));
    processes.sort_unstable();
    assert!(processes.is_sorted_by(|a, b| a < b), "each has one of its own: {processes:?}");
    assert_eq!((files(&scratch.path("slow")).len(), post.tasks().len()), (3, 1));
    assert_eq!(post.story("waits"), [""; 0], "its folder has two processes, and both are busy");
    post.scratch.write("go", "");
    for name in ["a", "b", "c", "waits"] {
        post.wait_for(&server, name, &["begins 1", "ends:0 1"]);
    }
    assert_eq!(server.stop(), 0);
}

fn a_task_that_takes_too_long_is_killed(toolchain: Toolchain) {
    let post = Post::new();
    let options = ["--spooler-harakiri=2", "--spooler-max-tasks=1", "--min-worker-lifetime=0"];
    let server = post.launch(toolchain).with(options).start();
    post.spool(&server, "stays", "&do=stay&times=1");
    server.wait_for_log("spooler 1: its task takes longer than 2 s (spooler-harakiri)");
    post.wait_for(&server, "stays", &["begins 1", "begins 2", "ends:0 2"]);
    post.spool(&server, "next", "");
    post.wait_for(&server, "next", &["begins 1", "ends:0 1"]);
    let old = post.process_of("next");
    eventually("a spooler that has had its tasks is replaced", || {
        (!Path::new(&format!("/proc/{old}")).exists()).then_some(())
    });
    post.spool(&server, "other", "");
    assert_ne!(post.process_of("other"), old);
    assert_eq!(server.stop(), 0);
}

fn a_spooler_gets_signals_while_a_task_runs(toolchain: Toolchain) {
    let post = Post::new();
    let journal = post.scratch.text("journal");
    let server = post.launch(toolchain).environment("SPOOLING_JOURNAL", &journal).start();
    let spooler = post.hold(&server, "held");
    assert_eq!(server.text("/signal"), "true");
    post.wait_for(&server, "signal", &["comes 0"]);
    let line = post.journal().into_iter().find(|line| line[0] == "signal").unwrap();
    assert_eq!(line[3], spooler.to_string());
    post.let_go("held");
    post.wait_for(&server, "held", &["begins 1", "ends:0 1"]);
    assert_eq!(server.stop(), 0);
}

fn the_example_writes_its_letters(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "spooler"))
        .with(["--goroutines=4", "--spooler", &scratch.text("spool"), "--spooler-processes=2"])
        .environment("LETTERS", &scratch.text("letters"))
        .expect_workers(3)
        .start();
    let said = server.text("/sign-up?name=Ada");
    assert_eq!(said, "Thank you, Ada: a letter is on its way.\n");
    server.wait_for_log("is tried again in 1 s: open "); // the folder is not there yet
    fs::create_dir(scratch.path("letters")).unwrap();
    server.wait_for_log("a letter to Ada is written (try ");
    let letter = files(&scratch.path("letters")).remove(0);
    assert_eq!(fs::read_to_string(scratch.path("letters").join(letter)).unwrap(), "Welcome, Ada!\n");
    assert!(server.text("/sign-up?name=Nobody&now=1").contains("on its way"));
    server.wait_for_log("given up: there is no such person");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_disk_that_is_full_is_an_error_and_loses_nothing() {
    let post = Post::new();
    fs::create_dir(post.folder()).unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=400k", "goherd-test"]).arg(post.folder());
    if !mount.output().is_ok_and(|output| output.status.success()) {
        return skip("no file system can be mounted here");
    }
    let _mounted = Mounted(&post.folder());
    let server = post.launch(Toolchain::Go).start();
    let held = post.hold(&server, "held");
    let said = server.text(&post.target("large", "&size=1000000"));
    assert!(said.contains("cannot write the task to") && said.contains("No space left on device"), "{said}");
    assert_eq!(files(&post.folder().join("tmp")), [""; 0], "nothing is left of it");
    // All of it is taken; tasks that are there are run all the same.
    post.spool(&server, "small", "");
    let taken = eventually("nothing goes in any more", || {
        let said = server.text(&post.target("fills", "&size=50000"));
        (said != "ok").then_some(said)
    });
    assert!(taken.contains("No space left on device"), "{taken}");
    post.let_go("held");
    post.wait_until_empty(&server);
    post.wait_for(&server, "small", &["begins 1", "ends:0 1"]);
    assert_eq!(post.process_of("small"), held);
    assert_eq!(server.stop(), 0);
}

struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _not_mounted_any_more = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_a_clear_error() {
    let scratch = Scratch::new();
    let refused = |spooler: &str, options: &[&str]| {
        let launch = launch().on_loopback().load(&app(Toolchain::Go, "spooling"));
        launch.with(["--spooler", spooler]).with(options).failure()
    };
    let missing = refused(&scratch.text("no/such"), &[]);
    missing.is_one_line_with(&["spooler", "no/such", "the folder that it is to be in is not there"]);
    let check = refused(&scratch.text("no/such"), &["--check"]);
    check.is_one_line_with(&["spooler", "no/such", "the folder that it is to be in is not there"]);
    let good = launch().on_loopback().load(&app(Toolchain::Go, "spooling")).with(["--check", "--spooler"]);
    assert!(good.with([scratch.path("new")]).output().status.success());
    assert!(!scratch.path("new").exists(), "to check is not to make");
    scratch.write("file", "");
    refused(&scratch.text("file"), &[]).is_one_line_with(&["spooler", "file is not a folder"]);
    let twice = refused("spool", &["--spooler", "spool"]);
    twice.is_one_line_with(&["this folder is a spooler's already"]);
    refused("spool", &["--spooler-processes=0"]).is_one_line_with(&["from 1 to 64"]);
    if fs::metadata(scratch.folder()).unwrap().uid() != 0 {
        return skip("only root can be somebody else");
    }
    scratch.open_to_all();
    fs::create_dir(scratch.path("roots")).unwrap();
    fs::set_permissions(scratch.path("roots"), fs::Permissions::from_mode(0o700)).unwrap();
    let failure = refused(&scratch.text("roots"), &["--uid=65534", "--gid=65534"]);
    failure.ends_with(&["spooler: cannot list, write and rename in", "roots", "Permission denied", "uid"]);
    // One that is made is the workers' own, and so is one that they were given.
    chown(scratch.path("roots"), Some(65_534), Some(65_534)).unwrap();
    for name in ["roots", "made"] {
        let options = ["--spooler", &scratch.text(name), "--uid=65534", "--gid=65534"];
        let server = launch()
            .on_loopback()
            .load(&app(Toolchain::Go, "spooling"))
            .with(options)
            .expect_workers(2)
            .start();
        let there = fs::metadata(scratch.path(name)).unwrap();
        assert_eq!((there.uid(), there.mode() & 0o777), (65_534, 0o700));
        assert_eq!(server.text("/spool?name=a&journal=/dev/null"), "ok");
        eventually("it is done", || files(&scratch.path(name)).is_empty().then_some(()));
        assert_eq!(server.stop(), 0);
    }
}
