package uwsgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// remoteTimeout is how long an operation on a cache of another server may take,
// where nothing else is said.
const remoteTimeout = 5 * time.Second

// remoteCache is a cache of another server, which serves it on a cache-socket.
type remoteCache struct {
	name    string // empty: the first one there
	peer    *peer
	timeout time.Duration
}

// keyless is whether a command is about the whole cache.
func keyless(command string) bool { return command == "clear" || command == "keys" }

// ask sends an order and gives the answer with the bytes that follow it. An order that
// is no other when it is done twice may be sent a second time, if the connection that
// it went over has turned out to be closed.
func (c *remoteCache) ask(command, key string, value []byte, more []variable, again bool) (answer, error) {
	variables := append([]variable{{"cmd", command}}, more...)
	if c.name != "" {
		variables = append(variables, variable{"cache", c.name})
	}
	if !keyless(command) {
		variables = append(variables, variable{"key", key})
	}
	packet, err := packed(modifierCache, modifierDictionary, variables)
	if err != nil {
		return answer{}, fmt.Errorf("uwsgi: %s: a key of %d bytes has no room in a packet: %w", c.label(), len(key), ErrLength)
	}
	var found answer
	deadline := time.Now().Add(c.timeout)
	err = c.peer.exchange(context.Background(), deadline, packet, value, again, func(r *bufio.Reader) error {
		found, err = readAnswer(r, modifierCache, 1<<63-1)
		return err
	})
	if err != nil {
		return answer{}, &remoteError{c.label(), err}
	}
	return found, c.failure(key, found)
}

// label names the cache in errors.
func (c *remoteCache) label() string {
	if c.name == "" {
		return "the first cache at " + c.peer.address
	}
	return fmt.Sprintf("cache %q at %s", c.name, c.peer.address)
}

// failure makes an error of the status of an answer.
func (c *remoteCache) failure(key string, a answer) error {
	var kind error
	switch a.status {
	case "ok":
		return nil
	case "missing":
		return ErrMissing
	case "exists":
		return ErrExists
	case "full":
		kind = ErrFull
	case "key", "value":
		kind = ErrLength
	case "number", "overflow":
		kind = ErrNotANumber
	case "busy":
		kind = ErrBusy
	default:
		if a.reason == "" {
			a.reason = "the answer is " + strconv.Quote(a.status)
		}
		return &remoteError{c.label(), errors.New(a.reason)}
	}
	return fmt.Errorf("uwsgi: %s: %s: %w", c.label(), a.reason, kind)
}

func (c *remoteCache) get(key string) ([]byte, error) {
	a, err := c.ask("get", key, nil, nil, true)
	return a.bytes, err
}

func (c *remoteCache) put(key string, value []byte, millis uint64, rule uint32) error {
	command := map[uint32]string{putAlways: "update", putIfAbsent: "set", putIfPresent: "replace"}[rule]
	_, err := c.ask(command, key, value, []variable{numbered("size", uint64(len(value))), numbered("millis", millis)},
		rule == putAlways)
	return err
}

// act is for orders to which the status is the whole answer.
func (c *remoteCache) act(command, key string) error {
	_, err := c.ask(command, key, nil, nil, command != "del")
	return err
}

func (c *remoteCache) incr(key string, by int64, millis uint64) (int64, error) {
	a, err := c.ask("incr", key, nil, []variable{{"by", strconv.FormatInt(by, 10)}, numbered("millis", millis)}, false)
	if err != nil {
		return 0, err
	}
	return c.number(a, "sum")
}

func (c *remoteCache) ttl(key string) (int64, error) {
	a, err := c.ask("ttl", key, nil, nil, true)
	if err != nil {
		return 0, err
	}
	return c.number(a, "millis")
}

// number gives the number that the answer has under this name.
func (c *remoteCache) number(a answer, name string) (int64, error) {
	n, err := strconv.ParseInt(a.variables[name], 10, 64)
	if err != nil {
		return 0, &remoteError{c.label(), errNoAnswer}
	}
	return n, nil
}

func (c *remoteCache) keys() ([]string, error) {
	var keys []string
	for portion := uint64(0); ; portion++ {
		a, err := c.ask("keys", "", nil, []variable{numbered("portion", portion)}, true)
		if err == ErrMissing {
			return keys, nil
		}
		if err != nil {
			return keys, err
		}
		parts, err := unpacked(a.bytes, 4)
		if err != nil {
			return keys, &remoteError{c.label(), err}
		}
		for _, part := range parts {
			keys = append(keys, string(part))
		}
	}
}
