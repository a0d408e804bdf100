//go:build cgo

package uwsgi

// The version of the server's interface that this package was built for, where
// the server finds it before it loads the program.

/*
#include "goherd.h"

__attribute__((section("goherd_package"))) const uint32_t goherd_package_abi = GOHERD_ABI_VERSION;
*/
import "C"

// abiExpected, by which Run judges, is the same: these two do not compile
// otherwise.
var (
	_ [abiExpected - C.GOHERD_ABI_VERSION]struct{}
	_ [C.GOHERD_ABI_VERSION - abiExpected]struct{}
)
