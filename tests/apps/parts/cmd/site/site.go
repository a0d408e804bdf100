// Site is an application of several packages: its own, one that is vendored, and uwsgi.
package main

import (
	"io"
	"net/http"
	"parts/greeting"
	"uwsgi"
	_ "uwsgi/embed"
)

func main() {
	http.HandleFunc("/greet", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, greeting.To(r.FormValue("name")))
	})
	uwsgi.Run()
}
