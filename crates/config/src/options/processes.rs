//! Rows: the processes and what they run as.

use super::{Kind, OptionRow, ROW};
use crate::draft::Draft;

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
        names: &["uid"],
        kind: Kind::Name { of: "user", set: |draft, name| draft.config.uid = Some(name) },
        value_name: "USER",
        help: "Run as this user, a name or a number",
        doc: "Workers become this user; the master stays root, to start others. Without `gid` they get the user's own \
              group, and in any case no other group of root's.",
        ..ROW
    },
    OptionRow {
        names: &["gid"],
        kind: Kind::Name { of: "group", set: |draft, name| draft.config.gid = Some(name) },
        value_name: "GROUP",
        help: "Run as this group, a name or a number",
        ..ROW
    },
    OptionRow {
        names: &["pidfile"],
        kind: Kind::Path(|draft, path| draft.config.pidfile = Some(path)),
        value_name: "FILE",
        help: "Write the process id of the master to this file",
        ..ROW
    },
];

fn set_master(draft: &mut Draft, on: bool) {
    if !on {
        draft.remarks.push("ignored; Goherd always has a master process");
    }
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
