package uwsgi

import "net/url"

// parseTarget understands a request's target as net/http does. Most are a plain
// path, and what understanding one costs would be seen in each of their requests.
func (x *exchange) parseTarget(target string) (*url.URL, error) {
	if end, plain := plainPath(target); plain {
		x.url.Path = target[:end]
		if end < len(target) {
			x.url.RawQuery = target[end+1:]
		}
		return &x.url, nil
	}
	return url.ParseRequestURI(target)
}

// plainPath says whether the target is a path that stands for itself, with a query
// behind it or none, and where the path ends.
func plainPath(target string) (end int, plain bool) {
	if target == "" || target[0] != '/' {
		return 0, false
	}
	for end < len(target) && isPlain(target[end]) {
		end++
	}
	if end == len(target) {
		return end, true
	}
	if target[end] != '?' || end+1 == len(target) {
		return 0, false // an empty query has a mark of its own in url.URL
	}
	for i := end + 1; i < len(target); i++ {
		if target[i] < ' ' || target[i] == 0x7f {
			return 0, false
		}
	}
	return end, true
}

// isPlain says whether a byte of a path stands for itself, and is written so
// (RFC 3986, section 2.3: unreserved).
func isPlain(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '/' <= b && b <= '9', b == '-', b == '.', b == '_', b == '~':
		return true
	}
	return false
}
