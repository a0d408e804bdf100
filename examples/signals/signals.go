// Signals shows what happens by itself in a server: a timer, a cron entry, a file
// that is watched, and a signal that one worker raises for all of them. It also runs by
// itself (go run .), where cron and file monitors are left out.
//
//	cd examples/signals && go build -buildmode=c-shared -o ../../target/apps/signals-go.so .
//	target/release/goherd examples/signals/signals.ini
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"uwsgi"
)

// forget is the signal by which all workers are told to forget what they keep.
const forget = 1

// page is what this worker keeps: made once, and again after it was forgotten.
type page struct {
	mu   sync.Mutex
	text string
	made int
}

func (p *page) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = ""
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text == "" {
		p.made++
		p.text = fmt.Sprintf("made %d times by worker %d\n", p.made, uwsgi.WorkerId())
	}
	fmt.Fprint(w, p.text)
}

func main() {
	home := new(page)
	if !uwsgi.RegisterSignal(forget, "workers", func(uint8) { home.forget() }) {
		log.Fatal("no worker can be told to forget its page")
	}
	beats, err := uwsgi.Counter("beats")
	if err != nil {
		log.Fatal(err)
	}
	var mine int64 // those of this process
	beat := func() {
		beats.Add(1)
		atomic.AddInt64(&mine, 1)
	}
	if err := uwsgi.Timer(100*time.Millisecond, beat); err != nil {
		log.Fatal(err)
	}
	nightly := func() { log.Print("it is three o'clock, and one worker tidies up") }
	if err := uwsgi.Cron("0 3 * * *", nightly); err != nil {
		log.Print(err) // as without a server
	}
	if path := os.Getenv("WATCHED_FILE"); path != "" {
		// One worker hears of the change, and has all of them forget their pages.
		if err := uwsgi.FileMonitor(path, func() { uwsgi.Signal(forget) }); err != nil {
			log.Print(err)
		}
	}
	http.Handle("/", home)
	http.HandleFunc("/forget", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "told:", uwsgi.Signal(forget))
	})
	http.HandleFunc("/beats", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d beats, %d of them in worker %d\n", beats.Value(), atomic.LoadInt64(&mine), uwsgi.WorkerId())
	})
	uwsgi.Run()
}
