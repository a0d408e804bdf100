package uwsgi

import (
	"net/http"
	"strings"
	"unsafe"
)

// appendHeader appends the fields of an answer, in the order of their names.
func (c *core) appendHeader(block []byte, header http.Header, status int) []byte {
	c.keys = c.keys[:0]
	for key := range header {
		c.keys = append(c.keys, key)
	}
	sortStrings(c.keys)
	for _, key := range c.keys {
		if unfit(key, status) || strings.HasPrefix(key, http.TrailerPrefix) {
			continue
		}
		values := header[key]
		if key == "Date" && len(values) == 0 {
			block = appendField(block, key, "") // the server is to add none
		}
		block = appendFields(block, key, values)
	}
	return block
}

// unfit says whether a field has no place in an answer without a body.
func unfit(key string, status int) bool {
	return !allowsBody(status) && (key == "Content-Length" || key == "Content-Type" && status == http.StatusNotModified)
}

// sortStrings sorts few strings without an allocation.
func sortStrings(s []string) {
	for i := 1; i < len(s); i++ {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

// appendFields appends a field for each value, made fit for it; a name that is
// none is left out, as net/http does.
func appendFields(block []byte, name string, values []string) []byte {
	if !isToken(name) {
		return block
	}
	for _, value := range values {
		block = appendField(block, name, clean(value))
	}
	return block
}

// appendField appends a field in the form of goherd_respond's blocks.
func appendField(block []byte, name, value string) []byte {
	block = appendLength(block, len(name))
	block = appendLength(block, len(value))
	block = append(block, name...)
	return append(block, value...)
}

// appendLength appends a uint32 in the byte order of the machine.
func appendLength(block []byte, length int) []byte {
	block = append(block, 0, 0, 0, 0)
	*(*uint32)(unsafe.Pointer(&block[len(block)-4])) = uint32(length)
	return block
}

// walkFields calls f with each field of a block that the server made.
func walkFields(block []byte, f func(name, value string)) {
	for len(block) >= 8 {
		name, value := int(*(*uint32)(unsafe.Pointer(&block[0]))), int(*(*uint32)(unsafe.Pointer(&block[4])))
		block = block[8:]
		if name+value > len(block) {
			return
		}
		f(string(block[:name]), string(block[name:name+value]))
		block = block[name+value:]
	}
}

// clean makes a value fit for one line, as net/http does.
func clean(value string) string {
	for i := 0; i < len(value); i++ {
		if value[i] == '\r' || value[i] == '\n' {
			value = strings.NewReplacer("\n", " ", "\r", " ").Replace(value)
			break
		}
	}
	return strings.Trim(value, " \t")
}

// isToken says whether name can be the name of a field (RFC 9110, 5.6.2).
func isToken(name string) bool {
	for i := 0; i < len(name); i++ {
		b := name[i]
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !letter && (b == 0 || !strings.Contains("!#$%&'*+-.^_`|~", string(rune(b)))) {
			return false
		}
	}
	return name != ""
}

// allowsBody says whether an answer with this status may have a body.
func allowsBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
