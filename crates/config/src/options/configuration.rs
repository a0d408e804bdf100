//! Rows: where the configuration comes from and how it is judged.

use super::{Kind, OptionRow, Part, ROW};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["ini"],
        kind: Kind::Text(|_, _| Ok(())),
        value_name: "FILE[:SECTION]",
        list: true,
        part: Part::Source,
        help: "Read this ini file, section [uwsgi] unless another is named",
        doc: "\
On the command line `goherd app.ini` means the same as `goherd --ini app.ini`, when the name ends in `.ini`.
Within an ini file the settings of the included file take the place of the line, and a relative path starts
at the folder of the including file; `ini = :common` includes another section of the same file. Files may
include files up to 16 deep.",
        uwsgi: "takes a relative path of an include from the folder it was started in.",
        ..ROW
    },
    OptionRow {
        names: &["strict"],
        kind: Kind::Flag(|draft, on| draft.config.strict = on),
        default: Some("true"),
        help: "Refuse ini keys which are no options; with --strict=false they are ignored with a note",
        doc: "It counts wherever it stands, also for the lines above it. The command line is always strict.",
        uwsgi: "is not strict unless asked: unknown keys silently become placeholders.",
        ..ROW
    },
];
