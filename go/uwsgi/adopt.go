package uwsgi

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

func init() {
	if hasServer() {
		adoptProcess()
	}
}

// adoptProcess gives the program the arguments and the environment that the
// server has for it: those that the runtime has read are the ones that the server
// was started with. Variables that the runtime has acted upon by then are put into
// effect here.
func adoptProcess() {
	if args := split(abiArgs()); len(args) > 0 {
		os.Args = args
	}
	for _, assignment := range split(abiEnv()) {
		i := strings.IndexByte(assignment, '=')
		if i <= 0 {
			continue
		}
		name, value := assignment[:i], assignment[i+1:]
		os.Setenv(name, value)
		n, err := strconv.Atoi(value)
		switch {
		case name == "GOMAXPROCS" && err == nil && n > 0:
			runtime.GOMAXPROCS(n)
		case name == "GOGC" && err == nil:
			debug.SetGCPercent(n)
		case name == "GOGC" && value == "off":
			debug.SetGCPercent(-1)
		case name == "GOMEMLIMIT":
			setMemoryLimit(value)
		}
	}
}

// split takes a block of strings apart, each of which is followed by a NUL.
func split(block string) []string {
	if block == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(block, "\x00"), "\x00")
}
