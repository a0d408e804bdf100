//! Rows: how new workers take the place of old ones, and how the server ends.

use super::{Kind, OptionRow, ROW};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["touch-reload"],
        kind: Kind::Path(|draft, path| draft.config.touch_reload.push(path)),
        value_name: "FILE",
        list: true,
        help: "Reload when this file is touched",
        doc: "It is looked at every second, and need not be there: that it comes to be is a touch. docs/deploying.md tells what a reload does.",
        ..ROW
    },
    OptionRow {
        names: &["touch-chain-reload"],
        kind: Kind::Path(|draft, path| draft.config.touch_chain_reload.push(path)),
        value_name: "FILE",
        list: true,
        help: "The same as touch-reload: every reload replaces one worker after the other",
        uwsgi: "reloads workers one by one here, and all at once with `touch-reload`.",
        ..ROW
    },
    OptionRow {
        names: &["master-fifo"],
        kind: Kind::Path(|draft, path| draft.config.master_fifo.push(path)),
        value_name: "FILE",
        list: true,
        help: "Make this named pipe and take orders from it, a letter each, such as r (reload) and q (end)",
        doc: "docs/deploying.md lists the letters. A pipe that is there already is used; what else is in the way is said in the log.",
        uwsgi: "reads one of its pipes at a time, which digits choose.",
        ..ROW
    },
    OptionRow {
        names: &["worker-start-timeout"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.worker_start_timeout },
        value_name: "SECONDS",
        default: Some("30"),
        help: "How long a new worker may take until its application is ready",
        doc: "One of the first workers that takes longer ends the server with code 1; the canary of a reload ends the reload.",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["worker-reload-mercy", "reload-mercy"],
        kind: Kind::Seconds { zero: "none", field: |config| &mut config.worker_reload_mercy },
        value_name: "SECONDS",
        default: Some("60"),
        help: "How long a worker that is to end may go on finishing what it handles, before it is killed",
        ..ROW
    },
    OptionRow {
        names: &["mule-reload-mercy"],
        kind: Kind::Seconds { zero: "none", field: |config| &mut config.mule_reload_mercy },
        value_name: "SECONDS",
        default: Some("60"),
        help: "How long a mule or a spooler that is to end may go on with what it has at hand, before it is killed",
        doc: "At the end of the server a mule handles what waits for it already, within this time: docs/mules.md.",
        ..ROW
    },
    OptionRow {
        names: &["shutdown-delay"],
        kind: Kind::Seconds { zero: "none", field: |config| &mut config.shutdown_delay },
        value_name: "SECONDS",
        default: Some("0"),
        help: "After SIGTERM, go on serving for so long before ending, so that a load balancer can notice",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["vacuum"],
        kind: Kind::Flag(|draft, on| draft.config.vacuum = on),
        default: Some("false"),
        help: "Remove socket files and the pidfile at the end",
        doc: "Only those that are still this server's own: a file that another server has put in their place stays.",
        ..ROW
    },
];

const NOT_THERE: &str = "has no such option.";
