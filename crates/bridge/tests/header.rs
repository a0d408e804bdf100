//! The committed header is the one that the ABI's source makes. `make header` (UPDATE=1) writes it.

use std::path::Path;

const INTRO: &str = "/* The C interface of Goherd: what the Go package `uwsgi` calls, and programs of C.
 *
 * Generated from crates/bridge/src/abi.rs, shared.rs, signals.rs, peers.rs, spool.rs, remote.rs, status.rs and
 * crates/libgoherd/src/entry.rs by `make header`: do not edit.
 *
 * A program of C that is linked with libgoherd calls goherd_main.
 *
 * Every other function may be called from any thread, never calls back, and waits for nothing but another process's
 * change of a shared structure, for microseconds. Addresses are borrowed for the call:
 * each is NULL, or followed by as many bytes as the length beside it says, which no other thread touches meanwhile.
 * Errors are negative (GOHERD_E...). In a process that is not a worker all give GOHERD_ENOSERVER, 0 or nothing.
 */";

#[test]
fn the_committed_header_is_up_to_date() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config {
        language: cbindgen::Language::C,
        header: Some(INTRO.to_owned()),
        include_guard: Some("GOHERD_H".to_owned()),
        sys_includes: vec!["stdint.h".to_owned()],
        no_includes: true,
        cpp_compat: true,
        documentation_style: cbindgen::DocumentationStyle::C99,
        ..cbindgen::Config::default()
    };
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(here.join("src/abi.rs"))
        .with_src(here.join("src/shared.rs"))
        .with_src(here.join("src/signals.rs"))
        .with_src(here.join("src/peers.rs"))
        .with_src(here.join("src/spool.rs"))
        .with_src(here.join("src/remote.rs"))
        .with_src(here.join("src/status.rs"))
        .with_src(here.join("../libgoherd/src/entry.rs"))
        .generate()
        .unwrap();
    let mut made = Vec::new();
    bindings.write(&mut made);
    for place in ["../../include/goherd.h", "../../go/uwsgi/goherd.h"] {
        let file = here.join(place);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &made).unwrap();
        }
        let committed = std::fs::read(&file).unwrap_or_default();
        assert!(committed == made, "{place} is not what the source says: run `make header`");
    }
}
