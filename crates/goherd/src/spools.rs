//! The folders of tasks: they are made, before the first fork, for whom the workers are to be.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};

use goherd_config::Config;
use goherd_worker::{Confinement, SpoolSettings};

use crate::settings::{Failure, milliseconds};

/// How tasks are worked off; makes the folders that are missing. Relative paths are of the current folder.
pub fn prepare(config: &Config, confinement: &Confinement) -> Result<SpoolSettings, Failure> {
    let folders = config.spoolers.iter().map(|typed| {
        let path = std::path::absolute(typed)?;
        make(&path, confinement)?;
        Ok((typed.clone(), seen_from(confinement.root.as_deref(), &path)?))
    });
    Ok(SpoolSettings {
        folders: folders.collect::<Result<_, Failure>>()?,
        processes: config.spooler_processes.into(),
        frequency: u64::from(config.spooler_frequency) * 1000,
        retries: config.spooler_retries,
        max_tasks: config.spooler_max_tasks,
        harakiri: config.spooler_harakiri,
        mercy: milliseconds(config.mule_reload_mercy),
    })
}

/// Looks whether the folders could be used, without making them. Relative paths are of the current folder.
pub fn check(config: &Config, confinement: &Confinement) -> Result<(), Failure> {
    for typed in &config.spoolers {
        let path = std::path::absolute(typed)?;
        seen_from(confinement.root.as_deref(), &path)?;
        if !is_there(&path)? && !path.parent().is_some_and(Path::is_dir) {
            return Err(nowhere(&path).into());
        }
    }
    Ok(())
}

/// Whether there is a folder; something else there is an error.
fn is_there(path: &Path) -> Result<bool, Failure> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Ok(true),
        Ok(_) => Err(format!("spooler: {} is not a folder", path.display()).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("spooler: cannot use {}: {error}", path.display()).into()),
    }
}

fn nowhere(path: &Path) -> String {
    format!("spooler: cannot make {}: the folder that it is to be in is not there: make that", path.display())
}

fn make(path: &Path, confinement: &Confinement) -> Result<(), Failure> {
    if is_there(path)? {
        return Ok(());
    }
    let shown = path.display();
    DirBuilder::new().mode(0o700).create(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => nowhere(path),
        _ => format!("spooler: cannot make {shown}: {error}"),
    })?;
    let (user, group) = (confinement.identity.user, confinement.identity.group);
    if user.is_some() || group.is_some() {
        chown(path, user.map(|user| user.0), group.map(|group| group.0))
            .map_err(|error| format!("spooler: cannot give {shown} to the workers' user: {error}"))?;
    }
    Ok(())
}

/// The path by which those find it that take `root` for the root.
fn seen_from(root: Option<&Path>, path: &Path) -> Result<PathBuf, Failure> {
    let Some(root) = root else { return Ok(path.to_path_buf()) };
    let root = std::path::absolute(root)?;
    let inside = path.strip_prefix(&root).map_err(|_| {
        format!("spooler: {} is not inside of the workers' root {} (chroot)", path.display(), root.display())
    })?;
    Ok(Path::new("/").join(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_in_another_root_see_the_folder_there() {
        let seen = |root: Option<&str>| seen_from(root.map(Path::new), Path::new("/srv/jail/spool"));
        assert_eq!(seen(None).unwrap(), Path::new("/srv/jail/spool"));
        assert_eq!(seen(Some("/srv/jail/")).unwrap(), Path::new("/spool"));
        assert!(seen(Some("/srv/other")).unwrap_err().to_string().contains("(chroot)"));
    }
}
