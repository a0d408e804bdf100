package uwsgi

import (
	"context"
	"fmt"
)

// callProcess calls a function of another process of this server.
func callProcess(ctx context.Context, node, name string, args [][]byte) ([]byte, error) {
	return nil, fmt.Errorf("uwsgi: calling %q: there is no process called %q", name, node)
}
