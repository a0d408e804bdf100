// Cache shows what the worker processes of a server share: pages that are made
// once for all of them, counts that survive a restart, a lock, a metric. It also
// runs by itself (go run .), with all of that in its own process.
//
//	cd examples/cache && go build -buildmode=c-shared -o ../../target/apps/cache-go.so .
//	target/release/goherd examples/cache/cache.ini
package main

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
	"uwsgi"
)

// site is the application, with what it shares.
type site struct {
	pages  *uwsgi.Cache
	counts *uwsgi.Cache
	lock   sync.Locker
	made   *uwsgi.Metric
}

func open() (*site, error) {
	pages, err := uwsgi.OpenCache("pages")
	if err != nil {
		return nil, err
	}
	counts, err := uwsgi.OpenCache("counts")
	if err != nil {
		return nil, err
	}
	lock, err := uwsgi.Mutex(1)
	if err != nil {
		return nil, err
	}
	made, err := uwsgi.Counter("pages.made")
	if err != nil {
		return nil, err
	}
	return &site{pages, counts, lock, made}, nil
}

// page answers with a page that is made once in a minute, whichever worker is
// asked for it.
func (s *site) page(w http.ResponseWriter, r *http.Request) {
	text, err := s.pages.Get(r.URL.Path)
	if errors.Is(err, uwsgi.ErrMissing) {
		text, err = s.makePage(r.URL.Path)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(text)
}

// makePage makes a page, unless somebody else has done so meanwhile.
func (s *site) makePage(path string) ([]byte, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if text, err := s.pages.Get(path); err == nil {
		return text, nil
	}
	s.made.Add(1)
	text := []byte(fmt.Sprintf("%s was made by process %d\n", path, os.Getpid()))
	return text, s.pages.Set(path, text, time.Minute)
}

// count counts visits, for all workers together.
func (s *site) count(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/count/")
	n, err := s.counts.Incr(name, 1, 0)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s: visit %d, seen by worker %d\n", name, n, uwsgi.WorkerId())
}

func (s *site) metrics(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "pages made: %d\n", s.made.Value())
}

func main() {
	s, err := open()
	if err != nil {
		log.Fatal(err)
	}
	if err := uwsgi.Once("welcome", func() error {
		return s.pages.Set("/welcome", []byte("welcome\n"), uwsgi.Forever)
	}); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", s.page)
	http.HandleFunc("/count/", s.count)
	http.HandleFunc("/metrics", s.metrics)
	uwsgi.Run()
}
