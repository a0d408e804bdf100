//go:build go1.19 && !gccgo

package main

import "runtime/debug"

func init() {
	memoryLimit = func() int64 { return debug.SetMemoryLimit(-1) }
}
