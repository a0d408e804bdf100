// Norun imports the package uwsgi, and its main returns without calling Run.
package main

import (
	"log"
	"uwsgi"
)

func main() { log.Printf("norun: main of worker %d returns", uwsgi.WorkerId()) }
