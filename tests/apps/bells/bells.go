// Bells is the application that the black-box tests ask about signals, timers and
// what else raises them. Its arguments say what main registers:
//
//	register=7:workers   a handler that counts
//	timer=100ms          Timer
//	addtimer=7:1         AddTimer, addrbtimer=7:1 AddRbTimer
//	cron=@hourly         Cron, with _ for the spaces
//	monitor=/some/file   FileMonitor
//	panics=7:worker      a handler that panics
//	blocks=7:worker      a handler that waits until the file SIGNALS_FREE is there
//	leaves=7:worker      a handler that ends its goroutine
//	waits=/some/file     nothing: in a mule main waits here until the file is there
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"uwsgi"
)

var (
	mu    sync.Mutex
	order []uint8               // the signals that this process has handled
	next  = make(chan struct{}) // closed at the next one
)

// count adds 1 to the counter of all processes with this name, and to that of this
// worker.
func count(name string) {
	for _, name := range []string{name, fmt.Sprintf("%s/w%d", name, uwsgi.WorkerId())} {
		m, err := uwsgi.Counter(name)
		if err != nil {
			log.Fatal(err)
		}
		m.Add(1)
	}
}

func handled(signal uint8) {
	mu.Lock()
	order = append(order, signal)
	close(next)
	next = make(chan struct{})
	mu.Unlock()
	count("s" + strconv.Itoa(int(signal)))
}

func panics(signal uint8) {
	handled(signal)
	panic("a handler of signals panics")
}

func blocks(signal uint8) {
	handled(signal)
	for {
		if _, err := os.Stat(os.Getenv("SIGNALS_FREE")); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func leaves(signal uint8) {
	handled(signal)
	runtime.Goexit()
}

// pair takes "7:text" apart.
func pair(text string) (int, string) {
	i := strings.IndexByte(text, ':')
	n, err := strconv.Atoi(text[:i])
	if err != nil {
		log.Fatal(err)
	}
	return n, text[i+1:]
}

// ask does what an argument or a path says; the answer is what came of it.
func ask(what, text string) string {
	var err error
	switch what {
	case "register", "panics", "blocks", "leaves":
		n, receiver := pair(text)
		f := map[string]func(uint8){"register": handled, "panics": panics, "blocks": blocks, "leaves": leaves}[what]
		return fmt.Sprint(uwsgi.RegisterSignal(uint8(n), receiver, f))
	case "waits":
		for err = os.ErrNotExist; err != nil && uwsgi.MuleId() > 0; _, err = os.Stat(text) {
			time.Sleep(5 * time.Millisecond)
		}
		return "ok"
	case "addtimer", "addrbtimer":
		n, text := pair(text)
		secs, _ := strconv.Atoi(text)
		if what == "addtimer" {
			return fmt.Sprint(uwsgi.AddTimer(n, secs))
		}
		return fmt.Sprint(uwsgi.AddRbTimer(n, secs))
	case "timer":
		every, _ := time.ParseDuration(text)
		err = uwsgi.Timer(every, func() { count("timer") })
	case "cron":
		err = uwsgi.Cron(strings.Replace(text, "_", " ", -1), func() { count("cron") })
	case "monitor":
		err = uwsgi.FileMonitor(text, func() { count("monitor") })
	case "raise":
		n, err := strconv.Atoi(text)
		return fmt.Sprint(err == nil && uwsgi.Signal(n))
	case "registered":
		n, err := strconv.Atoi(text)
		return fmt.Sprint(err == nil && uwsgi.SignalRegistered(n))
	case "count":
		m, err := uwsgi.Counter(text)
		if err != nil {
			return err.Error()
		}
		return strconv.FormatInt(m.Value(), 10)
	default:
		log.Fatalf("%q is nothing to ask for", what)
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

func main() {
	for _, arg := range os.Args[1:] {
		i := strings.IndexByte(arg, '=')
		if said := ask(arg[:i], arg[i+1:]); said != "ok" && said != "true" {
			log.Printf("%s: %s", arg, said)
		}
	}
	http.HandleFunc("/order", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprint(w, order)
	})
	http.HandleFunc("/next", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		wait := next
		mu.Unlock()
		count("waits")
		<-wait
		fmt.Fprint(w, "handled")
	})
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getpid())
	})
	// /raises raises signals in a row: /raises?n=7,8,7
	http.HandleFunc("/raises", func(w http.ResponseWriter, r *http.Request) {
		for _, n := range strings.Split(r.URL.Query().Get("n"), ",") {
			if said := ask("raise", n); said != "true" {
				fmt.Fprint(w, said)
				return
			}
		}
		fmt.Fprint(w, "ok")
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Worker", strconv.Itoa(uwsgi.WorkerId()))
		w.Header().Set("X-Pid", strconv.Itoa(os.Getpid()))
		fmt.Fprint(w, ask(r.URL.Path[1:], r.URL.Query().Get("q")))
	})
	uwsgi.Run()
}
