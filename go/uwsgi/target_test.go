package uwsgi

import (
	"math/rand"
	"net/url"
	"reflect"
	"testing"
)

// sameAsURL compares the two ways to understand a target.
func sameAsURL(t *testing.T, target string) {
	t.Helper()
	got, err := new(exchange).parseTarget(target)
	want, wantErr := url.ParseRequestURI(target)
	if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got, want) {
		t.Errorf("%q is %#v (%v), want %#v (%v)", target, got, err, want, wantErr)
	}
}

func TestATargetIsUnderstoodAsByNetURL(t *testing.T) {
	for _, target := range []string{
		"", "/", "*", "//", "//x/y", "/a/b.c-d_e~f", "/?", "/??", "/?a", "/?a=b&c=d", "/?a?b", "/a?b#c", "/a#b", "/a%2Fb", "/a%zz",
		"/a b", "/a?b c", "/a?\x7f", "/a?\x01", "/a\x00", "/\xff", "/?\xff", "/a:b", "/a;b", "/a,b", "/(a)", "/a+b", "/../..", "/0/9",
		"http://h/p?q", "http://h", "h:443", "a", "?", "?a",
	} {
		sameAsURL(t, target)
	}
}

func TestAnyTargetIsUnderstoodAsByNetURL(t *testing.T) {
	const alphabet = "/?ab09-._~%2F#:;,+@&=$!*()' \x00\x7f\x80"
	random := rand.New(rand.NewSource(1))
	for i := 0; i < 200000; i++ {
		target := make([]byte, 1+random.Intn(8))
		for j := range target {
			target[j] = alphabet[random.Intn(len(alphabet))]
		}
		sameAsURL(t, string(target))
		sameAsURL(t, "/"+string(target))
	}
}
