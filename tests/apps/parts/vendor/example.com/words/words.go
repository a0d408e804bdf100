// Package words is in the folder vendor, and nowhere else.
package words

// Hello is what to say.
const Hello = "Hello"
