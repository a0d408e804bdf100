package uwsgi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestATaskCrossesToTheServerAndBack(t *testing.T) {
	task := map[string]string{"to": "ada", "body": "\x00\xff", "empty": ""}
	given := map[string]string{TaskName: "x", TaskTry: "3"}
	for key, value := range task {
		given[key] = value
	}
	block, err := taskBlock(given)
	if err != nil {
		t.Fatal(err)
	}
	back := taskOf(block)
	if len(back) != len(task) {
		t.Fatalf("%q came back as %q", task, back)
	}
	for key, value := range task {
		if got, has := back[key]; !has || got != value {
			t.Errorf("%q: %q came back as %q", key, value, got)
		}
	}
	again, _ := taskBlock(given)
	if string(again) != string(block) {
		t.Error("the same task has two forms")
	}
}

func TestATaskThatIsTooLargeIsNotCopied(t *testing.T) {
	half := strings.Repeat("x", mostOfTask/2)
	_, err := taskBlock(map[string]string{"a": half, "b": half}) // of the same bytes
	if !errors.Is(err, ErrLength) || !strings.Contains(err.Error(), "268435474 bytes") {
		t.Fatal(err)
	}
}

func TestWithoutAServerATaskIsRefused(t *testing.T) {
	err := Spool(context.Background(), map[string]string{"a": "b"})
	if err == nil || !strings.Contains(err.Error(), "no server is around") {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Spool(over, map[string]string{"a": "b"}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	OnSpool(func(context.Context, map[string]string) error { return nil }) // does no harm
}

func TestATaskIsToldBeforeTheEnd(t *testing.T) {
	for mercy, last := range map[uint64]time.Duration{
		1: 250 * time.Microsecond, 8000: 2 * time.Second, 60000: 10 * time.Second, 3600000: 10 * time.Second,
	} {
		if got := lastMoments(mercy); got != last {
			t.Errorf("of %d ms: %v", mercy, got)
		}
	}
}
