// Nouwsgi is a Go program that does not import the package uwsgi.
package main

import "fmt"

func main() { fmt.Println("nobody serves here") }
