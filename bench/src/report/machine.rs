//! What the figures were measured on, and with.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::settings::Settings;
use crate::{Outcome, cases, places};

/// Names and what they are, in the order of the document.
pub type Machine = Vec<(&'static str, String)>;

/// Asks the machine, before it is busy.
pub fn describe(settings: &Settings) -> Outcome<Machine> {
    let goherd = places::goherd()?;
    Ok(vec![
        ("date", httpdate::fmt_http_date(SystemTime::now())),
        ("command", command(settings)),
        ("processor", format!("{}, {} cores", processor()?, cases::cores())),
        ("kernel", fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned()),
        ("load average before", load_average()?),
        ("Goherd", format!("{}, commit {}", said(&goherd, &["--version"]), commit())),
        ("Go", said("go", &["env", "GOVERSION"])),
        ("gccgo", said("gccgo", &["--version"])),
        ("nginx", said("nginx", &["-v"])),
        ("wrk", said("wrk", &["-v"])),
    ])
}

fn command(settings: &Settings) -> String {
    format!("`BENCH_PAIRS={} BENCH_SECONDS={} make bench`", settings.rounds, settings.seconds)
}

fn processor() -> Outcome<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(model.map_or("unknown", |(_, name)| name).to_owned())
}

/// Of the last 1, 5 and 15 minutes.
fn load_average() -> Outcome<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().take(3).collect::<Vec<_>>().join(", "))
}

fn commit() -> String {
    said("git", &["-C", &places::workspace().to_string_lossy(), "describe", "--always", "--dirty"])
}

/// The first line that a tool prints, on whichever of the two streams.
fn said(tool: impl AsRef<Path>, arguments: &[&str]) -> String {
    let output = Command::new(tool.as_ref()).args(arguments).output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or("missing").trim().to_owned()
}
