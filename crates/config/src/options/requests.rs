//! Rows: what Goherd can do instead of serving. They are switches: they take no value.

use super::{Kind, OptionRow, Part, ROW};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["check"],
        kind: Kind::Flag(|draft, on| draft.check = on),
        part: Part::Request,
        help: "Check the configuration and the libraries it loads, then exit",
        uwsgi: "has no such option.",
        ..ROW
    },
    OptionRow {
        names: &["show-config"],
        kind: Kind::Flag(|draft, on| draft.show_config = on),
        part: Part::Request,
        help: "Print the effective configuration as an ini file, with the origin of each line, then exit",
        uwsgi: "prints it and goes on to serve.",
        ..ROW
    },
    OptionRow {
        names: &["help"],
        short: Some('h'),
        kind: Kind::Flag(|draft, on| draft.help = on),
        part: Part::Request,
        help: "Print this help, then exit",
        ..ROW
    },
    OptionRow {
        names: &["version"],
        short: Some('V'),
        kind: Kind::Flag(|draft, on| draft.version = on),
        part: Part::Request,
        help: "Print the version, then exit",
        ..ROW
    },
];
