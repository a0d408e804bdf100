//go:build goherd

package main

import "uwsgi"

func main() {
	uwsgi.Run()
}
