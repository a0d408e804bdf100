// Handler is the application whose handlers do more than answer: they take
// connections over, stream, wait, and outlive their requests.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
	"uwsgi"

	"github.com/gorilla/websocket"
)

func main() {
	http.HandleFunc("/gorilla", gorilla)
	http.HandleFunc("/take", take)
	http.HandleFunc("/events", events)
	http.HandleFunc("/late", late)
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	http.HandleFunc("/count", count)
	http.HandleFunc("/flood", flood)
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, query(r, "name")) })
	http.HandleFunc("/notify", notify)
	http.HandleFunc("/after", after)
	http.HandleFunc("/local", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(http.LocalAddrContextKey))
	})
	http.HandleFunc("/panic-beside", panicBeside)
	http.HandleFunc("/read-deadline", readDeadline)
	http.HandleFunc("/write-deadline", writeDeadline)
	uwsgi.Run()
}

func query(r *http.Request, name string) string { return r.URL.Query().Get(name) }

// touch makes the file that the query calls name.
func touch(r *http.Request, name string) {
	if err := os.WriteFile(query(r, name), nil, 0o600); err != nil {
		log.Print(err)
	}
}

// await waits for the file that the query calls name.
func await(r *http.Request, name string) {
	for {
		if _, err := os.Stat(query(r, name)); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// gorilla echoes the messages of a WebSocket.
func gorilla(w http.ResponseWriter, r *http.Request) {
	conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, append([]byte("gorilla heard "), message...)); err != nil {
			return
		}
	}
}

// take takes the connection over and stays until a file is there.
func take(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	early := make([]byte, rw.Reader.Buffered())
	_, _ = io.ReadFull(rw, early)
	fmt.Fprintf(rw, "taken with %q;", early)
	_ = rw.Flush()
	touch(r, "entered")
	await(r, "until")
	_, err = w.Write([]byte("more"))
	_, _, again := w.(http.Hijacker).Hijack()
	fmt.Fprintf(rw, " %v; %v", err == http.ErrHijacked, again == http.ErrHijacked)
	_ = rw.Flush()
}

// events sends one event, waits for a file, and sends another.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "data: one\n\n")
	w.(http.Flusher).Flush()
	await(r, "until")
	fmt.Fprint(w, "data: two\n\n")
}

// late leaves a goroutine behind that goes on writing.
func late(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "in time")
	go func() {
		for i := 0; i < 200000; i++ {
			_, _ = io.WriteString(w, "LATE")
			w.WriteHeader(http.StatusTeapot)
		}
		touch(r, "done")
	}()
}

// count reads the body and says how long it was.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, n, err)
}

// flood answers with n bytes.
func flood(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.ParseInt(query(r, "n"), 10, 64)
	piece := make([]byte, 64<<10)
	for ; n > 0; n -= int64(len(piece)) {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// notify waits until the peer has gone.
func notify(w http.ResponseWriter, r *http.Request) {
	closed := w.(http.CloseNotifier).CloseNotify()
	touch(r, "entered")
	<-closed
	<-r.Context().Done()
	touch(r, "left")
}

// after looks at the context when the handler has returned.
func after(w http.ResponseWriter, r *http.Request) {
	go func() {
		<-r.Context().Done()
		touch(r, "left")
	}()
}

// panicBeside panics while a goroutine of its waits for the peer to take more.
func panicBeside(w http.ResponseWriter, r *http.Request) {
	wrote := make(chan struct{}, 1)
	go func() {
		for piece := make([]byte, 1<<20); ; wrote <- struct{}{} {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}()
	for stuck := false; !stuck; {
		select {
		case <-wrote:
		case <-time.After(300 * time.Millisecond):
			stuck = true
		}
	}
	touch(r, "entered")
	panic("beside a goroutine that writes")
}

// deadlines are what http.ResponseController asks a ResponseWriter for.
type deadlines interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// readDeadline reads the body for no longer than a moment.
func readDeadline(w http.ResponseWriter, r *http.Request) {
	_ = w.(deadlines).SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, n, " ", err)
}

// writeDeadline writes for no longer than a moment.
func writeDeadline(w http.ResponseWriter, r *http.Request) {
	_ = w.(deadlines).SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	var err error
	for piece := make([]byte, 1<<20); err == nil; {
		_, err = w.Write(piece)
	}
	if os.IsTimeout(err) {
		touch(r, "timeout")
	}
}
