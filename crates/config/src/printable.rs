//! Text from outside made fit for one line of an error: any text in, a short harmless one out.

use crate::backend::without_secret;

/// More characters than this say nothing to a reader.
const MAX_SHOWN: usize = 120;

/// `text` as it may stand in a one-line message: `""` when empty, control characters escaped, the end of
/// a very long text cut off, no password in it.
pub fn printable(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    let text = without_secret(text);
    let mut shown: String = text.chars().take(MAX_SHOWN).flat_map(escaped).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let (plain, escape) = if c.is_control() { (None, Some(c.escape_default())) } else { (Some(c), None) };
    plain.into_iter().chain(escape.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_to_one_short_line() {
        assert_eq!(printable("banana"), "banana");
        assert_eq!(printable(""), "\"\"");
        assert_eq!(printable("a\nb\u{1b}[0m"), "a\\nb\\u{1b}[0m");
        assert_eq!(printable("backend=redis://:secret@host"), "backend=redis://***");
        assert_eq!(printable(&"é".repeat(500)), format!("{}…", "é".repeat(MAX_SHOWN)));
    }
}
