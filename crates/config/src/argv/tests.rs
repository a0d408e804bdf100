//! The command line as a whole: order, forms, and the sentences of its errors.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::command::command;
use super::*;

fn parse_words(words: &[&str]) -> Result<CommandLine, String> {
    parse(words.iter().map(OsString::from)).map_err(|error| error.to_string())
}

fn refusal(words: &[&str]) -> String {
    parse_words(words).unwrap_err()
}

fn settings(words: &[&str]) -> Vec<(String, String)> {
    parse_words(words).unwrap().settings.into_iter().map(|s| (s.name, s.value)).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn clap_finds_no_fault_in_the_command() {
    command().debug_assert();
}

#[test]
fn settings_keep_the_order_they_were_typed_in() {
    let words =
        ["--go-load", "b.so", "-p", "2", "--env=A=1", "-p3", "--workers=4", "--gccgo-load=a.so", "-M"];
    let expected = [
        ("go-load", "b.so"),
        ("processes", "2"),
        ("env", "A=1"),
        ("processes", "3"),
        ("processes", "4"),
        ("go-load", "a.so"),
        ("master", "true"),
    ];
    assert_eq!(settings(&words), pairs(&expected));
}

#[test]
fn short_flags_share_a_dash_with_what_follows() {
    assert_eq!(settings(&["-Mp2"]), pairs(&[("master", "true"), ("processes", "2")]));
    assert_eq!(settings(&["-M=no", "--master"]), pairs(&[("master", "no"), ("master", "true")]));
}

#[test]
fn go_args_may_start_with_a_dash() {
    assert_eq!(settings(&["--go-args", "-v --x"]), pairs(&[("go-args", "-v --x")]));
    assert_eq!(settings(&["--go-args", "--version"]), pairs(&[("go-args", "--version")]));
}

#[test]
fn ini_files_are_words_or_options_in_their_order() {
    let line = parse_words(&["b.ini:x", "--ini", "a.conf", "-p", "2", "c.ini", "--", "-d.ini"]).unwrap();
    let sources: Vec<String> = line.sources.iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["b.ini:x", "a.conf", "c.ini", "-d.ini"]);
}

#[test]
fn unknown_options_get_a_hint() {
    assert_eq!(refusal(&["--procesess"]), "unknown option --procesess; did you mean --processes?");
    assert_eq!(refusal(&["--procesess=2"]), "unknown option --procesess; did you mean --processes?");
    assert_eq!(
        refusal(&["--log-format", ":1"]),
        "--log-format is a uWSGI option that this version of Goherd does not have"
    );
    assert_eq!(refusal(&["-x"]), "unknown option -x; goherd --help lists the options");
}

#[test]
fn a_missing_value_is_asked_for() {
    assert_eq!(refusal(&["--processes"]), "--processes N needs a value");
    assert_eq!(refusal(&["--chdir", "--master"]), "--chdir DIR needs a value");
}

#[test]
fn stray_words_get_a_hint() {
    assert!(refusal(&["app.so"]).ends_with("a Go library is loaded with --go-load app.so"));
    assert!(refusal(&["--master", "false"]).ends_with("as in --master=false"));
    assert!(refusal(&["app.yaml"]).starts_with("unexpected argument app.yaml; a word which is no option"));
    assert!(refusal(&[""]).starts_with("unexpected argument \"\";"));
    assert!(refusal(&["app.ini:"]).contains("after the colon"));
}

#[test]
fn words_which_are_not_utf8_are_refused() {
    for word in
        [&b"--chdir=/\xff"[..], b"\xff.ini", b"--\xff", b"--\xff=1", b"-\xff", b"-p\xff", b"--master=\xff"]
    {
        let error = parse([OsString::from_vec(word.to_vec())].into_iter()).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains("UTF-8") || error.contains("unknown option"), "{error}");
    }
}

#[test]
fn help_lists_every_option_under_its_group() {
    let help = help();
    for row in options::all() {
        assert!(help.contains(&format!("--{}", row.name())), "{}", row.name());
    }
    for group in options::Group::ALL {
        assert!(help.contains(&format!("{}:\n", group.title())), "{}", group.title());
    }
}
