// Probe is the application that the black-box tests ask questions: each path
// shows one thing that a worker does or knows.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
	"uwsgi"
)

var (
	mains  int32 // how often main has run
	inside int32 // handlers of /sleep and /barrier that are at work
	most   int32 // the most of them at a time

	barrier sync.Mutex
	waiting int
	opened  = make(chan struct{})

	never sync.Mutex
)

// number gives the number that the query has under this name, or 0.
func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

func hello(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, "hello from the probe\n")
}

func pid(w http.ResponseWriter, r *http.Request)    { fmt.Fprint(w, os.Getpid()) }
func worker(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, uwsgi.WorkerId()) }
func initCount(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, atomic.LoadInt32(&mains))
}

func answerJSON(w http.ResponseWriter, value interface{}) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		log.Print(err)
	}
}

func args(w http.ResponseWriter, r *http.Request)    { answerJSON(w, os.Args) }
func headers(w http.ResponseWriter, r *http.Request) { answerJSON(w, r.Header) }

func env(w http.ResponseWriter, r *http.Request) {
	value, has := os.LookupEnv(r.URL.Query().Get("name"))
	if !has {
		http.Error(w, "not set", http.StatusNotFound)
		return
	}
	fmt.Fprint(w, value)
}

// request tells what the handler sees of a request, apart from its fields.
func request(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s %s host=%s remote=%s length=%d", r.Method, r.RequestURI, r.Proto, r.Host, r.RemoteAddr,
		r.ContentLength)
}

// echo answers with the body of the request. It makes the file that the query
// calls entered, if it does, before it reads.
func echo(w http.ResponseWriter, r *http.Request) {
	if name := r.URL.Query().Get("entered"); name != "" {
		touch(name)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Length", strconv.Itoa(len(body)))
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(body)
}

// ignore answers without reading the body.
func ignore(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "not read") }

func fail(w http.ResponseWriter, r *http.Request) { panic("boom") }
func exit(w http.ResponseWriter, r *http.Request) { os.Exit(number(r, "code")) }

// nowhere is an address that nothing is at.
var nowhere = uintptr(1) << 40

// die ends the worker in the way that the query calls how.
func die(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("how") {
	case "fault":
		fmt.Fprint(w, *(*int)(unsafe.Pointer(nowhere)))
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		select {}
	case "stack":
		fmt.Fprint(w, deeper(1))
	case "maps":
		shared := map[int]int{}
		for i := 0; i < 8; i++ {
			go func() {
				for n := 0; ; n++ {
					shared[n%100] = n
				}
			}()
		}
		select {}
	default:
		os.Exit(3)
	}
}

// deeper needs more stack than there is.
func deeper(n int) int {
	var room [512]int
	room[n%len(room)] = n
	return deeper(n+1) + room[(n+1)%len(room)]
}

// enter counts a handler in, and gives what counts it out.
func enter() func() {
	now := atomic.AddInt32(&inside, 1)
	for {
		old := atomic.LoadInt32(&most)
		if now <= old || atomic.CompareAndSwapInt32(&most, old, now) {
			break
		}
	}
	return func() { atomic.AddInt32(&inside, -1) }
}

func sleep(w http.ResponseWriter, r *http.Request) {
	defer enter()()
	time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
	fmt.Fprint(w, "slept")
}

// meet waits until n requests are in this handler at the same time.
func meet(w http.ResponseWriter, r *http.Request) {
	defer enter()()
	barrier.Lock()
	waiting++
	if waiting == number(r, "n") {
		close(opened)
	}
	barrier.Unlock()
	<-opened
	fmt.Fprint(w, "met")
}

func maxInFlight(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, atomic.LoadInt32(&most)) }

func big(w http.ResponseWriter, r *http.Request) {
	piece := []byte(strings.Repeat("0123456789abcdef", 1<<12))
	for left := number(r, "n"); left > 0; left -= len(piece) {
		if left < len(piece) {
			piece = piece[:left]
		}
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// stream answers in pieces, and breaks off after them if the query says torn.
func stream(w http.ResponseWriter, r *http.Request) {
	for i := 0; i < 5; i++ {
		fmt.Fprintf(w, "piece %d\n", i)
		w.(http.Flusher).Flush()
	}
	if r.URL.Query().Get("torn") != "" {
		panic(http.ErrAbortHandler)
	}
}

func touch(name string) {
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		log.Print(err)
	}
}

func awaitFile(name string) {
	for {
		if _, err := os.Stat(name); err == nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// until makes the file file.entered, and answers as soon as there is a file.
func until(w http.ResponseWriter, r *http.Request) {
	file := r.URL.Query().Get("file")
	touch(file + ".entered")
	awaitFile(file)
	fmt.Fprint(w, "let go")
}

// untilGone makes the file file.entered, and file as soon as the client is gone.
func untilGone(w http.ResponseWriter, r *http.Request) {
	file := r.URL.Query().Get("file")
	touch(file + ".entered")
	<-r.Context().Done()
	touch(file)
}

// limited is until with a time of its own, which it gives to a copy of its request,
// and tells whether that was settled.
func limited(w http.ResponseWriter, r *http.Request) {
	copied := r.WithContext(context.WithValue(r.Context(), "a key", "a value"))
	settled := uwsgi.SetHarakiri(copied, time.Duration(number(r, "ms"))*time.Millisecond)
	file := r.URL.Query().Get("file")
	touch(file + ".entered")
	awaitFile(file)
	fmt.Fprint(w, settled)
}

// stuck never returns, in the way that the query calls how.
func stuck(w http.ResponseWriter, r *http.Request) {
	touch(r.URL.Query().Get("file") + ".entered")
	switch r.URL.Query().Get("how") {
	case "loop":
		for spins := uint64(1); spins != 0; spins += 2 { // never, as it is odd
		}
	case "lock":
		never.Lock()
		never.Lock()
	case "sleep":
		time.Sleep(24 * time.Hour)
	default:
		select {}
	}
}

// drip writes until that fails, and then makes file.
func drip(w http.ResponseWriter, r *http.Request) {
	for {
		if _, err := io.WriteString(w, "drop\n"); err != nil {
			break
		}
		w.(http.Flusher).Flush()
		time.Sleep(time.Millisecond)
	}
	touch(r.URL.Query().Get("file"))
}

// sleeper starts a child that outlives every test, if it likes in a session of its own.
func sleeper(ownSession bool) (*exec.Cmd, error) {
	child := exec.Command("sleep", "1000")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: ownSession}
	return child, child.Start()
}

// spawn starts a sleeper, and tells its process number. It has a session of its own if the query says so.
func spawn(w http.ResponseWriter, r *http.Request) {
	child, err := sleeper(r.URL.Query().Get("session") == "own")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	go func() { _ = child.Wait() }()
	fmt.Fprint(w, child.Process.Pid)
}

// memoryLimit gives the limit that the runtime knows, or -1 if it knows none.
var memoryLimit = func() int64 { return -1 }

// share tells what the runtime takes for its share of the machine.
func share(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%d processors, %d bytes", runtime.GOMAXPROCS(0), memoryLimit())
}

// descriptors tells which a program has that a handler starts. The last of them
// is the folder that the program reads for this.
func descriptors(w http.ResponseWriter, r *http.Request) {
	list, err := exec.Command("ls", "/proc/self/fd").Output()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, strings.Join(strings.Fields(string(list)), " "))
}

func main() {
	log.Printf("probe: main run %d in process %d", atomic.AddInt32(&mains, 1), os.Getpid())
	switch os.Getenv("PROBE_MAIN") {
	case "hang":
		time.Sleep(time.Hour)
	case "spawn and hang":
		for _, ownSession := range []bool{true, false} {
			if _, err := sleeper(ownSession); err != nil {
				log.Fatal(err)
			}
		}
		log.Print("probe: started two children")
		time.Sleep(time.Hour)
	case "panic":
		panic("main of the probe was told to panic")
	case "panic in worker 2":
		if uwsgi.WorkerId() == 2 {
			panic("main of the probe was told to panic in worker 2")
		}
	}
	for path, handler := range map[string]http.HandlerFunc{
		"/": hello, "/pid": pid, "/worker": worker, "/init-count": initCount, "/args": args, "/headers": headers,
		"/env": env, "/request": request, "/echo": echo, "/ignore": ignore, "/panic": fail, "/exit": exit, "/die": die,
		"/sleep": sleep, "/barrier": meet, "/max-in-flight": maxInFlight, "/big": big, "/stream": stream,
		"/until": until, "/until-gone": untilGone, "/spawn": spawn, "/descriptors": descriptors, "/share": share,
		"/limited": limited, "/stuck": stuck, "/drip": drip,
	} {
		http.HandleFunc(path, handler)
	}
	uwsgi.Run()
}
