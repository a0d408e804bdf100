// Mirror is the application of the conformance tests: it answers with what it
// sees of a request, and remembers for each peer what it has seen.
package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"sort"
	"strings"
	"sync"
	"uwsgi"
)

// seen holds a line for each request of a peer, until somebody asks.
var (
	mu   sync.Mutex
	seen = map[string][]string{}
)

// note remembers a request of the peer, whose body is still to be read if begun.
// The function that it gives says how that went.
func note(r *http.Request, begun bool) func(err error) {
	line := r.Method + " " + r.RequestURI
	mu.Lock()
	defer mu.Unlock()
	at := len(seen[r.RemoteAddr])
	if !begun {
		seen[r.RemoteAddr] = append(seen[r.RemoteAddr], line)
		return func(error) {}
	}
	seen[r.RemoteAddr] = append(seen[r.RemoteAddr], line+" (broken)")
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if lines := seen[r.RemoteAddr]; err == nil && at < len(lines) {
			lines[at] = line
		}
	}
}

// tell answers with the lines of one peer, and forgets them.
func tell(w http.ResponseWriter, r *http.Request) {
	peer := r.URL.Query().Get("by")
	mu.Lock()
	lines := seen[peer]
	delete(seen, peer)
	mu.Unlock()
	fmt.Fprint(w, strings.Join(lines, "\n"))
}

func tellFields(out *strings.Builder, kind string, fields http.Header) {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, value := range fields[name] {
			if len(value) > 100 {
				value = fmt.Sprintf("(%d bytes)", len(value))
			}
			fmt.Fprintf(out, "%s %q = %q\n", kind, name, value)
		}
	}
}

// picture is what the handler sees of a request.
func picture(r *http.Request, body []byte, err error) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\nproto %s\nhost %q\nlength %d\ncoding %v\nclose %v\npath %q\n",
		r.Method, r.RequestURI, r.Proto, r.Host, r.ContentLength, r.TransferEncoding, r.Close, r.URL.Path)
	tellFields(&out, "field", r.Header)
	if len(body) <= 100 {
		fmt.Fprintf(&out, "body %q\n", body)
	} else {
		fmt.Fprintf(&out, "body of %d bytes, %08x\n", len(body), crc32.ChecksumIEEE(body))
	}
	tellFields(&out, "trailer", r.Trailer)
	if err != nil {
		fmt.Fprintf(&out, "error %v\n", err)
	}
	return out.String()
}

// mirror reads all of a request, and answers with it.
func mirror(w http.ResponseWriter, r *http.Request) {
	done := note(r, true)
	body, err := io.ReadAll(r.Body)
	done(err)
	if err != nil && r.URL.Path != "/careless" {
		http.Error(w, "the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	if !strings.Contains(r.URL.Path, "\x00") {
		w.Header().Set("X-Path", r.URL.Path)
	}
	_, _ = io.WriteString(w, picture(r, body, err))
}

// unread answers without a look at the body, half after a look at one byte.
func unread(w http.ResponseWriter, r *http.Request) {
	note(r, false)
	_, _ = io.WriteString(w, picture(r, nil, nil))
}

func half(w http.ResponseWriter, r *http.Request) {
	note(r, false)
	_, err := r.Body.Read(make([]byte, 1))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	_, _ = io.WriteString(w, picture(r, nil, err))
}

// with makes a handler that sets one field, and answers with a body.
func with(name, value, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()[name] = []string{value}
		_, _ = io.WriteString(w, body)
	}
}

// status makes a handler that answers with this status, and tries to give a
// body and its length whether it may have one or not.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "body")
	}
}

func stream(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "one ")
	w.(http.Flusher).Flush()
	_, _ = io.WriteString(w, "two")
}

// large is a body that no buffer holds.
func large(w http.ResponseWriter, r *http.Request) {
	for i := 0; i < 30; i++ {
		_, _ = io.WriteString(w, strings.Repeat("0123456789", 1000))
	}
}

func twice(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusAccepted)
	w.WriteHeader(http.StatusTeapot)
	_, _ = io.WriteString(w, "accepted")
}

// long writes more than it has declared.
func long(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "2")
	_, _ = io.WriteString(w, "bo")
	_, _ = io.WriteString(w, "dy")
}

func both(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "4")
	w.Header().Set("Transfer-Encoding", "chunked")
	_, _ = io.WriteString(w, "body")
}

// answers holds the handlers that give one answer whatever they are asked.
var answers = map[string]http.HandlerFunc{
	"/answer/lf":          with("X", "a\nSet-Cookie: b", "body"),
	"/answer/cr":          with("X", "a\rSet-Cookie: b", "body"),
	"/answer/crlf":        with("X", "a\r\nSet-Cookie: b\r\n\r\nHTTP/1.1 200 OK\r\n", "body"),
	"/answer/nul":         with("X", "a\x00b", "body"),
	"/answer/name":        with("X: a\r\nSet-Cookie", "b", "body"),
	"/answer/space":       with("X Y", "b", "body"),
	"/answer/short":       with("Content-Length", "10", "body"),
	"/answer/long":        long,
	"/answer/exact":       with("Content-Length", "4", "body"),
	"/answer/no-number":   with("Content-Length", "4\r\nX: y", "body"),
	"/answer/minus":       with("Content-Length", "-4", "body"),
	"/answer/coding":      with("Transfer-Encoding", "gzip", "body"),
	"/answer/both":        both,
	"/answer/close":       with("Connection", "close", "body"),
	"/answer/redirection": http.RedirectHandler("/a\r\nSet-Cookie: b", http.StatusFound).ServeHTTP,
	"/answer/204":         status(http.StatusNoContent),
	"/answer/302":         http.RedirectHandler("/a", http.StatusFound).ServeHTTP,
	"/answer/304":         status(http.StatusNotModified),
	"/answer/205":         status(http.StatusResetContent),
	"/answer/404":         http.NotFound,
	"/answer/500":         status(http.StatusInternalServerError),
	"/answer/200":         status(http.StatusOK),
	"/answer/stream":      stream,
	"/answer/large":       large,
	"/answer/status":      with("Status", "404 Not Found\r\nSet-Cookie: b", "body"),
	"/answer/twice":       twice,
	"/answer/nothing":     func(http.ResponseWriter, *http.Request) {},
}

func serve(w http.ResponseWriter, r *http.Request) {
	answer, has := answers[r.URL.Path]
	switch {
	case r.URL.Path == "/seen":
		tell(w, r)
	case r.URL.Path == "/unread":
		unread(w, r)
	case r.URL.Path == "/half":
		half(w, r)
	case has:
		note(r, false)
		answer(w, r)
	default:
		mirror(w, r)
	}
}

func main() {
	uwsgi.RequestHandler(serve)
	uwsgi.Run()
}
