//! Which section of which file: text such as `app.ini:staging` in, a [`Source`] out.

use std::fmt;
use std::path::{Path, PathBuf};

/// What stands for the path of the ini file that is built into the program. No ini file is called so: it has no `.ini`.
pub const BUILT_IN: &str = "(built-in ini)";

/// A section of an ini file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    section: Option<String>,
}

impl Source {
    /// Understands `FILE` or `FILE:SECTION`; a colon within a folder's name names no section.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (path, section) = split(text)?;
        if path.is_empty() {
            return Err("expected a file, or a file and a section as in app.ini:staging".to_owned());
        }
        Ok(Self { path: PathBuf::from(path), section: section.map(str::to_owned) })
    }

    /// The ini file that is built into the program.
    pub fn built_in() -> Self {
        Self { path: PathBuf::from(BUILT_IN), section: None }
    }

    /// The same within the file `from`: relative to its folder, and `:SECTION` means `from` itself.
    pub fn included(text: &str, from: &Path) -> Result<Self, String> {
        match split(text)? {
            ("", Some(section)) => Ok(Self { path: from.to_owned(), section: Some(section.to_owned()) }),
            _ => {
                let source = Self::parse(text)?;
                let folder = from.parent().unwrap_or(Path::new(""));
                Ok(Self { path: folder.join(&source.path), ..source })
            }
        }
    }

    /// The section to read.
    pub fn section(&self) -> &str {
        self.section.as_deref().unwrap_or("uwsgi")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)?;
        self.section.as_ref().map_or(Ok(()), |section| write!(f, ":{section}"))
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    match text.rsplit_once(':') {
        Some((_, "")) => Err("expected the name of a section after the colon".to_owned()),
        Some((path, section)) if !section.contains('/') => Ok((path, Some(section))),
        _ => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_file_and_maybe_a_section() {
        for (text, path, section) in [
            ("app.ini", "app.ini", "uwsgi"),
            ("app.ini:staging", "app.ini", "staging"),
            ("a:b/app.ini", "a:b/app.ini", "uwsgi"),
            ("a:b/app.ini:x", "a:b/app.ini", "x"),
        ] {
            let source = Source::parse(text).unwrap();
            assert_eq!((source.path.as_path(), source.section()), (Path::new(path), section), "{text}");
            assert_eq!(source.to_string(), text);
        }
    }

    #[test]
    fn an_include_starts_at_the_folder_of_its_file() {
        let path = |text| Source::included(text, Path::new("conf/app.ini")).unwrap().to_string();
        assert_eq!(path("base.ini"), "conf/base.ini");
        assert_eq!(path("/etc/base.ini:x"), "/etc/base.ini:x");
        assert_eq!(path(":x"), "conf/app.ini:x");
    }

    #[test]
    fn half_a_source_is_refused() {
        assert!(
            Source::parse("").is_err() && Source::parse(":x").is_err() && Source::parse("a.ini:").is_err()
        );
    }
}
