//go:build cgo && go1.19 && !gccgo

package uwsgi

import (
	"math"
	"testing"
)

func TestMemoryLimitsAreReadAsTheRuntimeDoes(t *testing.T) {
	for value, expected := range map[string]int64{
		"0": 0, "1048576": 1 << 20, "7B": 7, "3KiB": 3 << 10, "512MiB": 512 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40,
		"off": math.MaxInt64, "9223372036854775807": math.MaxInt64,
	} {
		if limit, ok := memoryLimit(value); !ok || limit != expected {
			t.Errorf("%s is %d, %v", value, limit, ok)
		}
	}
	for _, value := range []string{"", "B", "MiB", "-1", "+1", "1Mi", "1MB", "1 MiB", "1.5GiB", "8388608TiB", "9223372036854775808"} {
		if limit, ok := memoryLimit(value); ok {
			t.Errorf("%q is %d", value, limit)
		}
	}
}
