// Muleteer is an application for tests of mules: what they handle they write into files
// of the folder that the variable FOLDER names.
package main

import (
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
	http.HandleFunc("/send", send)
	http.HandleFunc("/who", who)
	http.HandleFunc("/signal", signal)
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

func signal(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	fmt.Fprint(w, err == nil && uwsgi.Signal(n))
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
