package uwsgi

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// These tests run outside a server, with the signals of the process itself.

// within waits for what comes on a channel.
func within(t *testing.T, ch <-chan uint8) uint8 {
	t.Helper()
	select {
	case n := <-ch:
		return n
	case <-time.After(20 * time.Second):
		t.Fatal("nothing has come")
		return 0
	}
}

func TestWithoutAServerSignalsAreThoseOfTheProcess(t *testing.T) {
	handled := make(chan uint8, 10)
	note := func(n uint8) { handled <- n }
	if !RegisterSignal(5, "", note) || !RegisterSignal(6, "workers", note) || !RegisterSignal(8, "farm1", note) {
		t.Fatal("a signal is not registered")
	}
	if !RegisterSignal(7, "mule1", func(uint8) { panic("of a handler") }) {
		t.Fatal("a signal is not registered")
	}
	for _, n := range []int{5, 6, 7, 5} {
		if !Signal(n) {
			t.Errorf("Signal(%d) = false", n)
		}
	}
	for _, want := range []uint8{5, 6, 5} {
		if got := within(t, handled); got != want {
			t.Errorf("signal %d was handled, want %d", got, want)
		}
	}
	if !SignalRegistered(5) || SignalRegistered(4) || SignalRegistered(256) || SignalRegistered(-1) {
		t.Error("SignalRegistered is wrong")
	}
}

func TestWithoutAServerTimersRunInTheProcess(t *testing.T) {
	ticks := make(chan uint8, 1)
	tick := func() {
		select {
		case ticks <- 1:
		default:
		}
	}
	if err := Timer(time.Millisecond, tick); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 3; i++ {
		within(t, ticks)
	}
}

func TestWithoutAServerCronAndMonitorsAreErrors(t *testing.T) {
	for _, err := range []error{Cron("* * * * *", func() {}), FileMonitor("/tmp", func() {})} {
		if err == nil || !strings.Contains(err.Error(), "there is no server around") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestWhatIsWrongIsRefused(t *testing.T) {
	for name, refused := range map[string]bool{
		"an unknown receiver":      !RegisterSignal(5, "everybody", func(uint8) {}),
		"a receiver with a sign":   !RegisterSignal(5, "worker+1", func(uint8) {}),
		"a receiver with a zero":   !RegisterSignal(5, "mule01", func(uint8) {}),
		"a farm without a name":    !RegisterSignal(5, "farm_", func(uint8) {}),
		"no handler":               !RegisterSignal(5, "", nil),
		"signal 256":               !Signal(256),
		"signal -1":                !Signal(-1),
		"a signal of nobody":       !Signal(4),
		"a timer of signal 256":    !AddTimer(256, 1),
		"a timer of no time":       !AddTimer(5, 0),
		"a timer of negative time": !AddRbTimer(5, -1),
		"more seconds than exist":  !AddTimer(5, 18446744074) || !AddRbTimer(5, 1<<40),
		"fewer seconds than exist": !AddTimer(5, -18446744073), // which would be 0.7 s, as 64 bits go
		"a farm of number 0":       !RegisterSignal(5, "farm0", func(uint8) {}),
		"a negative Timer":         Timer(-time.Second, func() {}) != nil,
		"a Timer of nothing":       Timer(time.Second, nil) != nil,
		"an empty path":            FileMonitor("", func() {}) != nil,
	} {
		if !refused {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestMoreSecondsThanThereCanBeAreNotFew(t *testing.T) {
	for secs, want := range map[int]time.Duration{
		5: 5 * time.Second, 18446744074: Forever, 1<<63 - 1: Forever, -1: -time.Second, -1 << 63: -Forever,
	} {
		if got := seconds(secs); got != want {
			t.Errorf("%d s are %v", secs, got)
		}
	}
}

func TestATimeBetweenSignalsIsNeverNone(t *testing.T) {
	for every, want := range map[time.Duration]uint64{
		1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000,
	} {
		if got, err := (source{kind: sourceTimer, every: every}).millis(); got != want || err != nil {
			t.Errorf("%v is %d ms, %v; want %d", every, got, err, want)
		}
	}
}

func TestARefusalIsASentence(t *testing.T) {
	why := append([]byte("because"), 0, 'x')
	if err := refusal(errRefused, why); err == nil || err.Error() != "because" {
		t.Errorf("the error is %v", err)
	}
	if err := refusal(errMissing, nil); err == nil || errors.Unwrap(err) != nil {
		t.Errorf("the error is %v", err)
	}
	if err := refusal(0, why); err != nil {
		t.Errorf("the error is %v", err)
	}
}
