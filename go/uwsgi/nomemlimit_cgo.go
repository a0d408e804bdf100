//go:build cgo && (!go1.19 || gccgo)

package uwsgi

// setMemoryLimit does nothing: this runtime has no GOMEMLIMIT.
func setMemoryLimit(value string) {}
