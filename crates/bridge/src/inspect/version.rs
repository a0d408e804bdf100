//! The version of the compiler that made a file, as the compiler wrote it into it.

use super::Toolchain;
use super::file::Elf;

/// How `.go.buildinfo` begins.
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The bit of its flags that says that the version itself follows (Go 1.18 and newer), and not its address.
const INLINE: u8 = 2;
/// Where the version begins then: its length as a varint, then its bytes.
const PLACE: usize = 32;

pub(super) fn of(toolchain: Toolchain, file: &Elf<'_>) -> Option<String> {
    match toolchain {
        Toolchain::Go => of_go(file.section(".go.buildinfo")?),
        Toolchain::Gccgo => of_gcc(file.section(".comment")?),
    }
}

fn of_go(info: &[u8]) -> Option<String> {
    if !info.starts_with(MAGIC) || info.get(MAGIC.len() + 1)? & INLINE == 0 {
        return None;
    }
    let length = usize::from(*info.get(PLACE)?);
    // A longer one would need a second byte for its length.
    let version = info.get(PLACE + 1..)?.get(..length).filter(|_| length < 0x80)?;
    String::from_utf8(version.to_vec()).ok()
}

/// The section has a line of each compiler, with a NUL behind it: `GCC: (Debian 12.2.0-14) 12.2.0`.
fn of_gcc(comment: &[u8]) -> Option<String> {
    let mut lines = comment.split(|byte| *byte == 0).filter_map(|line| std::str::from_utf8(line).ok());
    let line = lines.find_map(|line| line.strip_prefix("GCC: "))?;
    Some(line.rsplit(' ').next().unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_s_version_is_read_where_it_is_written_out() {
        let info = |flags: u8, rest: &[u8]| [MAGIC, &[8, flags], &[0; 16], rest].concat();
        assert_eq!(of_go(&info(INLINE, b"\x08go1.26.8")).as_deref(), Some("go1.26.8"));
        for bad in [info(0, b"\x08go1.26.8"), info(INLINE, b"\x09go1.26.8"), info(INLINE, b""), Vec::new()] {
            assert_eq!(of_go(&bad), None);
        }
    }

    #[test]
    fn gcc_s_version_is_the_last_word() {
        assert_eq!(of_gcc(b"GCC: (Debian 12.2.0-14) 12.2.0\0rustc\0").as_deref(), Some("12.2.0"));
        assert_eq!(of_gcc(b"rustc\0"), None);
    }
}
