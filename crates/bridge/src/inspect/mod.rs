//! What a file of the application is, read before anything is forked: so that a wrong one is an error at start, never a worker
//! that dies again and again.
//!
//! In: the bytes of a file, which may be damaged. Out: [`Findings`] for people ([`examine`]), an [`Inspection`] for the
//! loader ([`inspect`]).

mod file;
mod version;

use crate::abi::GOHERD_ABI_VERSION;
use crate::gccgo;

pub(crate) use file::Elf;

/// Which compiler made a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// `go build`.
    Go,
    /// `gccgo`.
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

/// What a library is to the loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its compiler.
    pub toolchain: Toolchain,
    /// Whether it has a `main.main` to run.
    pub has_main: bool,
    /// The file name of the libgo that it needs.
    pub libgo: Option<String>,
}

/// The server that a file brings with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// It is in the file.
    Inside,
    /// It is a library of this name, with which the file is linked.
    Library(String),
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The compiler; `None`: it is not of Go.
    pub toolchain: Option<Toolchain>,
    /// The compiler's version, as it wrote it.
    pub version: Option<String>,
    /// Whether it is a program, and not a library.
    pub is_program: bool,
    /// The server that it brings with it.
    pub server: Option<Server>,
    /// Whether there is a `main.main`.
    pub has_main: bool,
    /// Whether the package `uwsgi` is used.
    pub has_package: bool,
    /// The version of the server's interface that the package was built for, if it says so.
    pub package_abi: Option<u32>,
    /// What gccgo's code takes from the package of whoever loads it: the names of symbols.
    pub used: Vec<String>,
    /// The file name of the libgo that is needed.
    pub libgo: Option<String>,
    /// The machine.
    pub architecture: String,
}

/// The entry that the package `uwsgi` gives to a c-shared library.
pub(crate) const GO_ENTRY: &str = "goherd_go_main";
/// What gccgo calls the initialisation of package main and of all that it imports.
pub(crate) const GCCGO_INIT: &str = "__go_init_main";
/// What gccgo calls `main.main`.
pub(crate) const GCCGO_MAIN: &str = "main.main";
/// The section of the package `uwsgi` of standard Go that holds the version it was built for.
const PACKAGE_SECTION: &str = "goherd_package";
/// The server as a library, and gccgo's package `uwsgi`, which brings it along.
const SERVER_LIBRARIES: [&str; 2] = ["libgoherd.so.", "libuwsgi-gccgo.so."];
/// The section of the server as a library.
const SERVER_SECTION: &str = "goherd_server";
/// Sections that standard Go gives to all that it makes.
const GO_SECTIONS: [&str; 3] = [".go.buildinfo", ".note.go.buildid", ".gopclntab"];

/// Looks at `bytes`, the content of a file. The error is a sentence without its subject, which is the file.
pub fn examine(bytes: &[u8]) -> Result<Findings, String> {
    let file = Elf::parse(bytes)?;
    let libgo = file.libgo();
    let standard = libgo.is_none() && GO_SECTIONS.iter().any(|name| file.has_section(name));
    // What is compiled by gccgo carries its export data, also where the linker found no need of libgo.
    let gccgo = libgo.is_some() || file.has_section(".go_export") || file.defines(GCCGO_INIT);
    let toolchain = if standard { Some(Toolchain::Go) } else { gccgo.then_some(Toolchain::Gccgo) };
    let package_abi = file.section(PACKAGE_SECTION).and_then(|bytes| bytes.first_chunk::<4>());
    let server = server(&file);
    // What is stripped has no names any more; but a program of Go that carries the server does so for the package.
    let carries = file.is_program() && toolchain.is_some() && server.is_some();
    Ok(Findings {
        toolchain,
        version: toolchain.and_then(|toolchain| version::of(toolchain, &file)),
        is_program: file.is_program(),
        has_main: match toolchain {
            None => false,
            Some(_) if file.is_program() => true,
            Some(Toolchain::Go) => file.defines(GO_ENTRY),
            Some(Toolchain::Gccgo) => file.defines(GCCGO_MAIN) && file.defines(GCCGO_INIT),
        },
        has_package: carries || package_abi.is_some() || file.defines(GO_ENTRY) || file.mentions("uwsgi."),
        package_abi: package_abi.map(|bytes| u32::from_le_bytes(*bytes)),
        used: file.needs("uwsgi."),
        server,
        libgo,
        architecture: file.architecture(),
    })
}

fn server(file: &Elf<'_>) -> Option<Server> {
    let library =
        file.needed().into_iter().find(|name| SERVER_LIBRARIES.iter().any(|so| name.starts_with(so)));
    let inside = || file.has_section(SERVER_SECTION).then_some(Server::Inside);
    library.map(Server::Library).or_else(inside)
}

/// Inspects `bytes`, the content of a library that is to be loaded. The error is a sentence without its subject.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, String> {
    let findings = examine(bytes)?;
    findings.check()?;
    let Findings { toolchain, has_main, libgo, .. } = findings;
    let toolchain = toolchain.expect("what is not of Go has not passed the check");
    Ok(Inspection { toolchain, has_main, libgo })
}

impl Findings {
    /// Whether a server can load it; the error is a sentence without its subject.
    pub fn check(&self) -> Result<(), String> {
        if self.architecture != file::our_architecture() {
            return Err(format!(
                "is built for another machine ({}), and this server is for {}",
                self.architecture,
                std::env::consts::ARCH
            ));
        }
        self.check_shape()?;
        match self.toolchain {
            None => Err(
                "is a shared library, but not one of Go: build it with `go build -buildmode=c-shared` or \
                         `gccgo -fPIC -shared`"
                    .to_owned(),
            ),
            Some(Toolchain::Gccgo) if self.has_main && !self.has_package => Err(without_package("gccgo")),
            Some(Toolchain::Go) if !self.has_main => Err(without_package("Go")),
            Some(Toolchain::Go) => check_abi(self.package_abi.unwrap_or(0), GOHERD_ABI_VERSION),
            Some(Toolchain::Gccgo) => gccgo::check(self.libgo.as_deref(), &self.used),
        }
    }

    fn check_shape(&self) -> Result<(), String> {
        let as_library = "`go build -buildmode=c-shared` or `gccgo -fPIC -shared`";
        match (self.is_program, &self.server) {
            (false, None) => Ok(()),
            (false, Some(_)) => {
                Err("is a library with a server of its own, and would be served by that one: build it \
                                     without uwsgi/embed and without the tag uwsgi_shared"
                    .to_owned())
            }
            (true, None) => {
                Err(format!("is an executable, not a shared library: build it with {as_library}"))
            }
            (true, Some(_)) => Err(format!(
                "is an executable with a server of its own: run it with the same options, without go-load, or build a \
                 library with {as_library}"
            )),
        }
    }
}

/// Whether a package that was built for the version `theirs` of the interface can be served with the version `ours`; 0: it
/// does not say. The error is a sentence without its subject.
pub fn check_abi(theirs: u32, ours: u32) -> Result<(), String> {
    let what = match theirs {
        _ if theirs == ours => return Ok(()),
        0 => "an old version".to_owned(),
        theirs => format!("version {theirs}"),
    };
    let advice = if theirs < ours {
        "rebuild the application, with the package uwsgi of this server"
    } else {
        "the server is the older of the two: rebuild the server"
    };
    Err(format!(
        "was built for {what} of the server's interface, and this server has version {ours}: {advice}"
    ))
}

fn without_package(toolchain: &str) -> String {
    format!(
        "is a {toolchain} library that does not use the package uwsgi: let its main() import \"uwsgi\" and call \
         uwsgi.Run()"
    )
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
        let found = examine(&me).unwrap();
        assert!(found.is_program && found.server.is_none());
        assert_eq!((found.toolchain, found.has_main), (None, false));
    }

    #[test]
    fn the_older_of_the_two_is_to_be_rebuilt() {
        assert_eq!(check_abi(2, 2), Ok(()));
        for (theirs, said) in
            [(0, "for an old version"), (1, "for version 1"), (1, "rebuild the application")]
        {
            assert!(check_abi(theirs, 2).unwrap_err().contains(said));
        }
        assert!(check_abi(3, 2).unwrap_err().ends_with("rebuild the server"));
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
