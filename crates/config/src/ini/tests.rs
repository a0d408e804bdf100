//! Ini files as a whole: what is read, what is included, and the sentences of the errors.

use super::*;

/// Loads `a.ini` from among these files.
fn load_files(files: &[(&str, &str)]) -> Result<Typed, String> {
    load_section("a.ini", files)
}

fn load_section(source: &str, files: &[(&str, &str)]) -> Result<Typed, String> {
    let read = |path: &Path| match files.iter().find(|(name, _)| Path::new(name) == path) {
        Some((_, text)) => Ok(text.as_bytes().to_vec()),
        None => Err(io::Error::from_raw_os_error(2)),
    };
    load(&[Source::parse(source).unwrap()], &read).map_err(|error| error.to_string())
}

fn load_bytes(bytes: &[u8]) -> String {
    let read = |_: &Path| Ok(bytes.to_vec());
    load(&[Source::parse("a.ini").unwrap()], &read).unwrap_err().to_string()
}

fn settings(typed: &Typed) -> Vec<String> {
    typed.settings.iter().map(|setting| format!("{} {setting}", setting.origin)).collect()
}

fn refusal(text: &str) -> String {
    load_files(&[("a.ini", text)]).unwrap_err()
}

#[test]
fn the_section_is_read_and_no_other() {
    let text = "\u{feff}; c\r\n[x]\r\nbogus\r\n[uwsgi]\r\nmaster\r\n http_socket = :1 \r\n\
                [y]\r\nz=1\r\n[uwsgi]\r\nlisten=5";
    let typed = load_files(&[("a.ini", text)]).unwrap();
    assert_eq!(
        settings(&typed),
        ["a.ini:5 master = true", "a.ini:6 http_socket = :1", "a.ini:10 listen = 5"]
    );
}

#[test]
fn another_section_can_be_named() {
    let files = [("a.ini", "[uwsgi]\nlisten = 1\n[big]\nlisten = 2")];
    assert_eq!(settings(&load_section("a.ini:big", &files).unwrap()), ["a.ini:4 listen = 2"]);
}

#[test]
fn a_missing_section_lists_those_there_are() {
    let error = refusal("[a]\nx = 1\n[b]\n");
    assert_eq!(error, "a.ini: there is no section [uwsgi]; the file has [a], [b]");
    assert!(refusal("").contains("there is no section [uwsgi], nor any other; put a line [uwsgi] above"));
}

#[test]
fn an_include_stands_in_place_of_its_line() {
    let files = [
        ("conf/a.ini", "[uwsgi]\nlisten = 1\nini = b.ini\nini = :common\nlisten = 2\n[common]\nlisten = 4"),
        ("conf/b.ini", "[uwsgi]\nlisten = 3"),
    ];
    let typed = load_section("conf/a.ini", &files).unwrap();
    let places: Vec<String> = typed.settings.iter().map(|s| s.origin.to_string()).collect();
    assert_eq!(places, ["conf/a.ini:2", "conf/b.ini:2", "conf/a.ini:7", "conf/a.ini:5"]);
}

#[test]
fn an_include_loop_ends_with_a_sentence() {
    let files = [("a.ini", "[uwsgi]\nini = b.ini"), ("b.ini", "[uwsgi]\nini = a.ini")];
    let error = load_files(&files).unwrap_err();
    let first = error.lines().next().unwrap();
    let end =
        "files include one another more than 16 deep, at the end a.ini -> b.ini -> a.ini; break the loop";
    assert_eq!(first, format!("b.ini:2: ini = a.ini: {end}"));
}

#[test]
fn sixteen_files_deep_is_not_too_deep() {
    let text =
        |i: usize| if i == 15 { "[uwsgi]".to_owned() } else { format!("[uwsgi]\nini = {}.ini", i + 1) };
    let read =
        |path: &Path| Ok(text(path.file_stem().unwrap().to_str().unwrap().parse().unwrap()).into_bytes());
    assert!(load(&[Source::parse("0.ini").unwrap()], &read).is_ok());
}

#[test]
fn a_file_which_is_not_there_is_named() {
    let error = load_files(&[]).unwrap_err();
    assert!(error.starts_with("cannot read a.ini: No such file or directory (os error 2); check the path"));
    let error = load_files(&[("a.ini", "[uwsgi]\nini = x/b.ini")]).unwrap_err();
    assert!(error.starts_with("a.ini:2: cannot read x/b.ini: No such file"), "{error}");
}

#[test]
fn lines_which_cannot_stand_are_pointed_at() {
    assert_eq!(
        refusal("\n  master = 1\n"),
        "a.ini:2: no section has begun yet; put a line [uwsgi] above\n  |\n2 |   master = 1\n  |   ^^^^^^"
    );
    assert!(refusal("[uwsgi\n").starts_with("a.ini:1: expected a ]"));
    assert!(refusal("[uwsgi]\n= 1\n").starts_with("a.ini:2: expected the name of an option before the ="));
    assert!(
        refusal("[uwsgi]\nprocesses\n")
            .starts_with("a.ini:2: \"processes\" needs a value; write processes = N")
    );
    assert!(refusal("[uwsgi]\nhelp\n").starts_with("a.ini:2: \"help\" belongs on the command line"));
}

#[test]
fn unknown_keys_wait_for_strict() {
    let typed = load_files(&[("a.ini", "[uwsgi]\nProcesses = 1\nfoo")]).unwrap();
    let names: Vec<&str> = typed.unknown.iter().map(|unknown| unknown.name.as_str()).collect();
    assert_eq!(names, ["Processes", "foo"]);
}

#[test]
fn bytes_which_are_no_text_are_refused_with_their_place() {
    assert!(load_bytes(b"[uwsgi]\nab\0c\n").starts_with("a.ini:2: byte 3 of the line is a NUL byte"));
    assert!(
        load_bytes(b"[uwsgi]\n\na\xff\n")
            .starts_with("a.ini:3: byte 2 of the line is a byte which is not UTF-8")
    );
}

#[test]
fn a_huge_file_is_refused_and_a_full_one_is_not() {
    let mut bytes = b"[uwsgi]\n#".to_vec();
    bytes.resize(MAX_SIZE, b'x');
    assert!(load(&[Source::parse("a.ini").unwrap()], &|_: &Path| Ok(bytes.clone())).is_ok());
    bytes.push(b'x');
    assert!(load_bytes(&bytes).starts_with("a.ini: the file is larger than 1048576 bytes"));
}

#[test]
fn the_disk_is_read_no_further_than_the_limit() {
    assert_eq!(read_file(Path::new("/dev/zero")).unwrap().len(), MAX_SIZE + 1);
    assert!(read_file(Path::new("/")).is_err());
}
