// Commons is the application that the black-box tests ask about what all worker
// processes share: each path does one thing, and tells what came of it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync/atomic"
	"time"
	"uwsgi"
)

// calm is 1 when the storms are to end.
var calm int32

// told answers with what was found, or with the error.
func told(w http.ResponseWriter, err error, format string, args ...interface{}) {
	w.Header().Set("X-Pid", strconv.Itoa(os.Getpid()))
	if err != nil {
		fmt.Fprint(w, err)
		return
	}
	fmt.Fprintf(w, format, args...)
}

// query is what the query of a request asks for.
type query struct {
	*http.Request
}

// ask gives the query of a request.
func ask(r *http.Request) query { return query{r} }

func (q query) text(name string) string { return q.URL.Query().Get(name) }

func (q query) number(name string) int64 {
	n, _ := strconv.ParseInt(q.text(name), 10, 64)
	return n
}

func (q query) ttl() time.Duration {
	d, _ := time.ParseDuration(q.text("ttl"))
	return d
}

// withCache lets f answer for the cache that the query names, or for the first one.
func withCache(f func(w http.ResponseWriter, q query, c *uwsgi.Cache)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := ask(r)
		c, err := uwsgi.OpenCache(q.text("cache"))
		if err != nil {
			told(w, err, "")
			return
		}
		f(w, q, c)
	}
}

func get(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	value, err := c.Get(q.text("k"))
	if err == uwsgi.ErrMissing {
		told(w, nil, "missing")
		return
	}
	told(w, err, "value %q", value)
}

func set(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	told(w, c.Set(q.text("k"), []byte(q.text("v")), q.ttl()), "ok")
}

func add(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	told(w, c.Add(q.text("k"), []byte(q.text("v")), q.ttl()), "ok")
}

func update(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	told(w, c.Update(q.text("k"), []byte(q.text("v")), q.ttl()), "ok")
}

func remove(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	told(w, c.Delete(q.text("k")), "ok")
}

func exists(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	told(w, nil, "%v", c.Exists(q.text("k")))
}

// long puts a value of many bytes and reads it.
func long(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	value := bytes.Repeat([]byte("0123456789"), int(q.number("tens")))
	if err := c.Set(q.text("k"), value, q.ttl()); err != nil {
		told(w, err, "")
		return
	}
	found, err := c.Get(q.text("k"))
	told(w, err, "%v", bytes.Equal(found, value))
}

// fill puts many entries.
func fill(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	for i := int64(0); i < q.number("count"); i++ {
		if err := c.Set(fmt.Sprint(i), []byte("v"), q.ttl()); err != nil {
			told(w, err, "")
			return
		}
	}
	told(w, nil, "%d", len(c.Keys()))
}

// kind tells which of the errors that have a name the one of reading a key is.
func kind(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	_, err := c.Get(q.text("k"))
	told(w, nil, "remote %v, unreachable %v", errors.Is(err, uwsgi.ErrRemote), errors.Is(err, uwsgi.ErrUnreachable))
}

func incr(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	sum, err := c.Incr(q.text("k"), q.number("by"), q.ttl())
	told(w, err, "%d", sum)
}

func ttl(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	left, err := c.TTL(q.text("k"))
	if left == uwsgi.Forever {
		told(w, nil, "forever")
		return
	}
	told(w, err, "%v", left)
}

func keys(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	keys := c.Keys()
	sort.Strings(keys)
	told(w, nil, "%v", keys)
}

func clear(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	told(w, c.Clear(), "ok")
}

func old(w http.ResponseWriter, r *http.Request) {
	told(w, nil, "%s", uwsgi.CacheGet(ask(r).text("k"), ask(r).text("cache")))
}

// storm writes and reads one entry until somebody asks for calm; what it reads is
// one of two values, whole.
func storm(w http.ResponseWriter, q query, c *uwsgi.Cache) {
	atomic.StoreInt32(&calm, 0)
	values := [][]byte{bytes.Repeat([]byte("a"), 300), bytes.Repeat([]byte("b"), 300)}
	for i := 0; atomic.LoadInt32(&calm) == 0; i++ {
		if err := c.Set("storm", values[i%2], 0); err != nil {
			told(w, err, "")
			return
		}
		found, err := c.Get("storm")
		if err == nil && !bytes.Equal(found, values[0]) && !bytes.Equal(found, values[1]) {
			fmt.Fprintf(os.Stderr, "torn: %q\n", found)
			os.Exit(3)
		}
		if i%64 == 0 {
			time.Sleep(time.Millisecond) // gccgo cannot interrupt it
		}
	}
	told(w, nil, "calm")
}

// beCalm ends the storms of this worker.
func beCalm(w http.ResponseWriter, r *http.Request) {
	atomic.StoreInt32(&calm, 1)
	told(w, nil, "ok")
}

// lock takes a lock and keeps it.
func lock(w http.ResponseWriter, r *http.Request) {
	m, err := uwsgi.Mutex(int(ask(r).number("n")))
	if err == nil {
		m.Lock()
	}
	told(w, err, "has it")
}

// locked takes a lock and gives it back.
func locked(w http.ResponseWriter, r *http.Request) {
	n := int(ask(r).number("n"))
	told(w, nil, map[bool]string{true: "had it", false: "no"}[uwsgi.Lock(n) && uwsgi.Unlock(n)])
}

func once(w http.ResponseWriter, r *http.Request) {
	what := "had run"
	err := uwsgi.Once(ask(r).text("name"), func() error {
		if ask(r).text("fail") != "" {
			return errors.New("failed")
		}
		what = "ran"
		return nil
	})
	told(w, err, what)
}

func count(w http.ResponseWriter, r *http.Request) {
	m, err := uwsgi.Counter(ask(r).text("name"))
	if err != nil {
		told(w, err, "")
		return
	}
	m.Add(ask(r).number("by"))
	told(w, nil, "%d", m.Value())
}

func gauge(w http.ResponseWriter, r *http.Request) {
	m, err := uwsgi.Gauge(ask(r).text("name"))
	if err != nil {
		told(w, err, "")
		return
	}
	told(w, nil, "%d", m.Value())
}

// mains tells how many processes have done what main does once.
func mains(w http.ResponseWriter, r *http.Request) {
	m, err := uwsgi.Counter("mains")
	if err != nil {
		told(w, err, "")
		return
	}
	told(w, nil, "%d", m.Value())
}

func main() {
	err := uwsgi.Once("main", func() error {
		m, err := uwsgi.Counter("mains")
		if err == nil {
			m.Add(1)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	for path, f := range map[string]func(http.ResponseWriter, query, *uwsgi.Cache){
		"/get": get, "/set": set, "/add": add, "/update": update, "/delete": remove, "/incr": incr, "/ttl": ttl,
		"/keys": keys, "/clear": clear, "/storm": storm, "/exists": exists, "/long": long, "/fill": fill, "/kind": kind,
	} {
		http.HandleFunc(path, withCache(f))
	}
	for path, f := range map[string]http.HandlerFunc{
		"/old": old, "/calm": beCalm, "/lock": lock, "/locked": locked, "/once": once, "/count": count,
		"/gauge": gauge, "/mains": mains,
	} {
		http.HandleFunc(path, f)
	}
	uwsgi.Run()
}
