//! Limits of a process that runs: prlimit(1).

use std::fs;
use std::process::Command;

/// Lets the user of the process `pid` have so many processes, in its sight; `None`: all that it may have.
pub fn processes(pid: u32, most: Option<u64>) {
    set(pid, "--nproc", "Max processes", most);
}

/// Lets the process `pid` have so many descriptors; `None`: all that it may have.
pub fn descriptors(pid: u32, most: Option<u64>) {
    set(pid, "--nofile", "Max open files", most);
}

/// Asks as the user whose process it is: root may not everywhere.
fn set(pid: u32, option: &str, name: &str, most: Option<u64>) {
    let file = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let words = |text: &str, start: &str| -> Vec<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(start)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let most = most.map_or_else(|| words(&file("limits"), name)[1].clone(), |most| most.to_string());
    let user = &words(&file("status"), "Uid:")[0];
    let prlimit = ["prlimit", "--pid", &pid.to_string(), &format!("{option}={most}:")].map(str::to_owned);
    let mut command = Command::new("prlimit");
    if user != &rustix::process::getuid().as_raw().to_string() {
        command = Command::new("setpriv");
        let ids = [format!("--reuid={user}"), format!("--regid={user}")];
        command.args(ids).args(["--clear-groups", "prlimit"]);
    }
    let status = command.args(&prlimit[1..]).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
