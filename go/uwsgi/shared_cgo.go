//go:build cgo && uwsgi_shared

package uwsgi

// With the build tag uwsgi_shared the program is linked with the server as a
// library, and can be one as with uwsgi/embed.

/*
#cgo LDFLAGS: -L${SRCDIR}/../../../../lib -L${SRCDIR}/../../target/release -lgoherd

extern void *goherd_constructor;

// Makes the linker keep the library also where it drops what nobody refers to.
void *goherd_shared(void) { return goherd_constructor; }
*/
import "C"
