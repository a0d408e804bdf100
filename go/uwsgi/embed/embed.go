// Package embed puts the server into the program: with
//
//	import _ "uwsgi/embed"
//
// anywhere in it, plain go build makes one executable that is the application
// and its whole server:
//
//	./app --http-socket :8080 --processes 4
//	./app app.ini
//	GOHERD_HTTP_SOCKET=:8080 ./app
//
// The server comes before the Go runtime: it is asked for if an ini file is built
// into the program, if the first word of the command line is the name of an .ini
// file, or if the command line up to a word "--", or the environment, has one of
// the options http-socket, uwsgi-socket (and its other name, socket),
// fastcgi-socket, scgi-socket, cache-socket, signal-socket, rpc-socket and ini. The
// whole command line is the server's then; go-args holds the application's. Else,
// and always with GOHERD_SERVER=off in the environment, the program is the plain
// program that it would be without this package, its own flags included.
//
// The process that was started becomes the master. Each worker is a fork of it in
// which the Go runtime starts afresh and main.main runs, up to uwsgi.Run.
//
// An ini file is built in by goherd build --ini, or by a constant in C in any
// file of the program that uses cgo:
//
//	// const char goherd_ini[] = "[uwsgi]\nhttp-socket = :8080\n";
//	import "C"
//
// The archive libgoherd.a is looked for where make install has put it, or where
// make has built it; CGO_LDFLAGS=-L/its/folder names another place. Without cgo
// (CGO_ENABLED=0) there can be no server in the program: uwsgi.Run says so, and
// serves plain net/http.
package embed
