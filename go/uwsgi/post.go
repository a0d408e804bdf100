package uwsgi

import (
	"errors"
	"log"
	"os"
	"syscall"
)

// hearPost has what comes to this process besides requests passed on, from now on
// for as long as it lives: each kind to the goroutine that sees to it, so that none
// waits for another, or for requests.
func hearPost() error {
	fd := abiPost()
	if fd < 0 {
		return errors.New("this process has no post")
	}
	file := os.NewFile(uintptr(fd), "goherd post")
	if file == nil {
		return errors.New("the post has no descriptor")
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	go signals.run()
	go passOn(raw)
	return nil
}

// passOn takes what comes, as it comes.
func passOn(raw syscall.RawConn) {
	for {
		kind := uint32(postNothing)
		err := raw.Read(func(uintptr) bool {
			kind = abiPostNext()
			return kind != postNothing
		})
		if err != nil {
			log.Fatalf("uwsgi: cannot wait for the post: %v", err)
		}
		if kind == postSignals {
			signals.wake()
		}
	}
}
