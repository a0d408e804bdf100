package uwsgi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func join(_ context.Context, args ...[]byte) ([]byte, error) {
	return bytes.Join(args, []byte("+")), nil
}

func TestCallsWithinTheProcess(t *testing.T) {
	failure := errors.New("no luck")
	for name, f := range map[string]func(context.Context, ...[]byte) ([]byte, error){
		"test.join":  join,
		"test.fail":  func(context.Context, ...[]byte) ([]byte, error) { return nil, failure },
		"test.panic": func(context.Context, ...[]byte) ([]byte, error) { panic("boom") },
		"test.exit":  func(context.Context, ...[]byte) ([]byte, error) { runtime.Goexit(); return nil, nil },
		"test.long":  func(context.Context, ...[]byte) ([]byte, error) { return make([]byte, longestResult+1), nil },
	} {
		if err := RegisterRPC(name, f); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	if result, err := CallRPC(ctx, "", "test.join", []byte("a"), nil, []byte("b")); err != nil || string(result) != "a++b" {
		t.Errorf("%q, %v", result, err)
	}
	if _, err := CallRPC(ctx, "", "test.fail"); err != failure {
		t.Errorf("the function's error: %v", err)
	}
	if _, err := CallRPC(ctx, "", "test.panic"); err == nil || !strings.Contains(err.Error(), "panicked: boom") {
		t.Errorf("a panic: %v", err)
	}
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		CallRPC(ctx, "", "test.exit")
	}()
	<-ended
	if !strings.Contains(logged.String(), `panic in the function "test.exit": runtime.Goexit`) {
		t.Errorf("the log of Goexit is %q", logged.String())
	}
	if _, err := CallRPC(ctx, "", "test.long"); err == nil || !strings.Contains(err.Error(), "16777217 bytes") {
		t.Errorf("a long result: %v", err)
	}
	if _, err := CallRPC(ctx, "", "test.none"); !errors.Is(err, ErrNoFunction) || !strings.Contains(err.Error(), "test.none") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := CallRPC(ctx, "", "test.join", make([][]byte, mostArguments+1)...); err == nil || !strings.Contains(err.Error(), "254") {
		t.Errorf("too many arguments: %v", err)
	}
	if _, err := CallRPC(ctx, "", "test.join", make([]byte, longestArgument+1)); err == nil || !strings.Contains(err.Error(), "65536") {
		t.Errorf("a long argument: %v", err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := CallRPC(over, "", "test.join"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v", err)
	}
	for _, node := range []string{"worker1", "nobody"} {
		if _, err := CallRPC(ctx, node, "test.join"); err == nil || !strings.Contains(err.Error(), node) {
			t.Errorf("%s: %v", node, err)
		}
	}
}

// server is another server, which does with a connection what a test wants.
func server(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// readPacketOf reads a packet and the bytes that its variable size announces; nil: the end.
func readPacketOf(conn net.Conn) map[string]string {
	var header [4]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return nil
	}
	packet := make([]byte, int(header[1])|int(header[2])<<8)
	if _, err := io.ReadFull(conn, packet); err != nil {
		return nil
	}
	parts, _ := unpacked(packet, 2)
	found := make(map[string]string)
	for i := 0; i+1 < len(parts); i += 2 {
		found[string(parts[i])] = string(parts[i+1])
	}
	return found
}

// says answers every packet with these bytes.
func says(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		for readPacketOf(conn) != nil {
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	}
}

func answerOf(modifier1 byte, status string, bytes string) string {
	packet, _ := packed(modifier1, modifierDictionary, []variable{{"status", status}, numbered("size", uint64(len(bytes)))})
	return string(packet) + bytes
}

func TestAnswersOfStrangers(t *testing.T) {
	for answer, said := range map[string]string{
		"":                                 "without an answer",
		"HTTP/1.1 400 Bad Request\r\n":     "no answer: is another service",
		"\x6f\x05\x00\x11\x06\x00":         "unexpected EOF",
		"\x6f\x02\x00\x11\x06\x00":         "no answer",
		"\x6f\x04\x00\x00\x00\x00\x00\x00": "no answer",
		answerOf(modifierCache, "ok", "value")[:28]:                             "unexpected EOF",
		answerOf(modifierCache, "strange", ""):                                  "strange",
		strings.Replace(answerOf(modifierCache, "ok", ""), "\x000", "\x00x", 1): "no answer",
	} {
		answer := answer
		address := server(t, func(conn net.Conn) {
			readPacketOf(conn)
			io.WriteString(conn, answer)
		})
		c, err := OpenCache("a@" + address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Get("k"); !errors.Is(err, ErrRemote) || !strings.Contains(err.Error(), said) || !strings.Contains(err.Error(), address) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestAnswersThatAreTooLong(t *testing.T) {
	packet, _ := packed(modifierRPC, modifierDictionary, []variable{{"status", "ok"}, numbered("size", longestResult+1)})
	address := server(t, says(string(packet)))
	if _, err := CallRPC(context.Background(), address, "f"); !errors.Is(err, ErrRemote) || !strings.Contains(err.Error(), "16777217") {
		t.Errorf("a long result: %v", err)
	}
	// A size that is a lie takes no memory.
	packet, _ = packed(modifierCache, modifierDictionary, []variable{{"status", "ok"}, numbered("size", 1<<62)})
	c, err := OpenCache("@" + server(t, func(conn net.Conn) {
		readPacketOf(conn)
		conn.Write(packet)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Get("k"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a lie: %v", err)
	}
}

func TestWhoDoesNotAnswer(t *testing.T) {
	silent := server(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	c, err := OpenCache("@" + silent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.WithTimeout(20 * time.Millisecond).Get("k"); !errors.Is(err, ErrRemote) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent cache: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err = CallRPC(ctx, silent, "f"); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrRemote) {
		t.Errorf("a silent function: %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err = CallRPC(ctx, silent, "f"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was cancelled: %v", err)
	}
	if _, err = CallRPC(context.Background(), "127.0.0.1:1", "f"); !errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, ErrRemote) {
		t.Errorf("nobody: %v", err)
	}
	if _, err = CallRPC(context.Background(), filepath.Join(t.TempDir(), "none.sock"), "f"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no socket: %v", err)
	}
	for _, address := range []string{"host", ":80", "host:", "a:b:c"} {
		if _, err = OpenCache("a@" + address); err == nil || !strings.Contains(err.Error(), "expected host:port") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	opened, closing := make(chan struct{}, 100), make(chan bool, 100)
	address := server(t, func(conn net.Conn) {
		opened <- struct{}{}
		for readPacketOf(conn) != nil {
			io.WriteString(conn, answerOf(modifierCache, "ok", "value"))
			if <-closing {
				return
			}
		}
	})
	c, err := OpenCache("used@" + address)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 3; i++ {
		closing <- i == 1
		if value, err := c.Get("k"); err != nil || string(value) != "value" {
			t.Fatalf("%d: %q, %v", i, value, err)
		}
	}
	if len(opened) != 2 {
		t.Errorf("%d connections", len(opened))
	}
}

func TestAnAnswerBeforeTheEndOfTheValue(t *testing.T) {
	packet, _ := packed(modifierCache, modifierDictionary, []variable{{"status", "value"}, {"reason", "it is too long"}})
	address := server(t, func(conn net.Conn) {
		readPacketOf(conn)
		conn.Write(packet)
		io.CopyN(io.Discard, conn, 1<<20)
	})
	c, err := OpenCache("early@" + address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set("k", make([]byte, 1<<20), 0); !errors.Is(err, ErrLength) || !strings.Contains(err.Error(), "it is too long") {
		t.Errorf("a value that is refused: %v", err)
	}
}

func TestKeysThatNoPacketHolds(t *testing.T) {
	c, err := OpenCache("a@127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(strings.Repeat("k", longestPacket+1)); !errors.Is(err, ErrLength) {
		t.Errorf("a key of 64 KiB: %v", err)
	}
}
