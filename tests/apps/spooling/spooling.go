// Spooling is the application that the black-box tests have run tasks: a request
// hands one over, and a file, the journal, tells what became of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"uwsgi"
)

// spool hands over a task of what the query says, with the body of the request, if
// there is one.
func spool(w http.ResponseWriter, r *http.Request) {
	task := make(map[string]string)
	for key, values := range r.URL.Query() {
		task[key] = values[0]
	}
	body, _ := io.ReadAll(r.Body)
	if len(body) > 0 {
		task["body"] = string(body)
	}
	ctx := r.Context()
	if task["over"] != "" {
		over, cancel := context.WithCancel(ctx)
		cancel()
		ctx = over
	}
	if n, _ := strconv.Atoi(task["size"]); n > 0 {
		task["body"] = strings.Repeat("x", n)
	}
	if n, _ := strconv.Atoi(task["key"]); n > 0 {
		task[strings.Repeat("k", n)] = ""
	}
	if task["empty"] != "" {
		task = nil
	}
	switch err := uwsgi.Spool(ctx, task); {
	case err == nil:
		fmt.Fprint(w, "ok")
	case errors.Is(err, uwsgi.ErrMissing):
		fmt.Fprint(w, "missing: ", err)
	case errors.Is(err, context.Canceled):
		fmt.Fprint(w, "cancelled: ", err)
	default:
		fmt.Fprint(w, err)
	}
}

// note writes a line to the journal, in one piece.
func note(task map[string]string, what string) {
	file, err := os.OpenFile(task["journal"], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	fmt.Fprintf(file, "%s %s %s %d\n", task["name"], what, task[uwsgi.TaskTry], os.Getpid())
}

// run does what the task's key do says.
func run(ctx context.Context, task map[string]string) error {
	note(task, "begins")
	if err := do(ctx, task); err != nil {
		return err
	}
	note(task, fmt.Sprintf("ends:%d", len(task["body"])))
	return nil
}

func do(ctx context.Context, task map[string]string) error {
	try, _ := strconv.Atoi(task[uwsgi.TaskTry])
	times, _ := strconv.Atoi(task["times"])
	if times > 0 && try > times {
		return nil
	}
	switch task["do"] {
	case "fail":
		return errors.New("it does not work")
	case "give up":
		return fmt.Errorf("no such account: %w", uwsgi.ErrGiveUp)
	case "panic":
		panic("at the disco")
	case "goexit":
		runtime.Goexit()
	case "exit":
		os.Exit(7)
	case "again":
		again := make(map[string]string)
		for key, value := range task {
			again[key] = value
		}
		again["do"], again["name"] = "", task["name"]+"2"
		return uwsgi.Spool(ctx, again)
	case "wait":
		for {
			if _, err := os.Stat(task["file"]); err == nil {
				return nil
			}
			select {
			case <-ctx.Done():
				note(task, "is-told")
				return ctx.Err()
			case <-time.After(2 * time.Millisecond):
			}
		}
	case "stay":
		select {}
	}
	return nil
}

func main() {
	if os.Getenv("SPOOLING_HANDLER") != "none" {
		uwsgi.OnSpool(run)
	}
	uwsgi.RegisterSignal(5, "spooler", func(uint8) {
		note(map[string]string{"name": "signal", "journal": os.Getenv("SPOOLING_JOURNAL"), uwsgi.TaskTry: "0"}, "comes")
	})
	http.HandleFunc("/signal", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, uwsgi.Signal(5)) })
	http.HandleFunc("/spool", spool)
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	uwsgi.Run()
}
