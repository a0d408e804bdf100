//! The option table: one row per option, grouped in files by help group, driving everything else.
//!
//! To add an option: one row in the file of its group, its field in `Config` and its case in `cases.rs`;
//! `UPDATE=1 cargo test -p goherd-config` then rewrites `docs/options.md`.

mod accepted;
mod agenda;
#[cfg(test)]
mod cases;
mod configuration;
mod go;
mod kind;
mod limits;
mod lives;
mod processes;
mod reload;
mod requests;
mod service;
mod shared;
mod sockets;
mod spooler;
mod status;
mod unknown;
pub mod uwsgi_only;
mod whole;

pub use kind::Kind;
pub use unknown::unknown;

/// One option: all that argv, ini, help and the reference need to know.
#[derive(Debug)]
pub struct OptionRow {
    /// The canonical name first, then the aliases; without dashes.
    pub names: &'static [&'static str],
    /// The letter of the short form.
    pub short: Option<char>,
    /// What a value must be, and the setter.
    pub kind: Kind,
    /// What stands for the value in help; empty for a flag.
    pub value_name: &'static str,
    /// What the name alone means, for an option other than a flag; `None`: it needs a value.
    pub bare: Option<&'static str>,
    /// Whether a value may begin with a hyphen.
    pub hyphen: bool,
    /// Whether all values count, in their order, instead of the last one only.
    pub list: bool,
    /// The value when the option is not given.
    pub default: Option<&'static str>,
    /// What the option is for: a part of `Config` or something else.
    pub part: Part,
    /// One sentence for `--help`, without its full stop.
    pub help: &'static str,
    /// More for the reference, Markdown: units, details; may be empty.
    pub doc: &'static str,
    /// What uWSGI does differently; may be empty.
    pub uwsgi: &'static str,
}

/// What an option takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The configuration; `--show-config` shows it.
    Setting,
    /// The choice of what Goherd does; on the command line only.
    Request,
    /// The list of files to read, in whose place their settings stand.
    Source,
}

/// The groups of help and reference, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Configuration,
    Sockets,
    Limits,
    Go,
    Processes,
    Lives,
    Reload,
    Shared,
    Agenda,
    Spooler,
    Status,
    Service,
    Accepted,
    Requests,
}

impl Group {
    /// All groups in the order they are listed.
    pub const ALL: &'static [Self] = &[
        Self::Sockets,
        Self::Go,
        Self::Processes,
        Self::Lives,
        Self::Reload,
        Self::Shared,
        Self::Agenda,
        Self::Spooler,
        Self::Status,
        Self::Service,
        Self::Limits,
        Self::Configuration,
        Self::Requests,
        Self::Accepted,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Sockets => "Sockets",
            Self::Limits => "Limits",
            Self::Go => "Go application",
            Self::Processes => "Processes",
            Self::Lives => "Lives of workers",
            Self::Reload => "Reload and end",
            Self::Shared => "Shared state",
            Self::Agenda => "Timers, cron and files",
            Self::Spooler => "Spooler",
            Self::Status => "Statistics and alarms",
            Self::Service => "Service and privileges",
            Self::Accepted => "Accepted for compatibility with uWSGI",
            Self::Requests => "Instead of serving",
        }
    }

    /// The rows listed under it.
    pub fn rows(self) -> &'static [OptionRow] {
        match self {
            Self::Configuration => configuration::ROWS,
            Self::Sockets => sockets::ROWS,
            Self::Limits => limits::ROWS,
            Self::Go => go::ROWS,
            Self::Processes => processes::ROWS,
            Self::Lives => lives::ROWS,
            Self::Reload => reload::ROWS,
            Self::Shared => shared::ROWS,
            Self::Agenda => agenda::ROWS,
            Self::Spooler => spooler::ROWS,
            Self::Status => status::ROWS,
            Self::Service => service::ROWS,
            Self::Accepted => accepted::ROWS,
            Self::Requests => requests::ROWS,
        }
    }
}

impl Part {
    /// Whether the option has no place in an ini file.
    pub fn is_argv_only(self) -> bool {
        self == Self::Request
    }
}

impl OptionRow {
    /// The canonical name.
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// What the name alone means; `None`: it needs a value.
    pub fn bare(&self) -> Option<&'static str> {
        if self.kind.is_flag() { Some("true") } else { self.bare }
    }

    /// The names other than the canonical one.
    pub fn aliases(&self) -> &'static [&'static str] {
        &self.names[1..]
    }
}

/// Every row, in the order of help.
pub fn all() -> impl Iterator<Item = &'static OptionRow> {
    Group::ALL.iter().flat_map(|group| group.rows())
}

/// The row with this name or alias.
pub fn find(name: &str) -> Option<&'static OptionRow> {
    all().find(|row| row.names.contains(&name))
}

/// What the rows leave out: the ground of `..ROW`.
const ROW: OptionRow = OptionRow {
    names: &[],
    short: None,
    kind: Kind::Flag(|_, _| {}),
    value_name: "",
    bare: None,
    hyphen: false,
    list: false,
    default: None,
    part: Part::Setting,
    help: "",
    doc: "",
    uwsgi: "",
};
