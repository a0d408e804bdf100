//! The option reference, `docs/options.md`: the table in, Markdown out.

use crate::options::{Group, OptionRow, uwsgi_only};

const HEAD: &str = "\
# Options

<!-- Written by goherd_config::reference() from the option table; do not edit.
     After a change of the table: UPDATE=1 cargo test -p goherd-config -->

Every option can be given on the command line (`--processes 2`, `--processes=2`, `-p 2`) and, unless said
otherwise, in an ini file (`processes = 2`) or in the environment (`GOHERD_PROCESSES=2`). The names are those of uWSGI.

- Ini files are read first, in their order; the environment overrides them, and the command line both.
- A variable is named after its option: `GOHERD_HTTP_SOCKET` is `http-socket`, also for a list, which gets one value so.
  Variables that are named after no option are left alone.
- The last value of an option wins. Options marked as a list keep all values, those of ini files first.
- What has no effect for want of another option, such as `die-on-idle` without `idle`, is accepted, and the log says so.
- A flag takes `true`, `1`, `on`, `yes` or `false`, `0`, `off`, `no`; its name alone means `true`. On the
  command line a flag, and any other option whose value may be left out, takes its value only with `=`:
  `--strict=false`.

## Ini files

```ini
[uwsgi]
# a comment; so is a line which starts with ;
http-socket = :9090
go-load = app.so
processes = 2
```

Only the section `[uwsgi]` is read, or the one named after a colon: `goherd app.ini:staging`. A value is
what stands between the first `=` and the end of the line, without the blanks around it; there is no
quoting and no comment after a value. Keys are lower case; `_` may stand for `-`. Files are UTF-8, with
or without a byte order mark, of at most 1 MiB.

uWSGI's placeholders (`%(name)`, `%d`, `$(NAME)`) are not expanded: a value is taken literally, and the log
says so where it holds `%(name)` or `$(NAME)`.
";

/// The option reference as Markdown: each option with its names, value, default and differences from uWSGI.
#[must_use]
pub fn reference() -> String {
    let mut document = HEAD.to_owned();
    for group in Group::ALL {
        document += &format!("\n## {}\n", group.title());
        for row in group.rows() {
            document += &entry(row);
        }
    }
    document + &absent()
}

fn entry(row: &OptionRow) -> String {
    let facts: Vec<String> = facts(row).map(|fact| format!("- {fact}\n")).collect();
    let mut entry = format!("\n### {}\n\n{}.\n\n{}", row.name(), row.help, facts.concat());
    if !row.doc.is_empty() {
        entry += &format!("\n{}\n", row.doc);
    }
    if !row.uwsgi.is_empty() {
        entry += &format!("\nuWSGI: {}\n", row.uwsgi);
    }
    entry
}

/// The lines of the list under an option's name.
fn facts(row: &OptionRow) -> impl Iterator<Item = String> {
    let switch = row.part.is_argv_only();
    let quoted = |names: Vec<String>| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    let aliases = row.aliases().iter().map(|alias| format!("--{alias}"));
    let other: Vec<String> = row.short.iter().map(|short| format!("-{short}")).chain(aliases).collect();
    [
        (!switch).then(|| format!("Value: {}", row.kind.value_doc(row.value_name))),
        row.bare.map(|bare| format!("Without a value: `{bare}`")),
        row.default.map(|default| format!("Default: `{default}`")),
        (!other.is_empty()).then(|| format!("Also: {}", quoted(other))),
        row.list.then(|| "A list: may be given more than once".to_owned()),
        switch.then(|| "A switch without a value, on the command line only".to_owned()),
    ]
    .into_iter()
    .flatten()
}

/// The uWSGI options which get a sentence of their own instead of "unknown option".
fn absent() -> String {
    let head = "\n## uWSGI options which are not here\n\nThey are refused with a sentence which says so; \
                with `strict = false` they are ignored with a note.\n\n";
    let lines = uwsgi_only::all().map(|(name, hint)| match hint {
        "" => format!("- `{name}`\n"),
        hint => format!("- `{name}`: {hint}\n"),
    });
    head.to_owned() + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_reference_is_that_of_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/options.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, reference()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == reference(), "docs/options.md is old; run UPDATE=1 cargo test -p goherd-config");
    }
}
