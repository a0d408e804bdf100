// Status is an application that looks at its own server, and asks something of it:
// who its workers are, what the options say, a line for the log, an alarm, a
// reload, the end. What it counts is in the server's statistics, too (option stats).
//
// Build it with either compiler, in this folder:
//
//	go build -buildmode=c-shared -o ../../target/apps/status-go.so
//	gccgo -fPIC -shared -I ../../target/release -o ../../target/apps/status-gccgo.so status.go
//
// and serve it from the top of the repository:
//
//	target/release/goherd examples/status/status.ini
//	curl http://127.0.0.1:9191/
//
// Whoever can reach /reload and /stop here can use them: leave such paths to
// yourself in a service of your own.
package main

import (
	"fmt"
	"log"
	"net/http"
	"strings"
	"uwsgi"
)

// steps has what was done before the first request.
var steps []string

// seen counts requests, for all workers together.
var seen *uwsgi.Metric

// home tells who answers, and by which name this request is known.
func home(w http.ResponseWriter, r *http.Request) {
	seen.Add(1)
	w.Header().Set("X-Request-Id", uwsgi.RequestID(r))
	fmt.Fprintf(w, "goherd %q, worker %d, %s\n", uwsgi.Version(), uwsgi.WorkerId(), strings.Join(steps, ", "))
	fmt.Fprintf(w, "request %s\n", uwsgi.RequestID(r.WithContext(r.Context())))
}

// workers tells of all worker processes.
func workers(w http.ResponseWriter, r *http.Request) {
	for _, worker := range uwsgi.Workers() {
		fmt.Fprintf(w, "worker %d: pid %d, %v, generation %d, %d requests, %d busy, since %s\n", worker.Id, worker.Pid,
			worker.Phase, worker.Generation, worker.Requests, worker.Busy, worker.Started.UTC().Format("2006-01-02"))
	}
}

// option tells what the server's configuration has for one option.
func option(w http.ResponseWriter, r *http.Request) {
	values, has := uwsgi.Options()[r.FormValue("name")]
	fmt.Fprintf(w, "%v %q\n", has, values)
}

// note writes a line to the server's log.
func note(w http.ResponseWriter, r *http.Request) {
	uwsgi.Log(r.FormValue("text"))
	fmt.Fprintln(w, "noted")
}

// alarm raises an alarm.
func alarm(w http.ResponseWriter, r *http.Request) {
	uwsgi.Alarm(r.FormValue("name"), r.FormValue("message"))
	fmt.Fprintln(w, "raised")
}

// ask answers with what came of asking the server.
func ask(f func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "asked")
	}
}

func main() {
	var err error
	if seen, err = uwsgi.Counter("requests.seen"); err != nil {
		log.Fatal(err)
	}
	uwsgi.PostFork(func() { steps = append(steps, "fork") })
	uwsgi.PostInit(func() { steps = append(steps, "init") })
	uwsgi.RegisterSignal(17, "worker", func(signal uint8) { uwsgi.Log(fmt.Sprintf("signal %d came", signal)) })
	http.HandleFunc("/", home)
	http.HandleFunc("/workers", workers)
	http.HandleFunc("/option", option)
	http.HandleFunc("/log", note)
	http.HandleFunc("/alarm", alarm)
	http.HandleFunc("/reload", ask(uwsgi.Reload))
	http.HandleFunc("/stop", ask(uwsgi.Stop))
	uwsgi.Run()
}
