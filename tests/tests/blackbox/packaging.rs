//! What `make install` puts where, and whether systemd can work with it.

use std::fs;
use std::process::Command;

use goherd_tests::{Place, Scratch, skip};

/// Installs the server below the folder.
fn install(scratch: &Scratch) {
    let binary = Place::Binary.path();
    let mut make = Command::new("make");
    make.current_dir(Place::Workspace.path()).args(["--no-print-directory", "install"]);
    make.arg(format!("PREFIX={}", scratch.text("prefix")));
    make.arg(format!("RELEASE={}", binary.parent().unwrap().display()));
    make.env_remove("DESTDIR");
    let output = make.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_units_are_installed_and_systemd_finds_nothing_wrong_with_them() {
    let scratch = Scratch::new();
    install(&scratch);
    let units = scratch.path("prefix/lib/systemd/system");
    let service = fs::read_to_string(units.join("goherd@.service")).unwrap();
    let start = format!("\nExecStart={} /etc/goherd/%i.ini\n", scratch.text("prefix/bin/goherd"));
    assert!(service.contains(&start), "{service}");

    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skip("systemd-analyze is not installed");
    }
    let mut verify = Command::new("systemd-analyze");
    verify
        .args(["verify", "--man=no"])
        .args(["goherd@.service", "goherd@.socket"].map(|unit| units.join(unit)));
    let output = verify.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let of_ours: Vec<_> = said.lines().filter(|line| line.contains("goherd")).collect(); // not what others are wrong with
    assert_eq!((output.status.code(), of_ours), (Some(0), vec![]), "{said}");
}

#[test]
fn what_an_application_is_built_with_is_installed() {
    let scratch = Scratch::new();
    install(&scratch);
    for name in
        ["bin/goherd", "include/goherd.h", "share/goherd/go/uwsgi/go.mod", "share/goherd/go/uwsgi/uwsgi.go"]
    {
        assert!(scratch.path("prefix").join(name).is_file(), "{name}");
    }
    assert_eq!(fs::read_link(scratch.path("prefix/bin/uwsgi")).unwrap().to_str(), Some("goherd"));
    let version = Command::new(scratch.path("prefix/bin/goherd")).arg("--version").output().unwrap();
    assert!(version.status.success() && version.stdout.starts_with(b"goherd "), "{version:?}");
}
