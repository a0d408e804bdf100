//! Rows: folders of tasks, and the processes that work them off.

use std::path::PathBuf;

use super::{Kind, OptionRow, ROW};
use crate::draft::Draft;

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["spooler"],
        kind: Kind::Text(spooler),
        value_name: "DIR",
        list: true,
        help: "Work off the tasks in this folder, in processes of its own",
        doc: "Tasks are put there by `uwsgi.Spool` and run by `uwsgi.OnSpool`: docs/spooler.md. The folder is made if it is missing, for \
              the workers' user alone; that it cannot be used is an error at the start. It must be on a file system of this \
              machine. Several servers may share one. The first one is that of tasks that do not name another.",
        uwsgi: "wants the folder to be there.",
        ..ROW
    },
    OptionRow {
        names: &["spooler-processes"],
        kind: Kind::Number { min: 1, max: 64, field: |config| &mut config.spooler_processes },
        value_name: "N",
        default: Some("1"),
        help: "How many processes work off each folder of tasks, one task at a time each",
        ..ROW
    },
    OptionRow {
        names: &["spooler-frequency", "spooler-freq"],
        kind: Kind::Number { min: 1, max: 86_400, field: |config| &mut config.spooler_frequency },
        value_name: "SECONDS",
        default: Some("30"),
        help: "How often all of a spooler's folder is looked at",
        doc: "New tasks are noticed at once, and those that wait for a time run at that time, in any case. This is for what nobody is told \
              of, such as a wall clock that was set.",
        uwsgi: "looks for tasks that wait for a time only so often.",
        ..ROW
    },
    OptionRow {
        names: &["spooler-retries"],
        kind: Kind::Number { min: 0, max: 1_000_000, field: |config| &mut config.spooler_retries },
        value_name: "N",
        default: Some("10"),
        help: "How often a task is tried before it is set aside; 0: until it succeeds",
        doc: "A try counts also if the process dies over it. There is a pause after each: 1 s, then twice as long as the one before, and at \
              most 5 minutes. What is set aside lies in the folder `failed` of the spooler's, with the reason beside it.",
        uwsgi: "tries a task for ever, and has no such option.",
        ..ROW
    },
    OptionRow {
        names: &["spooler-max-tasks"],
        kind: Kind::Number { min: 0, max: u64::MAX, field: |config| &mut config.spooler_max_tasks },
        value_name: "N",
        default: Some("0"),
        help: "Replace a spooler after so many tasks; 0: never",
        ..ROW
    },
    OptionRow {
        names: &["spooler-harakiri"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.spooler_harakiri },
        value_name: "SECONDS",
        default: Some("0"),
        help: "Kill a spooler whose task takes longer; the task is tried again",
        ..ROW
    },
    OptionRow {
        names: &["spooler-ordered"],
        kind: Kind::Flag(|draft, _| {
            draft.remarks.push("not needed; tasks always run by priority, then by time");
        }),
        help: "Run tasks in their order, which is always so; accepted with a note",
        uwsgi: "heeds priorities only with it.",
        ..ROW
    },
];

fn spooler(draft: &mut Draft, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("expected a folder".to_owned());
    }
    let folder = PathBuf::from(value);
    if draft.config.spoolers.contains(&folder) {
        return Err(
            "this folder is a spooler's already: spooler-processes = N gives it more processes".to_owned()
        );
    }
    draft.config.spoolers.push(folder);
    Ok(())
}
