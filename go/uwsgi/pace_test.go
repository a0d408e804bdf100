package uwsgi

import (
	"testing"
	"time"
)

// after gives a pace that has seen one sample of this length.
func after(took time.Duration) *pace {
	p := &pace{}
	p.sample(took)
	return p
}

func TestALeaderGoesOffAloneWhenRequestsFollowClosely(t *testing.T) {
	for _, c := range []struct {
		took    time.Duration // by a sample of 64 requests
		backlog uint32
		want    bool
	}{
		{500 * time.Microsecond, 0, true},
		{500 * time.Microsecond, 127, true},
		{500 * time.Microsecond, 128, false}, // light, but there is a lot of it
		{3200 * time.Microsecond, 5, true},   // 50 µs each
		{3200 * time.Microsecond, 6, false},  // 300 µs of work wait
		{6 * time.Millisecond, 0, false},     // not closely
		{time.Second, 0, false},
		{0, 0, true},
	} {
		p := after(c.took)
		if got := p.mayGoAlone(c.backlog); got != c.want {
			t.Errorf("64 requests in %v, backlog %d: mayGoAlone = %v", c.took, c.backlog, got)
		}
		if got := p.mode(modeLead) == modeBusy; got != (c.took < sampleTime) {
			t.Errorf("64 requests in %v: busy = %v", c.took, got)
		}
		if p.mode(modeSteward) != modeSteward {
			t.Error("a steward never waits")
		}
	}
}

func TestAfterAnAlarmLeadersStayTogetherForLongerEachTime(t *testing.T) {
	p := after(time.Millisecond)
	calm := func() (samples int) {
		for !p.mayGoAlone(0) {
			p.sample(time.Millisecond)
			samples++
		}
		return samples
	}
	for _, want := range []int{firstCalm, 2 * firstCalm, 4 * firstCalm} {
		p.alarms = 1
		if got := calm(); got != want+1 { // one sample to see the alarm
			t.Errorf("leaders stayed together for %d samples, want %d", got, want+1)
		}
	}
	for i := 0; i < lastCalm; i++ {
		p.sample(time.Millisecond)
	}
	p.alarms = 1
	if got := calm(); got != firstCalm+1 {
		t.Errorf("long after the last alarm, leaders stayed together for %d samples, want %d", got, firstCalm+1)
	}
}
