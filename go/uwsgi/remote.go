package uwsgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// dialTimeout is how long connecting may take.
	dialTimeout = 5 * time.Second
	// idleTime is how long a connection is kept without use.
	idleTime = 30 * time.Second
	// idleMost is how many are kept of one peer.
	idleMost = 16
)

// remoteError is an error of another server.
type remoteError struct {
	what string // who was asked for what
	err  error
}

func (e *remoteError) Error() string {
	return fmt.Sprintf("uwsgi: %s: %v", e.what, e.err)
}

// Unwrap gives what lies behind.
func (e *remoteError) Unwrap() error { return e.err }

// Is says that it is ErrRemote, too.
func (e *remoteError) Is(target error) bool { return target == ErrRemote }

// peer is another server, with connections to it that are kept for use.
type peer struct {
	network string
	address string
	mu      sync.Mutex
	idle    []*link
}

// link is a connection to a peer.
type link struct {
	conn   net.Conn
	reader *bufio.Reader
	since  time.Time // when it was last used
}

// peers has all peers of the process, by address.
var peers struct {
	sync.Mutex
	all map[string]*peer
}

// peerAt gives the peer at an address: host:port, the path of a unix socket (with a
// slash in it), or @name for an abstract one.
func peerAt(address string) (*peer, error) {
	network := "tcp"
	if strings.HasPrefix(address, "@") || strings.Contains(address, "/") {
		network = "unix"
	} else if host, port, err := net.SplitHostPort(address); err != nil || port == "" || host == "" {
		return nil, fmt.Errorf("%q is no address: expected host:port or the path of a unix socket", address)
	}
	peers.Lock()
	defer peers.Unlock()
	p := peers.all[address]
	if p == nil {
		p = &peer{network: network, address: address}
		if peers.all == nil {
			peers.all = make(map[string]*peer)
		}
		peers.all[address] = p
	}
	return p, nil
}

// kept gives a connection that was used before and is still open, or nil.
func (p *peer) kept() *link {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return nil
		}
		l := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if time.Since(l.since) < idleTime && l.isOpen() {
			return l
		}
		_ = l.conn.Close()
	}
}

// keep keeps a connection for the next use.
func (p *peer) keep(l *link) {
	l.since = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 && time.Since(p.idle[0].since) >= idleTime {
		_ = p.idle[0].conn.Close()
		p.idle = append(p.idle[:0], p.idle[1:]...)
	}
	if len(p.idle) < idleMost {
		p.idle = append(p.idle, l)
		return
	}
	_ = l.conn.Close()
}

// isOpen looks whether the peer has closed its end, or sent what nobody asked for.
func (l *link) isOpen() bool {
	conn, ok := l.conn.(syscall.Conn)
	if !ok || l.reader.Buffered() > 0 {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = err == syscall.EAGAIN
		return true
	})
	return err == nil && open
}

// exchange sends a packet with the bytes that follow it, and has read read the answer,
// until the deadline (zero: without one) or the end of ctx. If the connection is one that
// was kept and turns out to be closed, it is done once more over a new one, if that may
// be (again).
func (p *peer) exchange(ctx context.Context, deadline time.Time, packet, more []byte, again bool,
	read func(*bufio.Reader) error) error {
	if l := p.kept(); l != nil {
		end := l.exchange(ctx, deadline, packet, more, read)
		p.settle(l, end)
		if !end.unanswered || !again || ctx.Err() != nil || isTimeout(end.err) {
			return end.err
		}
	}
	dialer := net.Dialer{Timeout: dialTimeout, Deadline: deadline}
	conn, err := dialer.DialContext(ctx, p.network, p.address)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("cannot connect: %w", err)
	}
	l := &link{conn: conn, reader: bufio.NewReader(conn)}
	end := l.exchange(ctx, deadline, packet, more, read)
	p.settle(l, end)
	return end.err
}

// settle keeps a connection after an exchange, or closes it.
func (p *peer) settle(l *link, end ending) {
	if end.spoilt {
		_ = l.conn.Close()
	} else {
		p.keep(l)
	}
}

// ending is what an exchange has come to.
type ending struct {
	err        error
	unanswered bool // the connection ended before any of the answer came
	spoilt     bool // the connection is of no more use
}

var errHungUp = errors.New("it closed the connection without an answer")

// exchange does that over this connection.
func (l *link) exchange(ctx context.Context, deadline time.Time, packet, more []byte, read func(*bufio.Reader) error) ending {
	if err := l.conn.SetDeadline(deadline); err != nil {
		return ending{err: err, unanswered: true, spoilt: true}
	}
	stop := l.watch(ctx)
	pieces := net.Buffers{packet}
	if len(more) > 0 {
		pieces = append(pieces, more)
	}
	_, wrote := pieces.WriteTo(l.conn)
	// A peer that does not want to read on may have said why: so this goes on in any case.
	end := ending{spoilt: wrote != nil}
	if _, end.err = l.reader.Peek(1); end.err == nil {
		end.err = read(l.reader)
	} else {
		end.unanswered = true
		if wrote != nil {
			end.err = wrote
		}
	}
	if stop() {
		end.spoilt = true // its deadline was changed
		if end.err != nil {
			end.err = ctx.Err()
		}
	}
	if end.err == nil {
		return end
	}
	end.spoilt = true
	switch {
	case isTimeout(end.err) && isLimited(ctx):
		end.err = context.DeadlineExceeded // the connection may notice it first
	case isTimeout(end.err) && ctx.Err() == nil:
		end.err = fmt.Errorf("no answer in time: %w", os.ErrDeadlineExceeded)
	case end.err == io.EOF:
		end.err = errHungUp
	}
	return end
}

// watch wakes whoever waits for the connection when ctx ends; stop ends the watch and says
// whether it did.
func (l *link) watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return false }
	}
	over, woke := make(chan struct{}), make(chan bool)
	go func() {
		select {
		case <-ctx.Done():
			_ = l.conn.SetDeadline(time.Unix(1, 0))
			woke <- true
		case <-over:
			woke <- false
		}
	}()
	return func() bool {
		close(over)
		return <-woke
	}
}

func isLimited(ctx context.Context) bool {
	_, limited := ctx.Deadline()
	return limited
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
