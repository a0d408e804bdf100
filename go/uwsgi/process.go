package uwsgi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"syscall"
	"time"
)

// How processes of a server ask each other: the one that asks has the server put one
// end of a pair of sockets into the other's inbox, and both sides send a packet: its
// length in four bytes, little endian, and the bytes.

// longestPacketOfProcess is how many bytes a question or an answer may have.
const longestPacketOfProcess = 64 << 20

// ErrEnded is in the error of a call whose process has ended before it answered.
// Compare with errors.Is.
var ErrEnded = errors.New("the process has ended before it answered")

// askProcess asks another process of this server, or this one: "worker2", "mule1",
// "farm_x", "spooler", or whichever of several takes it first. Errors wrap ErrMissing
// (there is no such process), ErrFull, ErrEnded or that of ctx.
func askProcess(ctx context.Context, node string, question []byte) ([]byte, error) {
	if len(question) > longestPacketOfProcess {
		return nil, fmt.Errorf("it has %d bytes, and may have %d: %w", len(question), longestPacketOfProcess, ErrLength)
	}
	if !hasServer() {
		return nil, fmt.Errorf("there is no process called %q, as there is no server: %w", node, ErrMissing)
	}
	fd := abiCall(node)
	switch {
	case fd == errFull:
		return nil, fmt.Errorf("too many calls wait for %q: %w", node, ErrFull)
	case fd < 0:
		return nil, fmt.Errorf("the server has no process called %q: %w", node, ErrMissing)
	}
	line := os.NewFile(uintptr(fd), "goherd call")
	defer line.Close()
	answered := make(chan struct{})
	defer close(answered)
	go func() {
		select {
		case <-ctx.Done():
			line.SetDeadline(time.Unix(1, 0)) // what reads or writes there ends at once
		case <-answered:
		}
	}()
	answer, err := []byte(nil), writePacket(line, question)
	if err == nil {
		answer, err = readPacket(line)
	}
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, ErrEnded
}

// hearCalls answers other processes for as long as this one lives.
func hearCalls() {
	wait, err := newWaiter(abiCalls(), "goherd calls")
	if err != nil {
		log.Fatalf("uwsgi: %s cannot wait for calls: %v", whoAmI(), err)
	}
	go func() {
		for {
			fd := wait.until(abiNextCall)
			if fd < 0 {
				select {} // the process ends when all of its work has
			}
			go serveLine(os.NewFile(uintptr(fd), "goherd call"))
		}
	}()
}

// serveLine answers one question.
func serveLine(line *os.File) {
	defer abiWorkEnded()
	defer line.Close()
	question, err := readPacket(line)
	if err != nil {
		return // who has asked is gone
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if isClosed(line) {
		return // who has asked has not waited
	}
	go func() {
		line.Read(make([]byte, 1)) // nothing more comes: it ends when who asks is gone
		cancel()
	}()
	if answer := answerProcess(ctx, question); answer != nil {
		_ = writePacket(line, answer) // nobody may be there any more
	}
}

// isClosed says whether the other side is.
func isClosed(line *os.File) bool {
	raw, err := line.SyscallConn()
	if err != nil {
		return true
	}
	closed := false
	err = raw.Read(func(fd uintptr) bool {
		n, err := syscall.Read(int(fd), make([]byte, 1))
		closed = n == 0 && err == nil
		return true
	})
	return closed || err != nil
}

func writePacket(w io.Writer, packet []byte) error {
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(packet)))
	_, err := w.Write(append(length[:], packet...))
	return err
}

func readPacket(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > longestPacketOfProcess {
		return nil, ErrLength
	}
	packet := make([]byte, n)
	_, err := io.ReadFull(r, packet)
	return packet, err
}
