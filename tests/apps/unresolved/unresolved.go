// Unresolved calls a function that no library has.
package main

import (
	"net/http"
	"uwsgi"
)

//extern no_such_function_anywhere
func noSuchFunction() int32

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _ = noSuchFunction() })
	uwsgi.Run()
}
