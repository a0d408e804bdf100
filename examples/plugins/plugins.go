// Plugins is a program as it was written for uWSGI's two Go plugins: it uses their
// functions, which say with a bool whether they did what they should, and no others. A
// new program has better ones: see the examples cache, notes and signals.
//
//	cd examples/plugins && go build -buildmode=c-shared -o ../../target/apps/plugins-go.so .
//	target/release/goherd examples/plugins/plugins.ini
//
// It also runs by itself (go run .), with cache, locks and timers of its own.
package main

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
	"uwsgi"
)

// The signals, and the lock.
const (
	forget  = 1
	tick    = 2
	counter = 0
)

// ticks counts the signals of the timers that this process has got.
var ticks int64

// serve answers every request: RequestHandler has the place of http.DefaultServeMux.
func serve(w http.ResponseWriter, r *http.Request) {
	key, value := r.FormValue("key"), []byte(r.FormValue("value"))
	switch r.URL.Path {
	case "/get":
		fmt.Fprintln(w, uwsgi.CacheGet(key, ""))
	case "/exists":
		fmt.Fprintln(w, uwsgi.CacheExists(key, ""))
	case "/set": // what is not there
		fmt.Fprintln(w, uwsgi.CacheSet(key, value, 0, ""))
	case "/update": // in any case, for an hour
		fmt.Fprintln(w, uwsgi.CacheUpdate(key, value, 3600, ""))
	case "/until": // in any case, until a time, in seconds since 1970
		end, _ := strconv.ParseUint(r.FormValue("time"), 10, 64)
		flags := uint64(uwsgi.CacheFlagUpdate | uwsgi.CacheFlagAbsExpire)
		fmt.Fprintln(w, uwsgi.CacheSetFlags(key, value, end, flags, ""))
	case "/delete":
		fmt.Fprintln(w, uwsgi.CacheDel(key, ""))
	case "/count":
		fmt.Fprintln(w, count(key))
	case "/forget":
		fmt.Fprintln(w, uwsgi.SignalRegistered(forget) && uwsgi.Signal(forget))
	case "/ticks":
		fmt.Fprintln(w, atomic.LoadInt64(&ticks))
	case "/alarm":
		uwsgi.Alarm("log", r.FormValue("message"))
		fmt.Fprintln(w, uwsgi.LogSize() > 0)
	default:
		fmt.Fprintf(w, "worker %d, mule %d\n", uwsgi.WorkerId(), uwsgi.MuleId())
	}
}

// count adds one to a number in the cache, one process at a time.
func count(key string) int {
	if !uwsgi.Lock(counter) {
		return 0
	}
	defer uwsgi.Unlock(counter)
	n, _ := strconv.Atoi(uwsgi.CacheGet(key, ""))
	uwsgi.CacheUpdate(key, []byte(strconv.Itoa(n+1)), 0, "")
	return n + 1
}

func main() {
	started := time.Now().Format(time.RFC3339)
	uwsgi.PostInit(func() { uwsgi.CacheSet("started", []byte(started), 0, "") })
	uwsgi.PostFork(func() {
		uwsgi.RegisterSignal(forget, "worker", func(uint8) { uwsgi.CacheDel("forgettable", "") })
		uwsgi.RegisterSignal(tick, "workers", func(uint8) { atomic.AddInt64(&ticks, 1) })
		uwsgi.AddTimer(tick, 1)
		uwsgi.AddRbTimer(tick, 1)
	})
	uwsgi.RequestHandler(serve)
	uwsgi.Run()
}
