// Package uwsgi turns an ordinary net/http application into one that the
// Goherd application server runs in several self-healing worker processes.
//
// Call Run instead of http.ListenAndServe; nothing else changes:
//
//	func main() {
//		http.HandleFunc("/", hello)
//		uwsgi.Run()
//	}
//
// Built as a shared library (go build -buildmode=c-shared, or gccgo -fPIC
// -shared) and named by the server's option go-load, main runs once in each
// worker, in a Go runtime that was started after the fork. The package
// uwsgi/embed, or the build tag uwsgi_shared, makes an executable of it that is its
// own server. Run outside a server
// (go run .), the same program serves plain net/http.
//
// The options mules and farm add processes that run the same main without requests:
// they handle messages (OnMule, SendMule) and signals, and, like every process,
// calls of functions (RegisterRPC, CallRPC).
//
// Handlers get what net/http gives them, among it http.Flusher, http.Hijacker,
// io.ReaderFrom, trailers, interim answers and what http.ResponseController asks
// for; docs/nethttp-differences.md of the server lists what is meant to differ.
// The server's option harakiri limits how long a handler may take; SetHarakiri
// changes that for one request.
//
// GOMAXPROCS is the worker's share of the machine's processors, and GOMEMLIMIT
// that of the memory that the server may have, unless something says otherwise. With
// gccgo, which cannot interrupt a goroutine that computes, GOMAXPROCS is 2 at least.
//
// The package works with Go 1.18 and newer and with gccgo 11 and newer.
package uwsgi
