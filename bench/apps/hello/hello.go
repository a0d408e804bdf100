// Hello is what both contestants run: as a shared library in a worker of Goherd,
// and as a program of its own, where uwsgi.Run serves plain net/http.
package main

import (
	"io"
	"net/http"
	"uwsgi"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "Hello, World!\n")
	})
	uwsgi.Run()
}
