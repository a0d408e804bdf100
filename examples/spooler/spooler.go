// Spooler shows work that is done later: a visitor signs up, is answered at once, and
// a process of its own writes the letter, again and again until that works, even if
// the server or the machine ends meanwhile.
//
//	cd examples/spooler && go build -buildmode=c-shared -o ../../target/apps/spooler-go.so .
//	target/release/goherd examples/spooler/spooler.ini
//	curl -d name=Ada http://127.0.0.1:9090/sign-up
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"uwsgi"
)

// letters is the folder that the letters are written to.
var letters = os.Getenv("LETTERS")

// signUp hands the letter over. The visitor does not wait for it to be written, and
// when this answers it will be.
func signUp(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	if name == "" {
		http.Error(w, "name is missing", http.StatusBadRequest)
		return
	}
	task := map[string]string{"to": name, "body": "Welcome, " + name + "!\n"}
	if r.FormValue("now") != "" {
		task["priority"] = "1"
	}
	if err := uwsgi.Spool(r.Context(), task); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "Thank you, %s: a letter is on its way.\n", name)
}

// write writes a letter. It may be called twice for one task, so the file is named
// after the task: the second time replaces it by the same.
func write(_ context.Context, task map[string]string) error {
	if task["to"] == "Nobody" {
		return fmt.Errorf("there is no such person: %w", uwsgi.ErrGiveUp)
	}
	path := filepath.Join(letters, task[uwsgi.TaskName]+".txt")
	if err := os.WriteFile(path, []byte(task["body"]), 0o644); err != nil {
		return err // it is tried again
	}
	log.Printf("a letter to %s is written (try %s)", task["to"], task[uwsgi.TaskTry])
	return nil
}

func main() {
	if letters == "" {
		letters = os.TempDir()
	}
	uwsgi.OnSpool(write)
	http.HandleFunc("/sign-up", signUp)
	uwsgi.Run()
}
