package uwsgi

import (
	"strings"
	"sync"
)

// mostLocalMessages is how many messages wait in a process without a server.
const mostLocalMessages = 1024

// localQueue are the messages of a process that is a mule to itself.
type localQueue struct {
	once  sync.Once
	queue chan []byte
}

var localMule localQueue

// send is SendMule without a server.
func (l *localQueue) send(to string, message []byte) int64 {
	if len(message) > LongestMessage {
		return errValue
	}
	if !isMule(to) {
		return errMissing
	}
	l.once.Do(func() {
		l.queue = make(chan []byte, mostLocalMessages)
		go l.run()
	})
	select {
	case l.queue <- append([]byte(nil), message...):
		return 0
	default:
		return errFull
	}
}

// isMule says whether a server could have a mule or a farm of this name.
func isMule(to string) bool {
	if to == "" || to == "mule" || to == "mule0" {
		return true
	}
	if strings.HasPrefix(to, "farm_") {
		return len(to) > len("farm_")
	}
	for _, word := range [2]string{"mule", "farm"} {
		if strings.HasPrefix(to, word) {
			return isNumber(to[len(word):])
		}
	}
	return false
}

// run handles one message after another.
func (l *localQueue) run() {
	defer func() { go l.run() }() // the function has called runtime.Goexit
	for {
		message := <-l.queue
		callMule(mule.wait(), message)
	}
}
