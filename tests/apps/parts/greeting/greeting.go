// Package greeting is a package of the application's own, which uses one that is vendored.
package greeting

import "example.com/words"

// To greets somebody.
func To(name string) string {
	return words.Hello + ", " + name + "!\n"
}
