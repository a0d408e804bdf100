//! What a library is, read from its file before anything is forked: so that a wrong one is an error at start, never a
//! worker that dies again and again.

use object::elf;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSymbol};

/// Which compiler made a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// `go build -buildmode=c-shared`.
    Go,
    /// `gccgo -shared`.
    Gccgo,
}

impl std::fmt::Display for Toolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Go => "standard Go",
            Self::Gccgo => "gccgo",
        })
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its compiler.
    pub toolchain: Toolchain,
    /// Whether it has a `main.main` to run.
    pub has_main: bool,
    /// The file name of the libgo that it needs.
    pub libgo: Option<String>,
}

/// The entry that the package `uwsgi` gives to a c-shared library.
pub(crate) const GO_ENTRY: &str = "goherd_go_main";
/// What gccgo calls the initialisation of package main and of all that it imports.
pub(crate) const GCCGO_INIT: &str = "__go_init_main";
/// What gccgo calls `main.main`.
pub(crate) const GCCGO_MAIN: &str = "main.main";

/// Inspects `bytes`, the content of `path`. The error is a sentence without its subject, which is the file.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, String> {
    let file = parse(bytes)?;
    check_kind(&file)?;
    let needed = needed(&file);
    let libgo = needed.iter().find(|name| name.starts_with("libgo.so")).cloned();
    // What is compiled by gccgo carries its export data, also where the linker found no need of libgo.
    let exports = file.section_by_name(".go_export").is_some();
    let defines = |name: &str| file.dynamic_symbols().any(|s| s.is_definition() && s.name() == Ok(name));
    if libgo.is_some() || exports || defines(GCCGO_INIT) {
        let has_main = defines(GCCGO_MAIN) && defines(GCCGO_INIT);
        let uses_package =
            file.dynamic_symbols().any(|s| s.name().is_ok_and(|name| name.starts_with("uwsgi.")));
        if has_main && !uses_package {
            return Err(without_package("gccgo"));
        }
        return Ok(Inspection { toolchain: Toolchain::Gccgo, has_main, libgo });
    }
    if ![".go.buildinfo", ".note.go.buildid", ".gopclntab"]
        .iter()
        .any(|name| file.section_by_name(name).is_some())
    {
        return Err(
            "is a shared library, but not one of Go: build it with `go build -buildmode=c-shared` or \
                    `gccgo -fPIC -shared`"
                .to_owned(),
        );
    }
    if !defines(GO_ENTRY) {
        return Err(without_package("Go"));
    }
    Ok(Inspection { toolchain: Toolchain::Go, has_main: true, libgo: None })
}

fn without_package(toolchain: &str) -> String {
    format!(
        "is a {toolchain} library that does not use the package uwsgi: let its main() import \"uwsgi\" and call \
         uwsgi.Run()"
    )
}

fn parse(bytes: &[u8]) -> Result<ElfFile64<'_, Endianness>, String> {
    if bytes.is_empty() {
        return Err("is empty".to_owned());
    }
    if !bytes.starts_with(&elf::ELFMAG) {
        return Err("is not a shared library (it has no ELF header)".to_owned());
    }
    if bytes.get(4) != Some(&elf::ELFCLASS64.0) {
        return Err(format!(
            "is built for a 32-bit machine, and this server is for {}",
            std::env::consts::ARCH
        ));
    }
    ElfFile64::parse(bytes).map_err(|error| format!("is a damaged library ({error})"))
}

fn check_kind(file: &ElfFile64<'_, Endianness>) -> Result<(), String> {
    let endian = file.endian();
    let header = file.elf_header();
    if file.architecture() != ARCHITECTURE || !file.is_little_endian() {
        return Err(format!(
            "is built for another machine ({:?}), and this server is for {}",
            file.architecture(),
            std::env::consts::ARCH
        ));
    }
    let is_library = header.e_type.get(endian) == elf::ET_DYN && !is_pie(file);
    if !is_library {
        return Err(
            "is an executable, not a shared library: build it with `go build -buildmode=c-shared` or \
                    `gccgo -fPIC -shared`"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: object::Architecture = object::Architecture::X86_64;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: object::Architecture = object::Architecture::Aarch64;

/// Whether a file of the kind that libraries are is marked as an executable (DF_1_PIE).
fn is_pie(file: &ElfFile64<'_, Endianness>) -> bool {
    let flags = file
        .elf_dynamic_table()
        .map(|table| table.iter().find(|entry| entry.tag == elf::DT_FLAGS_1).map_or(0, |entry| entry.val));
    flags.is_ok_and(|flags| flags & elf::DF_1_PIE.0 != 0)
}

/// The libraries that it names (DT_NEEDED).
fn needed(file: &ElfFile64<'_, Endianness>) -> Vec<String> {
    let Ok(table) = file.elf_dynamic_table() else { return Vec::new() };
    let names =
        table.iter().filter(|entry| entry.tag == elf::DT_NEEDED).filter_map(|entry| table.string(entry).ok());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_is_told_so() {
        for (bytes, said) in [
            (&b""[..], "is empty"),
            (b"#!/bin/sh\necho hello\n", "no ELF header"),
            (b"\x7fELF\x01\x01\x01", "32-bit"),
            (b"\x7fELF\x02\x01\x01 and nothing of sense after it", "damaged"),
        ] {
            let error = inspect(bytes).unwrap_err();
            assert!(error.contains(said), "{error:?} does not say {said:?}");
        }
    }

    #[test]
    fn an_executable_is_no_library() {
        let me = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(inspect(&me).unwrap_err().contains("executable"));
    }

    #[test]
    fn a_file_cut_or_changed_anywhere_is_refused_without_a_panic() {
        let libc = std::fs::read("/proc/self/maps").unwrap();
        let libc = String::from_utf8(libc).unwrap();
        let path = libc
            .lines()
            .find_map(|line| line.split_whitespace().nth(5).filter(|p| p.contains("libc.so")))
            .unwrap();
        let bytes = std::fs::read(path).unwrap();
        for end in (0..bytes.len()).step_by(bytes.len() / 500) {
            let _refused = inspect(&bytes[..end]);
        }
        for place in 0..4096 {
            let mut changed = bytes.clone();
            changed[place] ^= 0xff;
            let _refused = inspect(&changed);
        }
    }
}
