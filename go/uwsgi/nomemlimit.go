//go:build !go1.19 || !cgo || gccgo

package uwsgi

// setMemoryLimit does nothing: this runtime has no GOMEMLIMIT.
func setMemoryLimit(value string) {}
