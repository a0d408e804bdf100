// Services is the application that the black-box tests call functions of, here and
// on other servers.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"uwsgi"
)

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

// echo gives its arguments, with their lengths.
func echo(_ context.Context, args ...[]byte) ([]byte, error) {
	var b bytes.Buffer
	for _, arg := range args {
		fmt.Fprintf(&b, "%d:%s,", len(arg), arg)
	}
	return b.Bytes(), nil
}

// size gives the length of all its arguments together.
func size(_ context.Context, args ...[]byte) ([]byte, error) {
	return []byte(fmt.Sprint(len(args), " ", len(bytes.Join(args, nil)))), nil
}

// big gives so many bytes.
func big(_ context.Context, args ...[]byte) ([]byte, error) {
	n, err := strconv.Atoi(string(args[0]))
	return bytes.Repeat([]byte("x"), n), err
}

func fail(context.Context, ...[]byte) ([]byte, error)  { return nil, errors.New("no luck") }
func fault(context.Context, ...[]byte) ([]byte, error) { panic("boom") }

func goexit(context.Context, ...[]byte) ([]byte, error) {
	runtime.Goexit()
	return nil, nil
}

// wait makes the file FILE.entered, waits for the end of its caller, and makes FILE.
func wait(ctx context.Context, args ...[]byte) ([]byte, error) {
	file := string(args[0])
	touch(file + ".entered")
	<-ctx.Done()
	touch(file)
	return nil, ctx.Err()
}

// onward calls a function of another server.
func onward(ctx context.Context, args ...[]byte) ([]byte, error) {
	return uwsgi.CallRPC(ctx, string(args[0]), string(args[1]), args[2:]...)
}

// call calls what the query says, within ms milliseconds if it says so.
func call(w http.ResponseWriter, r *http.Request) {
	ctx, q := r.Context(), r.URL.Query()
	if ms, err := strconv.Atoi(q.Get("ms")); err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
		defer cancel()
	}
	var args [][]byte
	for _, arg := range q["a"] {
		args = append(args, []byte(arg))
	}
	if n, err := strconv.Atoi(q.Get("n")); err == nil {
		length, _ := strconv.Atoi(q.Get("length"))
		for i := 0; i < n; i++ {
			args = append(args, []byte(strings.Repeat("a", length)))
		}
	}
	result, err := uwsgi.CallRPC(ctx, q.Get("node"), q.Get("name"), args...)
	kinds := ""
	for _, kind := range []struct {
		word string
		err  error
	}{
		{"unknown", uwsgi.ErrNoFunction}, {"failed", uwsgi.ErrCallFailed}, {"remote", uwsgi.ErrRemote},
		{"late", context.DeadlineExceeded},
	} {
		if errors.Is(err, kind.err) {
			kinds += kind.word + " "
		}
	}
	if err != nil {
		fmt.Fprintf(w, "%serror: %v", kinds, err)
		return
	}
	if q.Get("count") != "" {
		fmt.Fprint(w, len(result))
		return
	}
	fmt.Fprintf(w, "%s", result)
}

// hold makes the file FILE.entered, and answers as soon as there is FILE.
func hold(w http.ResponseWriter, r *http.Request) {
	file := r.URL.Query().Get("file")
	touch(file + ".entered")
	awaitFile(file)
	fmt.Fprint(w, "let go")
}

// get asks the cache that the query names in the old manner.
func get(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	fmt.Fprintf(w, "%q", uwsgi.CacheGet(q.Get("k"), q.Get("cache")))
}

func pid(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) }

// registered tells what becomes of names that cannot be registered.
func registered(w http.ResponseWriter, r *http.Request) {
	for _, err := range []error{
		uwsgi.RegisterRPC("", echo),
		uwsgi.RegisterRPC(strings.Repeat("n", 256), echo),
		uwsgi.RegisterRPC("nil", nil),
		uwsgi.RegisterRPC("echo", echo),
	} {
		fmt.Fprintln(w, err)
	}
}

func main() {
	for name, f := range map[string]func(context.Context, ...[]byte) ([]byte, error){
		"echo": echo, "size": size, "big": big, "fail": fail, "fault": fault, "goexit": goexit, "wait": wait, "onward": onward,
	} {
		if err := uwsgi.RegisterRPC(name, f); err != nil {
			log.Fatal(err)
		}
	}
	// A signal that others raise makes the file that the environment names.
	uwsgi.RegisterSignal(17, "worker", func(uint8) { touch(os.Getenv("SIGNAL_FILE")) })
	http.HandleFunc("/call", call)
	http.HandleFunc("/hold", hold)
	http.HandleFunc("/get", get)
	http.HandleFunc("/pid", pid)
	http.HandleFunc("/registered", registered)
	uwsgi.Run()
}
