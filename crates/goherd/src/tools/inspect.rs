//! `goherd inspect FILE`: what a library or an executable is, in lines for people.

use std::path::Path;

use goherd_bridge::abi::GOHERD_ABI_VERSION;
use goherd_bridge::{Findings, Server, Toolchain, examine, missing};

use crate::settings::Failure;

/// The lines.
pub(super) fn inspect(file: &Path) -> Result<String, Failure> {
    let shown = file.display();
    let bytes = std::fs::read(file)
        .map_err(|error| format!("inspect: {shown} cannot be read: {error}; check the path"))?;
    let found = examine(&bytes).map_err(|sentence| format!("inspect: {shown} {sentence}"))?;
    let rows = [
        ("file", shown.to_string()),
        ("toolchain", toolchain(&found)),
        ("shape", shape(&found).to_owned()),
        ("architecture", found.architecture.clone()),
        ("main", if found.has_main { "yes" } else { "no" }.to_owned()),
        ("package uwsgi", package(&found)),
        ("libgo", libgo(&found)),
        ("served by", served_by(&found)),
    ];
    let lines: Vec<String> = rows.iter().map(|(name, value)| format!("{name:<14} {value}")).collect();
    Ok(lines.join("\n"))
}

fn toolchain(found: &Findings) -> String {
    match (found.toolchain, &found.version) {
        (None, _) => "not of Go".to_owned(),
        (Some(toolchain), None) => toolchain.to_string(),
        (Some(toolchain), Some(version)) => format!("{toolchain} {version}"),
    }
}

fn shape(found: &Findings) -> &'static str {
    match (found.is_program, &found.server) {
        (false, None) => "shared library",
        (false, Some(_)) => "shared library with a server of its own",
        (true, None) => "executable",
        (true, Some(Server::Inside)) => "monolithic executable",
        (true, Some(Server::Library(_))) => "executable linked with the server",
    }
}

fn package(found: &Findings) -> String {
    match (found.has_package, found.package_abi) {
        (_, Some(version)) => {
            format!("yes, for version {version} of the interface (this server: {GOHERD_ABI_VERSION})")
        }
        (true, None) if found.toolchain == Some(Toolchain::Gccgo) => "yes, the server's own".to_owned(),
        (true, None) => "yes, for an old version of the interface".to_owned(),
        (false, None) => "no".to_owned(),
    }
}

fn libgo(found: &Findings) -> String {
    let Some(libgo) = &found.libgo else { return "not needed".to_owned() };
    missing(libgo).map_or_else(|| libgo.clone(), |advice| format!("{libgo}, {advice}"))
}

/// How it is served, or what it lacks.
fn served_by(found: &Findings) -> String {
    match (found.is_program, &found.server) {
        (true, Some(Server::Inside)) => "itself: give it the options of goherd".to_owned(),
        (true, Some(Server::Library(name))) => format!("itself, with {name}: give it the options of goherd"),
        _ => match found.check() {
            Ok(()) => "goherd --go-load".to_owned(),
            Err(sentence) => format!("nobody: it {sentence}"),
        },
    }
}
