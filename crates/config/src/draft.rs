//! The ground the setters of the option table write on: the configuration and what is asked of Goherd.

use crate::config::Config;
use crate::options;

/// A configuration in the making. `Draft::default()` has the table's defaults applied.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The fields which the options have set so far.
    pub config: Config,
    /// `--check` was given.
    pub check: bool,
    /// `--show-config` was given.
    pub show_config: bool,
    /// `--help` was given.
    pub help: bool,
    /// `--version` was given.
    pub version: bool,
    /// What the setter which runs now has to say; the caller adds the place and empties it.
    pub remarks: Vec<&'static str>,
}

impl Default for Draft {
    fn default() -> Self {
        let mut draft = Self {
            config: Config::blank(),
            check: false,
            show_config: false,
            help: false,
            version: false,
            remarks: Vec::new(),
        };
        for row in options::all() {
            if let Some(value) = row.default {
                row.kind.apply(value, &mut draft).expect("a default fits its own kind, as a test proves");
            }
        }
        draft
    }
}
