//go:build cgo && go1.19 && !gccgo

package uwsgi

import (
	"math"
	"runtime/debug"
	"strconv"
	"strings"
)

// setMemoryLimit puts a value of GOMEMLIMIT into effect, as the runtime does with
// the one that it finds when it starts. A value that is none changes nothing.
func setMemoryLimit(value string) {
	if limit, ok := memoryLimit(value); ok {
		debug.SetMemoryLimit(limit)
	}
}

// memoryLimit reads a number of bytes, with one of the runtime's units or without,
// or "off".
func memoryLimit(value string) (int64, bool) {
	if value == "off" {
		return math.MaxInt64, true
	}
	factor := int64(1)
	digits := strings.TrimSuffix(value, "B")
	for i, unit := range []string{"Ki", "Mi", "Gi", "Ti"} {
		if digits != value && strings.HasSuffix(digits, unit) {
			digits, factor = strings.TrimSuffix(digits, unit), 1<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/factor {
		return 0, false
	}
	return int64(n) * factor, true
}
