//! An application's libraries: read and inspected once for all workers, then loaded and started in each.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use goherd_sys::library::Library;
use goherd_sys::memory::Sealed;

use crate::context::Context;
use crate::inspect::{GO_ENTRY, Inspection, Toolchain, inspect};
use crate::{abi, gccgo};

/// Why a library cannot be used.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    sentence: String,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "go-load: {} {}", self.path.display(), self.sentence)
    }
}

impl std::error::Error for LoadError {}

impl LoadError {
    fn new(path: &Path, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), sentence: sentence.into() }
    }
}

/// The libraries of one generation of workers: a copy of their bytes, so that a file that is replaced or overwritten
/// while the workers live harms none of them.
#[derive(Debug)]
pub struct App {
    libraries: Vec<AppLibrary>,
    plugin: Option<Sealed>,
    own: Option<String>,
}

#[derive(Debug)]
struct AppLibrary {
    path: PathBuf,
    copy: Sealed,
    inspection: Inspection,
}

impl App {
    /// Reads and inspects the libraries at `paths`, in the order in which they are to be loaded.
    pub fn read(paths: &[PathBuf]) -> Result<Self, LoadError> {
        let libraries: Vec<_> = paths.iter().map(|path| AppLibrary::read(path)).collect::<Result<_, _>>()?;
        check_company(&libraries)?;
        let gccgo = libraries.iter().find(|library| library.inspection.toolchain == Toolchain::Gccgo);
        let plugin = gccgo
            .map(|library| gccgo::plugin().map_err(|sentence| LoadError::new(&library.path, sentence)))
            .transpose()?;
        Ok(Self { libraries, plugin, own: None })
    }

    /// The application that is linked into this program, which was started as `name`: there is nothing to load. A worker
    /// becomes the application by going on where the program had come to when the server took it over.
    #[must_use]
    pub fn own(name: String) -> Self {
        Self { libraries: Vec::new(), plugin: None, own: Some(name) }
    }

    /// Whether the application is linked into this program.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Whether there is a main to run.
    #[must_use]
    pub fn has_main(&self) -> bool {
        self.is_own() || self.main().is_some()
    }

    /// What the application finds as the name of its program: the file that has the main, without its folder. libgo takes a
    /// name with a slash for the path of its executable, and reads that file when it walks a stack. A program that is its
    /// own application is called what it was called.
    #[must_use]
    pub fn program(&self) -> Option<String> {
        let main = || Some(self.main()?.path.file_name()?.to_string_lossy().into_owned());
        self.own.clone().or_else(main)
    }

    /// The toolchain of the library whose `main` is run.
    #[must_use]
    pub fn toolchain(&self) -> Option<Toolchain> {
        self.main().map(|library| library.inspection.toolchain)
    }

    /// Loads the runtime library that the application shares with all others of its toolchain, libgo, for a process that will
    /// not find it later: no code of the application runs.
    pub fn load_runtime(&self) -> Result<(), LoadError> {
        let mut needing =
            self.libraries.iter().filter_map(|library| Some((library, library.inspection.libgo.as_ref()?)));
        needing.try_for_each(|(library, libgo)| {
            // SAFETY: the system's library of this name is what the loader would load for the application; it starts nothing
            // by itself, and this process was forked to be its home.
            unsafe { Library::open(libgo) }.map(drop).map_err(|error| {
                LoadError::new(&library.path, format!("cannot be loaded: {error}{}", hint(&error)))
            })
        })
    }

    /// Whether its runtime can stop any goroutine at any moment. gccgo's cannot stop one that computes, and waits for it with
    /// all others stopped.
    #[must_use]
    pub fn can_stop_goroutines(&self) -> bool {
        self.plugin.is_none()
    }

    /// Lines that tell what was found.
    pub fn describe(&self) -> impl Iterator<Item = String> {
        let own =
            self.own.iter().map(|name| format!("{name}: the server and its application in one program"));
        own.chain(self.libraries.iter().map(|library| {
            let Inspection { toolchain, has_main, .. } = &library.inspection;
            let main = if *has_main { "" } else { ", without a main" };
            format!("{}: {toolchain}{main}", library.path.display())
        }))
    }

    fn main(&self) -> Option<&AppLibrary> {
        self.libraries.iter().rev().find(|library| library.inspection.has_main)
    }
}

/// Reads a file of which nobody writes anything meanwhile: what is half one release and half another might well look like a
/// library. `None`: somebody does.
fn read_quiet<T>(file: &mut File, read: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<Option<T>> {
    let version = |file: &File| file.metadata().map(|data| (data.len(), data.mtime(), data.mtime_nsec()));
    let before = version(file)?;
    let content = read(file)?;
    let is_quiet = !file.metadata()?.is_file() || version(file)? == before; // a pipe has no other use than being written to
    Ok(is_quiet.then_some(content))
}

impl AppLibrary {
    fn read(path: &Path) -> Result<Self, LoadError> {
        let unreadable = |error| LoadError::new(path, format!("cannot be read: {error}"));
        let mut file = File::open(path)
            .map_err(|error| LoadError::new(path, format!("cannot be read: {error}; check the path")))?;
        let name = path.file_name().map_or_else(|| "app".into(), |name| name.to_string_lossy());
        // Longer names are refused by memfd_create(2).
        let name: String = name.chars().filter(|&c| c != '\0').take(50).collect();
        let in_pieces = "was written to while it was read: try again when the copy is complete, or put new files in its place with mv";
        let copy = read_quiet(&mut file, |file| Sealed::of(&name, file)).map_err(unreadable)?;
        let copy = copy.ok_or_else(|| LoadError::new(path, in_pieces))?;
        // The copy is looked at, not the file, which may be another a moment later.
        let inspection = inspect(&copy.bytes().map_err(unreadable)?);
        let inspection = inspection.map_err(|sentence| LoadError::new(path, sentence))?;
        Ok(Self { path: path.to_owned(), copy, inspection })
    }

    fn open(&self) -> Result<Library, LoadError> {
        open(&self.copy).map_err(|error| {
            // The loader knows the copy only; people know the file.
            let error = error.replace(&format!("{}: ", self.copy.path()), "");
            LoadError::new(&self.path, format!("cannot be loaded: {error}{}", hint(&error)))
        })
    }
}

fn open(copy: &Sealed) -> Result<Library, String> {
    // SAFETY: the administrator has named the library to be run here; App::read has inspected it, and this process was
    // forked to be its home.
    unsafe { Library::open(&copy.path()) }
}

/// What to do about a libgo that is not on this machine; `None`: it is here.
#[must_use]
pub fn missing(libgo: &str) -> Option<String> {
    // SAFETY: the system's library of this name starts nothing by itself, and is only asked for by a process that runs no Go.
    unsafe { Library::open(libgo) }.err().map(|error| format!("not on this machine{}", hint(&error)))
}

/// What to do about a loader's error.
fn hint(error: &str) -> String {
    match error.split_once("libgo.so.") {
        Some((_, rest)) if error.contains("cannot open shared object file") => {
            let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
            format!(" (Debian and Ubuntu: apt install libgo{version})")
        }
        _ if error.contains("undefined symbol") => {
            " (build the library with everything it uses, or load what defines it with an earlier go-load)"
                .to_owned()
        }
        _ => String::new(),
    }
}

/// One Go runtime lives in a process.
fn check_company(libraries: &[AppLibrary]) -> Result<(), LoadError> {
    let mut with_main = libraries.iter().filter(|library| library.inspection.has_main);
    let mut standard = libraries.iter().filter(|library| library.inspection.toolchain == Toolchain::Go);
    let Some(first) = standard.next() else {
        return match (with_main.next(), with_main.next()) {
            (Some(first), Some(second)) => Err(LoadError::new(
                &second.path,
                format!(
                    "has a main, and so has {}: a process has room for one application; build the other as a package \
                     that is not main, or serve it with a server of its own",
                    first.path.display()
                ),
            )),
            _ => Ok(()),
        };
    };
    if let Some(second) = standard.next() {
        let first = first.path.display();
        return Err(LoadError::new(
            &second.path,
            format!("cannot join {first}: a process has room for one library of standard Go"),
        ));
    }
    match libraries.iter().find(|library| library.inspection.toolchain == Toolchain::Gccgo) {
        None => Ok(()),
        Some(other) => Err(LoadError::new(
            &other.path,
            format!("is made by gccgo and cannot join {}, made by standard Go", first.path.display()),
        )),
    }
}

/// What a process is after [`start`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// Go runs, on threads of its own; this one has nothing left to do.
    Go,
    /// The libraries, if any, are loaded, and there is no main to run.
    NoMain,
    /// The application is linked into this program, which is to go on and will come to its main.
    Own,
}

/// Loads the libraries of `app` and starts its main. With gccgo this thread becomes part of the Go runtime, so the
/// function returns only when it could not be started. Call it once, in a process that was forked for it: only there can
/// a `context` have been installed.
pub fn start(app: &App, context: &'static Context) -> Result<Started, LoadError> {
    abi::keep_exports();
    if app.is_own() {
        return Ok(Started::Own);
    }
    if let Some(plugin) = &app.plugin {
        open(plugin).map_err(|error| {
            LoadError::new(
                Path::new("the gccgo runtime"),
                format!("cannot be loaded: {error}{}", hint(&error)),
            )
        })?;
    }
    let main = app.main().map(std::ptr::from_ref);
    let mut loaded_main = None;
    for library in &app.libraries {
        let loaded = library.open()?;
        if main == Some(std::ptr::from_ref(library)) {
            loaded_main = Some((library, loaded));
        }
    }
    let Some((library, loaded)) = loaded_main else { return Ok(Started::NoMain) };
    let failed = |sentence| LoadError::new(&library.path, sentence);
    match library.inspection.toolchain {
        Toolchain::Go => start_go(loaded).map(|()| Started::Go).map_err(failed),
        // SAFETY: the context is this process's, which was forked for it and has no other Go runtime (check_company);
        // the library was inspected and is gccgo's.
        Toolchain::Gccgo => match unsafe { gccgo::run_main(loaded, &context.args, &context.env) } {
            Ok(never) => match never {},
            Err(sentence) => Err(failed(sentence)),
        },
    }
}

/// Standard Go's runtime has begun to start when the library was loaded; its entry waits for that and then lets
/// `main.main` run on a goroutine.
fn start_go(library: Library) -> Result<(), String> {
    let entry = library.symbol(GO_ENTRY).ok_or_else(|| format!("has no entry `{GO_ENTRY}`"))?;
    // SAFETY: the package uwsgi exports the function of this name as `void goherd_go_main(void)`.
    let entry =
        unsafe { std::mem::transmute::<std::ptr::NonNull<std::ffi::c_void>, unsafe extern "C" fn()>(entry) };
    // SAFETY: called once, in the process that loaded the library.
    unsafe { entry() };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_libgo_that_is_not_there_is_named_with_its_package() {
        let error = "libgo.so.21: cannot open shared object file: No such file or directory";
        assert_eq!(hint(error), " (Debian and Ubuntu: apt install libgo21)");
        assert_eq!(hint("libm.so.6: cannot open shared object file"), "");
    }

    #[test]
    fn a_file_is_not_read_while_somebody_writes_it() {
        let path = std::env::temp_dir().join(format!("goherd-load-{}", std::process::id()));
        std::fs::write(&path, "old").unwrap();
        let mut file = File::open(&path).unwrap();
        assert_eq!(read_quiet(&mut file, |_| Ok("read")).unwrap(), Some("read"));
        let written = |file: &mut File| {
            let former = file.metadata()?.modified()? - std::time::Duration::from_secs(9);
            File::options().write(true).open(&path)?.set_modified(former)
        };
        assert_eq!(read_quiet(&mut file, written).unwrap(), None, "another time");
        assert_eq!(
            read_quiet(&mut file, |_| std::fs::write(&path, "longer")).unwrap(),
            None,
            "another length"
        );
        std::fs::remove_file(path).unwrap();
    }
}
