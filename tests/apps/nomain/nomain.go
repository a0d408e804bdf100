// Package nomain is a gccgo library with nothing to run.
package nomain

import "fmt"

// Answer is what it has instead.
func Answer() string { return fmt.Sprint(42) }
