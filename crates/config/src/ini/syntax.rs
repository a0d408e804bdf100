//! The grammar of one line: a line in, the parts of it out, as ranges of bytes so that errors can point.
//!
//! `key = value`, `key` alone, `[section]`, and comments which start a line with `;` or `#`. There is no
//! quoting, and no comment after a value.

use std::ops::Range;

/// What a line holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// Blank, or a comment.
    Nothing,
    /// The name of a section.
    Section(Range<usize>),
    /// A key, and its value if there is a `=`.
    Entry { key: Range<usize>, value: Option<Range<usize>> },
    /// A line which cannot be understood.
    Broken { mark: Range<usize>, sentence: &'static str },
}

/// Understands a line.
pub fn content(line: &str) -> Content {
    let whole = trimmed(line, 0..line.len());
    match line[whole.clone()].chars().next() {
        None | Some('#' | ';') => Content::Nothing,
        Some('[') => section(line, whole),
        Some(_) => entry(line, whole),
    }
}

fn section(line: &str, whole: Range<usize>) -> Content {
    if !line[whole.clone()].ends_with(']') {
        return Content::Broken { mark: whole, sentence: "expected a ] at the end of the section's name" };
    }
    let name = trimmed(line, whole.start + 1..whole.end - 1);
    if name.is_empty() {
        return Content::Broken { mark: whole, sentence: "expected the name of a section between [ and ]" };
    }
    Content::Section(name)
}

fn entry(line: &str, whole: Range<usize>) -> Content {
    let Some(equals) = line.find('=') else {
        return Content::Entry { key: whole, value: None };
    };
    let key = trimmed(line, whole.start..equals);
    if key.is_empty() {
        return Content::Broken { mark: whole, sentence: "expected the name of an option before the =" };
    }
    Content::Entry { key, value: Some(trimmed(line, equals + 1..whole.end.max(equals + 1))) }
}

/// The part of the line within `range` without the blanks around it.
fn trimmed(line: &str, range: Range<usize>) -> Range<usize> {
    let text = &line[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    start..start + text.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(line: &str) -> (&str, Option<&str>) {
        match content(line) {
            Content::Entry { key, value } => (&line[key], value.map(|value| &line[value])),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn entries_are_trimmed_and_split_at_the_first_equals() {
        assert_eq!(entry_of("a=b"), ("a", Some("b")));
        assert_eq!(entry_of("\t env = A=B = C \t"), ("env", Some("A=B = C")));
        assert_eq!(entry_of("master"), ("master", None));
        assert_eq!(entry_of("  chdir =  "), ("chdir", Some("")));
        assert_eq!(entry_of("a = b ; c # d"), ("a", Some("b ; c # d")));
        assert_eq!(entry_of("ключ = \"да\""), ("ключ", Some("\"да\"")));
    }

    #[test]
    fn blank_lines_and_comments_hold_nothing() {
        assert!(["", "  \t", "# a = b", ";a", "  # a"].iter().all(|line| content(line) == Content::Nothing));
    }

    #[test]
    fn sections_stand_in_brackets() {
        assert_eq!(content(" [ uwsgi ] "), Content::Section(3..8));
        assert!(
            ["[", "[a", "[a] b", "[]", "[ ]"].iter().all(|l| matches!(content(l), Content::Broken { .. }))
        );
    }

    #[test]
    fn a_value_needs_a_key() {
        assert!(["=", " = b"].iter().all(|line| matches!(content(line), Content::Broken { .. })));
    }
}
