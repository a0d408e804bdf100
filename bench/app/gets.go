//go:build goherd

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"time"
	"uwsgi"
)

const (
	keyCount  = 1000
	valueSize = 100
	// between two looks at the clock
	batch = 100
)

var (
	keys    [keyCount]string
	inMap   sync.Map
	getters = map[string]func(query) (func(key string) int, error){
		"get": fromCache, "cacheget": fromOldCache, "map": fromMap, "redis": fromRedis,
	}
)

type query struct{ *http.Request }

func init() {
	for i := range keys {
		keys[i] = fmt.Sprintf("key %d", i)
		inMap.Store(keys[i], make([]byte, valueSize))
	}
	http.HandleFunc("/gets", gets)
	http.HandleFunc("/prepare", prepare)
}

// prepare puts what is to be got.
func prepare(w http.ResponseWriter, r *http.Request) {
	cache, err := uwsgi.OpenCache("bench")
	for i := 0; i < keyCount && err == nil; i++ {
		err = cache.Set(keys[i], make([]byte, valueSize), 0)
	}
	if err == nil {
		err = fillRedis(r.FormValue("redis"))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%d\n", uwsgi.WorkerId())
}

// gets gets values for so many milliseconds, and tells how many it were, in how many
// nanoseconds, in which worker, and how many nanoseconds one took in the median of
// all batches: what else runs on the machine, and the garbage collector's turns,
// come in few of them.
func gets(w http.ResponseWriter, r *http.Request) {
	millis, _ := strconv.Atoi(r.FormValue("millis"))
	get, err := getters[r.FormValue("what")](query{r})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	count, began := 0, time.Now()
	end, last := began.Add(time.Duration(millis)*time.Millisecond), began
	var batches []float64
	for last.Before(end) {
		for i := 0; i < batch; i++ {
			if get(keys[(count+i)%keyCount]) != valueSize {
				http.Error(w, "a value is not there", http.StatusInternalServerError)
				return
			}
		}
		count += batch
		now := time.Now()
		batches = append(batches, float64(now.Sub(last).Nanoseconds())/batch)
		last = now
	}
	sort.Float64s(batches)
	fmt.Fprintf(w, "%d %d %d %f\n", count, last.Sub(began).Nanoseconds(), uwsgi.WorkerId(), batches[len(batches)/2])
}

func fromCache(query) (func(string) int, error) {
	cache, err := uwsgi.OpenCache("bench")
	return func(key string) int {
		value, err := cache.Get(key)
		if err != nil {
			return -1
		}
		return len(value)
	}, err
}

func fromOldCache(query) (func(string) int, error) {
	return func(key string) int { return len(uwsgi.CacheGet(key, "bench")) }, nil
}

func fromMap(query) (func(string) int, error) {
	return func(key string) int {
		value, _ := inMap.Load(key)
		return len(value.([]byte))
	}, nil
}

// fromRedis speaks Redis's protocol by itself, with as little work as it takes: no
// client could cost less.
func fromRedis(q query) (func(string) int, error) {
	c, err := net.Dial("unix", q.FormValue("redis"))
	if err != nil {
		return nil, err
	}
	in, order := bufio.NewReader(c), []byte(nil)
	return func(key string) int {
		order = append(order[:0], "*2\r\n$3\r\nGET\r\n$"...)
		order = append(strconv.AppendInt(order, int64(len(key)), 10), "\r\n"...)
		order = append(append(order, key...), "\r\n"...)
		if _, err := c.Write(order); err != nil {
			return -1
		}
		head, err := in.ReadSlice('\n')
		if err != nil || head[0] != '$' {
			return -1
		}
		length, err := strconv.Atoi(string(head[1 : len(head)-2]))
		if err != nil || length < 0 {
			return -1
		}
		value := make([]byte, length+2)
		if _, err := io.ReadFull(in, value); err != nil {
			return -1
		}
		return len(value[:length])
	}, nil
}

func fillRedis(path string) error {
	if path == "" {
		return nil
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for _, key := range keys {
		fmt.Fprintf(c, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(key), key, valueSize, make([]byte, valueSize))
		if said, err := in.ReadString('\n'); err != nil || said != "+OK\r\n" {
			return fmt.Errorf("redis says %q, %v", said, err)
		}
	}
	return nil
}
