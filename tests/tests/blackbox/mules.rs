//! Mules: processes that have no requests, and get messages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use goherd_tests::{
    Launch, Scratch, Server, Signal, Toolchain, app, eventually, eventually_or, kill, launch,
    with_both_toolchains,
};

with_both_toolchains!(
    messages_come_once_to_whom_they_are_for,
    a_mule_that_is_killed_comes_back_and_handles_what_waits,
    a_reload_replaces_mules_and_loses_no_message,
    an_upgrade_keeps_what_waits,
    at_the_end_mules_handle_what_waits,
    a_mule_that_does_not_finish_is_killed,
    a_mule_holds_no_listening_socket,
    without_a_master_there_is_no_mule,
    a_function_that_fails_harms_no_other_message,
    what_cannot_be_sent_is_said,
    messages_wait_for_a_function,
    mules_are_not_counted_as_workers,
    signals_come_to_mules_and_farms,
    a_mule_finishes_the_handler_of_a_signal,
    the_example_counts_in_the_background,
    functions_of_other_processes_can_be_called,
    a_call_ends_with_its_caller_and_with_its_process,
    a_process_finishes_the_calls_that_it_has_taken,
);

/// A server of one worker and two mules, of which the second is the farm "second", and both are the farm "both".
fn with_mules(toolchain: Toolchain, scratch: &Scratch) -> Launch {
    launch()
        .on_loopback()
        .load(&app(toolchain, "muleteer"))
        .with(["--goroutines=8", "--mules=2", "--farm=both:1,2", "--farm=second:2"])
        .with([format!("--env=FOLDER={}", scratch.folder().display())])
        .expect_workers(3)
}

fn send(server: &Server, to: &str, message: &str) {
    let path = format!("/send?to={to}&m={}", message.replace(' ', "%20"));
    assert_eq!(server.text(&path), "ok", "{path}\n{}", server.log());
}

/// What was handled: the number of the mule, its process, the message.
fn handled(scratch: &Scratch) -> Vec<(u32, u32, String)> {
    lines(&scratch.path("handled"))
}

fn lines(path: &Path) -> Vec<(u32, u32, String)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let mut number = || words.next()?.parse().ok();
        Some((number()?, number()?, words.next()?.to_owned()))
    };
    // The last line may be about to be written.
    text.split_inclusive('\n').filter_map(|text| line(text.strip_suffix('\n')?)).collect()
}

fn wait_for_handled(server: &Server, scratch: &Scratch, count: usize) -> Vec<(u32, u32, String)> {
    let what = format!("{count} messages are handled");
    eventually_or(&what, || Some(handled(scratch)).filter(|all| all.len() >= count), || server.log())
}

fn texts(handled: &[(u32, u32, String)]) -> Vec<&str> {
    handled.iter().map(|(_, _, text)| text.as_str()).collect()
}

/// Keeps the mule with this number busy until the file `name` is written; gives its process.
fn hold(server: &Server, scratch: &Scratch, mule: u32, name: &str) -> u32 {
    send(server, &format!("mule{mule}"), &format!("hold {name}"));
    let entered = scratch.path(&format!("{name}.entered"));
    eventually("the mule is busy", || lines(&entered).first().map(|(_, pid, _)| *pid))
}

/// The process of the last mule of this number that has begun.
fn mule(scratch: &Scratch, number: u32) -> u32 {
    let started = lines(&scratch.path("started"));
    started.iter().rev().find(|(mule, _, _)| *mule == number).unwrap().1
}

fn messages_come_once_to_whom_they_are_for(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    assert_eq!(server.text("/who"), "worker 1, mule 0");
    for (to, message) in [
        ("mule1", "one"),
        ("mule2", "two"),
        ("farm_second", "by the farm"),
        ("farm2", "by the number of the farm"),
    ] {
        send(&server, to, message);
    }
    let first = wait_for_handled(&server, &scratch, 4);
    let of = |number: u32| texts(&first).into_iter().zip(&first).filter(move |(_, all)| all.0 == number);
    assert_eq!(of(1).map(|(text, _)| text).collect::<Vec<_>>(), ["one"]);
    let second: BTreeSet<_> = of(2).map(|(text, _)| text).collect();
    assert_eq!(second, ["two", "by the farm", "by the number of the farm"].into());
    // One that is busy gets nothing that another can do.
    hold(&server, &scratch, 1, "gate");
    for number in 0..20 {
        send(&server, ["", "mule", "farm_both"][number % 3], &number.to_string());
    }
    let then = wait_for_handled(&server, &scratch, 24);
    assert!(then[4..].iter().all(|(number, _, _)| *number == 2), "{then:?}");
    let numbers: BTreeSet<_> = texts(&then[4..]).into_iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(numbers, (0..20).collect());
    scratch.write("gate", "");
    // A mule sends as well, and each message in the order in which it was sent.
    for number in 0..50 {
        send(&server, "mule1", &format!("relay {number}"));
    }
    let all = wait_for_handled(&server, &scratch, 24 + 1 + 100);
    let relayed: Vec<&str> = texts(&all[24..]).into_iter().filter(|text| text.starts_with("relay")).collect();
    assert_eq!(relayed, (0..50).map(|number| format!("relay {number}")).collect::<Vec<_>>());
    let all: BTreeSet<_> = texts(&all[24..]).into_iter().collect();
    assert_eq!(all.len(), 101, "each came once");
}

fn a_mule_that_is_killed_comes_back_and_handles_what_waits(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    let victim = hold(&server, &scratch, 1, "never");
    assert_eq!(victim, mule(&scratch, 1));
    for number in 0..10 {
        send(&server, "mule1", &number.to_string());
    }
    assert_eq!(handled(&scratch), []);
    kill(victim, Signal::KILL);
    let all = wait_for_handled(&server, &scratch, 10);
    assert_eq!(texts(&all), (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    let heir = mule(&scratch, 1);
    assert!(heir != victim && all.iter().all(|(number, pid, _)| (*number, *pid) == (1, heir)), "{all:?}");
    server.wait_for_log(&format!("mule 1 (pid {victim}) was killed by SIGKILL"));
    assert_eq!(
        server.lines_with("worker 1 (pid"),
        2,
        "the worker has nothing to do with it: {}",
        server.log()
    );
}

fn a_reload_replaces_mules_and_loses_no_message(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    let old = [1, 2].map(|number| mule(&scratch, number));
    assert_eq!(hold(&server, &scratch, 1, "gate"), old[0]);
    server.signal(Signal::HUP);
    for number in 0..20 {
        send(&server, ["mule1", "mule2"][number % 2], &number.to_string());
    }
    server.wait_for_log("the reload is complete");
    let new = [1, 2].map(|number| mule(&scratch, number));
    assert!(new[0] != old[0] && new[1] != old[1], "{new:?} {old:?}");
    let second = wait_for_handled(&server, &scratch, 10);
    assert!(second.iter().all(|(number, _, _)| *number == 2), "the old mule 1 is at work still: {second:?}");
    scratch.write("gate", "");
    let all = wait_for_handled(&server, &scratch, 21);
    let first: Vec<_> = all.iter().filter(|(number, _, _)| *number == 1).collect();
    assert_eq!((first[0].1, first[0].2.as_str()), (old[0], "hold gate"));
    // The old one may have handled more before it heard that it is to go; then came the new one.
    let by_new = first.iter().position(|(_, pid, _)| *pid == new[0]).unwrap_or(first.len());
    assert!(first[..by_new].iter().all(|(_, pid, _)| *pid == old[0]), "{all:?}");
    assert!(first[by_new..].iter().all(|(_, pid, _)| *pid == new[0]), "{all:?}");
    let in_order: Vec<_> = first[1..].iter().map(|(_, _, text)| text.parse::<u32>().unwrap()).collect();
    assert!(in_order.is_sorted() && in_order.len() == 10, "{in_order:?}");
    let log: Vec<_> = server.log().lines().map(str::to_owned).collect();
    let worker = log.iter().rposition(|line| line.contains("worker 1 (pid") && line.contains("is ready"));
    let mule = log.iter().rposition(|line| line.contains("mule 1 (pid") && line.contains("is starting"));
    assert!(worker.is_some() && worker < mule, "mules come after workers: {log:?}");
    server.wait_for_log(&format!("mule 1 (pid {}), which was to go, has finished", old[0]));
    send(&server, "mule1", "new");
    assert_eq!(wait_for_handled(&server, &scratch, 22)[21], (1, new[0], "new".to_owned()));
    assert_eq!(server.stop(), 0);
}

fn an_upgrade_keeps_what_waits(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).program(&scratch.install_server()).start();
    let old = hold(&server, &scratch, 1, "gate");
    for number in 0..10 {
        send(&server, "mule1", &number.to_string());
    }
    scratch.install_server();
    server.signal(Signal::HUP);
    server.wait_for_log("is good: it takes over");
    server.wait_for_log("the reload is complete");
    assert_eq!(handled(&scratch), [], "{}", server.log());
    scratch.write("gate", "");
    let all = wait_for_handled(&server, &scratch, 11);
    assert_eq!(all[0].1, old);
    let expected: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(texts(&all[1..]), expected);
    server.wait_for_log(&format!("mule 1 (pid {old}), which was to go, has finished"));
    let new = mule(&scratch, 1);
    assert!(new != old && all.iter().all(|(_, pid, _)| [old, new].contains(pid)), "{all:?}");
    send(&server, "mule1", "after");
    assert_eq!(wait_for_handled(&server, &scratch, 12)[11], (1, new, "after".to_owned()));
    server.signal(Signal::USR1);
    let line = server.wait_for_log(&format!("statistics: mule 1 (pid {new}, generation"));
    assert!(line.contains(" jobs, ") && line.contains(" of them under way"), "{line}");
    assert_eq!(server.stop(), 0);
}

fn at_the_end_mules_handle_what_waits(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    hold(&server, &scratch, 1, "gate");
    for number in 0..10 {
        send(&server, "mule1", &number.to_string());
    }
    server.signal(Signal::TERM);
    server.wait_for_log("then mules and spoolers 60 s");
    eventually("the worker has gone", || (server.worker_pids().len() == 1).then_some(()));
    scratch.write("gate", "");
    assert_eq!(server.exit().code(), Some(0));
    server.wait_until_nobody_is_left();
    assert_eq!(handled(&scratch).len(), 11, "{}", server.log());
}

fn a_mule_that_does_not_finish_is_killed(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).with(["--mule-reload-mercy=0.2"]).start();
    let stuck = hold(&server, &scratch, 2, "never");
    send(&server, "mule2", "after");
    server.signal(Signal::HUP);
    server.wait_for_log(&format!("mule 2 (pid {stuck}) has not finished within 0.2 s (mule-reload-mercy)"));
    assert_eq!(texts(&wait_for_handled(&server, &scratch, 1)), ["after"]);
    hold(&server, &scratch, 1, "never");
    assert_eq!(server.stop(), 0);
    // A server that is to stop at once waits for nobody.
    let server = with_mules(toolchain, &scratch).start();
    fs::remove_file(scratch.path("never.entered")).unwrap();
    hold(&server, &scratch, 1, "never");
    assert_eq!(server.end_with(Signal::INT), 0);
}

fn a_mule_holds_no_listening_socket(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    let port = format!(":{:04X}", server.port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let listening = table.lines().find_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, local, _, "0A", _, _, _, _, _, inode, ..] = words[..] else { return None };
        local.ends_with(&port).then(|| format!("socket:[{inode}]"))
    });
    let listening = listening.unwrap();
    let holds = |pid: u32| {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        links.filter_map(|link| fs::read_link(link.path()).ok()).any(|path| path.to_str() == Some(&listening))
    };
    let mules = [1, 2].map(|number| mule(&scratch, number));
    let workers: Vec<_> = server.worker_pids().into_iter().filter(|pid| !mules.contains(pid)).collect();
    assert_eq!((workers.len(), workers.iter().all(|&pid| holds(pid))), (1, true));
    assert_eq!(mules.map(holds), [false, false]);
}

fn without_a_master_there_is_no_mule(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    hold(&server, &scratch, 1, "gate");
    kill(server.master_pid(), Signal::KILL);
    server.wait_for_log("mule 2: the master is gone");
    server.wait_for_log("mule 1: the master is gone");
    eventually("all but the busy one end", || {
        let left: Vec<_> = server.family().iter().map(|process| process.pid).collect();
        (left == [mule(&scratch, 1)]).then_some(())
    });
    scratch.write("gate", "");
    server.wait_until_nobody_is_left();
    assert_eq!(texts(&handled(&scratch)), ["hold gate"], "it has finished what it had at hand");
}

fn a_function_that_fails_harms_no_other_message(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    for message in ["panic", "before", "goexit", "after"] {
        send(&server, "mule1", message);
    }
    let all = wait_for_handled(&server, &scratch, 2);
    assert_eq!(texts(&all), ["before", "after"]);
    assert!(all.iter().all(|(_, pid, _)| *pid == mule(&scratch, 1)), "{all:?}");
    let line = server.wait_for_log("a message that panics");
    assert!(line.contains("mule 1: panic handling a message of 5 bytes"), "{line}");
    server.signal(Signal::HUP); // nothing is at hand
    server.wait_for_log("the reload is complete");
    eventually("the old ones end", || (server.worker_pids().len() == 3).then_some(()));
}

fn what_cannot_be_sent_is_said(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    for (query, parts) in [
        ("to=mule3&m=x", ["has no mule called \"mule3\"", "options mules, farm"]),
        ("to=farm_none&m=x", ["has no mule called \"farm_none\"", ""]),
        ("to=worker1&m=x", ["has no mule called \"worker1\"", ""]),
        ("to=mule1&size=65537", ["the message has 65537 bytes, and may have 65536", "its length is wrong"]),
    ] {
        let text = server.text(&format!("/send?{query}"));
        assert!(parts.iter().all(|part| text.contains(part)), "{query}: {text}");
    }
    assert_eq!(server.text("/send?to=mule1&size=65536"), "ok");
    send(&server, "mule1", "");
    let all = wait_for_handled(&server, &scratch, 2);
    assert_eq!(texts(&all), ["65536 bytes", ""]);
    hold(&server, &scratch, 1, "gate");
    let text = server.text("/send?to=mule1&m=x&count=1000000");
    assert!(text.ends_with("too many messages wait for \"mule1\": it is full"), "{text}");
    let count: usize = text.strip_prefix("after ").unwrap().split_once(':').unwrap().0.parse().unwrap();
    assert!(count >= 100, "{text}");
    scratch.write("gate", "");
    wait_for_handled(&server, &scratch, 3 + count);
    assert_eq!(handled(&scratch).len(), 3 + count, "nothing was lost, and nothing came twice");
    let none = launch()
        .on_loopback()
        .load(&app(toolchain, "muleteer"))
        .with([format!("--env=FOLDER={}", scratch.folder().display())])
        .start();
    assert!(none.text("/send?m=x").contains("has no mule called \"\""));
}

fn messages_wait_for_a_function(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).with(["--env=NO_FUNCTION=1"]).start();
    send(&server, "mule1", "one");
    send(&server, "mule1", "two");
    server.wait_for_log("mule 1 has messages and no function for them (OnMule): they wait");
    assert_eq!(handled(&scratch), []);
    assert_eq!(server.stop(), 0);
    assert_eq!(server.lines_with("no function for them"), 1, "{}", server.log());
}

fn mules_are_not_counted_as_workers(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server =
        with_mules(toolchain, &scratch).with(["--max-requests=2", "--min-worker-lifetime=0"]).start();
    server.signal(Signal::TTOU);
    server.wait_for_log("there are 1 workers, and there cannot be 0");
    server.signal(Signal::TTIN);
    server.wait_for_log("from now on there are 2 workers");
    server.wait_for_log("worker 2 (pid");
    for number in 0..10 {
        send(&server, "mule1", &number.to_string());
    }
    wait_for_handled(&server, &scratch, 10);
    server.signal(Signal::USR1);
    server.wait_for_log("statistics: mule 2 (pid");
    assert_eq!(lines(&scratch.path("started")).len(), 2, "max-requests is for workers: {}", server.log());
    // One that cannot begin is throttled, and the server goes on.
    let server = with_mules(toolchain, &scratch).with(["--env=MULES_DIE=1"]).expect_workers(1).start();
    let line = server.wait_for_log("mule 1 (pid");
    assert!(line.contains("is starting"), "{line}");
    server.wait_for_log("exited with code 3 before it was ready; replacing it in 1 s");
    assert_eq!(server.text("/who"), "worker 1, mule 0");
}

fn signals_come_to_mules_and_farms(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    let raise = |signal: u32| assert_eq!(server.text(&format!("/signal?n={signal}")), "true");
    let of = |mules: &[u32], count: usize| {
        let all = wait_for_handled(&server, &scratch, count);
        assert_eq!(all.len(), count, "{all:?}");
        let last: BTreeSet<u32> = all[count - mules.len()..].iter().map(|(number, _, _)| *number).collect();
        assert_eq!(last, mules.iter().copied().collect(), "{all:?}\n{}", server.log());
    };
    raise(11);
    of(&[1], 1);
    raise(12);
    of(&[1, 2], 3);
    raise(13);
    of(&[2], 4);
    raise(15);
    of(&[2], 5);
    raise(14);
    assert!(wait_for_handled(&server, &scratch, 6)[5].2 == "signal 14");
    // What mules have registered is in force after a reload, too, and no worker gets it.
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    eventually("the old ones end", || (server.worker_pids().len() == 3).then_some(()));
    raise(12);
    of(&[1, 2], 8);
    assert!(handled(&scratch).iter().all(|(number, _, _)| *number > 0));
}

fn a_mule_finishes_the_handler_of_a_signal(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    assert_eq!(server.text("/signal?n=20"), "true");
    scratch.wait_for("signal.entered");
    let old = mule(&scratch, 1);
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    // Messages and signals wait for the end of the old one.
    send(&server, "mule1", "after");
    assert_eq!(server.text("/signal?n=11"), "true");
    send(&server, "mule2", "meanwhile");
    assert_eq!(texts(&wait_for_handled(&server, &scratch, 1)), ["meanwhile"]);
    scratch.write("signal", "");
    let all = wait_for_handled(&server, &scratch, 4);
    assert_eq!((all[1].1, all[1].2.as_str()), (old, "hold signal"), "{all:?}");
    let then: BTreeSet<_> = texts(&all[2..]).into_iter().collect();
    assert_eq!(then, ["after", "signal 11"].into());
    assert!(all[2..].iter().all(|(number, _, _)| *number == 1), "{all:?}");
    assert_eq!(server.stop(), 0);
}

fn functions_of_other_processes_can_be_called(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).with(["--processes=2"]).expect_workers(4).start();
    for (node, who) in [
        ("worker1", "1 0 "),
        ("worker2", "2 0 "),
        ("mule1", "0 1 "),
        ("mule2", "0 2 "),
        ("farm_second", "0 2 "),
        ("farm2", "0 2 "),
    ] {
        assert_eq!(
            server.text(&format!("/call?f=who&node={node}&a=x&a=&a=y")),
            format!("{who}x++y"),
            "{node}"
        );
    }
    assert!(server.text("/call?f=who&node=worker").ends_with(" 0 "));
    assert!(["0 1 ", "0 2 "].contains(&&*server.text("/call?f=who&node=mule")));
    // A mule that is busy with a message answers all the same.
    hold(&server, &scratch, 1, "gate");
    assert_eq!(server.text("/call?f=who&node=mule1"), "0 1 ");
    let long = format!("/call?f=size&node=mule2{}", "&a=".repeat(200));
    assert_eq!(server.text(&long).len(), 200 << 16);
    for (query, part) in [
        ("f=who&node=mule3", "calling \"who\" at mule3: the server has no process called \"mule3\""),
        ("f=who&node=worker3", "has no process called \"worker3\""),
        ("f=who&node=nobody", "has no process called \"nobody\""),
        ("f=none&node=mule2", "calling \"none\" at mule2: there is no function with this name"),
        ("f=fail&node=mule2", "calling \"fail\" at mule2: no such luck"),
        ("f=panic&node=mule2", "panicked: a function panics"),
        ("f=exit&node=mule2", "calling \"exit\" at mule2: the process has ended before it answered"),
    ] {
        let text = server.text(&format!("/call?{query}"));
        assert!(text.contains(part), "{query}: {text}");
    }
    server.wait_for_log("mule 2: panic in the function");
    // The call waits until the mule is there again.
    assert_eq!(server.text("/call?f=who&node=mule2"), "0 2 ");
    scratch.write("gate", "");
}

fn a_call_ends_with_its_caller_and_with_its_process(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    let waits = |count: usize| scratch_lines(&scratch, "waits", count);
    let text = server.text("/call?f=wait&node=mule1&wait=300ms");
    assert!(text.contains("context deadline exceeded"), "{text}");
    scratch_lines(&scratch, "waited", 1);
    // The caller's client has gone, and so the caller.
    let mut client = server.connect();
    client.send("GET /call?f=wait&node=mule1 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    waits(2);
    drop(client);
    assert_eq!(scratch_lines(&scratch, "waited", 2)[1].2, "context canceled");
    // The process dies.
    let mut client = server.connect();
    client.send("GET /call?f=wait&node=mule1 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    waits(3);
    kill(mule(&scratch, 1), Signal::KILL);
    let text = client.receive().unwrap().text();
    assert!(text.contains("the process has ended before it answered"), "{text}");
    // A call whose caller has gone before anybody took it is not begun: nobody hears while a mule is stopped.
    eventually("the next one is there", || (server.text("/call?f=who&node=mule1") == "0 1 ").then_some(()));
    let stopped = mule(&scratch, 1);
    kill(stopped, Signal::STOP);
    eventually("all of its threads stand still", || {
        let threads = fs::read_dir(format!("/proc/{stopped}/task")).ok()?.flatten();
        let mut states =
            threads.map(|thread| fs::read_to_string(thread.path().join("stat")).unwrap_or_default());
        states.all(|stat| stat.is_empty() || stat.contains(") T ")).then_some(())
    });
    let text = server.text("/call?f=wait&node=mule1&wait=100ms");
    assert!(text.contains("context deadline exceeded"), "{text}");
    kill(stopped, Signal::CONT);
    assert_eq!(server.text("/call?f=who&node=mule1"), "0 1 ");
    assert_eq!(waits(3).len(), 3, "{}", server.log());
    assert_eq!(mule(&scratch, 1), stopped, "a caller that has gone harms nobody: {}", server.log());
}

fn scratch_lines(scratch: &Scratch, name: &str, count: usize) -> Vec<(u32, u32, String)> {
    eventually(name, || Some(lines(&scratch.path(name))).filter(|lines| lines.len() >= count))
}

fn a_process_finishes_the_calls_that_it_has_taken(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = with_mules(toolchain, &scratch).start();
    let ask = |node: &str, name: &str| {
        let mut client = server.connect();
        let request = format!("GET /call?f=held&node={node}&a={name} HTTP/1.1\r\nHost: test\r\n\r\n");
        client.send(&request).unwrap();
        scratch.wait_for(&format!("{name}.entered"));
        client
    };
    let (mut of_mule, mut of_worker) = (ask("mule1", "one"), ask("worker1", "two"));
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    assert_eq!(server.text("/call?f=who&node=worker1"), "1 0 ", "those that are new go to the new ones");
    scratch.write("one", "");
    scratch.write("two", "");
    assert_eq!(of_mule.receive().unwrap().text(), "held");
    assert_eq!(of_worker.receive().unwrap().text(), "held");
    eventually("the old ones end", || (server.worker_pids().len() == 3).then_some(()));
    assert_eq!(server.stop(), 0);
}

fn counted(address: &goherd_tests::Address, number: &str) -> String {
    let connect = || goherd_tests::Client::connect(address).unwrap();
    let form = "text=one+two+three";
    let request = format!(
        "POST /count/mine HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut client = connect();
    client.send(&request).unwrap();
    assert_eq!(client.receive().unwrap().status, 202);
    eventually("it is counted", || {
        let answer = connect().get("/count/mine").unwrap();
        (answer.status == 200).then(|| answer.text()).filter(|text| text.starts_with(number))
    })
}

fn the_example_counts_in_the_background(toolchain: Toolchain) {
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "mules"))
        .with(["--goroutines=4", "--mules=2", "--farm=counting:2", "--cache2=name=counts,items=10"])
        .expect_workers(3)
        .start();
    assert_eq!(counted(&server.address(), "3 words"), "3 words, counted by mule 2\n");
}

#[test]
fn the_example_runs_by_itself() {
    let (program, address) = goherd_tests::Program::start(Toolchain::Go, "mules", &[]);
    assert_eq!(counted(&address, "3 words"), "3 words, counted by mule 0\n");
    drop(program);
}

#[test]
fn what_is_wrong_with_mules_is_said_before_the_start() {
    let library = app(Toolchain::Go, "muleteer");
    for (option, words) in [
        ("--mule=script.py", ["--mule", "a mule runs the application, not a script"]),
        ("--mules=300", ["--mules", "0 to 256"]),
        ("--farm=f:3", ["farm f is to have mule 3", "there are 2 mules"]),
        ("--farm=f", ["--farm", "NAME:NUMBER"]),
        ("--farm=a b:1", ["--farm", "a name of 1 to 63"]),
        ("--mule-reload-mercy=soon", ["--mule-reload-mercy", "such as 10"]),
    ] {
        let failure = launch().on_loopback().load(&library).with(["--mules=2", option]).failure();
        failure.is_one_line_with(&words);
    }
}
