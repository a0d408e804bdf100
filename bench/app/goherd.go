//go:build goherd

package main

import (
	"fmt"
	"net/http"
	"sort"
	"time"
	"uwsgi"
)

// rounds is how many signals /signals raises, one after another.
const rounds = 2000

// signals tells how many nanoseconds it takes, in the middle, from raising a signal
// until its handler runs in this very process, by way of the master.
func signals(w http.ResponseWriter, r *http.Request) {
	took := make([]int, rounds)
	for i := range took {
		begun := time.Now()
		if !uwsgi.Signal(1) {
			http.Error(w, "the signal is not raised", http.StatusInternalServerError)
			return
		}
		took[i] = int((<-handled).Sub(begun))
	}
	sort.Ints(took)
	fmt.Fprint(w, took[rounds/2])
}

// handled gets the time of each signal's handler.
var handled = make(chan time.Time, 1)

func main() {
	http.HandleFunc("/signals", signals)
	uwsgi.RegisterSignal(1, "worker", func(uint8) { handled <- time.Now() })
	uwsgi.Run()
}
