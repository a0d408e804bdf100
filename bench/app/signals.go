//go:build goherd

package main

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"time"
	"uwsgi"
)

// handled gets the time at which each signal's handler begins.
var handled = make(chan time.Time, 1)

func init() {
	uwsgi.RegisterSignal(1, "worker", func(uint8) { handled <- time.Now() })
	http.HandleFunc("/signals", signals)
}

// signals raises signals for so many milliseconds, one after another, and tells how
// many nanoseconds it takes, in the median, from raising one until its handler
// begins, in this very process, by way of the master.
func signals(w http.ResponseWriter, r *http.Request) {
	millis, _ := strconv.Atoi(r.FormValue("millis"))
	var took []int
	for end := time.Now().Add(time.Duration(millis) * time.Millisecond); time.Now().Before(end); {
		began := time.Now()
		if !uwsgi.Signal(1) {
			http.Error(w, "the signal is not raised", http.StatusInternalServerError)
			return
		}
		took = append(took, int((<-handled).Sub(began)))
	}
	sort.Ints(took)
	fmt.Fprintf(w, "%d\n", took[len(took)/2])
}
