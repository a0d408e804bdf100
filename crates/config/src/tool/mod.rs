//! The tools of the command `goherd`, which have a name in place of options: `goherd build`, `goherd new`, `goherd inspect`,
//! and those that ask a running server (`remote`).
//!
//! In: the words of a command line. Out: what to do, or nothing if no tool is named.

mod remote;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::error::Error;

pub use remote::{CacheDeed, CacheTool, Peer};

/// What is to be done instead of serving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Build an application.
    Build(Build),
    /// Write a small application to start from.
    New(String),
    /// Say what a file is.
    Inspect(PathBuf),
    /// Do something with a cache of a running server.
    Cache(CacheTool),
    /// Raise a signal in one.
    Signal {
        /// The server.
        peer: Peer,
        /// The signal.
        number: u8,
    },
    /// Call a function of one.
    Rpc {
        /// The server.
        peer: Peer,
        /// The name of the function.
        name: Vec<u8>,
        /// What it is given.
        arguments: Vec<Vec<u8>>,
    },
    /// Say what is wrong with the words that name a tool whose errors have a code of their own.
    Misused(String),
}

/// What to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Use gccgo or standard Go; `None`: the one that is here, standard Go first.
    pub gccgo: Option<bool>,
    /// One executable with its server, instead of a library.
    pub monolith: bool,
    /// The file to make.
    pub out: Option<PathBuf>,
    /// An ini file to build into an executable.
    pub ini: Option<PathBuf>,
    /// The folder of the application, or its files.
    pub app: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  goherd build ./myapp                                   myapp.so, for goherd --go-load myapp.so
  goherd build --shape mono --ini app.ini -o app ./myapp   one executable with its server and its options";

/// The tool that the words name, if they do.
pub fn parse(words: &[OsString]) -> Result<Option<Asked>, Error> {
    let Some(name) = words.first().and_then(|word| word.to_str()) else { return Ok(None) };
    let remote = [remote::cache(), remote::signal(), remote::rpc()];
    if let Some(command) = remote.into_iter().find(|command| command.get_name() == name) {
        return Ok(Some(parse_remote(command, words)));
    }
    let Some(command) = [build(), new(), inspect()].into_iter().find(|command| command.get_name() == name)
    else {
        return Ok(None);
    };
    let name = command.get_name().to_owned();
    match command.clone().try_get_matches_from(words) {
        Ok(matches) if matches.get_flag("help") => Ok(Some(Asked::Help(help(command)))),
        Ok(matches) => tool(&name, &matches).map(|tool| Some(Asked::Tool(tool))),
        Err(error) => Err(Error::CommandLine(misused(&name, &error))),
    }
}

fn parse_remote(command: Command, words: &[OsString]) -> Asked {
    let name = command.get_name().to_owned();
    // Help is asked for whatever else is missing.
    let asks = |word: &&OsString| *word == "--help" || *word == "-h";
    if words.iter().skip(1).take(2).any(|word| asks(&word)) {
        let inner = words.get(1).and_then(|word| command.find_subcommand(word)).cloned();
        return Asked::Help(help(inner.unwrap_or(command)));
    }
    let tool = match command.try_get_matches_from(words) {
        Ok(matches) => remote::tool(&name, &matches).map_err(|sentence| format!("{name}: {sentence}")),
        Err(error) => Err(misused(&name, &error)),
    };
    Asked::Tool(tool.unwrap_or_else(Tool::Misused))
}

fn misused(name: &str, error: &clap::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    // What is missing, clap lists below.
    let missing: Vec<_> = lines.take_while(|line| line.starts_with('<')).collect();
    format!(
        "{name}: {first}{}; goherd {name} --help tells more",
        missing.iter().map(|name| format!(" {name}")).collect::<String>()
    )
}

/// What words that name a tool ask for.
#[derive(Debug)]
pub enum Asked {
    /// The tool.
    Tool(Tool),
    /// Its help.
    Help(String),
}

fn help(mut command: Command) -> String {
    command.render_help().to_string()
}

fn tool(name: &str, matches: &ArgMatches) -> Result<Tool, Error> {
    let path = |id: &str| matches.get_one::<PathBuf>(id).cloned();
    Ok(match name {
        "inspect" => {
            let file = path("FILE");
            Tool::Inspect(file.ok_or_else(|| missing("inspect", "FILE", "a library or an executable"))?)
        }
        "new" => {
            let name = matches.get_one::<String>("NAME").cloned();
            Tool::New(name.ok_or_else(|| missing("new", "NAME", "the application's name"))?)
        }
        _ => {
            let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
            let app: Vec<PathBuf> = matches.get_many("APP").into_iter().flatten().cloned().collect();
            Tool::Build(Build {
                gccgo: text("toolchain").map(|toolchain| toolchain == "gccgo"),
                monolith: text("shape") == Some("mono"),
                out: path("out"),
                ini: path("ini"),
                app: if app.is_empty() { vec![PathBuf::from(".")] } else { app },
            })
        }
    })
}

fn missing(tool: &str, what: &str, example: &str) -> Error {
    Error::CommandLine(format!("{tool}: name {what}, {example}"))
}

fn command(name: &'static str, about: &'static str) -> Command {
    let help = Arg::new("help")
        .long("help")
        .short('h')
        .action(ArgAction::SetTrue)
        .help("Print this help, then exit");
    Command::new(name).bin_name(format!("goherd {name}")).about(about).disable_help_flag(true).arg(help)
}

fn path(name: &'static str) -> Arg {
    Arg::new(name).value_parser(value_parser!(PathBuf))
}

fn inspect() -> Command {
    command("inspect", "Say what a library or an executable is, and what it lacks to be served")
        .arg(path("FILE").help("The file"))
}

fn new() -> Command {
    command("new", "Write a small application into a folder NAME: source, test, go.mod and ini file")
        .arg(Arg::new("NAME").help("Its name, and that of its folder"))
}

fn build() -> Command {
    let choice =
        |name: &'static str, of: &'static [&'static str]| Arg::new(name).long(name).value_parser(of.to_vec());
    command("build", "Build an application; nothing is written into its folder")
        .after_help(EXAMPLES)
        .arg(
            choice("toolchain", &["go", "gccgo"])
                .help("The compiler; the one that is here, standard Go first"),
        )
        .arg(
            choice("shape", &["lib", "mono"]).help("A library for goherd, or one executable with its server"),
        )
        .arg(
            path("out")
                .long("out")
                .short('o')
                .value_name("FILE")
                .help("The file to make, in this folder unless named"),
        )
        .arg(path("ini").long("ini").value_name("FILE").help("An ini file to build into an executable"))
        .arg(
            path("APP")
                .action(ArgAction::Append)
                .num_args(0..)
                .help("The application's folder; for gccgo also its files"),
        )
}

/// The names of the tools and what they do, for the help of the server.
pub fn overview() -> String {
    let tools = [build(), new(), inspect(), remote::cache(), remote::signal(), remote::rpc()];
    let line = |tool: &Command| {
        format!(
            "  goherd {:<8} {}\n",
            tool.get_name(),
            tool.get_about().map(ToString::to_string).unwrap_or_default()
        )
    };
    tools.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(words: &[&str]) -> Result<Option<Tool>, String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        match parse(&words).map_err(|error| error.to_string())? {
            Some(Asked::Tool(tool)) => Ok(Some(tool)),
            Some(Asked::Help(help)) => Err(help),
            None => Ok(None),
        }
    }

    #[test]
    fn a_build_has_defaults_for_everything() {
        let plain = Build { gccgo: None, monolith: false, out: None, ini: None, app: vec![".".into()] };
        assert_eq!(tool(&["build"]), Ok(Some(Tool::Build(plain.clone()))));
        let words =
            ["build", "--toolchain", "gccgo", "--shape=mono", "-o", "app", "--ini", "a.ini", "a.go", "b.go"];
        let all = Build {
            gccgo: Some(true),
            monolith: true,
            out: Some("app".into()),
            ini: Some("a.ini".into()),
            app: vec!["a.go".into(), "b.go".into()],
        };
        assert_eq!(tool(&words), Ok(Some(Tool::Build(all))));
    }

    #[test]
    fn what_is_no_tool_is_the_server_s() {
        assert_eq!(tool(&["app.ini"]), Ok(None));
        assert_eq!(tool(&["--processes", "2", "build"]), Ok(None));
        assert_eq!(tool(&[]), Ok(None));
    }

    #[test]
    fn what_does_not_fit_is_a_sentence() {
        for (words, said) in [
            (&["inspect"][..], "inspect: name FILE"),
            (&["new"], "new: name NAME"),
            (&["build", "--shape", "round"], "build: invalid value 'round'"),
            (&["inspect", "a", "b"], "goherd inspect --help tells more"),
        ] {
            let error = tool(words).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert!(tool(&["build", "--help"]).unwrap_err().contains("Usage: goherd build"));
    }
}
