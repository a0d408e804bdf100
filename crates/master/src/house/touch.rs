//! Files that are touched to ask for something.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use goherd_sys::clock::Millis;

/// How often they are looked at.
const LOOK_MS: u64 = 1000;

/// Files, and when each was last modified.
#[derive(Debug, Default)]
pub(super) struct Touch {
    files: Vec<(PathBuf, Option<SystemTime>)>,
    next: Millis,
}

impl Touch {
    /// Looks after these files. What was looked after before is known, and what has happened to it since the last look is
    /// still to be seen.
    pub fn follow(&mut self, paths: &[PathBuf], now: Millis) {
        let known = std::mem::take(&mut self.files);
        let seen = |path: &PathBuf| known.iter().find(|(other, _)| other == path).map(|(_, seen)| *seen);
        let file = |path: &PathBuf| (path.clone(), seen(path).unwrap_or_else(|| modified(path)));
        *self = Self { files: paths.iter().map(file).collect(), next: now.after(LOOK_MS) };
    }

    /// When to look next.
    pub fn due(&self) -> Option<Millis> {
        (!self.files.is_empty()).then_some(self.next)
    }

    /// Whether one of them was touched, or has come to be, since the last look, if it is time for one.
    pub fn look(&mut self, now: Millis) -> bool {
        if self.due().is_none_or(|due| due > now) {
            return false;
        }
        self.next = now.after(LOOK_MS);
        let mut touched = false;
        for (path, seen) in &mut self.files {
            let found = modified(path);
            touched |= found.is_some() && found != *seen;
            *seen = found.or(*seen);
        }
        touched
    }
}

fn modified(path: &PathBuf) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_file_that_is_touched_or_comes_to_be_is_seen_once() {
        let folder = std::env::temp_dir().join(format!("goherd-touch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        let mut now = Millis(5_000);
        let mut touch = Touch::default();
        touch.follow(std::slice::from_ref(&path), now);
        let mut look = || {
            now = now.after(LOOK_MS);
            touch.look(now)
        };
        let nothing = look();
        let file = fs::File::create(&path).unwrap();
        let came = (look(), look());
        file.set_modified(SystemTime::now() + Duration::from_secs(3)).unwrap();
        let touched = (look(), look());
        fs::remove_dir_all(&folder).unwrap();
        let removed = look();
        assert_eq!((nothing, came, touched, removed), (false, (true, false), (true, false), false));
    }

    #[test]
    fn what_is_touched_just_before_another_list_comes_is_seen() {
        let folder = std::env::temp_dir().join(format!("goherd-touch-list-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = ["a", "b"].map(|name| folder.join(name));
        let mut touch = Touch::default();
        touch.follow(&files[..1], Millis(0));
        files.iter().for_each(|file| fs::write(file, "").unwrap());
        touch.follow(&files, Millis(10));
        let looks = (touch.look(Millis(1010)), touch.look(Millis(2010)));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(looks, (true, false));
    }

    #[test]
    fn nothing_is_looked_at_before_it_is_time() {
        let mut touch = Touch::default();
        touch.follow(&[PathBuf::from("/nowhere")], Millis(0));
        assert_eq!(touch.due(), Some(Millis(LOOK_MS)));
        assert!(!touch.look(Millis(1)));
        assert_eq!(touch.due(), Some(Millis(LOOK_MS)));
        assert_eq!(Touch::default().due(), None);
    }
}
