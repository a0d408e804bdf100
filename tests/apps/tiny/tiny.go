// Package tiny is a gccgo library that uses nothing of Go's own library.
package tiny

// Answer is all that it has.
func Answer() int { return 42 }
