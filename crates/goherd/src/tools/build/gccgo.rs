//! `goherd build` with gccgo, which compiles one package and knows nothing of modules: where a go command is at hand, it tells
//! which packages an application consists of, and each is compiled after those that it imports.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use goherd_config::Build;

use super::desk::{Desk, ini_in_c};
use super::view::View;
use super::{must_succeed, version};
use crate::settings::Failure;
use crate::tools::place::Parts;

/// What the go command is to say of each package that is no part of gccgo.
const LIST: &str = "{{if not .Standard}}{{.ImportPath}}\t{{.Dir}}\t{{join .GoFiles \"\t\"}}{{end}}";

/// The compiler: the one that GOHERD_GCCGO names, or else the one that the server was built with.
pub(super) fn name() -> String {
    let chosen = std::env::var("GOHERD_GCCGO").ok().filter(|name| !name.is_empty());
    let usual = || goherd_bridge::GCCGO.filter(|name| version(name).is_some()).unwrap_or("gccgo").to_owned();
    chosen.unwrap_or_else(usual)
}

/// Makes the file `made`.
pub(super) fn make(asked: &Build, parts: &Parts, desk: &Desk, made: &Path) -> Result<(), Failure> {
    let imports = desk.place("imports");
    let mut common: Vec<OsString> = Vec::new();
    let flags = std::env::var("GCCGOFLAGS").unwrap_or_default();
    common.extend(flags.split_whitespace().map(OsString::from));
    common.extend(["-I".into(), imports.clone().into(), "-I".into(), parts.exports.clone().into()]);
    if !asked.monolith {
        common.push("-fPIC".into());
    }
    let mut packages = packages(asked, parts, desk)?;
    let main = packages.pop().ok_or("build: there are no Go files")?;
    let mut command = Command::new(name());
    command.args(&common).args(&main.files).arg("-o").arg(made);
    for package in &packages {
        command.arg(package.compile(&common, &imports)?);
    }
    if asked.monolith {
        let ini = asked.ini.as_deref().map(|ini| desk.object_of(&ini_in_c(ini)?)).transpose()?;
        command.args(ini).arg("-Wl,-u,goherd_constructor").arg("-L").arg(&parts.libraries);
        command.args(["-l:libgoherd.a", "-lm", "-ldl"]);
    } else {
        command.arg("-shared");
    }
    must_succeed(&mut command)
}

/// A package that gccgo is to compile.
struct Package {
    import_path: String,
    files: Vec<PathBuf>,
}

impl Package {
    /// Makes an object file where `gccgo -I` finds it by the package's import path.
    fn compile(&self, common: &[OsString], imports: &Path) -> Result<PathBuf, Failure> {
        let object = imports.join(format!("{}.o", self.import_path));
        fs::create_dir_all(object.parent().unwrap_or(imports))?;
        let mut command = Command::new(name());
        command.arg("-c").args(common).arg(format!("-fgo-pkgpath={}", self.import_path));
        must_succeed(command.arg("-o").arg(&object).args(&self.files))?;
        Ok(object)
    }
}

/// The packages of the application, each after those that it imports.
fn packages(asked: &Build, parts: &Parts, desk: &Desk) -> Result<Vec<Package>, Failure> {
    let folder = match &asked.app[..] {
        [folder] if folder.is_dir() => Some(folder),
        _ => None,
    };
    if version("go").is_none() {
        let files = folder.map_or_else(|| Ok(asked.app.clone()), |folder| sources(folder))?;
        return Ok(vec![Package { import_path: "main".into(), files }]);
    }
    let beside = || asked.app[0].parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| beside().unwrap_or(Path::new(".")), PathBuf::as_path);
    let mut list = View::new(folder, &parts.package, desk)?.go("list", desk)?;
    list.args(["-deps", "-compiler", "gccgo", "-f", LIST]);
    list.env("CGO_ENABLED", "0").env("GCCGO", name()).stderr(Stdio::inherit());
    if asked.app[0].is_dir() {
        list.arg(".");
    }
    for file in asked.app.iter().filter(|file| !file.is_dir()) {
        list.arg(fs::canonicalize(file)?);
    }
    let told = list.output().map_err(|error| format!("build: cannot run go: {error}"))?;
    if !told.status.success() {
        return Err(format!("build: go cannot list the application's packages ({})", told.status).into());
    }
    let told = String::from_utf8(told.stdout)?;
    Ok(told.lines().filter_map(package).filter(|package| package.import_path != "uwsgi").collect())
}

/// A line of the go command's.
fn package(line: &str) -> Option<Package> {
    let mut words = line.split('\t');
    let (import_path, folder) = (words.next()?.to_owned(), Path::new(words.next()?));
    Some(Package { import_path, files: words.map(|file| folder.join(file)).collect() })
}

/// The Go files of a folder, but for tests.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = fs::read_dir(folder)?.flatten().map(|file| file.path());
    let is_source = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".go") && !name.ends_with("_test.go")
    };
    let mut files: Vec<PathBuf> = files.filter(is_source).collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("build: there are no Go files in {}", folder.display()).into());
    }
    Ok(files)
}
