//go:build cgo

package embed

// The first folder is that of an installed package, the second that of the
// repository.

/*
#cgo LDFLAGS: -L${SRCDIR}/../../../../../lib -L${SRCDIR}/../../../target/release -l:libgoherd.a -lm -ldl

extern void *goherd_constructor;

// Brings the constructor out of the archive, and with it the server.
void *const goherd_embedded = &goherd_constructor;
*/
import "C"
