//! Files and folders that raise signals when they change.
//!
//! A path is watched twice: what lies there now, and its name in the folder around, so that a file is followed that is
//! replaced by another one, or removed and made anew. What happens within a moment raises one signal.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use goherd_sys::clock::Millis;
use goherd_sys::epoll::{Epoll, Watch};
use goherd_sys::inotify::{Change, Inotify, WatchId};
use goherd_sys::stderr;

/// How long changes are gathered until the signal is raised.
const MOMENT_MS: u64 = 20;
/// How often to look for a folder that is not there.
const RETRY_MS: u64 = 1000;

/// All that is watched.
#[derive(Debug, Default)]
pub(super) struct Monitors {
    inotify: Option<Inotify>,
    list: Vec<Monitor>,
    /// When to look for what is not there.
    retry: Option<Millis>,
}

#[derive(Debug)]
struct Monitor {
    path: PathBuf,
    signal: u8,
    /// What lies there.
    own: Option<WatchId>,
    /// The folder around.
    around: Option<WatchId>,
    /// When it began to change.
    changed: Option<Millis>,
}

impl Monitors {
    /// Watches these, and no others. What has happened to those that were watched before is still to be told.
    pub fn follow(&mut self, wanted: &[(PathBuf, u8)], epoll: &Epoll, token: u64, now: Millis) {
        let same = |(path, signal): &(PathBuf, u8), monitor: &Monitor| {
            *path == monitor.path && *signal == monitor.signal
        };
        if wanted.len() == self.list.len() && wanted.iter().zip(&self.list).all(|(new, old)| same(new, old)) {
            return;
        }
        let mut next = Self::default();
        let monitor = |(path, signal): &(PathBuf, u8)| Monitor {
            path: path.clone(),
            signal: *signal,
            own: None,
            around: None,
            changed: None,
        };
        next.list = wanted.iter().map(monitor).collect();
        if !wanted.is_empty() {
            next.begin(epoll, token);
        }
        next.list.iter_mut().for_each(|monitor| monitor.arm(next.inotify.as_ref()));
        self.read(now); // what has happened until the others were watched
        for monitor in &mut next.list {
            let known = self.list.iter().find(|old| old.path == monitor.path && old.signal == monitor.signal);
            monitor.changed = known.and_then(|old| old.changed);
        }
        if let Some(old) = &self.inotify {
            let _not_watched = epoll.remove(old);
        }
        next.mind_missing(now);
        *self = next;
    }

    fn begin(&mut self, epoll: &Epoll, token: u64) {
        let begun = Inotify::new().and_then(|inotify| {
            epoll.add(&inotify, token, Watch::Readable)?;
            Ok(inotify)
        });
        match begun {
            Ok(inotify) => self.inotify = Some(inotify),
            Err(error) => stderr::line(&format!(
                "files cannot be watched, so their changes raise no signals: {error} \
                 (sysctl fs.inotify.max_user_instances)"
            )),
        }
    }

    /// Hears what has happened.
    pub fn read(&mut self, now: Millis) {
        let Some(inotify) = &self.inotify else { return };
        for change in inotify.take() {
            for monitor in &mut self.list {
                monitor.hear(&change, inotify, now);
            }
        }
        self.mind_missing(now);
    }

    fn mind_missing(&mut self, now: Millis) {
        let missing = self.inotify.is_some() && self.list.iter().any(Monitor::is_missing);
        self.retry = missing.then(|| self.retry.unwrap_or(now.after(RETRY_MS)));
    }

    /// When there is something to do next.
    pub fn due(&self) -> Option<Millis> {
        let changed = self.list.iter().filter_map(|monitor| monitor.changed);
        changed.map(|changed| changed.after(MOMENT_MS)).chain(self.retry).min()
    }

    /// The signals that are due.
    pub fn tick(&mut self, now: Millis) -> Vec<u8> {
        if self.retry.take_if(|retry| *retry <= now).is_some() {
            for monitor in self.list.iter_mut().filter(|monitor| monitor.is_missing()) {
                monitor.arm(self.inotify.as_ref());
                monitor.changed = monitor.own.map(|_| now).or(monitor.changed);
            }
            self.mind_missing(now);
        }
        let due = |monitor: &mut Monitor| {
            monitor.changed.take_if(|changed| changed.after(MOMENT_MS) <= now).map(|_| monitor.signal)
        };
        self.list.iter_mut().filter_map(due).collect()
    }
}

impl Monitor {
    /// Watches what there is.
    fn arm(&mut self, inotify: Option<&Inotify>) {
        let watch = |path: &Path| inotify.and_then(|inotify| inotify.watch(path).ok());
        self.around = self.around.or_else(|| watch(around(&self.path)?));
        self.own = watch(&self.path);
    }

    /// Neither it nor its folder is there.
    fn is_missing(&self) -> bool {
        self.own.is_none() && self.around.is_none()
    }

    fn hear(&mut self, change: &Change, inotify: &Inotify, now: Millis) {
        let is_own = |name: &Option<_>| {
            name.as_deref().is_some_and(|name: &OsStr| Some(name) == self.path.file_name())
        };
        let heard = match change {
            Change::TooMuch => true,
            // Something has happened to the folder itself: another one may be in its place.
            Change::Of(watch, None) if Some(*watch) == self.around && Some(*watch) != self.own => {
                let before = self.own;
                self.around = None;
                self.arm(Some(inotify));
                self.own != before
            }
            Change::Of(watch, name) => {
                Some(*watch) == self.own || Some(*watch) == self.around && is_own(name)
            }
            Change::Gone(watch) => {
                let (own, around) = (Some(*watch) == self.own, Some(*watch) == self.around);
                self.around = self.around.filter(|_| !around);
                own || around
            }
        };
        if heard {
            self.changed.get_or_insert(now);
            self.arm(Some(inotify));
        }
    }
}

/// The folder in which `path` is an entry.
fn around(path: &Path) -> Option<&Path> {
    path.file_name()?;
    path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Scene {
        folder: PathBuf,
        epoll: Epoll,
        monitors: Monitors,
        now: Millis,
    }

    impl Scene {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("goherd-monitors-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self { folder, epoll: Epoll::new().unwrap(), monitors: Monitors::default(), now: Millis(5000) }
        }

        fn follow(&mut self, wanted: &[(&str, u8)]) {
            let wanted: Vec<_> =
                wanted.iter().map(|(name, signal)| (self.folder.join(name), *signal)).collect();
            self.monitors.follow(&wanted, &self.epoll, 1, self.now);
        }

        /// What is raised for what `deed` does to the folder.
        fn after(&mut self, deed: impl FnOnce(&Path)) -> Vec<u8> {
            deed(&self.folder);
            self.later(MOMENT_MS)
        }

        fn later(&mut self, millis: u64) -> Vec<u8> {
            self.monitors.read(self.now);
            self.now = self.now.after(millis);
            self.monitors.tick(self.now)
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _left_behind = fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_file_is_followed_through_all_that_happens_to_it() {
        let mut scene = Scene::new("file");
        scene.follow(&[("file", 7)]);
        assert_eq!(scene.after(|_| {}), [0_u8; 0]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("file"), "1").unwrap()), [7]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("file"), "2").unwrap()), [7]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("other"), "").unwrap()), [0_u8; 0]);
        assert_eq!(scene.after(|folder| fs::rename(folder.join("other"), folder.join("file")).unwrap()), [7]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("file"), "3").unwrap()), [7]);
        assert_eq!(scene.after(|folder| fs::remove_file(folder.join("file")).unwrap()), [7]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("file"), "4").unwrap()), [7]);
        assert_eq!(scene.later(MOMENT_MS), [0_u8; 0], "one storm is one signal");
    }

    #[test]
    fn a_folder_tells_of_its_entries() {
        let mut scene = Scene::new("folder");
        fs::create_dir(scene.folder.join("in")).unwrap();
        scene.follow(&[("in", 1), ("in", 2)]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("in/a"), "1").unwrap()), [1, 2]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("in/a"), "22").unwrap()), [1, 2]);
        assert_eq!(scene.after(|folder| fs::remove_file(folder.join("in/a")).unwrap()), [1, 2]);
    }

    #[test]
    fn what_is_not_there_is_looked_for() {
        let mut scene = Scene::new("missing");
        scene.follow(&[("in/deep/file", 1)]);
        assert_eq!(scene.after(|folder| fs::create_dir_all(folder.join("in/deep")).unwrap()), [0_u8; 0]);
        assert_eq!(scene.later(RETRY_MS), [0_u8; 0]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("in/deep/file"), "").unwrap()), [1]);
        assert_eq!(scene.after(|folder| fs::remove_dir_all(folder.join("in")).unwrap()), [1]);
        scene.follow(&[("in/deep/file", 2)]);
        fs::create_dir_all(scene.folder.join("in/deep")).unwrap();
        fs::write(scene.folder.join("in/deep/file"), "").unwrap();
        assert_eq!(scene.later(RETRY_MS), [0_u8; 0], "it is found");
        assert_eq!(scene.later(MOMENT_MS), [2]);
    }

    #[test]
    fn a_change_just_before_another_list_comes_is_told() {
        let mut scene = Scene::new("list");
        scene.follow(&[("a", 1)]);
        fs::write(scene.folder.join("a"), "").unwrap();
        scene.follow(&[("b", 2), ("a", 1)]);
        assert_eq!(scene.later(MOMENT_MS), [1]);
        scene.follow(&[]);
        assert_eq!((scene.monitors.due(), scene.monitors.inotify.is_some()), (None, false));
    }

    #[test]
    fn a_link_is_followed_to_where_it_leads() {
        let mut scene = Scene::new("link");
        fs::create_dir(scene.folder.join("v1")).unwrap();
        fs::write(scene.folder.join("v1/file"), "").unwrap();
        std::os::unix::fs::symlink("v1/file", scene.folder.join("file")).unwrap();
        scene.follow(&[("file", 3)]);
        assert_eq!(scene.after(|folder| fs::write(folder.join("v1/file"), "1").unwrap()), [3]);
        assert_eq!(scene.after(|folder| fs::remove_dir_all(folder.join("v1")).unwrap()), [3]);
    }
}
