//! Well-known uWSGI options which Goherd does not have, so that the error can say so in place of a wrong
//! "did you mean". An option which gets a row in the table leaves this list; a test sees to it.

const NO_PLUGINS: &str = "Go is built in and there are no plugins: remove it";
const USE_HTTP_SOCKET: &str = "use http-socket";
const NOT_PYTHON: &str = "load a Go application with go-load";

/// Name and, where there is something to do instead, what.
const OPTIONS: &[(&str, &str)] = &[
    ("async", "use goroutines"),
    ("attach-daemon", ""),
    ("auto-procname", ""),
    ("callable", NOT_PYTHON),
    ("disable-logging", ""),
    ("emperor", ""),
    ("enable-threads", "Go needs no threads to be enabled: remove it"),
    ("exec-asap", ""),
    ("gevent", "use goroutines"),
    ("http", USE_HTTP_SOCKET),
    ("https", ""),
    ("https-socket", ""),
    ("lazy", ""),
    ("lazy-apps", ""),
    ("log-format", ""),
    ("logto", ""),
    ("memory-report", ""),
    ("module", NOT_PYTHON),
    ("mount", ""),
    ("plugin", NO_PLUGINS),
    ("plugins", NO_PLUGINS),
    ("plugins-dir", NO_PLUGINS),
    ("post-buffering", ""),
    ("procname-prefix", ""),
    ("protocol", ""),
    ("py-autoreload", ""),
    ("pythonpath", NOT_PYTHON),
    ("route", ""),
    ("shared-socket", ""),
    ("single-interpreter", "it is about Python: remove it"),
    ("static-map", ""),
    ("threads", "Go has goroutines in place of threads: use goroutines"),
    ("thunder-lock", ""),
    ("wsgi", NOT_PYTHON),
    ("wsgi-file", NOT_PYTHON),
    ("xml", "write the configuration as an ini file"),
    ("yaml", "write the configuration as an ini file"),
];

/// All of them with what to do instead; the text is empty where there is nothing.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    OPTIONS.iter().copied()
}

/// What to do instead of this option, when it is one of them.
pub fn find(name: &str) -> Option<&'static str> {
    all().find(|(known, _)| *known == name).map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options;

    #[test]
    fn the_list_is_sorted_and_apart_from_the_table() {
        assert!(OPTIONS.is_sorted_by(|a, b| a.0 < b.0), "keep the list sorted");
        for (name, _) in all() {
            assert!(options::find(name).is_none(), "{name} has a row: take it out of this list");
        }
    }
}
