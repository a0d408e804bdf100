//! Rows: what happens by the clock, or when files change.

use super::{Kind, OptionRow, ROW};
use crate::agenda::{CronJob, Timer, monitor};
use crate::draft::Draft;

/// What a key of `cron2` comes to that means nothing here.
const LEGION_NOTE: &str =
    "cron2: there are no legions, so every server starts the command; legion= is ignored";

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["timer", "signal-timer"],
        kind: Kind::Text(|draft, value| {
            draft.config.timers.push(Timer::parse(value, false)?);
            Ok(())
        }),
        value_name: "\"SIGNAL SECONDS\"",
        list: true,
        help: "Raise this signal every so many seconds",
        doc: "Applications say who receives it, with `RegisterSignal`: docs/signals.md.",
        ..ROW
    },
    OptionRow {
        names: &["rbtimer", "signal-rbtimer"],
        kind: Kind::Text(|draft, value| {
            draft.config.timers.push(Timer::parse(value, true)?);
            Ok(())
        }),
        value_name: "\"SIGNAL SECONDS [TIMES]\"",
        list: true,
        help: "Raise this signal every so many seconds, so many times",
        doc: "Without a number, or with 0, it goes on for ever. The times are those of the server: a reload or upgrade does \
              not begin anew.",
        ..ROW
    },
    OptionRow {
        names: &["cron"],
        kind: Kind::Text(|draft, value| cron(draft, value, false)),
        value_name: "\"MINUTE HOUR DAY MONTH WEEKDAY COMMAND\"",
        hyphen: true,
        list: true,
        help: "Start this command at these times",
        doc: "\
The five fields are those of cron: `*`, numbers, names (`jan`, `mon`), ranges, lists, steps (`*/5`), or one of `@hourly`,
`@daily`, `@weekly`, `@monthly`, `@yearly` in place of all. As with uWSGI, `-1` is any and `-5` is every fifth. If both day
and weekday are restricted, either will do.

`/bin/sh -c` runs the command, as the user of the workers, in their folder and their root, with its output in the log; how it
ends is there, too, if that is not with code 0. It is ended with the server. Reloads and upgrades do not start it anew, and do
not end it. The same line twice is one.",
        ..ROW
    },
    OptionRow {
        names: &["unique-cron"],
        kind: Kind::Text(|draft, value| cron(draft, value, true)),
        value_name: "\"MINUTE HOUR DAY MONTH WEEKDAY COMMAND\"",
        hyphen: true,
        list: true,
        help: "The same, unless it runs still",
        ..ROW
    },
    OptionRow {
        names: &["cron2"],
        kind: Kind::Text(cron2),
        value_name: "\"KEY=VALUE,… COMMAND\"",
        list: true,
        help: "Start this command at the times of its keys: minute=0,hour=2 COMMAND",
        doc: "\
Its keys are `minute`, `hour`, `day`, `month`, `week`, each a field as that of `cron`, without commas, and any if it is not
there; `unique=1`: not while it runs still; and `harakiri=SECONDS`, in place of `cron-harakiri`. `legion` is accepted with a
note.",
        ..ROW
    },
    OptionRow {
        names: &["cron-harakiri"],
        kind: Kind::Seconds { zero: "as long as they like", field: |config| &mut config.cron_harakiri },
        value_name: "SECONDS",
        default: Some("0"),
        help: "How long commands of cron may run until they are killed, with what they have started",
        ..ROW
    },
    OptionRow {
        names: &["cron-timezone"],
        kind: Kind::Text(|draft, value| {
            if value.is_empty() {
                return Err("expected a time zone, such as Europe/Berlin".to_owned());
            }
            draft.config.cron_timezone = Some(value.to_owned());
            Ok(())
        }),
        value_name: "NAME",
        help: "The time zone of cron, for commands and applications, such as Europe/Berlin",
        doc: "Without it, that of the machine. Where clocks change, a fixed time that is skipped happens at the first minute \
              after, and one that comes twice happens once; docs/signals.md says more.",
        uwsgi: "knows the machine's time zone alone.",
        ..ROW
    },
    OptionRow {
        names: &["fs-signal"],
        kind: Kind::Text(|draft, value| {
            draft.config.fs_signals.push(monitor(value)?);
            Ok(())
        }),
        value_name: "\"PATH SIGNAL\"",
        list: true,
        help: "Raise this signal when this file, or an entry of this folder, changes",
        doc: "The file need not be there, and may be replaced by another one. What happens within a moment is one signal.",
        ..ROW
    },
];

fn cron(draft: &mut Draft, value: &str, unique: bool) -> Result<(), String> {
    draft.config.crons.push(CronJob::parse(value, unique)?);
    Ok(())
}

fn cron2(draft: &mut Draft, value: &str) -> Result<(), String> {
    let (job, has_legion) = CronJob::parse_keys(value)?;
    draft.config.crons.push(job);
    if has_legion {
        draft.remarks.push(LEGION_NOTE);
    }
    Ok(())
}
