//! `goherd new NAME`: a small application to start from.

use std::fs;
use std::path::Path;

use goherd_sys::stderr;

use super::place;
use crate::settings::Failure;

const MAIN: &str = r#"// NAME is a web application: plain net/http, served by Goherd.
package main

import (
	"fmt"
	"net/http"
	"uwsgi"
)

func home(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "hello from NAME, worker %d\n", uwsgi.WorkerId())
}

func main() {
	http.HandleFunc("/", home)
	uwsgi.Run()
}
"#;

const TEST: &str = r#"package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHome(t *testing.T) {
	answer := httptest.NewRecorder()
	home(answer, httptest.NewRequest("GET", "/", nil))
	if !strings.HasPrefix(answer.Body.String(), "hello from NAME") {
		t.Errorf("home answered %q", answer.Body)
	}
}
"#;

const MODULE: &str = "module NAME\n\ngo 1.18\n\nrequire uwsgi v0.0.0\n\nreplace uwsgi => PACKAGE\n";

const INI: &str = "\
; goherd build && goherd NAME.ini
[uwsgi]
http-socket = 127.0.0.1:8080
processes = 2
goroutines = 100
go-load = NAME.so
";

/// Writes it into a folder of that name.
pub(super) fn new(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
        return Err(format!(
            "new: {name:?} cannot be a name: use small letters, digits, - and _, a letter first"
        )
        .into());
    }
    if name == "uwsgi" {
        return Err(
            "new: uwsgi is the name of the package that the application imports: choose another".into()
        );
    }
    let package = place::parts()?.package;
    let folder = Path::new(name);
    fs::create_dir(folder).map_err(|error| format!("new: cannot make the folder {name}: {error}"))?;
    for (file, text) in
        [("main.go", MAIN), ("main_test.go", TEST), ("go.mod", MODULE), (&format!("{name}.ini"), INI)]
    {
        let text = text.replace("NAME", name).replace("PACKAGE", &package.to_string_lossy());
        fs::write(folder.join(file), text)
            .map_err(|error| format!("new: cannot write {name}/{file}: {error}"))?;
    }
    stderr::line(&format!("made {name}: cd {name} && go test && goherd build && goherd {name}.ini"));
    Ok(())
}
