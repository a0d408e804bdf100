package uwsgi

import (
	"log"
	"os"
	"sync/atomic"
	"time"
	"unsafe"
)

// pace tells how closely requests follow each other, and what a leader does then.
//
// Usually a leader that has no request parks, and one that has wakes another to
// lead before it goes off to handle it. If requests follow each other closely, both
// cost more than they are worth: the next request is but microseconds away, and
// before another goroutine has got a processor the leader is back. So then a leader
// waits for a moment instead of parking, and goes off alone, unless it leaves a
// backlog that is worth help.
//
// Requests that follow closely cannot take long. When one does all the same, the
// server rings an alarm within milliseconds, and another goroutine leads. After an
// alarm no leader goes off alone for a while, and for longer each time: an
// application whose handlers block now and then soon has no stalls at all.
//
// But for alarms, everything here is the leader's.
type pace struct {
	requests uint32    // taken in this sample
	waits    uint32    // for the next request
	began    time.Time // when this sample began
	close    bool      // whether requests followed each other closely in the last one
	help     uint32    // how big a backlog is worth help
	calm     uint32    // for how many more samples no leader goes off alone
	nextCalm uint32    // how long the next such time will be
	quiet    uint32    // samples since the last such time ended
	alarms   uint32    // atomic: alarms that no sample has seen
}

const (
	// sampleSize requests within sampleTime follow each other closely.
	sampleSize = 64
	sampleTime = 6 * time.Millisecond
	// A backlog of helpTime is worth help, where a request takes at least
	// lightTime. One that takes less is handled sooner than help can come, so that
	// it takes a backlog of lightHelp.
	helpTime  = 300 * time.Microsecond
	lightTime = 20 * time.Microsecond
	lightHelp = 128
	// busyWait is how long a leader waits before it parks.
	busyWait = 50 * time.Microsecond
	// Before every yieldEvery-th such wait others may run.
	yieldEvery = 16
	// firstCalm and lastCalm bound how many samples the time after an alarm lasts.
	firstCalm = 256
	lastCalm  = 1 << 16
)

// mode gives the mode in which a leader polls that would poll in mode.
func (p *pace) mode(mode uint32) uint32 {
	if mode == modeLead && p.close {
		return modeBusy
	}
	return mode
}

// mayGoAlone counts a request that the leader takes, leaving backlog events, and
// says whether it may go off without waking another.
func (p *pace) mayGoAlone(backlog uint32) bool {
	if p.requests++; p.requests == sampleSize {
		now := time.Now()
		p.sample(now.Sub(p.began))
		p.began = now
	}
	return p.close && p.calm == 0 && backlog < p.help && atomic.LoadUint32(&p.alarms) == 0
}

// sample looks back on the last sampleSize requests, and how long they took.
func (p *pace) sample(took time.Duration) {
	p.requests = 0
	p.close = took < sampleTime
	p.help = lightHelp
	if average := took / sampleSize; average >= lightTime {
		p.help = uint32(helpTime / average)
	}
	switch {
	case atomic.SwapUint32(&p.alarms, 0) > 0:
		p.alarm()
	case p.calm > 0:
		p.calm--
	case p.quiet < lastCalm:
		p.quiet++
	}
}

// alarm begins a time in which no leader goes off alone.
func (p *pace) alarm() {
	if p.quiet > 2*p.nextCalm || p.nextCalm < firstCalm {
		p.nextCalm = firstCalm
	}
	p.calm, p.quiet = p.nextCalm, 0
	if p.nextCalm < lastCalm {
		p.nextCalm *= 2
	}
}

// hearAlarm wakes a goroutine to lead whenever a leader that has gone off alone
// stays away, and writes all stacks when the server asks for them.
func (e *engine) hearAlarm(alarm *os.File) {
	var count uint64
	bytes := (*[8]byte)(unsafe.Pointer(&count))[:]
	for {
		if _, err := alarm.Read(bytes); err != nil {
			log.Fatalf("uwsgi: cannot wait for the alarm: %v", err)
		}
		if count >= alarmStacks {
			go writeStacks()
		}
		atomic.AddUint32(&e.pace.alarms, 1)
		if atomic.LoadUint32(&e.lead) == 0 {
			e.wakeFollower()
		}
	}
}
