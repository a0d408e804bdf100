//! Rows: the processes, how many there are, and what they find around them.

use super::{Kind, OptionRow, ROW};
use crate::config::CheaperAlgo;
use crate::draft::Draft;
use crate::farm::Farm;

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["master"],
        short: Some('M'),
        kind: Kind::Flag(set_master),
        default: Some("true"),
        help: "Accepted for compatibility: Goherd always has a master process",
        doc: "`master = false` is accepted too, with a note in the log; it changes nothing.",
        uwsgi: "has no master process unless asked for one.",
        ..ROW
    },
    OptionRow {
        names: &["processes", "workers"],
        short: Some('p'),
        kind: Kind::Number { min: 1, max: 1024, field: |config| &mut config.processes },
        value_name: "N",
        default: Some("1"),
        help: "Run N worker processes",
        ..ROW
    },
    OptionRow {
        names: &["chdir"],
        kind: Kind::Path(|draft, path| draft.config.chdir = Some(path)),
        value_name: "DIR",
        help: "Change to this folder before the application is loaded",
        doc: "The server goes there right after the configuration is read: relative paths of `go-load`, `pidfile` and \
              Unix sockets count from this folder, those of ini files do not.",
        ..ROW
    },
    OptionRow {
        names: &["env"],
        kind: Kind::Text(add_env),
        value_name: "NAME=VALUE",
        list: true,
        help: "Set an environment variable for the application",
        doc: "The value is all that follows the first `=`, and may be empty. With standard Go it is set \
              when the package `uwsgi` is initialised: a package-level variable of a package that is initialised \
              before it (one that does not import it) does not see it yet; main does. With gccgo everything sees it.",
        ..ROW
    },
    OptionRow {
        names: &["cheaper"],
        kind: Kind::Number { min: 0, max: 1024, field: |config| &mut config.cheaper },
        value_name: "N",
        default: Some("0"),
        help: "Let the number of workers follow the load, from N up to processes; 0 keeps them all",
        doc: "`cheaper-algo` says what load is.",
        ..ROW
    },
    OptionRow {
        names: &["cheaper-initial"],
        kind: Kind::Number { min: 1, max: 1024, field: |config| &mut config.cheaper_initial },
        value_name: "N",
        help: "With cheaper: how many workers to begin with; without it as many as cheaper says",
        ..ROW
    },
    OptionRow {
        names: &["cheaper-step"],
        kind: Kind::Number { min: 1, max: 1024, field: |config| &mut config.cheaper_step },
        value_name: "N",
        default: Some("1"),
        help: "With cheaper: how many workers are started at a time",
        ..ROW
    },
    OptionRow {
        names: &["cheaper-overload"],
        kind: Kind::Seconds { zero: "no wait", field: |config| &mut config.cheaper_overload },
        value_name: "SECONDS",
        default: Some("3"),
        help: "With cheaper: how long the load must last until the number of workers follows it",
        ..ROW
    },
    OptionRow {
        names: &["cheaper-algo"],
        kind: Kind::Choice { of: &["spare", "busyness"], set: set_cheaper_algo },
        value_name: "NAME",
        default: Some("spare"),
        help: "With cheaper: what load is: spare (are all workers busy?) or busyness (how much of the time?)",
        uwsgi: "has `spare2`, `backlog` and `manual` too.",
        ..ROW
    },
    OptionRow {
        names: &["cheaper-busyness-max"],
        kind: Kind::Number { min: 1, max: 100, field: |config| &mut config.cheaper_busyness_max },
        value_name: "PERCENT",
        default: Some("50"),
        help: "With cheaper-algo = busyness: above this, more workers are started",
        ..ROW
    },
    OptionRow {
        names: &["cheaper-busyness-min"],
        kind: Kind::Number { min: 0, max: 99, field: |config| &mut config.cheaper_busyness_min },
        value_name: "PERCENT",
        default: Some("25"),
        help: "With cheaper-algo = busyness: below this, workers are ended",
        ..ROW
    },
    OptionRow {
        names: &["idle"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.idle },
        value_name: "SECONDS",
        default: Some("0"),
        help: "End all workers after so long without a request; the next connection starts them again",
        ..ROW
    },
    OptionRow {
        names: &["die-on-idle"],
        kind: Kind::Flag(|draft, on| draft.config.die_on_idle = on),
        default: Some("false"),
        help: "With idle: end the whole server instead, for systemd to start it again at the next connection",
        ..ROW
    },
    OptionRow {
        names: &["mule"],
        kind: Kind::Text(add_mule),
        value_name: "BOOL",
        bare: Some("true"),
        list: true,
        help: "Run a mule, and one more each time this is given: a process for work in the background",
        doc: "A mule runs the application without sockets; it gets messages and signals: docs/mules.md. `mules` adds to these.",
        uwsgi: "can give a mule a script of its own, which has no counterpart here: a Go program asks `uwsgi.MuleId()`.",
        ..ROW
    },
    OptionRow {
        names: &["mules"],
        kind: Kind::Number { min: 0, max: 256, field: |config| &mut config.mules },
        value_name: "N",
        default: Some("0"),
        help: "Run N mules",
        ..ROW
    },
    OptionRow {
        names: &["farm"],
        kind: Kind::Text(add_farm),
        value_name: "NAME:N,N,…",
        list: true,
        help: "Name some of the mules, by their numbers: one of them gets what is sent to farm_NAME",
        doc: "A name has 1 to 63 letters, digits, `_`, `.` or `-`. A mule may be in several farms. `farm1` is the first farm.",
        ..ROW
    },
];

/// The most mules.
const MOST_MULES: u32 = 256;

fn add_mule(draft: &mut Draft, value: &str) -> Result<(), String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => {
            if draft.config.mule >= MOST_MULES {
                return Err(format!("there can be {MOST_MULES} mules"));
            }
            draft.config.mule += 1;
            Ok(())
        }
        "false" | "0" | "off" | "no" => Ok(()),
        _ => Err("expected no value: a mule runs the application, not a script (the application asks \
                  uwsgi.MuleId() what it is)"
            .to_owned()),
    }
}

fn add_farm(draft: &mut Draft, value: &str) -> Result<(), String> {
    let farm = Farm::parse(value)?;
    if draft.config.farms.iter().any(|other| other.name == farm.name) {
        return Err(format!("there is a farm called {} already: name all of its mules at once", farm.name));
    }
    draft.config.farms.push(farm);
    Ok(())
}

fn set_master(draft: &mut Draft, on: bool) {
    if !on {
        draft.remarks.push("ignored; Goherd always has a master process");
    }
}

fn set_cheaper_algo(draft: &mut Draft, name: &'static str) {
    draft.config.cheaper_algo = match name {
        "busyness" => CheaperAlgo::Busyness,
        _ => CheaperAlgo::Spare,
    };
}

fn add_env(draft: &mut Draft, value: &str) -> Result<(), String> {
    match value.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.contains('\0') && !name.contains('\0') => {
            draft.config.env.push((name.to_owned(), value.to_owned()));
            Ok(())
        }
        _ => Err("expected NAME=VALUE with a name which is not empty".to_owned()),
    }
}
