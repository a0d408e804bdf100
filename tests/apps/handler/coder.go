//go:build !gccgo

package main

import (
	"net/http"

	"github.com/coder/websocket"
)

func init() {
	http.HandleFunc("/coder", coder)
}

// coder echoes one message of a WebSocket.
func coder(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	kind, message, err := conn.Read(r.Context())
	if err == nil {
		err = conn.Write(r.Context(), kind, append([]byte("coder heard "), message...))
	}
	if err == nil {
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}
