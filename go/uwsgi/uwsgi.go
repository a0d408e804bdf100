package uwsgi

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
)

// application is what Run serves; nil means http.DefaultServeMux.
var application http.Handler

// Handler makes h the application, in place of http.DefaultServeMux. Call it
// before Run; it must not be called from several goroutines at a time.
func Handler(h http.Handler) {
	application = h
}

// RequestHandler makes the function f the application, in place of
// http.DefaultServeMux. It is Handler(http.HandlerFunc(f)).
func RequestHandler(f func(http.ResponseWriter, *http.Request)) {
	application = http.HandlerFunc(f)
}

// WorkerId gives the number of the worker process that calls it, from 1, or 0 in a
// mule, a spooler, and outside a server. A worker that replaces another has the same number. It may
// be called at any time and from any goroutine.
func WorkerId() int {
	if !abiPresent() {
		return 0
	}
	return int(abiWorkerID())
}

// LogSize gives the length of the log in bytes, if it is a file; else 0.
func LogSize() int64 {
	info, err := os.Stderr.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// hasServer says whether this process is one of a server whose functions are those
// that this package knows. Run says so if they are others.
func hasServer() bool {
	return abiPresent() && abiVersion() == abiExpected && abiRole() != roleNobody
}

// isAlone says whether this process is none of a server's, whatever its version.
func isAlone() bool {
	switch {
	case !abiPresent():
		return true
	case abiVersion() == abiExpected:
		return abiRole() == roleNobody
	}
	return abiWorkerID() == 0
}

// whoAmI is what the log calls this process: "worker 1", "mule 2".
func whoAmI() string {
	if !hasServer() {
		return "the program"
	}
	words := map[uint32]string{roleWorker: "worker", roleMule: "mule", roleSpooler: "spooler"}
	return fmt.Sprintf("%s %d", words[abiRole()], abiNumber())
}

// Run serves the application and never returns: in a worker, requests come from
// the server, which also ends the process. In a mule messages do (OnMule), and no
// requests. Call it once, at the end of main.
//
// Outside a server Run serves plain net/http, on the port that the environment
// variable PORT names, or on port 8080; if that fails it logs why and exits with
// code 1.
func Run() {
	handler := application
	if handler == nil {
		handler = http.DefaultServeMux
	}
	if isAlone() {
		serveAlone(handler)
	}
	if server := abiVersion(); server != abiExpected {
		log.Fatalf("uwsgi: this program was built for version %d of the server's interface, and the server has "+
			"version %d: rebuild the older one of the two", abiExpected, server)
	}
	runHooks()
	hearCalls()
	if abiRole() != roleWorker {
		if err := hearPost(); err != nil {
			log.Fatalf("uwsgi: cannot run: %v", err)
		}
		hearMessages() // first: who is ready may be told to finish, with all messages
		abiRun()
		runTasks()
		select {}
	}
	if err := serve(handler); err != nil {
		log.Fatalf("uwsgi: cannot serve: %v", err)
	}
}

// serveAlone is what Run does without a server.
func serveAlone(handler http.Handler) {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	fmt.Fprintf(os.Stderr, "uwsgi: no server around: serving plain net/http on http://localhost:%s/%s\n", port, aloneBecause)
	runHooks()
	err := withNumbers(&http.Server{Addr: ":" + port, Handler: handler}).ListenAndServe()
	if errors.Is(err, http.ErrServerClosed) {
		os.Exit(0)
	}
	log.Fatalf("uwsgi: %v (the environment variable PORT chooses another port)", err)
}
