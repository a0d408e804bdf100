//! How the go command sees an application during a build: with this server's package `uwsgi`, and so that it writes nothing into
//! the application's folders.
//!
//! In: the folder of a main package. Out: the go command with files beside the application's own ones: another `go.mod`
//! and `go.sum` (`-modfile`), or another `go.work`, and files that are laid over (`-overlay`).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::desk::Desk;
use crate::settings::Failure;

/// The view.
pub(super) struct View {
    folder: PathBuf,
    workspace: OsString,
    arguments: Vec<OsString>,
    laid_over: Vec<(PathBuf, PathBuf)>,
}

impl View {
    /// That of the main package in `folder`, where `package` is the folder of the package `uwsgi`.
    pub fn new(folder: &Path, package: &Path, desk: &Desk) -> Result<Self, Failure> {
        let folder = fs::canonicalize(folder)?;
        let mut view = Self { folder, workspace: "off".into(), arguments: Vec::new(), laid_over: Vec::new() };
        let module = view.environment("GOMOD", true)?;
        let root = module.as_deref().and_then(Path::parent);
        match (view.environment("GOWORK", false)?, root) {
            (Some(workspace), Some(root)) if uses(&workspace, root)? => {
                view.workspace = in_workspace(&workspace, package, desk)?.into();
            }
            _ => view.in_module(module.as_deref(), package, desk)?,
        }
        Ok(view)
    }

    /// Lays a file over another, which need not be there.
    pub fn lay_over(&mut self, place: PathBuf, file: PathBuf) {
        self.laid_over.push((place, file));
    }

    /// The go command, in the folder; the arguments of `what` are to follow.
    pub fn go(&self, what: &str, desk: &Desk) -> Result<Command, Failure> {
        let overlay = desk.write("overlay.json", json(&self.laid_over)?)?;
        let mut command = Command::new("go");
        self.stand(&mut command).env("GOWORK", &self.workspace);
        command.arg(what).args(&self.arguments).arg("-overlay").arg(overlay);
        Ok(command)
    }

    /// Lets a command begin in the folder. The go command believes PWD, which may name it by way of a link.
    fn stand<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(&self.folder).env("PWD", &self.folder)
    }

    /// A variable of the go command that names a file, if there is such a file.
    fn environment(&self, name: &str, alone: bool) -> Result<Option<PathBuf>, Failure> {
        let mut command = Command::new("go");
        self.stand(&mut command).args(["env", name]).stderr(Stdio::inherit());
        if alone {
            command.env("GOWORK", "off");
        }
        let told = String::from_utf8(command.output()?.stdout)?.trim().to_owned();
        Ok((!["", "off", "/dev/null"].contains(&told.as_str())).then(|| told.into()))
    }

    /// With a module file of its own. What the application has in its folder `vendor` stands in for the modules.
    fn in_module(&mut self, module: Option<&Path>, package: &Path, desk: &Desk) -> Result<(), Failure> {
        let root = module.and_then(Path::parent).unwrap_or(&self.folder).to_owned();
        let ours = match module {
            Some(place) => desk.write("go.mod", fs::read(place)?)?,
            None => desk.write("go.mod", "module app\n\ngo 1.18\n")?,
        };
        desk.copy_if_there(&root.join("go.sum"), "go.sum")?;
        if module.is_none() {
            self.lay_over(root.join("go.mod"), ours.clone());
        }
        let mut edits = vec!["-dropreplace=uwsgi@v0.0.0".to_owned(), "-require=uwsgi@v0.0.0".to_owned()];
        edits.push(format!("-replace=uwsgi={}", package.display()));
        let vendored = vendored(&root);
        if !vendored.is_empty() {
            edits.extend(others(&ours, &vendored)?);
        }
        for (count, Vendored { path, version, go }) in vendored.iter().enumerate() {
            let folder = root.join("vendor").join(path);
            edits.extend([format!("-dropreplace={path}"), format!("-dropreplace={path}@{version}")]);
            edits.extend([
                format!("-require={path}@{version}"),
                format!("-replace={path}={}", folder.display()),
            ]);
            let stub = desk.write(&format!("vendored-{count}.mod"), format!("module {path}\n\ngo {go}\n"))?;
            self.lay_over(folder.join("go.mod"), stub);
        }
        edit("mod", &edits, &ours)?;
        self.arguments = vec!["-mod=mod".into(), "-modfile".into(), ours.into()];
        Ok(())
    }
}

/// A module in the application's folder `vendor`.
struct Vendored {
    path: String,
    version: String,
    /// The version of the language.
    go: String,
}

/// Those that `vendor/modules.txt` names.
fn vendored(root: &Path) -> Vec<Vendored> {
    let vendor = root.join("vendor");
    let Ok(list) = fs::read_to_string(vendor.join("modules.txt")) else { return Vec::new() };
    let mut found: Vec<Vendored> = Vec::new();
    for line in list.lines() {
        if let Some((path, rest)) = line.strip_prefix("# ").and_then(|words| words.split_once(' ')) {
            let version = rest.split(' ').next().filter(|version| version.starts_with('v'));
            found.extend(version.map(|version| Vendored {
                path: path.into(),
                version: version.into(),
                go: "1.16".into(), // as the go command takes a module that does not say
            }));
        } else if let (Some(marks), Some(last)) = (line.strip_prefix("## "), found.last_mut()) {
            let go = marks.split("; ").find_map(|mark| mark.strip_prefix("go "));
            last.go = go.unwrap_or(&last.go).to_owned();
        }
    }
    found.retain(|module| module.path != "uwsgi" && vendor.join(&module.path).is_dir());
    found
}

/// Drops the modules that are not in the folder `vendor`: nothing of them is used.
fn others(module: &Path, vendored: &[Vendored]) -> Result<Vec<String>, Failure> {
    let known = |path: &str| path == "uwsgi" || vendored.iter().any(|module| module.path == path);
    let told = parsed("mod", module)?;
    let required = told["Require"].as_array().into_iter().flatten();
    let paths = required.filter_map(|module| module["Path"].as_str()).filter(|path| !known(path));
    Ok(paths.map(|path| format!("-droprequire={path}")).collect())
}

/// Whether the module in `root` is one of the workspace.
fn uses(workspace: &Path, root: &Path) -> Result<bool, Failure> {
    Ok(used(workspace)?.iter().any(|(_name, folder)| folder == root))
}

/// The folders of a workspace's modules: as they stand there, and where they are.
fn used(workspace: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let (told, base) = (parsed("work", workspace)?, workspace.parent().unwrap_or(Path::new("/")));
    let names = told["Use"].as_array().into_iter().flatten().filter_map(|used| used["DiskPath"].as_str());
    let place = |name: &str| fs::canonicalize(base.join(name)).unwrap_or_else(|_missing| base.join(name));
    Ok(names.map(|name| (name.to_owned(), place(name))).collect())
}

/// The same workspace with the package `uwsgi` as one of its modules; gives the place of its file.
fn in_workspace(workspace: &Path, package: &Path, desk: &Desk) -> Result<PathBuf, Failure> {
    let base = workspace.parent().unwrap_or(Path::new("/"));
    let mut edits = Vec::new();
    for (name, folder) in used(workspace)? {
        edits.push(format!("-dropuse={name}"));
        let module = fs::read_to_string(folder.join("go.mod")).unwrap_or_default();
        if !module.lines().any(|line| line.trim() == "module uwsgi") {
            edits.push(format!("-use={}", folder.display()));
        }
    }
    for replaced in parsed("work", workspace)?["Replace"].as_array().into_iter().flatten() {
        let (old, new) = (&replaced["Old"], replaced["New"]["Path"].as_str().unwrap_or_default());
        let path = old["Path"].as_str().unwrap_or_default();
        let version = old["Version"].as_str().map(|version| format!("@{version}")).unwrap_or_default();
        if path == "uwsgi" {
            edits.push(format!("-dropreplace={path}{version}"));
        } else if new.starts_with('.') {
            edits.push(format!("-replace={path}{version}={}", base.join(new).display()));
        }
    }
    edits.push(format!("-use={}", package.display()));
    let ours = desk.write("go.work", fs::read(workspace)?)?;
    desk.copy_if_there(&base.join("go.work.sum"), "go.work.sum")?;
    edit("work", &edits, &ours)?;
    Ok(ours)
}

/// Has the go command edit a file of `what`, `mod` or `work`.
fn edit(what: &str, edits: &[String], file: &Path) -> Result<(), Failure> {
    let mut command = Command::new("go");
    let edited = command.args([what, "edit"]).args(edits).arg(file).env("GOWORK", "off").status()?;
    if edited.success() {
        Ok(())
    } else {
        Err(format!("build: go cannot read the application's go.{what}").into())
    }
}

/// What the go command reads in a file of `what`.
fn parsed(what: &str, file: &Path) -> Result<Value, Failure> {
    let mut command = Command::new("go");
    let told = command.args([what, "edit", "-json"]).arg(file).env("GOWORK", "off");
    let told = told.stderr(Stdio::inherit()).output()?;
    if !told.status.success() {
        return Err(format!("build: go cannot read {}", file.display()).into());
    }
    Ok(serde_json::from_slice(&told.stdout)?)
}

/// A file for `go build -overlay`.
fn json(laid_over: &[(PathBuf, PathBuf)]) -> Result<String, Failure> {
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| format!("build: the go command cannot be told of {}", path.display()))
    };
    let mut pairs = serde_json::Map::new();
    for (place, file) in laid_over {
        pairs.insert(text(place)?, text(file)?.into());
    }
    Ok(serde_json::json!({ "Replace": pairs }).to_string())
}
