//! Rows: uWSGI options which are taken so that a configuration may stay as it is, and do nothing.

use super::{Kind, OptionRow, ROW};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["die-on-term"],
        kind: Kind::Flag(|draft, _| draft.remarks.push("not needed; SIGTERM always ends Goherd")),
        help: "SIGTERM ends the server, which it always does; accepted with a note",
        uwsgi: "reloads on SIGTERM without it.",
        ..ROW
    },
    OptionRow {
        names: &["no-orphans"],
        kind: Kind::Flag(|draft, _| {
            draft.remarks.push("not needed; workers never outlive the master for long");
        }),
        help: "Workers end when the master is gone, which they always do, after what they have under way; accepted with a note",
        ..ROW
    },
    OptionRow {
        names: &["signal-bufsize"],
        kind: Kind::Text(|draft, _| {
            draft.remarks.push("not needed; 128 signals wait in a process, whatever their socket holds");
            Ok(())
        }),
        value_name: "BYTES",
        help: "The socket over which signals come; accepted with a note, as 128 signals wait in a process in any case",
        ..ROW
    },
    OptionRow {
        names: &["home", "virtualenv", "venv", "pyhome"],
        short: Some('H'),
        kind: Kind::Path(|draft, _| {
            draft.remarks.push("ignored; a Python home means nothing to a Go application");
        }),
        value_name: "DIR",
        help: "The home of Python; ignored with a note, as it means nothing to a Go application",
        ..ROW
    },
];
