//go:build !goherd

package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

// main is http.ListenAndServe on a port of the kernel's choice, which it tells.
func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s/\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
