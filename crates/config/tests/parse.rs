//! The crate as main sees it: real files, words in, a request or an error text out.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use goherd_config::{Call, Config, Protocol, Request, parse};

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("goherd-config-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        Self(path)
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("the test's own folder can be written");
        path.to_str().expect("the temporary path is UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn request(words: &[&str]) -> Result<Request, String> {
    parse(&Call::new(["goherd"].iter().chain(words).map(OsString::from))).map_err(|error| error.to_string())
}

#[expect(clippy::panic, reason = "a helper of tests is not marked as a test itself")]
fn config(words: &[&str]) -> Config {
    match request(words) {
        Ok(Request::Run(config)) => config,
        other => panic!("expected Run, got {other:?}"),
    }
}

#[test]
fn nothing_at_all_is_the_defaults() {
    assert_eq!(config(&[]), Config::default());
    assert_eq!(request(&[]).unwrap(), Request::Run(Config::default()));
}

#[test]
fn the_command_line_overrides_files_and_lists_add_up() {
    let folder = Folder::new("override");
    let file = folder.file("app.ini", "[uwsgi]\nprocesses = 2\nhttp-socket = :1\nlisten = 7\nlisten = 8\n");
    let config = config(&["-p", "4", "--http-socket", ":2", &file]);
    assert_eq!((config.processes, config.listen), (4, 8));
    let sockets: Vec<String> = config.sockets.iter().map(|socket| socket.address.to_string()).collect();
    assert_eq!(sockets, ["0.0.0.0:1", "0.0.0.0:2"]);
}

#[test]
fn a_bad_value_is_shown_with_a_caret() {
    let folder = Folder::new("caret");
    let file = folder.file("app.ini", "[uwsgi]\n\n\nprocesses = banana\n");
    let expected = format!(
        "{file}:4: processes = banana: expected a whole number from 1 to 1024\n  \
         |\n4 | processes = banana\n  |             ^^^^^^"
    );
    assert_eq!(request(&[&file]).unwrap_err(), expected);
    let error = request(&["--processes", "banana"]).unwrap_err();
    assert_eq!(error, "--processes banana: expected a whole number from 1 to 1024");
}

#[test]
fn a_bad_value_is_refused_even_when_overridden() {
    let folder = Folder::new("overridden");
    let file = folder.file("app.ini", "[uwsgi]\nprocesses = banana\n");
    assert!(request(&[&file, "-p", "2"]).is_err());
}

#[test]
fn settings_that_contradict_each_other_are_refused_at_the_later_one() {
    let refused = |words: &[&str], start: &str| {
        let error = request(words).unwrap_err();
        assert!(error.starts_with(start), "{error}");
    };
    refused(
        &["--cheaper=4", "-p", "3"],
        "--processes 3: at least 4 workers (cheaper) are more than the 3 there may be (processes): ",
    );
    refused(
        &["--cheaper", "2"],
        "--cheaper 2: at least 2 workers (cheaper) are more than the 1 there may be",
    );
    refused(
        &["--cache=5", "--cache2=items=5"],
        "--cache2 items=5: cache and cache2 both make a cache called default",
    );
    refused(&["-p8", "--cheaper-initial", "9"], "--cheaper-initial 9: 9 workers to begin with");
    refused(
        &["-p8", "--cheaper=4", "--cheaper-initial", "3"],
        "--cheaper-initial 3: 3 workers to begin with",
    );
    refused(
        &["--cheaper-busyness-max", "25"],
        "--cheaper-busyness-max 25: cheaper-busyness-min, which is 25, must",
    );
    refused(
        &["--max-worker-lifetime", "9.5"],
        "--max-worker-lifetime 9.5: max-worker-lifetime, which is 9.5 s, must not be less than min-worker-lifetime, which \
         is 10 s",
    );
    let folder = Folder::new("agreement");
    let file = folder.file("app.ini", "[uwsgi]\nprocesses = 8\ncheaper = 2\nmin-worker-lifetime = 0\n");
    let config = config(&["--cheaper=4", "--max-worker-lifetime=5", &file]);
    assert_eq!((config.cheaper, config.processes), (4, 8), "they are judged when all are known");
    refused(&[&file, "--cheaper", "9"], "--cheaper 9: ");
    let wrong = folder.file("wrong.ini", "[uwsgi]\ncheaper = 2\n");
    refused(&[&wrong], &format!("{wrong}:2: cheaper = 2: at least 2 workers"));
}

#[test]
fn unknown_keys_are_errors_or_notes() {
    let folder = Folder::new("strict");
    let file = folder.file("app.ini", "[uwsgi]\nprocesess = 2\nplugins = gccgo\n");
    let error = request(&[&file]).unwrap_err();
    let first = error.lines().next().unwrap();
    assert_eq!(first, format!("{file}:2: unknown option \"procesess\"; did you mean \"processes\"?"));
    let notes = config(&[&file, "--strict=false"]).notes;
    assert_eq!(notes.len(), 2);
    assert!(notes[1].starts_with(&format!("{file}:3: \"plugins\" is a uWSGI option")), "{}", notes[1]);
    let lax = folder.file("lax.ini", "[uwsgi]\nfoo = 2\nstrict = false\n");
    assert_eq!(config(&[&lax]).notes.len(), 1);
}

#[test]
fn what_has_no_effect_without_another_option_is_noted() {
    let folder = Folder::new("details");
    let file =
        folder.file("app.ini", "[uwsgi]\ndie-on-idle = true\ncheaper-step = 2\nmax-requests-delta = 0\n");
    assert_eq!(
        config(&[&file, "--max-worker-lifetime-delta=5"]).notes,
        [
            format!("{file}:2: die-on-idle = true: has no effect without idle"),
            format!("{file}:3: cheaper-step = 2: has no effect without cheaper"),
            "command line: --max-worker-lifetime-delta 5: has no effect without max-worker-lifetime"
                .to_owned(),
        ]
    );
    let others = ["--idle=60", "--processes=2", "--cheaper=1", "--max-worker-lifetime=60"];
    let all = [&[file.as_str(), "--max-worker-lifetime-delta=5"][..], &others].concat();
    assert_eq!(config(&all).notes, Vec::<String>::new());
}

#[test]
fn notes_say_where_and_only_for_what_counts() {
    let folder = Folder::new("notes");
    let file = folder.file("app.ini", "[uwsgi]\nhome = /x\nchdir = %(base)/y\nmaster = false\n");
    let notes = config(&[&file, "--home", "/y", "--master"]).notes;
    let unexpanded = "placeholders are not expanded by this version of Goherd";
    assert_eq!(
        notes,
        [
            format!("{file}:3: chdir = %(base)/y: taken literally: {unexpanded}"),
            "command line: --home /y: ignored; a Python home means nothing to a Go application".to_owned(),
        ]
    );
}

#[test]
fn help_and_version_win_and_read_no_file() {
    assert_eq!(request(&["gone.ini", "-V", "--check"]), Ok(Request::Version));
    assert!(matches!(request(&["gone.ini", "--version", "-h"]), Ok(Request::Help(_))));
    assert!(request(&["--help", "--bogus"]).is_err());
}

#[test]
fn show_config_parses_back_to_the_same_configuration() {
    let folder = Folder::new("show");
    let text = "[uwsgi]\nscgi-socket = :2\nhttp-socket = :1\nsocket = :3\nworkers = 2\nenv = A = %(b)\n\
                go-args = a 'b c'\nchmod-socket\nhttp-timeout = 0.5\nstrict = false\nfoo = 1\n";
    let file = folder.file("app.ini", text);
    let words = [&file, "--http-socket=@x", "--loop=go", "--goroutines=5", "--need-app", "--uid=0", "-H/v"];
    let Ok(Request::ShowConfig(shown)) = request(&[&words[..], &["--show-config"]].concat()) else {
        panic!("expected ShowConfig");
    };
    assert!(shown.contains(&format!("\n# {file}:5\nprocesses = 2\n")), "{shown}");
    assert!(shown.contains("\n# command line\nloop = go\n"));
    assert!(shown.contains("\n# default\nlisten = 1024\n"));
    let again = config(&[&folder.file("shown.ini", &shown)]);
    let first = config(&words);
    let protocols: Vec<Protocol> = first.sockets.iter().map(|socket| socket.protocol).collect();
    assert_eq!(protocols, [Protocol::Scgi, Protocol::Http, Protocol::Uwsgi, Protocol::Http]);
    assert_eq!(Config { notes: vec![], ..again }, Config { notes: vec![], ..first });
}

#[test]
fn show_config_of_nothing_is_the_defaults() {
    let folder = Folder::new("show-defaults");
    let Ok(Request::ShowConfig(shown)) = request(&["--show-config"]) else { panic!("expected ShowConfig") };
    assert_eq!(config(&[&folder.file("shown.ini", &shown)]), Config::default());
}

#[test]
fn show_config_refuses_what_no_ini_file_can_hold() {
    for value in ["A=1\nprocesses = 9", "A=1\r", "A=1 ", " A=1"] {
        let error = request(&["--show-config", "--env", value]).unwrap_err();
        assert!(error.starts_with("cannot show the value of --env: it contains a"), "{error}");
    }
}

#[test]
fn errors_of_the_command_line_are_one_line() {
    for words in [["--env", "a\nb"], ["--bo\ngus", "-p1"], ["a\nb", "-p1"], ["--ini", "/gone\n.ini"]] {
        let error = request(&words).unwrap_err();
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

fn called(words: &[&str], variables: &[(&str, &str)], built_in: &str) -> Result<Request, String> {
    let call = Call::new(["app"].iter().chain(words).map(OsString::from))
        .with_environment(variables.iter().map(|(name, value)| (name.into(), value.into())))
        .with_built_in(Some(built_in.as_bytes()));
    parse(&call).map_err(|error| error.to_string())
}

#[test]
fn the_environment_overrides_ini_files_and_the_command_line_both() {
    let ini = "[uwsgi]\nprocesses = 2\nlisten = 5\ngoroutines = 7\n[other]\nprocesses = 9\n";
    let variables =
        [("GOHERD_PROCESSES", "3"), ("GOHERD_LISTEN", "6"), ("GOHERD_NOTHING", "x"), ("PROCESSES", "8")];
    let Ok(Request::Run(config)) = called(&["--processes", "4"], &variables, ini) else { panic!() };
    assert_eq!((config.processes, config.listen, config.goroutines), (4, 6, Some(7)));
}

#[test]
fn a_variable_may_name_an_ini_file() {
    let folder = Folder::new("environment");
    let file = folder.file("app.conf", "[uwsgi]\nprocesses = 5\n");
    let Ok(Request::Run(config)) = called(&[], &[("GOHERD_INI", &file)], "[uwsgi]\nprocesses = 2\n") else {
        panic!()
    };
    assert_eq!(config.processes, 5);
}

#[test]
fn what_is_wrong_in_the_environment_or_the_built_in_ini_is_shown_with_its_place() {
    let error = called(&[], &[("GOHERD_PROCESSES", "many")], "[uwsgi]").unwrap_err();
    assert!(error.starts_with("GOHERD_PROCESSES=many: expected"), "{error}");
    let error = called(&[], &[], "[uwsgi]\nprocesses = many\n").unwrap_err();
    assert!(error.starts_with("(built-in ini):2: "), "{error}");
    let Ok(Request::ShowConfig(shown)) = called(&["--show-config"], &[("GOHERD_LISTEN", "6")], "[uwsgi]")
    else {
        panic!()
    };
    assert!(shown.contains("# environment, GOHERD_LISTEN\nlisten = 6"), "{shown}");
}
