// Hello is a small net/http application: a page, JSON, a form and a query.
// Nothing in it but the last line of main knows of Goherd.
package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"os"
	"runtime"
	"uwsgi"
)

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Hello from Goherd</title>
<style>
  body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 4rem auto; padding: 0 1rem; color: #223; }
  code { background: #eef1f4; padding: .1em .35em; border-radius: .25em; }
  input, button { font: inherit; padding: .3em .6em; }
</style>
<h1>Hello from worker {{.Worker}}</h1>
<p>Process <code>{{.Pid}}</code>, {{.Compiler}} {{.Version}}. Reload the page: another worker may answer.</p>
<ul>
  <li><a href="/json">/json</a>: the same as JSON</li>
  <li><a href="/greet?name=Gopher">/greet?name=Gopher</a>: a query</li>
</ul>
<form method="post" action="/greet">
  <label>Your name <input name="name" autofocus></label> <button>Greet me</button>
</form>
`))

// status is what the page and the JSON show.
type status struct {
	Worker   int    `json:"worker"`
	Pid      int    `json:"pid"`
	Compiler string `json:"compiler"`
	Version  string `json:"version"`
}

func current() status {
	return status{uwsgi.WorkerId(), os.Getpid(), runtime.Compiler, runtime.Version()}
}

func home(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	if err := page.Execute(w, current()); err != nil {
		log.Print(err)
	}
}

func asJSON(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(current()); err != nil {
		log.Print(err)
	}
}

func greet(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	if name == "" {
		http.Error(w, "the form needs a name", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "Hello, %s!\n", name)
}

func main() {
	http.HandleFunc("/", home)
	http.HandleFunc("/json", asJSON)
	http.HandleFunc("/greet", greet)
	uwsgi.Run()
}
