// Withini has its configuration built into it.
package main

// const char goherd_ini[] = "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2\n";
import "C"

import (
	"fmt"
	"net/http"
	"uwsgi"
)

func main() {
	uwsgi.RequestHandler(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "built in") })
	uwsgi.Run()
}
