//! The clap command: the option table in, a parser and the text of `--help` out.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, value_parser};

use crate::options::{Group, Kind, OptionRow, Part};
use crate::tool;

/// The id of the words which are no options; no option can have this name.
pub const FILES: &str = "FILE.ini[:SECTION]";

const ABOUT: &str = "Goherd serves Go web applications: load a shared library, choose a socket, and it runs.";

const EXAMPLES: &str = "\
Examples:
  goherd --http-socket :9090 --go-load ./app.so
  goherd app.ini                      all of it in the section [uwsgi] of app.ini
  goherd app.ini -p 4 --show-config   what the file and -p 4 amount to

A flag, and an option whose value may be left out, takes a value only with '=': --strict=false. The last value of an option wins, that of the \
command line before those of ini files; options which can be repeated add up. \
docs/options.md says more about each option.";

/// A fresh command with every row of the table.
pub fn command() -> Command {
    Command::new("goherd")
        .about(ABOUT)
        .override_usage("goherd [OPTIONS] [FILE.ini[:SECTION]]...")
        .after_help(format!("Tools:\n{}\n{EXAMPLES}", tool::overview()))
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(files())
        .args(Group::ALL.iter().flat_map(|group| group.rows().iter().map(|row| option(row, *group))))
}

fn files() -> Arg {
    Arg::new(FILES)
        .action(ArgAction::Append)
        .num_args(0..)
        .value_name(FILES)
        .value_parser(value_parser!(OsString))
        .help("Ini files to read, as with --ini; their names end in .ini")
}

fn option(row: &'static OptionRow, group: Group) -> Arg {
    let arg = Arg::new(row.name())
        .long(row.name())
        .short(row.short)
        .visible_aliases(row.aliases())
        .action(ArgAction::Append)
        .value_parser(value_parser!(OsString))
        .help_heading(group.title())
        .help(help(row));
    let arg = match row.bare() {
        Some(bare) if row.part == Part::Request => return arg.num_args(0).default_missing_value(bare),
        Some(bare) => arg.num_args(0..=1).require_equals(true).default_missing_value(bare),
        None => arg.num_args(1),
    };
    match row.kind {
        Kind::Flag(_) => arg.value_name("BOOL"),
        Kind::Number { .. } | Kind::Seconds { .. } => {
            arg.value_name(row.value_name).allow_negative_numbers(true)
        }
        Kind::Words(_) => arg.value_name(row.value_name).allow_hyphen_values(true),
        _ => arg.value_name(row.value_name).allow_hyphen_values(row.hyphen),
    }
}

/// The line of an option: what it does, whether it can be repeated, its default.
fn help(row: &OptionRow) -> String {
    let list = if row.list { " [can be repeated]" } else { "" };
    let default = row.default.filter(|_| !row.kind.is_flag());
    let default = default.map_or(String::new(), |default| format!(" [default: {default}]"));
    format!("{}{list}{default}", row.help)
}
