//! What to say about a name no option has: a uWSGI option, a slip of the fingers, or neither.

use super::{all, uwsgi_only};
use crate::printable::printable;

/// How alike two names must be, from 0 to 1, for a "did you mean".
const ALIKE: f64 = 0.6;

/// The sentence about `name`; `spell` writes a name as its surroundings do: `--name` or `"name"`.
pub fn unknown(name: &str, spell: fn(&str) -> String) -> String {
    let spelled = spell(&printable(name));
    let plain = name.to_lowercase().replace('_', "-");
    match uwsgi_only::find(&plain) {
        Some("") => format!("{spelled} is a uWSGI option that this version of Goherd does not have"),
        Some(hint) => {
            format!("{spelled} is a uWSGI option that this version of Goherd does not have; {hint}")
        }
        None => match nearest(&plain) {
            Some(near) => format!("unknown option {spelled}; did you mean {}?", spell(near)),
            None => format!("unknown option {spelled}; goherd --help lists the options"),
        },
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    all()
        .flat_map(|row| row.names)
        .map(|known| (strsim::normalized_damerau_levenshtein(known, name), *known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(name: &str) -> String {
        unknown(name, |name| format!("--{name}"))
    }

    #[test]
    fn a_slip_gets_the_nearest_name() {
        assert_eq!(sentence("procesess"), "unknown option --procesess; did you mean --processes?");
        assert_eq!(sentence("http_socket"), "unknown option --http_socket; did you mean --http-socket?");
        assert_eq!(sentence("Goroutine"), "unknown option --Goroutine; did you mean --goroutines?");
    }

    #[test]
    fn a_name_like_no_other_gets_the_list() {
        assert_eq!(sentence("quux"), "unknown option --quux; goherd --help lists the options");
    }

    #[test]
    fn a_uwsgi_option_is_told_as_such() {
        let absent = "is a uWSGI option that this version of Goherd does not have";
        assert_eq!(sentence("log-format"), format!("--log-format {absent}"));
        assert_eq!(sentence("http"), format!("--http {absent}; use http-socket"));
        assert!(sentence("threads").ends_with("use goroutines"));
        assert!(sentence("enable_threads").contains(absent));
    }
}
