//! Rows: the Go application.

use super::{Kind, OptionRow, ROW};
use crate::config::LoopEngine;

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["go-load", "gccgo-load"],
        kind: Kind::Path(|draft, path| draft.config.go_load.push(path)),
        value_name: "FILE.so",
        list: true,
        help: "Load this Go application, a shared library",
        doc: "Loaded in the order given, libraries before what uses them; the one that has a Go main is the application. The toolchain, standard Go \
              or gccgo, is recognised from the file. The file is copied at start: changing it changes nothing until the \
              server starts anew. A wrong file is an error at start.",
        ..ROW
    },
    OptionRow {
        names: &["go-args", "gccgo-args"],
        kind: Kind::Words(|draft, words| draft.config.go_args = words),
        value_name: "ARGS",
        help: "Arguments of the Go application, quoted as in a shell: --go-args \"-v -title 'My app'\"",
        doc: "The application sees them in `os.Args[1:]`; the program name, `os.Args[0]`, is put in front.",
        uwsgi: "splits at blanks, knows no quotes, and its first word becomes `os.Args[0]`.",
        ..ROW
    },
    OptionRow {
        names: &["goroutines"],
        kind: Kind::Number { min: 1, max: 65_535, field: |config| &mut config.goroutines },
        value_name: "N",
        help: "Serve up to N requests at the same time in each worker, each in a goroutine",
        ..ROW
    },
    OptionRow {
        names: &["go-maxprocs"],
        kind: Kind::Number { min: 1, max: 65_535, field: |config| &mut config.go_maxprocs },
        value_name: "N",
        help: "How many threads of each worker run Go code at the same time, as the variable GOMAXPROCS says it",
        doc: "Without it, and without `GOMAXPROCS` in the environment or in `env`: the processors that the server may use \
              (its cgroup's cpu.max, its CPU affinity), divided by `processes`, and at least 1; with gccgo at least 2, as a \
              goroutine that computes holds one up there.",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["go-memlimit"],
        kind: Kind::Number { min: 1, max: 1 << 30, field: |config| &mut config.go_memlimit },
        value_name: "MIB",
        help: "The memory that each worker's Go runtime tries to stay within, in MiB, as the variable GOMEMLIMIT says it",
        doc: "Without it, and without `GOMEMLIMIT` in the environment or in `env`: nine tenths of the memory that the \
              server's cgroup may have (version 2: the least of memory.max and memory.high, its own and of those around it), \
              divided by the number of workers, mules and spoolers; where there is no such limit, none. \
              It is a soft limit: the runtime collects garbage more often, and goes beyond it rather than fail. Go 1.18 \
              and gccgo do not have it and ignore it.",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["loop"],
        kind: Kind::Choice {
            of: &["go", "goroutine", "goroutines"],
            set: |draft, _| draft.config.loop_engine = Some(LoopEngine::Goroutines),
        },
        value_name: "NAME",
        help: "The loop engine: go, goroutine and goroutines are three names of the same one",
        ..ROW
    },
    OptionRow {
        names: &["need-app"],
        kind: Kind::Flag(|draft, on| draft.config.need_app = on),
        default: Some("false"),
        help: "Do not start without an application",
        ..ROW
    },
];

const NOT_THERE: &str = "has no such option.";
