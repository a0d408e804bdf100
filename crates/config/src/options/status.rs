//! Rows: how the server is watched: statistics, alarms.

use super::{Kind, OptionRow, ROW};
use crate::alarm::Alarm;

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["stats", "stats-server"],
        kind: Kind::Text(|draft, value| {
            draft.config.stats = Some(value.parse()?);
            Ok(())
        }),
        value_name: "ADDRESS",
        help: "Tell whoever connects to this address how the server is, as one JSON document",
        doc: "\
An address as for `http-socket`; `chmod-socket` and `chown-socket` hold for its file. The master answers by itself, and waits for
nobody. Whoever can connect sees everything that docs/stats.md lists: keep it on loopback or in a file. It is kept
over reloads and upgrades of the server, and closed when the server begins to end.",
        uwsgi: "shows the header fields of requests under way, cookies included.",
        ..ROW
    },
    OptionRow {
        names: &["stats-http"],
        kind: Kind::Flag(|draft, on| draft.config.stats_http = on),
        default: Some("false"),
        help: "Answer at the stats address as HTTP has it, for browsers, curl and exporters",
        doc: "Any request is answered with the document: nothing of it is read.",
        ..ROW
    },
    OptionRow {
        names: &["stats-minified", "stats-min"],
        kind: Kind::Flag(|draft, on| draft.config.stats_minified = on),
        default: Some("false"),
        help: "Leave the white space out of the stats document",
        ..ROW
    },
    OptionRow {
        names: &["alarm"],
        kind: Kind::Text(|draft, value| {
            draft.config.alarms.push(Alarm::parse(value)?);
            Ok(())
        }),
        value_name: "NAME PLUGIN:ARGS",
        list: true,
        help: "What uwsgi.Alarm(\"NAME\", message) does: cmd:COMMAND runs a command, log: writes to the log, signal:N raises signal N",
        doc: "\
`alarm = disk cmd:mail -s disk admin` has a shell run the command, with the message and a line feed as its input. It runs
beside the master, as the commands of `cron` do, and nobody waits for it; up to 16 are under way at a time. `alarm = disk
log:` writes a line to the server's log, `alarm = disk signal:17` raises signal 17 (docs/signals.md). Several alarms may have the same name: all of them go off.",
        uwsgi: "has more plugins (mule, curl, xmpp), and alarms on lines of the log.",
        ..ROW
    },
    OptionRow {
        names: &["alarm-freq"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.alarm_freq },
        value_name: "SECONDS",
        default: Some("3"),
        help: "An alarm that has gone off is quiet for so long",
        doc: "What is withheld is counted, and the count is in the log when the alarm goes off next.",
        uwsgi: "withholds the same message alone.",
        ..ROW
    },
];
