package uwsgi

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Metric is a number that all worker processes share, by its name. It outlives
// workers, reloads and upgrades of the server. Its methods may be called from any
// goroutine, and never wait. A sum beyond 64 bits begins anew at the other end.
//
// Outside a server it is the process's own.
type Metric struct {
	number uint32
	kind   uint32
	local  *int64 // nil: it is the server's
}

// localMetrics has those of a process without a server.
var localMetrics struct {
	sync.Mutex
	made map[string]*Metric
}

// Counter gives the metric with this name, which only grows: it begins with 0. A
// server has room for 1024 metrics, whose names have 1 to 63 letters, digits or any
// of _ . : / -.
func Counter(name string) (*Metric, error) {
	return metric(name, kindCounter)
}

// Gauge gives the metric with this name, which goes up and down: it begins with 0.
func Gauge(name string) (*Metric, error) {
	return metric(name, kindGauge)
}

func metric(name string, kind uint32) (*Metric, error) {
	if !isName(name) {
		return nil, badName("metric", name)
	}
	if !hasServer() {
		return localMetric(name, kind)
	}
	switch number := abiMetric(name, kind); {
	case number >= 0:
		return &Metric{number: uint32(number), kind: kind}, nil
	case number == errKind:
		return nil, otherKind(name, kind)
	case number == errFull:
		return nil, fmt.Errorf("uwsgi: metric %q: there are too many: %w", name, ErrFull)
	case number == errBusy:
		return nil, fmt.Errorf("uwsgi: metric %q: %w", name, ErrBusy)
	default:
		return nil, fmt.Errorf("uwsgi: metric %q: error %d", name, number)
	}
}

func otherKind(name string, kind uint32) error {
	is := "counter"
	if kind == kindCounter {
		is = "gauge"
	}
	return fmt.Errorf("uwsgi: metric %q is a %s already", name, is)
}

func localMetric(name string, kind uint32) (*Metric, error) {
	localMetrics.Lock()
	defer localMetrics.Unlock()
	m := localMetrics.made[name]
	if m == nil {
		m = &Metric{kind: kind, local: new(int64)}
		if localMetrics.made == nil {
			localMetrics.made = make(map[string]*Metric)
		}
		localMetrics.made[name] = m
	}
	if m.kind != kind {
		return nil, otherKind(name, kind)
	}
	return m, nil
}

// Add adds to it. A counter does not take less than nothing: that panics.
func (m *Metric) Add(by int64) {
	if by < 0 && m.kind == kindCounter {
		panic("uwsgi: a counter only grows")
	}
	if m.local != nil {
		atomic.AddInt64(m.local, by)
		return
	}
	abiMetricAdd(m.number, by)
}

// Set sets it, if it is a gauge: with a counter it panics.
func (m *Metric) Set(value int64) {
	if m.kind == kindCounter {
		panic("uwsgi: a counter cannot be set")
	}
	if m.local != nil {
		atomic.StoreInt64(m.local, value)
		return
	}
	abiMetricSet(m.number, value)
}

// Value gives its value now.
func (m *Metric) Value() int64 {
	if m.local != nil {
		return atomic.LoadInt64(m.local)
	}
	return abiMetricValue(m.number)
}
