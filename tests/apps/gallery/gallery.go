// Gallery is the application of the differential tests: each of its paths does
// one thing that a handler may do. It is to run alike under net/http and in a
// worker, with every Go from 1.18 on.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	"uwsgi"
)

// modified is the time of everything that has one.
var modified = time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)

// notes is what handlers leave for a later request to ask for.
var (
	mu    sync.Mutex
	notes = map[string]string{}
)

func leave(name, text string) {
	mu.Lock()
	defer mu.Unlock()
	notes[name] = text
}

func left(w http.ResponseWriter, r *http.Request) {
	mu.Lock()
	defer mu.Unlock()
	say(w, "%s", notes[r.URL.Query().Get("name")])
}

func say(w io.Writer, format string, args ...interface{}) { fmt.Fprintf(w, format, args...) }

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

func flush(w http.ResponseWriter) { w.(http.Flusher).Flush() }

// with makes a handler that sets fields, name and value in turn, and says something.
func with(text string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(fields); i += 2 {
			w.Header()[fields[i]] = append(w.Header()[fields[i]], fields[i+1])
		}
		say(w, "%s", text)
	}
}

func status(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(number(r, "code"))
	_, err := w.Write([]byte("some body"))
	leave("status", fmt.Sprint(err))
}

func twice(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-First", "yes")
	w.WriteHeader(http.StatusCreated)
	w.Header().Set("X-Second", "yes")
	w.WriteHeader(http.StatusTeapot)
	say(w, "made")
}

func afterBody(w http.ResponseWriter, r *http.Request) {
	say(w, "body")
	w.Header().Set("X-Late", "yes")
	w.WriteHeader(http.StatusTeapot)
}

// lengths declares a length, and writes pieces of 10 bytes.
func lengths(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", r.URL.Query().Get("says"))
	var errs []string
	for i := number(r, "pieces"); i > 0; i-- {
		n, err := w.Write([]byte("0123456789"))
		errs = append(errs, fmt.Sprint(n, err))
	}
	leave("lengths", strings.Join(errs, "; "))
}

// bodies is what Content-Type sniffing is tried with.
var bodies = []string{
	"plain text", "<html><body>", "  \n<!DOCTYPE HTML>", "<?xml version=\"1.0\"?>", "{\"json\":1}", "%PDF-1.4", "GIF89a....",
	"\x89PNG\x0D\x0A\x1A\x0A", "\xff\xd8\xff", "\x1f\x8b\x08", "PK\x03\x04", "\xef\xbb\xbftext", "\xfe\xff\x00t", "\x00\x01\x02",
	"caf\xc3\xa9", "caf\xe9", "<script>", "<!-- comment", "RIFF\x00\x00\x00\x00WEBPVP", "OggS\x00", "", " ", "\n", "wOFF",
	"\x00asm", "ID3", "%!PS-Adobe-",
}

func sniff(w http.ResponseWriter, r *http.Request) {
	body := bodies[number(r, "n")]
	switch r.URL.Query().Get("how") {
	case "pieces":
		for i := range []byte(body) {
			_, _ = w.Write([]byte(body[i : i+1]))
		}
	case "flushed":
		_, _ = w.Write([]byte(body))
		flush(w)
	case "late": // what decides lies beyond the first 512 bytes
		_, _ = w.Write([]byte(strings.Repeat("a", 600) + "\x00" + body))
	case "empty first":
		_, _ = w.Write(nil)
		_, _ = w.Write([]byte(body))
	default:
		_, _ = w.Write([]byte(body))
	}
}

// big writes n bytes in pieces of so many, with or without a declared length.
func big(w http.ResponseWriter, r *http.Request) {
	n, piece := number(r, "n"), number(r, "piece")
	if r.URL.Query().Get("length") != "" {
		w.Header().Set("Content-Length", strconv.Itoa(n))
	}
	for n > 0 {
		if piece > n || piece == 0 {
			piece = n
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), piece))
		n -= piece
	}
}

func flushes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Early", "yes")
	for _, piece := range r.URL.Query()["piece"] {
		say(w, "%s", piece)
		flush(w)
		w.Header().Set("X-Late", "yes")
	}
	if r.URL.Query().Get("piece") == "" {
		flush(w)
	}
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.Query().Get("to"), number(r, "code"))
}

func fields(out io.Writer, kind string, header http.Header) {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		say(out, "%s %q = %q\n", kind, name, header[name])
	}
}

// picture says all that a handler sees of a request before it reads.
func picture(out io.Writer, r *http.Request) {
	say(out, "%s %q %s %d.%d\n", r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor)
	say(out, "url %+q\n", []string{r.URL.Scheme, r.URL.Opaque, r.URL.Host, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.Fragment})
	say(out, "string %q user %v force %v\n", r.URL.String(), r.URL.User, r.URL.ForceQuery)
	say(out, "host %q length %d coding %v close %v\n", r.Host, r.ContentLength, r.TransferEncoding, r.Close)
	say(out, "tls %v form %v pattern-free %v nobody %v\n", r.TLS, r.Form, r.Response == nil, r.Body == http.NoBody)
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	say(out, "remote %s %v %v\n", host, port != "", err)
	fields(out, "field", r.Header)
	fields(out, "trailer", r.Trailer)
}

func echo(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	picture(&out, r)
	body, err := io.ReadAll(r.Body)
	say(&out, "body %d %q %v\n", len(body), body[:min(len(body), 100)], err)
	fields(&out, "trailer", r.Trailer)
	_, err = r.Body.Read(make([]byte, 1))
	say(&out, "again %v, closed %v", err, r.Body.Close())
	_, err = r.Body.Read(make([]byte, 1))
	say(&out, ", then %v\n", err)
	_, _ = w.Write(out.Bytes())
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func ignore(w http.ResponseWriter, r *http.Request) { picture(w, r) }

func half(w http.ResponseWriter, r *http.Request) {
	n, err := io.ReadFull(r.Body, make([]byte, 3))
	say(w, "%d %v", n, err)
}

// readLate begins the answer, and then reads the body.
func readLate(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("duplex") != "" {
		if duplex, can := w.(interface{ EnableFullDuplex() error }); can {
			say(w, "duplex %v ", duplex.EnableFullDuplex())
		}
	}
	say(w, "begun ")
	if r.URL.Query().Get("flush") != "" {
		flush(w)
	}
	body, err := io.ReadAll(r.Body)
	say(w, "%q %v", body, err)
}

func query(w http.ResponseWriter, r *http.Request) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	say(w, "%q %v %q", map[string][]string(values), err, r.FormValue("a"))
}

func form(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	say(w, "%q %q %v", map[string][]string(r.Form), map[string][]string(r.PostForm), err)
}

func upload(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	say(w, "%q", r.MultipartForm.Value)
	for name, files := range r.MultipartForm.File {
		for _, file := range files {
			opened, err := file.Open()
			if err != nil {
				say(w, " %v", err)
				continue
			}
			content, err := io.ReadAll(opened)
			say(w, " %s %q %d %q %v", name, file.Filename, file.Size, content, err)
		}
	}
}

func limited(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 10)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	say(w, "%q", body)
}

func cookies(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "a", Value: "b c", Path: "/", HttpOnly: true, MaxAge: 5})
	http.SetCookie(w, &http.Cookie{Name: "d", Value: "e", SameSite: http.SameSiteLaxMode, Expires: modified})
	for _, cookie := range r.Cookies() {
		say(w, "%s=%s;", cookie.Name, cookie.Value)
	}
}

func zipped(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	zip := gzip.NewWriter(w)
	say(zip, "<html>zipped")
	_ = zip.Close()
}

// failing writes, flushes if asked to, and panics.
func failing(w http.ResponseWriter, r *http.Request) {
	say(w, "%s", r.URL.Query().Get("write"))
	if r.URL.Query().Get("flush") != "" {
		flush(w)
	}
	if r.URL.Query().Get("abort") != "" {
		panic(http.ErrAbortHandler)
	}
	panic("as asked")
}

func names(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["lower-case"] = []string{"1"}
	h["UPPER-CASE"] = []string{"2"}
	h["odd_Name!"] = []string{"3"}
	h["Bad Name"] = []string{"4"}
	h["Bad:Name"] = []string{"5"}
	h[""] = []string{"6"}
	h["Caf\u00e9"] = []string{"7"}
	h.Set("x-set", "8")
	h["Empty"] = []string{""}
	h["None"] = nil
	h["Nothing"] = []string{}
	h["Several"] = []string{"a", "b", "", "c"}
	h["Blanks"] = []string{"  \ta  b\t "}
	h["Lines"] = []string{"a\nb\rc\r\nd"}
	h["Latin"] = []string{"caf\xe9"}
	h["Control"] = []string{"a\x01b\x7f"}
	h["Long"] = []string{strings.Repeat("v", 5000)}
	say(w, "names")
}

func trailerDeclared(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Sum, X-Unset")
	w.Header().Add("Trailer", "X-Other")
	say(w, "body")
	w.Header().Set("X-Sum", "abc")
	w.Header().Set("X-Other", "def")
	w.Header().Set("X-Undeclared", "no")
}

func trailerUndeclared(w http.ResponseWriter, r *http.Request) {
	say(w, "body")
	flush(w)
	w.Header().Set(http.TrailerPrefix+"X-Sum", "abc")
}

func hints(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Link", "</style.css>; rel=preload")
	w.WriteHeader(http.StatusEarlyHints)
	w.Header().Add("Link", "</script.js>; rel=preload")
	w.WriteHeader(http.StatusEarlyHints)
	w.Header().Del("Link")
	say(w, "body")
}

// abilities says which interfaces the writer has.
func abilities(w http.ResponseWriter, r *http.Request) {
	_, flusher := w.(http.Flusher)
	_, hijacker := w.(http.Hijacker)
	_, readerFrom := w.(io.ReaderFrom)
	_, stringWriter := w.(io.StringWriter)
	_, pusher := w.(http.Pusher)
	//lint:ignore SA1019 libraries ask for it still
	_, notifier := w.(http.CloseNotifier)
	say(w, "flusher %v, hijacker %v, reader-from %v, string-writer %v, pusher %v, close-notifier %v",
		flusher, hijacker, readerFrom, stringWriter, pusher, notifier)
}

// controller calls what http.ResponseController calls.
func controller(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"SetReadDeadline", "SetWriteDeadline", "EnableFullDuplex", "FlushError"} {
		method := reflect.ValueOf(w).MethodByName(name)
		switch {
		case !method.IsValid():
			say(w, "%s is missing; ", name)
		case method.Type().NumIn() == 1:
			say(w, "%s %v; ", name, method.Call([]reflect.Value{reflect.ValueOf(time.Now().Add(time.Hour))})[0])
		default:
			say(w, "%s %v; ", name, method.Call(nil)[0])
		}
	}
}

func hijack(w http.ResponseWriter, r *http.Request) {
	hijacker, can := w.(http.Hijacker)
	if !can {
		http.Error(w, "cannot hijack", http.StatusNotImplemented)
		return
	}
	conn, rw, err := hijacker.Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, writeErr := w.Write([]byte("too late"))
	line, readErr := rw.ReadString('\n')
	say(conn, "raw bytes, %q %v, %v", line, readErr, writeErr)
	_ = conn.Close()
}

var inner = struct {
	sync.Once
	url *url.URL
	err error
}{}

// proxy passes requests on to another server in this process.
func proxy(w http.ResponseWriter, r *http.Request) {
	inner.Do(func() {
		var listener net.Listener
		if listener, inner.err = net.Listen("tcp", "127.0.0.1:0"); inner.err != nil {
			return
		}
		inner.url = &url.URL{Scheme: "http", Host: listener.Addr().String()}
		go func() { inner.err = http.Serve(listener, http.DefaultServeMux) }()
	})
	if inner.err != nil {
		http.Error(w, inner.err.Error(), http.StatusInternalServerError)
		return
	}
	reverse := httputil.NewSingleHostReverseProxy(inner.url)
	reverse.FlushInterval = -1
	http.StripPrefix("/proxy", reverse).ServeHTTP(w, r)
}

func context(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	_, server := ctx.Value(http.ServerContextKey).(*http.Server)
	local, _ := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	say(w, "%v %v ", ctx.Err(), server)
	if local != nil {
		host, _, err := net.SplitHostPort(local.String())
		say(w, "%s %s %v", local.Network(), host, err)
	}
	_, deadline := ctx.Deadline()
	say(w, " %v", deadline)
	leave("context", "lasting")
	go func() {
		<-ctx.Done()
		leave("context", fmt.Sprint(ctx.Err()))
	}()
}

// gone leaves a note when it is called, and another when its client is gone.
func gone(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	leave("gone", "waiting")
	<-r.Context().Done()
	leave("gone", fmt.Sprint(r.Context().Err()))
}

func copied(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(w, strings.NewReader(strings.Repeat("c", number(r, "n"))))
	leave("copied", fmt.Sprint(n, err))
}

func file(w http.ResponseWriter, r *http.Request) {
	opened, err := os.Open(os.Getenv("GALLERY") + "/file.txt")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = opened.Close() }()
	if r.URL.Query().Get("length") != "" {
		w.Header().Set("Content-Length", "26")
	}
	n, err := io.Copy(w, opened)
	leave("copied", fmt.Sprint(n, err))
}

func content(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"tag"`)
	http.ServeContent(w, r, "file.txt", modified, strings.NewReader("abcdefghijklmnopqrstuvwxyz"))
}

func slow(w http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	_, _ = w.Write([]byte("too late"))
}

func main() {
	for path, handler := range map[string]http.HandlerFunc{
		"/": echo, "/left": left, "/status": status, "/implicit": with("body"), "/nothing": func(http.ResponseWriter, *http.Request) {},
		"/twice": twice, "/after-body": afterBody, "/lengths": lengths, "/sniff": sniff, "/big": big, "/flushes": flushes,
		"/error":    func(w http.ResponseWriter, r *http.Request) { http.Error(w, "an error", number(r, "code")) },
		"/notfound": http.NotFound, "/redirect": redirect, "/echo": echo, "/ignore": ignore, "/half": half, "/read-late": readLate,
		"/query": query, "/form": form, "/upload": upload, "/limited": limited, "/cookies": cookies, "/zipped": zipped,
		"/failing": failing, "/names": names, "/trailer-declared": trailerDeclared, "/trailer-undeclared": trailerUndeclared,
		"/hints": hints, "/abilities": abilities, "/controller": controller, "/hijack": hijack, "/proxy/": proxy,
		"/context": context, "/gone": gone, "/copied": copied, "/file": file, "/content": content,
		"/typed": with("<html>", "Content-Type", "x/y"), "/untyped": with("<html>", "Content-Type", ""),
		"/encoded":   with("<html>", "Content-Encoding", "br"),
		"/close":     with("body", "Connection", "close"),
		"/kept":      with("body", "Connection", "keep-alive"),
		"/other":     with("body", "Connection", "x-y"),
		"/close-too": with("body", "Connection", "x-y, close"),
		"/identity":  with("body", "Transfer-Encoding", "identity"),
		"/chunked":   with("body", "Transfer-Encoding", "chunked"),
		"/coded":     with("body", "Transfer-Encoding", "gzip"),
		"/both":      with("body", "Transfer-Encoding", "chunked", "Content-Length", "4"),
		"/dated":     with("body", "Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
		"/undated":   func(w http.ResponseWriter, r *http.Request) { w.Header()["Date"] = nil; say(w, "body") },
		"/sniffless": func(w http.ResponseWriter, r *http.Request) { w.Header()["Content-Type"] = nil; say(w, "body") },
		"/nul":       with("body", "X", "a\x00b"),
		"/etag":      with("body", "ETag", `"tag"`),
		"/upgrade":   with("body", "Upgrade", "h2c", "Connection", "Upgrade"),
		"/servefile": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, os.Getenv("GALLERY")+"/file.txt") },
		"/folder/":   func(w http.ResponseWriter, r *http.Request) { say(w, "folder %q", r.URL.Path) },
		"/wrapped":   func(w http.ResponseWriter, r *http.Request) { panic(fmt.Errorf("an error: %w", http.ErrAbortHandler)) },
	} {
		http.HandleFunc(path, handler)
	}
	http.Handle("/strip/", http.StripPrefix("/strip", http.HandlerFunc(echo)))
	http.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir(os.Getenv("GALLERY")))))
	http.Handle("/timeout", http.TimeoutHandler(http.HandlerFunc(slow), time.Millisecond, "timed out"))
	http.Handle("/in-time", http.TimeoutHandler(http.HandlerFunc(echo), time.Minute, "timed out"))
	uwsgi.Run()
}
