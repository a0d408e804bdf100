package uwsgi

import (
	"net/http"
	"net/textproto"
	"strings"
)

// announceTrailers prepares the request for the trailer fields that its head
// announces: they are keys of Request.Trailer, whose values come with the body's
// end.
func (x *exchange) announceTrailers() {
	r := x.request
	announced, has := r.Header["Trailer"]
	if !has {
		return
	}
	delete(r.Header, "Trailer")
	for _, key := range elements(announced) {
		if isFraming(key) {
			x.refused = "400: the request announces a trailer field that must be in the head"
			return
		}
		if r.Trailer == nil {
			r.Trailer = make(http.Header)
		}
		r.Trailer[key] = nil
	}
}

// elements gives the elements of a list of field names, in canonical form.
func elements(values []string) []string {
	var names []string
	for _, value := range values {
		for _, name := range strings.Split(value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, textproto.CanonicalMIMEHeaderKey(name))
			}
		}
	}
	return names
}

// isFraming says whether a field concerns the framing of the message, so that it
// cannot be a trailer field.
func isFraming(key string) bool {
	return key == "Transfer-Encoding" || key == "Content-Length" || key == "Trailer"
}

// takeTrailers puts the trailer fields of the body, which has ended, into the
// request.
func (x *exchange) takeTrailers() {
	r := x.request
	if len(r.TransferEncoding) == 0 {
		return
	}
	block := make([]byte, 512)
	n := abiTrailers(x.id, block)
	if n > int64(len(block)) {
		block = make([]byte, n)
		n = abiTrailers(x.id, block)
	}
	if n <= 0 || n > int64(len(block)) {
		return
	}
	if r.Trailer == nil {
		r.Trailer = make(http.Header)
	}
	fresh := make(http.Header)
	walkFields(block[:n], func(name, value string) { fresh[name] = append(fresh[name], value) })
	for name, values := range fresh {
		r.Trailer[name] = values
	}
}

// declareTrailers notes which trailer fields the handler promises in the head of
// its answer.
func (w *response) declareTrailers() {
	w.declareLateTrailers()
	if declared, has := w.header["Trailer"]; has {
		w.trailing = true
		for _, key := range elements(declared) {
			if !isFraming(key) {
				w.trailers = append(w.trailers, key)
			}
		}
	}
}

// declareLateTrailers looks for trailer fields that the head need not promise.
func (w *response) declareLateTrailers() {
	for key := range w.header {
		if strings.HasPrefix(key, http.TrailerPrefix) {
			w.trailing = true
		}
	}
}

// trailerFields gives the trailer fields as they cross to the server, when the
// handler has returned.
func (w *response) trailerFields(block []byte) []byte {
	for _, key := range w.trailers {
		block = appendFields(block, key, w.header[key])
	}
	for key, values := range w.header {
		if strings.HasPrefix(key, http.TrailerPrefix) {
			if name := key[len(http.TrailerPrefix):]; !isFraming(textproto.CanonicalMIMEHeaderKey(name)) {
				block = appendFields(block, name, values)
			}
		}
	}
	return block
}
