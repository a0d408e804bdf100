// Rpc shows servers that ask each other: a function that one has and another calls,
// and a cache that one keeps and another reads. The same program is both; BACK says
// where the other one is. It also runs by itself (go run .), and then asks itself.
//
//	cd examples/rpc && go build -buildmode=c-shared -o ../../target/apps/rpc-go.so .
//	target/release/goherd examples/rpc/back.ini &
//	target/release/goherd examples/rpc/front.ini
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"os"
	"time"
	"uwsgi"
)

// factorial gives n! in decimal, and keeps it in the cache of this server.
func factorial(ctx context.Context, args ...[]byte) ([]byte, error) {
	if len(args) != 1 {
		return nil, errors.New("factorial takes a number")
	}
	n, ok := new(big.Int).SetString(string(args[0]), 10)
	if !ok || n.Sign() < 0 || n.Cmp(big.NewInt(2000)) > 0 {
		return nil, fmt.Errorf("%q is no number from 0 to 2000", args[0])
	}
	product := big.NewInt(1)
	for i := int64(2); i <= n.Int64(); i++ {
		if err := ctx.Err(); err != nil {
			return nil, err // nobody waits any more
		}
		product.Mul(product, big.NewInt(i))
	}
	text := []byte(product.String())
	if results, err := uwsgi.OpenCache("results"); err == nil {
		if err := results.Set(string(args[0]), text, time.Hour); err != nil {
			log.Print(err)
		}
	}
	return text, nil
}

// back is where the other server is: its socket for calls, and that for its cache.
type back struct {
	node  string
	cache string
}

// answer answers with n!, from the other server's cache or by its function.
func (b back) answer(w http.ResponseWriter, r *http.Request) {
	uwsgi.SetHarakiri(r, 20*time.Second) // whatever other requests may take: the other server has its time, too
	n := r.URL.Query().Get("n")
	if text := uwsgi.CacheGet(n, b.cache); text != "" {
		fmt.Fprintf(w, "%s (it was there)\n", text)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	text, err := uwsgi.CallRPC(ctx, b.node, "factorial", []byte(n))
	switch {
	case errors.Is(err, uwsgi.ErrRemote):
		http.Error(w, err.Error(), http.StatusBadGateway)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		fmt.Fprintf(w, "%s\n", text)
	}
}

func main() {
	if err := uwsgi.RegisterRPC("factorial", factorial); err != nil {
		log.Fatal(err)
	}
	b := back{node: os.Getenv("BACK"), cache: "results"}
	if cache := os.Getenv("BACK_CACHE"); cache != "" {
		b.cache = "results@" + cache
	}
	http.HandleFunc("/factorial", b.answer)
	uwsgi.Run()
}
