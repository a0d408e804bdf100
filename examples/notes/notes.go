// Notes keeps short texts in a cache that all workers share, with a method of Cache for
// each method of HTTP. NOTES may name a cache of another server, as notes@host:port. It
// also runs by itself (go run .), with the notes in its own process.
//
//	cd examples/notes && go build -buildmode=c-shared -o ../../target/apps/notes-go.so .
//	target/release/goherd examples/notes/notes.ini
//	curl -X PUT -d 'buy milk' '127.0.0.1:9090/notes/today?for=1h'; curl -i 127.0.0.1:9090/notes/today
//
// Whoever can reach it can change every note: keep it to yourself.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"
	"uwsgi"
)

// notes is the application.
type notes struct {
	cache *uwsgi.Cache
	kept  *uwsgi.Metric // how many there are, for all workers together
}

func open() (*notes, error) {
	cache, err := uwsgi.OpenCache(os.Getenv("NOTES"))
	if err != nil {
		return nil, err
	}
	kept, err := uwsgi.Gauge("notes.kept")
	if err != nil {
		return nil, err
	}
	return &notes{cache.WithTimeout(2 * time.Second), kept}, nil
}

// note does with one note what the method of the request says.
func (n *notes) note(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/notes/")
	switch r.Method {
	case http.MethodGet:
		n.show(w, key)
	case http.MethodHead:
		if !n.cache.Exists(key) {
			w.WriteHeader(http.StatusNotFound)
		}
	case http.MethodPut: // in any case
		n.write(w, r, key, n.cache.Set)
	case http.MethodPost: // only a new one
		n.write(w, r, key, n.cache.Add)
	case http.MethodPatch: // only one that is there
		n.write(w, r, key, n.cache.Update)
	case http.MethodDelete:
		n.done(w, n.cache.Delete(key))
	default:
		http.Error(w, "a note is read, written or deleted", http.StatusMethodNotAllowed)
	}
}

// show answers with a note, and tells how long it will be there.
func (n *notes) show(w http.ResponseWriter, key string) {
	text, err := n.cache.Get(key)
	if err != nil {
		n.done(w, err)
		return
	}
	if left, err := n.cache.TTL(key); err == nil && left != uwsgi.Forever {
		w.Header().Set("X-For", left.Round(time.Second).String())
	}
	w.Write(text)
}

// write writes a note in one of the ways in which a cache is written to.
func (n *notes) write(w http.ResponseWriter, r *http.Request, key string,
	put func(key string, value []byte, ttl time.Duration) error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	ttl := uwsgi.Forever
	if text := r.URL.Query().Get("for"); text != "" {
		if ttl, err = time.ParseDuration(text); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	n.done(w, put(key, text, ttl))
}

// done answers with what has come of writing, and counts what there is.
func (n *notes) done(w http.ResponseWriter, err error) {
	n.kept.Set(int64(len(n.cache.Keys())))
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, uwsgi.ErrLength):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, uwsgi.ErrMissing):
		http.Error(w, "there is no such note", http.StatusNotFound)
	case errors.Is(err, uwsgi.ErrExists):
		http.Error(w, "there is such a note", http.StatusConflict)
	case errors.Is(err, uwsgi.ErrFull):
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
	default:
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// all lists the notes, or deletes them.
func (n *notes) all(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		n.done(w, n.cache.Clear())
		return
	}
	keys := n.cache.Keys()
	sort.Strings(keys)
	for _, key := range keys {
		fmt.Fprintln(w, key)
	}
}

// vote counts for or against something, which is a note, too: the number.
func (n *notes) vote(w http.ResponseWriter, r *http.Request) {
	key, count := strings.TrimPrefix(r.URL.Path, "/vote/"), n.cache.Incr
	if r.FormValue("against") != "" {
		count = n.cache.Decr
	}
	sum, err := count(key, 1, uwsgi.Forever)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, sum)
}

func main() {
	n, err := open()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/notes/", n.note)
	mux.HandleFunc("/notes", n.all)
	mux.HandleFunc("/vote/", n.vote)
	mux.HandleFunc("/kept", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, n.kept.Value()) })
	uwsgi.Handler(mux) // in place of http.DefaultServeMux
	uwsgi.Run()
}
