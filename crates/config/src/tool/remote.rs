//! The tools that ask a running server: `goherd cache`, `goherd signal`, `goherd rpc`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::{Tool, command};

/// Whom to ask, and how long to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// `host:port`, the path of a unix socket, or `@name`.
    pub address: String,
    /// How long connecting, and each answer, may take.
    pub timeout: Duration,
}

/// What to do with a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTool {
    /// The server.
    pub peer: Peer,
    /// The cache's name; empty: the first one, or all of them.
    pub cache: String,
    /// What.
    pub deed: CacheDeed,
}

/// What to do with a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheDeed {
    /// Print the value of a key.
    Get(Vec<u8>),
    /// Put an entry.
    Set {
        /// Its key.
        key: Vec<u8>,
        /// Its value; `None`: what comes from standard input.
        value: Option<Vec<u8>>,
        /// How long it lives; `None`: as long as is usual in the cache, and without an end if it is the longest there is.
        ttl: Option<Duration>,
        /// Only if there is none with this key.
        add: bool,
    },
    /// Delete entries.
    Delete(Vec<Vec<u8>>),
    /// Delete all of them.
    Clear,
    /// List the keys.
    List {
        /// A NUL behind each in place of the end of a line.
        null: bool,
    },
    /// Print the figures.
    Stats,
}

const CACHE_HELP: &str = "\
NAME is the cache's name, and '' the first one; NAME@ADDRESS names the server as well.
Codes to exit with: 0 done, 1 the key is missing (set --add: is there already), 2 an error, which is told on stderr.

Examples:
  goherd cache get --server 127.0.0.1:3031 pages /index
  goherd cache set --ttl 90s pages@/run/app.cache /index < index.html
  goherd cache list pages@127.0.0.1:3031
  goherd cache stats --server 127.0.0.1:3031";

const SIGNAL_HELP: &str = "\
Codes to exit with: 0 raised, 1 the application has not registered this signal, 2 an error, which is told on stderr.

Example:
  goherd signal 127.0.0.1:3032 17";

const RPC_HELP: &str = "\
The result goes to stdout as it is. Codes to exit with: 0 done, 1 the function gave an error, or there is no such function,
2 another error; what went wrong is told on stderr.

Example:
  goherd rpc 127.0.0.1:3033 resize image.png 640";

fn timeout() -> Arg {
    Arg::new("timeout")
        .long("timeout")
        .value_name("SECONDS")
        .default_value("5")
        .help("How long to wait for the server")
}

fn bytes(name: &'static str) -> Arg {
    Arg::new(name).value_parser(value_parser!(OsString)).required(true)
}

fn text(name: &'static str) -> Arg {
    Arg::new(name).required(true)
}

fn deed(name: &'static str, about: &'static str) -> Command {
    let server = Arg::new("server")
        .long("server")
        .short('s')
        .value_name("ADDRESS")
        .help("The address of a cache-socket: host:port, or the path of a unix socket");
    command(name, about).bin_name(format!("goherd cache {name}")).arg(server).arg(timeout())
}

pub(super) fn cache() -> Command {
    command("cache", "Look into a cache of a running server (option cache-socket), and change it")
        .after_help(CACHE_HELP)
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommand(deed("get", "Print the value of a key, as it is").arg(text("NAME")).arg(bytes("KEY")))
        .subcommand(
            deed("set", "Put an entry; without VALUE the value is read from stdin")
                .arg(Arg::new("ttl").long("ttl").value_name("TIME").help(
                    "How long it lives: 90s, 5m, 2h, 1d, 500ms, or forever; else as is usual in the cache",
                ))
                .arg(
                    Arg::new("add")
                        .long("add")
                        .action(ArgAction::SetTrue)
                        .help("Only if the key is not there"),
                )
                .arg(text("NAME"))
                .arg(bytes("KEY"))
                .arg(bytes("VALUE").required(false)),
        )
        .subcommand(
            deed("del", "Delete entries")
                .arg(text("NAME"))
                .arg(bytes("KEY").num_args(1..).action(ArgAction::Append)),
        )
        .subcommand(deed("clear", "Delete all entries").arg(text("NAME")))
        .subcommand(
            deed("list", "Print all keys, one on a line, in no order").arg(text("NAME")).arg(
                Arg::new("null")
                    .long("null")
                    .short('0')
                    .action(ArgAction::SetTrue)
                    .help("A NUL behind each key, not the end of a line"),
            ),
        )
        .subcommand(
            deed("stats", "Print the figures of a cache, or of all").arg(text("NAME").required(false)),
        )
}

pub(super) fn signal() -> Command {
    command("signal", "Raise a signal in a running server (option signal-socket)")
        .after_help(SIGNAL_HELP)
        .arg(timeout())
        .arg(text("ADDRESS").help("The address of a signal-socket"))
        .arg(text("N").allow_negative_numbers(true).help("The signal, 0 to 255"))
}

pub(super) fn rpc() -> Command {
    command("rpc", "Call a function of a running application (option rpc-socket)")
        .after_help(RPC_HELP)
        .arg(timeout())
        .arg(text("ADDRESS").help("The address of an rpc-socket"))
        .arg(bytes("NAME").help("The name of the function"))
        .arg(
            bytes("ARG")
                .required(false)
                .num_args(0..)
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .help("Its arguments"),
        )
}

/// What the words ask for, or a sentence.
pub(super) fn tool(name: &str, matches: &ArgMatches) -> Result<Tool, String> {
    let one = |id: &str| matches.get_one::<String>(id).cloned().unwrap_or_default();
    match name {
        "cache" => {
            let (name, matches) =
                matches.subcommand().ok_or("name what to do: get, set, del, clear, list, stats")?;
            cache_tool(name, matches).map(Tool::Cache).map_err(|sentence| format!("{name}: {sentence}"))
        }
        "signal" => {
            let number = one("N");
            let number =
                number.parse().map_err(|_| format!("{number:?} is no signal: those are 0 to 255"))?;
            Ok(Tool::Signal { peer: peer(one("ADDRESS"), matches)?, number })
        }
        _ => Ok(Tool::Rpc {
            peer: peer(one("ADDRESS"), matches)?,
            name: blob(matches, "NAME"),
            arguments: blobs(matches, "ARG"),
        }),
    }
}

fn cache_tool(name: &str, matches: &ArgMatches) -> Result<CacheTool, String> {
    let named = matches.get_one::<String>("NAME").cloned().unwrap_or_default();
    let server = matches.get_one::<String>("server").cloned();
    let (cache, address) = match (named.split_once('@'), server) {
        (None, Some(address)) => (named, address),
        (Some((cache, address)), None) => (cache.to_owned(), address.to_owned()),
        (Some(_), Some(_)) => {
            return Err("the server is named twice, by --server and behind the @".to_owned());
        }
        (None, None) => {
            return Err("which server? Name it with --server ADDRESS, or NAME@ADDRESS".to_owned());
        }
    };
    let flag = |id: &str| matches.get_flag(id);
    let deed = match name {
        "get" => CacheDeed::Get(blob(matches, "KEY")),
        "set" => CacheDeed::Set {
            key: blob(matches, "KEY"),
            value: blobs(matches, "VALUE").into_iter().next(),
            ttl: matches.get_one::<String>("ttl").map(|text| time(text)).transpose()?,
            add: flag("add"),
        },
        "del" => CacheDeed::Delete(blobs(matches, "KEY")),
        "clear" => CacheDeed::Clear,
        "list" => CacheDeed::List { null: flag("null") },
        _ => CacheDeed::Stats,
    };
    Ok(CacheTool { peer: peer(address, matches)?, cache, deed })
}

fn peer(address: String, matches: &ArgMatches) -> Result<Peer, String> {
    let text = matches.get_one::<String>("timeout").map_or("5", String::as_str);
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0 && *seconds <= 86_400.0);
    let seconds =
        seconds.ok_or_else(|| format!("--timeout: {text:?} is no number of seconds up to 86400"))?;
    Ok(Peer { address, timeout: Duration::from_secs_f64(seconds) })
}

fn blobs(matches: &ArgMatches, id: &str) -> Vec<Vec<u8>> {
    let words = matches.get_many::<OsString>(id).into_iter().flatten();
    words.map(|word| word.as_encoded_bytes().to_vec()).collect()
}

fn blob(matches: &ArgMatches, id: &str) -> Vec<u8> {
    blobs(matches, id).into_iter().next().unwrap_or_default()
}

/// A time with its unit.
fn time(text: &str) -> Result<Duration, String> {
    if text == "forever" {
        return Ok(Duration::MAX);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "ms" => Some(1),
        "" | "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let millis = number.parse::<u64>().ok().zip(scale).and_then(|(number, scale)| number.checked_mul(scale));
    millis.filter(|millis| *millis > 0).map(Duration::from_millis).ok_or_else(|| {
        format!("--ttl: {text:?} is no time: expected such as 90s, 5m, 2h, 1d, 500ms or forever")
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, parse};
    use super::*;

    fn asked(words: &[&str]) -> Tool {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        match parse(&words) {
            Ok(Some(Asked::Tool(tool))) => tool,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn server(address: &str) -> Peer {
        Peer { address: address.to_owned(), timeout: Duration::from_secs(5) }
    }

    fn on(cache: &str, deed: CacheDeed) -> Tool {
        Tool::Cache(CacheTool { peer: server("/run/c"), cache: cache.to_owned(), deed })
    }

    #[test]
    fn a_cache_and_its_server_are_named_in_either_way() {
        let get = || on("pages", CacheDeed::Get(b"k".to_vec()));
        assert_eq!(asked(&["cache", "get", "pages@/run/c", "k"]), get());
        assert_eq!(asked(&["cache", "get", "--server", "/run/c", "pages", "k"]), get());
        assert_eq!(asked(&["cache", "get", "-s", "/run/c", "", "k"]), on("", CacheDeed::Get(b"k".to_vec())));
        assert_eq!(asked(&["cache", "stats", "-s", "/run/c"]), on("", CacheDeed::Stats));
        assert_eq!(asked(&["cache", "list", "-0", "@/run/c"]), on("", CacheDeed::List { null: true }));
        assert_eq!(asked(&["cache", "clear", "a@/run/c"]), on("a", CacheDeed::Clear));
    }

    #[test]
    fn a_value_may_come_from_stdin() {
        let set = |value: Option<&str>, ttl, add| {
            let value = value.map(|value| value.as_bytes().to_vec());
            on("a", CacheDeed::Set { key: b"k".to_vec(), value, ttl, add })
        };
        assert_eq!(asked(&["cache", "set", "a@/run/c", "k"]), set(None, None, false));
        let ttl = Some(Duration::from_millis(5_400_000));
        assert_eq!(
            asked(&["cache", "set", "--ttl", "90m", "--add", "a@/run/c", "k", "v"]),
            set(Some("v"), ttl, true)
        );
        assert_eq!(
            asked(&["cache", "set", "--ttl=forever", "a@/run/c", "k", ""]),
            set(Some(""), Some(Duration::MAX), false)
        );
        assert_eq!(
            asked(&["cache", "del", "a@/run/c", "k", "l"]),
            on("a", CacheDeed::Delete(vec![b"k".to_vec(), b"l".to_vec()]))
        );
    }

    #[test]
    fn signals_and_calls_have_an_address() {
        assert_eq!(asked(&["signal", "h:1", "255"]), Tool::Signal { peer: server("h:1"), number: 255 });
        let call = Tool::Rpc {
            peer: Peer { timeout: Duration::from_millis(500), ..server("h:1") },
            name: b"f".to_vec(),
            arguments: vec![b"-x".to_vec(), b"".to_vec()],
        };
        assert_eq!(asked(&["rpc", "--timeout", "0.5", "h:1", "f", "-x", ""]), call);
    }

    #[test]
    fn what_does_not_fit_is_a_sentence() {
        for (words, said) in [
            (&["cache"][..], "cache"),
            (&["cache", "get", "pages", "k"], "which server?"),
            (&["cache", "get", "-s", "a:1", "pages@b:2", "k"], "named twice"),
            (&["cache", "get", "pages@a:1"], "KEY"),
            (&["cache", "set", "--ttl", "soon", "pages@a:1", "k"], "\"soon\" is no time"),
            (&["cache", "set", "--ttl", "0", "pages@a:1", "k"], "is no time"),
            (&["cache", "steal", "pages@a:1"], "steal"),
            (&["signal", "a:1", "256"], "256"),
            (&["signal", "a:1", "-1"], "\"-1\" is no signal"),
            (&["signal", "a:1"], "N"),
            (&["rpc", "--timeout", "0", "a:1", "f"], "--timeout: \"0\" is no number"),
        ] {
            let Tool::Misused(sentence) = asked(words) else { panic!("{words:?} is understood") };
            assert!(sentence.contains(said), "{words:?}: {sentence}");
        }
    }

    #[test]
    fn help_is_help() {
        for words in
            [&["cache", "--help"][..], &["cache", "get", "--help"], &["signal", "-h"], &["rpc", "--help"]]
        {
            let words: Vec<_> = words.iter().map(OsString::from).collect();
            let Ok(Some(Asked::Help(text))) = parse(&words) else { panic!("{words:?}") };
            assert!(text.contains("Usage: goherd "), "{text}");
        }
    }
}
