//! How much memory the control group of this process may have: cgroups(7), version 2.

use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// What a group may have before the kernel kills, and before it slows down whoever asks for more.
const LIMITS: [&str; 2] = ["memory.max", "memory.high"];

/// The most bytes that this process and those beside it may have together; `None`: as many as there are.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    least(Path::new(ROOT), &std::fs::read_to_string("/proc/self/cgroup").ok()?)
}

/// The least of the limits of a group and of those that it is in. `membership`: what /proc/PID/cgroup says.
fn least(root: &Path, membership: &str) -> Option<u64> {
    let folders = folders(root, group(membership)?);
    let files = folders.flat_map(|folder| LIMITS.map(|name| folder.join(name)));
    files.filter_map(|file| limit(&std::fs::read_to_string(file).ok()?)).min()
}

/// The path of the group in the hierarchy of version 2.
fn group(membership: &str) -> Option<&str> {
    membership.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The folders of the group `path` and of all that it is in, up to the root. A group that is out of this process's sight begins
/// with `..`, and of those only the root can be seen.
fn folders(root: &Path, path: &str) -> impl Iterator<Item = PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let below = if path.starts_with("..") { Path::new("") } else { path };
    below.ancestors().map(|group| root.join(group)).collect::<Vec<_>>().into_iter()
}

/// What such a file says.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_version_2_is_found_among_others() {
        let both = "4:memory:/old\n1:name=systemd:/x\n0::/system.slice/app.service\n";
        assert_eq!(group(both), Some("/system.slice/app.service"));
        assert_eq!(group("0::/\n"), Some("/"));
        assert_eq!(group("4:memory:/old\n"), None);
    }

    #[test]
    fn groups_are_looked_at_up_to_the_root() {
        let of = |path| folders(Path::new("/c"), path).map(|f| f.display().to_string()).collect::<Vec<_>>();
        assert_eq!(of("/a.slice/b.service"), ["/c/a.slice/b.service", "/c/a.slice", "/c/"]);
        assert_eq!(of("/"), ["/c/"]);
        assert_eq!(of("/../elsewhere"), ["/c/"]);
    }

    #[test]
    fn limits_are_numbers() {
        assert_eq!((limit("1073741824\n"), limit("max\n"), limit("")), (Some(1 << 30), None, None));
    }

    #[test]
    fn the_least_limit_counts() {
        let root = std::env::temp_dir().join(format!("goherd-cgroup-{}", std::process::id()));
        let group = root.join("a.slice/b.service");
        std::fs::create_dir_all(&group).unwrap();
        let membership = "0::/a.slice/b.service\n";
        assert_eq!(least(&root, membership), None);
        std::fs::write(group.join("memory.max"), "max\n").unwrap();
        assert_eq!(least(&root, membership), None);
        std::fs::write(root.join("a.slice/memory.max"), "1000\n").unwrap();
        assert_eq!(least(&root, membership), Some(1_000));
        std::fs::write(root.join("memory.max"), "2000\n").unwrap();
        assert_eq!(least(&root, membership), Some(1_000));
        assert_eq!(least(&root, "0::/\n"), Some(2_000));
        std::fs::write(group.join("memory.high"), "900\n").unwrap();
        assert_eq!(least(&root, membership), Some(900));
        std::fs::remove_dir_all(root).unwrap();
    }
}
