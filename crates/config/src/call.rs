//! What a process was called with: its command line, its environment, and the ini file that was built into it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::environment::{self, SWITCH};
use crate::ini::Source;
use crate::options::{self, Part};

/// Where settings come from, the stronger ones last: the built-in ini file, the environment, the command line. The ini files
/// that the latter two name are read after the built-in one, and before the settings of either.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub(crate) words: Vec<OsString>,
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) built_in: Option<Vec<u8>>,
}

/// The options that say where to serve. One of them makes a server of a program that carries one.
const ASKING: [&str; 8] = [
    "http-socket",
    "uwsgi-socket",
    "fastcgi-socket",
    "scgi-socket",
    "cache-socket",
    "signal-socket",
    "rpc-socket",
    "ini",
];

impl Call {
    /// A command line, as `std::env::args_os()` gives it: the name of the program comes first, and is skipped.
    #[must_use]
    pub fn new(args: impl IntoIterator<Item = OsString>) -> Self {
        Self { words: args.into_iter().skip(1).collect(), ..Self::default() }
    }

    /// The same with an environment, of which the variables that are named after options count.
    #[must_use]
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.variables = variables.into_iter().collect();
        self
    }

    /// The same with the text of an ini file, which is read before all others.
    #[must_use]
    pub fn with_built_in(mut self, ini: Option<&[u8]>) -> Self {
        self.built_in = ini.map(<[u8]>::to_vec);
        self
    }

    /// Whether a program that is an application and carries its server is to be a server now. It is if an ini file is built
    /// into it, if its first word is the name of an ini file, and if the command line up to a word `--`, or the environment,
    /// has an option that says where to serve. `GOHERD_SERVER=off` in the environment overrides all of that.
    #[must_use]
    pub fn asks_for_a_server(&self) -> bool {
        let mut variables = self.variables.iter();
        if variables.any(|(name, value)| name == SWITCH && value == "off") {
            return false;
        }
        let named = environment::options(&self.variables).any(|(row, ..)| ASKING.contains(&row.name()));
        let words = self.words.iter().take_while(|word| *word != "--");
        self.built_in.is_some()
            || named
            || self.words.first().is_some_and(|word| is_ini(word))
            || words.into_iter().any(|word| asks(word))
    }
}

/// Whether the word is `--http-socket`, `--http-socket=…` or the like.
fn asks(word: &OsStr) -> bool {
    let name = word.to_str().and_then(|word| word.strip_prefix("--"));
    let name = name.map(|name| name.split_once('=').map_or(name, |(name, _)| name));
    name.and_then(options::find).is_some_and(|row| ASKING.contains(&row.name()))
}

fn is_ini(word: &OsStr) -> bool {
    word.to_str().and_then(|word| Source::parse(word).ok()).is_some_and(|source| names_ini(&source.path))
}

/// Whether a word that is no option is taken for an ini file: by the end of its name.
pub fn names_ini(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b".ini")
}

/// Whether the environment may set the option: what is a request of the command line cannot be.
pub fn is_for_environment(part: Part) -> bool {
    part != Part::Request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(words: &[&str], variables: &[(&str, &str)]) -> Call {
        let words = ["app"].iter().chain(words).map(OsString::from);
        Call::new(words).with_environment(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn what_asks_are_options_that_say_where_to_serve() {
        let lists =
            options::all().filter(|row| row.list && ["ADDRESS", "FILE[:SECTION]"].contains(&row.value_name));
        let mut lists: Vec<_> = lists.map(options::OptionRow::name).collect();
        lists.sort_by_key(|name| ASKING.iter().position(|asking| asking == name));
        assert_eq!(lists, ASKING);
    }

    #[test]
    fn a_server_is_asked_for_by_what_says_where_to_serve() {
        for words in [
            &["--http-socket", ":9090"][..],
            &["--master", "--http-socket=:9090"],
            &["--socket", "app.sock"],
            &["app.ini"],
            &["/etc/app.ini:staging", "-p", "4"],
            &["--ini", "app.conf"],
        ] {
            assert!(call(words, &[]).asks_for_a_server(), "{words:?}");
        }
        assert!(call(&["-v"], &[("GOHERD_HTTP_SOCKET", ":9090")]).asks_for_a_server());
        assert!(call(&[], &[]).with_built_in(Some(b"[uwsgi]")).asks_for_a_server());
    }

    #[test]
    fn all_else_is_for_the_program_itself() {
        for words in [
            &[][..],
            &["--help"],
            &["--processes", "4"],
            &["--config", "app.ini"],
            &["--", "--http-socket", ":9090"],
            &["-s", "app.sock"],
            &["http-socket"],
        ] {
            assert!(!call(words, &[("GOHERD_PROCESSES", "4")]).asks_for_a_server(), "{words:?}");
        }
        let off = [("GOHERD_SERVER", "off"), ("GOHERD_INI", "app.ini")];
        assert!(!call(&["--http-socket", ":9090"], &off).with_built_in(Some(b"")).asks_for_a_server());
    }
}
