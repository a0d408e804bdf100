package uwsgi

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// forget makes the process one without a function for messages.
func forget() { OnMule(nil) }

func TestMessagesToItself(t *testing.T) {
	if MuleId() != 0 {
		t.Errorf("MuleId() = %d, want 0", MuleId())
	}
	defer forget()
	for _, to := range []string{"", "mule", "mule2", "farm_mail", "farm1"} {
		if err := SendMule(to, []byte(to)); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan string)
	OnMule(func(message []byte) { got <- string(message) })
	for _, want := range []string{"", "mule", "mule2", "farm_mail", "farm1"} {
		if text := <-got; text != want {
			t.Errorf("message %q, want %q", text, want)
		}
	}
	// The message is the sender's again.
	message := []byte("mine")
	if err := SendMule("", message); err != nil {
		t.Fatal(err)
	}
	copy(message, "else")
	if text := <-got; text != "mine" {
		t.Errorf("message %q, want mine", text)
	}
}

func TestAFunctionThatFails(t *testing.T) {
	defer forget()
	got := make(chan string, 1)
	OnMule(func(message []byte) {
		switch string(message) {
		case "panic":
			panic("in a test")
		case "leave":
			runtime.Goexit()
		}
		got <- string(message)
	})
	for _, text := range []string{"panic", "leave", "after"} {
		if err := SendMule("", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if text := <-got; text != "after" {
		t.Errorf("message %q, want after", text)
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	for _, to := range []string{"mulex", "mule01", "mule-1", "farm_", "farm", "farm0", "worker1", "all"} {
		if err := SendMule(to, nil); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), to) {
			t.Errorf("%q: %v", to, err)
		}
	}
	err := SendMule("", make([]byte, LongestMessage+1))
	if !errors.Is(err, ErrLength) || !strings.Contains(err.Error(), "65537 bytes") {
		t.Errorf("too long: %v", err)
	}
	if err := SendMule("", make([]byte, LongestMessage)); err != nil {
		t.Errorf("the longest: %v", err)
	}
	sent := 0
	for err = nil; err == nil && sent <= mostLocalMessages; sent++ {
		err = SendMule("", nil)
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("after %d: %v", sent, err)
	}
	defer forget()
	handled := make(chan struct{})
	OnMule(func([]byte) { handled <- struct{}{} })
	for i := 0; i < sent; i++ { // with the longest one, and without the one that was refused
		<-handled
	}
}
