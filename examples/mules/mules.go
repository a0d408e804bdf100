// Mules shows work in the background: a request hands it to a mule and is answered
// at once; the mule counts the words, and puts the number where all processes see
// it. It also runs by itself (go run .), where the process is its own mule.
//
//	cd examples/mules && go build -buildmode=c-shared -o ../../target/apps/mules-go.so .
//	target/release/goherd examples/mules/mules.ini
//	curl -d text='one two three' 127.0.0.1:9090/count/mine; curl 127.0.0.1:9090/count/mine
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"uwsgi"
)

// counts has the numbers of words, by the names of texts.
var counts *uwsgi.Cache

func main() {
	var err error
	if counts, err = uwsgi.OpenCache("counts"); err != nil {
		log.Fatal(err)
	}
	uwsgi.OnMule(work)
	http.HandleFunc("/count/", count)
	uwsgi.Run()
}

// work is run in a mule: the message is a name, a line feed, and a text.
func work(message []byte) {
	name, text := message, []byte(nil)
	if i := bytes.IndexByte(message, '\n'); i >= 0 {
		name, text = message[:i], message[i+1:]
	}
	number := fmt.Sprintf("%d words, counted by mule %d\n", len(bytes.Fields(text)), uwsgi.MuleId())
	if err := counts.Set(string(name), []byte(number), 0); err != nil {
		log.Printf("the number of words of %q is lost: %v", name, err)
	}
}

// count is run in a worker: POST has a text counted, GET gives the number.
func count(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/count/")
	if r.Method == http.MethodPost {
		err := uwsgi.SendMule("farm_counting", []byte(name+"\n"+r.PostFormValue("text")))
		switch {
		case errors.Is(err, uwsgi.ErrFull): // they cannot keep up
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		case errors.Is(err, uwsgi.ErrLength):
			http.Error(w, "the text is too long", http.StatusRequestEntityTooLarge)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
		return
	}
	number, err := counts.Get(name)
	if err != nil {
		http.Error(w, "not counted yet", http.StatusNotFound)
		return
	}
	w.Write(number)
}
