package uwsgi

import (
	"context"
	"encoding/binary"
	"net/http"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// These tests run outside a server; tests/ in the repository has those that need
// one.

func TestOutsideAServerThereIsNoWorker(t *testing.T) {
	if abiPresent() {
		t.Fatal("a server is around")
	}
	if id := WorkerId(); id != 0 {
		t.Errorf("WorkerId() = %d, want 0", id)
	}
}

func TestOutsideAServerNoRequestHasALimit(t *testing.T) {
	r, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if SetHarakiri(r, time.Second) {
		t.Error("SetHarakiri says that it has settled the time")
	}
}

func TestARequestIsKnownByEveryContextDerivedFromItsOwn(t *testing.T) {
	x := &exchange{}
	x.context.exchange, x.context.base = x, context.Background()
	derived, cancel := context.WithCancel(&x.context)
	defer cancel()
	for _, ctx := range []context.Context{&x.context, derived} {
		if got := ctx.Value(exchangeKey{}); got != x {
			t.Errorf("%v has the exchange %v", ctx, got)
		}
	}
	if got := derived.Value("another key"); got != nil {
		t.Errorf("another key has the value %v", got)
	}
}

func TestATimeWithinALimitNeverBecomesNone(t *testing.T) {
	for d, want := range map[time.Duration]uint64{
		0: 0, 1: 1, -time.Hour: 1, time.Millisecond: 1, 1500 * time.Millisecond: 1500,
	} {
		if got := limitOf(d); got != want {
			t.Errorf("limitOf(%v) = %d, want %d", d, got, want)
		}
	}
}

func TestHandlerAndRequestHandlerChooseTheApplication(t *testing.T) {
	defer func(before http.Handler) { application = before }(application)
	mux := http.NewServeMux()
	Handler(mux)
	if application != http.Handler(mux) {
		t.Error("Handler did not take effect")
	}
	called := false
	RequestHandler(func(http.ResponseWriter, *http.Request) { called = true })
	application.ServeHTTP(nil, nil)
	if !called {
		t.Error("RequestHandler did not take effect")
	}
}

func TestCleanKeepsAValueOnOneLine(t *testing.T) {
	for value, want := range map[string]string{
		"plain":                "plain",
		" \tpadded\t ":         "padded",
		"a\r\nSet-Cookie: b":   "a  Set-Cookie: b",
		"\nfirst and last\r":   "first and last",
		"caf\xc3\xa9 as it is": "caf\xc3\xa9 as it is",
	} {
		if got := clean(value); got != want {
			t.Errorf("clean(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestIsToken(t *testing.T) {
	for _, name := range []string{"A", "X-Y_z.1", "!#$%&'*+-.^_`|~"} {
		if !isToken(name) {
			t.Errorf("isToken(%q) = false", name)
		}
	}
	for _, name := range []string{"", "a b", "a:b", "a\n", "a\x00", "caf\xc3\xa9", "a(", "\x7f"} {
		if isToken(name) {
			t.Errorf("isToken(%q) = true", name)
		}
	}
}

func TestAppendFieldWritesLengthsThenBytes(t *testing.T) {
	block := appendField(nil, "Name", "value")
	order := binary.ByteOrder(binary.LittleEndian)
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) == 0 {
		order = binary.BigEndian
	}
	if order.Uint32(block) != 4 || order.Uint32(block[4:]) != 5 || string(block[8:]) != "Namevalue" {
		t.Errorf("appendField gave %q", block)
	}
}

func TestSortStrings(t *testing.T) {
	for _, words := range []string{"", "a", "b a", "c a b a", "Z z A a"} {
		got := strings.Fields(words)
		want := append([]string(nil), got...)
		sortStrings(got)
		sort.Strings(want)
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("sortStrings gave %q, want %q", got, want)
		}
	}
}

// fieldsIn gives the places of the fields of a head that has "name: value" in its
// lines.
func fieldsIn(head string) []field {
	var fields []field
	at := uint32(0)
	for _, line := range strings.SplitAfter(head, "\n") {
		if i := strings.Index(line, ": "); i > 0 {
			end := at + uint32(len(strings.TrimRight(line, "\n")))
			name := span{at, at + uint32(i)}
			fields = append(fields, field{name, span{name.end + 2, end}})
		}
		at += uint32(len(line))
	}
	return fields
}

func TestHeaderOf(t *testing.T) {
	head := "Host: x\nAccept: a\nPragma: no-cache\nAccept: b\nEmpty: \n"
	want := http.Header{
		"Accept":        {"a", "b"},
		"Pragma":        {"no-cache"},
		"Cache-Control": {"no-cache"},
		"Empty":         {""},
	}
	got := headerOf(head, fieldsIn(head))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("headerOf gave %v, want %v", got, want)
	}
	// What a handler appends to one field must not reach another.
	got["Accept"] = append(got["Accept"], "c")
	got["Pragma"] = append(got["Pragma"], "d")
	if got.Get("Empty") != "" {
		t.Errorf("the fields share memory: %v", got)
	}
}

func TestWantsClose(t *testing.T) {
	for _, c := range []struct {
		minor      int
		connection string
		want       bool
	}{{1, "", false}, {1, "foo, Close", true}, {0, "", true}, {0, "Keep-Alive", false}, {0, "keep-alive, close", true}} {
		r := &http.Request{ProtoMinor: c.minor, Header: http.Header{}}
		if c.connection != "" {
			r.Header.Set("Connection", c.connection)
		}
		if got := wantsClose(r); got != c.want {
			t.Errorf("HTTP/1.%d with Connection %q: wantsClose = %v", c.minor, c.connection, got)
		}
	}
}

func TestASignalIsKeptForWhoWaits(t *testing.T) {
	var s signal
	s.signal() // nobody waits: nothing is kept
	ch := s.use().ch
	select {
	case <-ch:
		t.Error("a signal came that was sent before anybody waited")
	default:
	}
	s.signal()
	s.signal() // kept once
	<-ch
	select {
	case <-ch:
		t.Error("a signal came twice")
	default:
	}
}
