//! Command lines and ini files that cannot be served: exit code 1, and one line that says what is wrong.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use goherd_tests::{Failure, Scratch, launch, skip};

fn refused(args: &[&str], words: &[&str]) {
    launch().on_loopback().with(args).failure().is_one_line_with(words);
}

fn ini(content: &str) -> Failure {
    let scratch = Scratch::new();
    scratch.write("app.ini", content);
    launch().with(["app.ini"]).in_folder(scratch.folder()).failure()
}

#[test]
fn nothing_to_listen_on() {
    launch().failure().is_one_line_with(&["there is nothing to listen on", "--http-socket :9090"]);
}

#[test]
fn a_port_that_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    launch().with(["--http-socket", &address]).failure().is_one_line_with(&[
        "http-socket",
        &address,
        "Address already in use",
        "choose another address",
    ]);
}

#[test]
fn a_socket_file_that_is_in_use() {
    let scratch = Scratch::new();
    let path = scratch.text("app.sock");
    let _first = launch().with(["--http-socket", &path]).start();
    let second = launch().with(["--http-socket", &path]).failure();
    second.is_one_line_with(&["http-socket", &path, "in use", "another process has it"]);
}

#[test]
fn a_file_that_is_no_socket_in_a_socket_s_place() {
    let scratch = Scratch::new();
    let path = scratch.write("app.sock", "precious");
    let failure = launch().with(["--http-socket", path.to_str().unwrap()]).failure();
    failure.is_one_line_with(&["http-socket", path.to_str().unwrap(), "not a socket"]);
    assert_eq!(fs::read_to_string(path).unwrap(), "precious");
}

#[test]
fn an_address_that_this_machine_does_not_have() {
    let failure = launch().with(["--http-socket", "192.0.2.1:9090"]).failure(); // RFC 5737: nobody's
    failure.is_one_line_with(&["http-socket", "192.0.2.1:9090", "does not have that address"]);
}

#[test]
fn an_ini_file_that_is_missing() {
    let failure = launch().with(["/nowhere/app.ini"]).failure();
    failure.is_one_line_with(&["/nowhere/app.ini", "No such file", "check the path"]);
}

#[test]
fn an_ini_file_that_is_a_folder() {
    let scratch = Scratch::new();
    let failure = launch().with(["--ini", &scratch.text("")]).failure();
    failure.is_one_line_with(&[&scratch.text(""), "Is a directory"]);
}

#[test]
fn an_ini_file_that_may_not_be_read() {
    if rustix::process::geteuid().is_root() {
        return skip("root may read every file");
    }
    let scratch = Scratch::new();
    let path = scratch.write("app.ini", "[uwsgi]\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let failure = launch().with(["--ini", path.to_str().unwrap()]).failure();
    failure.is_one_line_with(&[path.to_str().unwrap(), "Permission denied"]);
}

#[test]
fn an_unknown_key_in_an_ini_file() {
    let failure = ini("[uwsgi]\nhttp-socket = 127.0.0.1:0\nproceses = 2\n");
    failure.is_one_line_with(&["app.ini:3: ", "unknown option \"proceses\"", "did you mean \"processes\"?"]);
    assert!(failure.said.contains("3 | proceses = 2\n  | ^^^^^^^^"), "{}", failure.said);
}

#[test]
fn a_number_that_is_none() {
    refused(&["--processes", "banana"], &["--processes banana", "a whole number from 1 to 1024"]);
    refused(&["-p", "0"], &["0", "a whole number from 1 to 1024"]);
    let failure = ini("[uwsgi]\nprocesses = banana\n");
    failure.is_one_line_with(&["app.ini:2: ", "processes = banana", "a whole number from 1 to 1024"]);
}

#[test]
fn an_unknown_option() {
    refused(&["--gorutines", "3"], &["unknown option --gorutines", "did you mean --goroutines?"]);
}

#[test]
fn an_option_without_its_value() {
    refused(&["--go-load"], &["--go-load"]);
}

#[test]
fn an_unknown_user() {
    refused(&["--uid", "nobody-of-this-name"], &["uid", "there is no user called nobody-of-this-name"]);
}

#[test]
fn an_unknown_group() {
    refused(&["--gid", "nobody-of-this-name"], &["gid", "there is no group called nobody-of-this-name"]);
}

#[test]
fn another_user_without_being_root() {
    if rustix::process::geteuid().is_root() {
        return skip("root may become anybody");
    }
    refused(&["--uid", "0"], &["uid", "only root can become somebody else"]);
}

#[test]
fn a_folder_to_change_to_that_is_nowhere() {
    refused(&["--chdir", "/nowhere/at/all"], &["chdir", "/nowhere/at/all", "No such file"]);
}

#[test]
fn a_pidfile_that_cannot_be_written() {
    refused(&["--pidfile", "/nowhere/pid"], &["pidfile", "/nowhere/pid", "No such file"]);
}
