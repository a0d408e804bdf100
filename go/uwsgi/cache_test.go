package uwsgi

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// newCache gives a cache of this process alone, with a clock that a test sets.
func newCache(t *testing.T) (*Cache, *time.Time) {
	t.Helper()
	local, now := newLocalCache(), time.Unix(1000, 0)
	local.now = func() time.Time { return now }
	return &Cache{name: "test", store: local}, &now
}

func TestCacheTellsMissingFromEmpty(t *testing.T) {
	c, _ := newCache(t)
	if _, err := c.Get("k"); err != ErrMissing {
		t.Errorf("Get of nothing: %v", err)
	}
	if err := c.Set("k", nil, 0); err != nil {
		t.Fatal(err)
	}
	if value, err := c.Get("k"); err != nil || value == nil || len(value) != 0 {
		t.Errorf("Get of an empty value: %v, %v", value, err)
	}
	if !c.Exists("k") || c.Exists("other") {
		t.Error("Exists is wrong")
	}
}

func TestCacheKeepsCopiesOfAnyLength(t *testing.T) {
	c, _ := newCache(t)
	for _, length := range []int{1, 100, 4096, 4097, 100000} {
		value := bytes.Repeat([]byte{'v'}, length)
		if err := c.Set("k", value, 0); err != nil {
			t.Fatal(err)
		}
		value[0] = 'w'
		got, err := c.Get("k")
		if err != nil || len(got) != length || got[0] != 'v' {
			t.Errorf("%d bytes: %d, %v", length, len(got), err)
		}
	}
}

func TestCacheRules(t *testing.T) {
	c, _ := newCache(t)
	if err := c.Update("k", []byte("1"), 0); !errors.Is(err, ErrMissing) {
		t.Errorf("Update of nothing: %v", err)
	}
	if err := c.Add("k", []byte("1"), 0); err != nil {
		t.Errorf("Add: %v", err)
	}
	if err := c.Add("k", []byte("2"), 0); !errors.Is(err, ErrExists) {
		t.Errorf("the second Add: %v", err)
	}
	if err := c.Update("k", []byte("3"), 0); err != nil {
		t.Errorf("Update: %v", err)
	}
	if value, _ := c.Get("k"); string(value) != "3" {
		t.Errorf("the value is %q", value)
	}
	if err := c.Delete("k"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if err := c.Delete("k"); !errors.Is(err, ErrMissing) {
		t.Errorf("Delete of nothing: %v", err)
	}
}

func TestCacheExpires(t *testing.T) {
	c, now := newCache(t)
	if err := c.Set("brief", []byte("v"), 1500*time.Microsecond); err != nil {
		t.Fatal(err)
	}
	if err := c.Set("endless", []byte("v"), Forever); err != nil {
		t.Fatal(err)
	}
	if left, err := c.TTL("brief"); err != nil || left != 2*time.Millisecond {
		t.Errorf("TTL: %v, %v", left, err)
	}
	if left, err := c.TTL("endless"); err != nil || left != Forever {
		t.Errorf("TTL: %v, %v", left, err)
	}
	*now = now.Add(2 * time.Millisecond)
	if keys := c.Keys(); len(keys) != 1 || keys[0] != "endless" {
		t.Errorf("Keys: %q", keys)
	}
	if _, err := c.TTL("brief"); !errors.Is(err, ErrMissing) {
		t.Errorf("TTL of what has expired: %v", err)
	}
	if err := c.Set("k", nil, -1); err == nil || !strings.Contains(err.Error(), "cannot live") {
		t.Errorf("a negative time: %v", err)
	}
}

func TestCacheDropsWhatHasExpired(t *testing.T) {
	c, now := newCache(t)
	for i := 0; i < 5*sweepAfter; i++ {
		if err := c.Set(fmt.Sprint(i), nil, time.Millisecond); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(time.Millisecond)
	}
	if left := len(c.store.(*localCache).entries); left > 2*sweepAfter {
		t.Errorf("%d entries are left", left)
	}
}

func TestCacheCounts(t *testing.T) {
	c, now := newCache(t)
	for _, step := range []struct{ by, sum int64 }{{5, 5}, {-7, -2}, {0, -2}} {
		if sum, err := c.Incr("n", step.by, time.Second); err != nil || sum != step.sum {
			t.Errorf("Incr by %d: %d, %v", step.by, sum, err)
		}
	}
	if sum, err := c.Decr("n", 8, 0); err != nil || sum != -10 {
		t.Errorf("Decr: %d, %v", sum, err)
	}
	*now = now.Add(time.Second)
	if sum, _ := c.Incr("n", 1, 0); sum != 1 {
		t.Errorf("an expired number counted on: %d", sum)
	}
	if err := c.Set("n", []byte("9223372036854775807"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Incr("n", 1, 0); !errors.Is(err, ErrNotANumber) {
		t.Errorf("beyond 64 bits: %v", err)
	}
	if _, err := c.Decr("n", -1<<63, 0); !errors.Is(err, ErrNotANumber) {
		t.Errorf("beyond 64 bits: %v", err)
	}
	if err := c.Set("n", []byte("five"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Incr("n", 1, 0); !errors.Is(err, ErrNotANumber) {
		t.Errorf("a word: %v", err)
	}
}

func TestCacheRefusesKeys(t *testing.T) {
	c, _ := newCache(t)
	for _, key := range []string{"", strings.Repeat("k", localKey+1)} {
		if err := c.Set(key, nil, 0); !errors.Is(err, ErrLength) || !strings.Contains(err.Error(), "the key") {
			t.Errorf("a key of %d bytes: %v", len(key), err)
		}
		_, notGot := c.Get(key)
		_, notTold := c.TTL(key)
		for what, err := range map[string]error{"Get": notGot, "TTL": notTold, "Delete": c.Delete(key)} {
			if !errors.Is(err, ErrMissing) || !errors.Is(err, ErrLength) || !strings.Contains(err.Error(), "the key") {
				t.Errorf("%s of a key of %d bytes: %v", what, len(key), err)
			}
		}
		if c.Exists(key) {
			t.Errorf("a key of %d bytes is there", len(key))
		}
	}
}

func TestCacheListsAndClears(t *testing.T) {
	c, _ := newCache(t)
	const count = 2000
	for i := 0; i < count; i++ {
		if err := c.Set(fmt.Sprintf("%0100d", i), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	keys := c.Keys()
	sort.Strings(keys)
	if len(keys) != count || keys[count-1] != fmt.Sprintf("%0100d", count-1) {
		t.Errorf("%d keys", len(keys))
	}
	if err := c.Clear(); err != nil || len(c.Keys()) != 0 {
		t.Errorf("Clear: %v", err)
	}
}

func TestOldCacheFunctions(t *testing.T) {
	const name = "old"
	if !CacheSet("k", []byte("1"), 0, name) || CacheSet("k", []byte("2"), 0, name) {
		t.Error("CacheSet puts what is not there yet")
	}
	if !CacheUpdate("k", []byte("3"), 60, name) || CacheGet("k", name) != "3" {
		t.Error("CacheUpdate replaces")
	}
	past, future := uint64(time.Now().Unix()-1), uint64(time.Now().Unix()+60)
	if CacheSetFlags("k", nil, past, CacheFlagAbsExpire|CacheFlagUpdate, name) {
		t.Error("an entry has expired before it was put")
	}
	if !CacheSetFlags("k", []byte("4"), future, CacheFlagAbsExpire|CacheFlagUpdate, name) {
		t.Error("CacheFlagAbsExpire")
	}
	if CacheSetFlags("k", nil, 0, 1<<20, name) {
		t.Error("there is no such flag")
	}
	if !CacheExists("k", name) || !CacheDel("k", name) || CacheDel("k", name) || CacheExists("k", name) {
		t.Error("CacheDel deletes")
	}
	if CacheGet("k", name) != "" {
		t.Error("CacheGet of nothing")
	}
}

func TestMutexExcludes(t *testing.T) {
	m, err := Mutex(3)
	if err != nil {
		t.Fatal(err)
	}
	count, done := 0, sync.WaitGroup{}
	for i := 0; i < 8; i++ {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := 0; i < 1000; i++ {
				m.Lock()
				count++
				m.Unlock()
			}
		}()
	}
	done.Wait()
	if count != 8000 {
		t.Errorf("counted %d", count)
	}
	if _, err := Mutex(-1); !errors.Is(err, ErrMissing) {
		t.Errorf("lock -1: %v", err)
	}
	if Lock(-1) || Unlock(3) || !Lock(3) || !Unlock(3) {
		t.Error("Lock and Unlock say whether they did")
	}
	defer func() {
		if recover() == nil {
			t.Error("an unlock of what is not locked is no panic")
		}
	}()
	m.Unlock()
}

func TestOnceRunsUntilItSucceeds(t *testing.T) {
	runs, failure := 0, errors.New("failed")
	f := func() error {
		if runs++; runs == 1 {
			return failure
		}
		return nil
	}
	for i, want := range []error{failure, nil, nil} {
		if err := Once("test/once", f); err != want {
			t.Errorf("time %d: %v", i, err)
		}
	}
	if runs != 2 {
		t.Errorf("ran %d times", runs)
	}
	if err := Once("no name", f); err == nil || !strings.Contains(err.Error(), "no name") {
		t.Errorf("a bad name: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	counter, err := Counter("test.counter")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Counter("test.counter")
	counter.Add(2)
	again.Add(3)
	if counter.Value() != 5 {
		t.Errorf("the counter is %d", counter.Value())
	}
	if _, err := Gauge("test.counter"); err == nil || !strings.Contains(err.Error(), "is a counter already") {
		t.Errorf("of another kind: %v", err)
	}
	gauge, err := Gauge("test.gauge")
	if err != nil {
		t.Fatal(err)
	}
	gauge.Set(7)
	gauge.Add(-9)
	if gauge.Value() != -2 {
		t.Errorf("the gauge is %d", gauge.Value())
	}
	if _, err := Counter(strings.Repeat("n", 64)); err == nil {
		t.Error("a name of 64 bytes")
	}
}
