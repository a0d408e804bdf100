//go:build goherd

package main

import _ "uwsgi/embed"
