// Muleteer is an application for tests of mules: what they handle, and spoolers, they
// write into files of the folder that the variable FOLDER names.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"uwsgi"
)

func main() {
	if os.Getenv("NO_FUNCTION") == "" {
		uwsgi.OnMule(handle)
	}
	uwsgi.OnSpool(func(_ context.Context, task map[string]string) error {
		note("handled", "task "+task["text"])
		return nil
	})
	http.HandleFunc("/send", send)
	http.HandleFunc("/spool", spool)
	http.HandleFunc("/who", who)
	http.HandleFunc("/signal", signal)
	http.HandleFunc("/call", call)
	for name, f := range functions {
		if err := uwsgi.RegisterRPC(name, f); err != nil {
			panic(err)
		}
	}
	for i, receiver := range []string{"mule1", "mules", "farm_second", "mule", "farm2"} {
		uwsgi.RegisterSignal(uint8(11+i), receiver, func(signal uint8) { note("handled", fmt.Sprint("signal ", signal)) })
	}
	uwsgi.RegisterSignal(20, "mule1", func(uint8) { handle([]byte("hold signal")) })
	if uwsgi.MuleId() > 0 {
		note("started", "")
		if os.Getenv("MULES_DIE") != "" {
			os.Exit(3)
		}
	}
	uwsgi.Run()
}

func who(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "worker %d, mule %d", uwsgi.WorkerId(), uwsgi.MuleId())
}

// functions can be called.
var functions = map[string]func(ctx context.Context, args ...[]byte) ([]byte, error){
	"who": func(_ context.Context, args ...[]byte) ([]byte, error) {
		return []byte(fmt.Sprintf("%d %d %s", uwsgi.WorkerId(), uwsgi.MuleId(), bytes.Join(args, []byte("+")))), nil
	},
	"size": func(_ context.Context, args ...[]byte) ([]byte, error) {
		return bytes.Repeat([]byte("x"), len(args)<<16), nil
	},
	"fail":  func(context.Context, ...[]byte) ([]byte, error) { return nil, errors.New("no such luck") },
	"panic": func(context.Context, ...[]byte) ([]byte, error) { panic("a function panics") },
	"exit":  func(context.Context, ...[]byte) ([]byte, error) { os.Exit(3); return nil, nil },
	"wait": func(ctx context.Context, _ ...[]byte) ([]byte, error) {
		note("waits", "")
		<-ctx.Done()
		note("waited", ctx.Err().Error())
		return nil, ctx.Err() // the deadline is the caller's, too: this may be faster
	},
	"held": func(_ context.Context, args ...[]byte) ([]byte, error) {
		handle([]byte("hold " + string(args[0])))
		return []byte("held"), nil
	},
}

// call calls a function with arguments, each after &a=; for so long as wait says.
func call(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if wait, err := time.ParseDuration(r.FormValue("wait")); err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	var args [][]byte
	for _, arg := range r.Form["a"] {
		args = append(args, []byte(arg))
	}
	answer, err := uwsgi.CallRPC(ctx, r.FormValue("node"), r.FormValue("f"), args...)
	if err != nil {
		answer = []byte(err.Error())
	}
	w.Write(answer)
}

func signal(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	fmt.Fprint(w, err == nil && uwsgi.Signal(n))
}

func spool(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, uwsgi.Spool(r.Context(), map[string]string{"text": r.FormValue("text")}))
}

// send sends the message m to the mule to, so often as count says, or until one is
// refused.
func send(w http.ResponseWriter, r *http.Request) {
	message := []byte(r.FormValue("m"))
	if size, err := strconv.Atoi(r.FormValue("size")); err == nil {
		message = []byte(strings.Repeat("x", size))
	}
	count, err := strconv.Atoi(r.FormValue("count"))
	for i := 0; i < count || i == 0 && err != nil; i++ {
		if err := uwsgi.SendMule(r.FormValue("to"), message); err != nil {
			fmt.Fprintf(w, "after %d: %v", i, err)
			return
		}
	}
	fmt.Fprint(w, "ok")
}

// note appends a line to the file of this name, in one write.
func note(name, text string) {
	file, err := os.OpenFile(path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		fmt.Fprintln(os.Stderr, "muleteer:", err)
		os.Exit(1)
	}
	defer file.Close()
	fmt.Fprintf(file, "%d %d %s\n", uwsgi.MuleId(), os.Getpid(), text)
}

func path(name string) string { return filepath.Join(os.Getenv("FOLDER"), name) }

// handle does what the message says: "hold NAME" waits for a file.
func handle(message []byte) {
	words := strings.SplitN(string(message), " ", 2)
	switch words[0] {
	case "hold":
		note(words[1]+".entered", "")
		for _, err := os.Stat(path(words[1])); err != nil; _, err = os.Stat(path(words[1])) {
			time.Sleep(2 * time.Millisecond)
		}
	case "panic":
		panic("a message that panics")
	case "goexit":
		runtime.Goexit()
	case "relay":
		if err := uwsgi.SendMule("mule", []byte(words[1])); err != nil {
			note("handled", err.Error())
		}
	}
	text := string(message)
	if len(text) > 100 {
		text = fmt.Sprintf("%d bytes", len(text))
	}
	note("handled", text)
}
