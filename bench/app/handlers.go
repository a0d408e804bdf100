// Bench is what Goherd and net/http both serve: the same handlers, once with
// goherd.go (a library) and once with nethttp.go (a program of its own).
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const fields = 10

var (
	fieldsIn, fieldsOut [fields]string
	megabyte            = make([]byte, 1<<20)
)

type document struct {
	Message string   `json:"message"`
	Count   int      `json:"count"`
	Tags    []string `json:"tags"`
}

func init() {
	for i := range fieldsIn {
		fieldsIn[i], fieldsOut[i] = fmt.Sprintf("X-In-%d", i), fmt.Sprintf("X-Out-%d", i)
	}
	for i := range megabyte {
		megabyte[i] = byte('a' + i%26)
	}
	http.HandleFunc("/hello", hello)
	http.HandleFunc("/json", asJSON)
	http.HandleFunc("/upload", upload)
	http.HandleFunc("/download", download)
}

func hello(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "Hello, World!\n")
}

// asJSON reads ten fields and sets ten.
func asJSON(w http.ResponseWriter, r *http.Request) {
	for i, name := range fieldsOut {
		w.Header().Set(name, r.Header.Get(fieldsIn[i]))
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(document{"Hello, World!", 42, []string{"go", "rust"}})
}

func upload(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%d\n", n)
}

func download(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(len(megabyte)))
	w.Header().Set("Content-Type", "text/plain")
	w.Write(megabyte)
}
