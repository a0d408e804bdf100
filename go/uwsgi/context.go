package uwsgi

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of a request. Most handlers never ask for it, so
// that what it takes to be cancelled is made when somebody does, and is the
// standard library's from then on, also for contexts that are derived from it.
type requestContext struct {
	exchange *exchange
	base     context.Context
	mu       sync.Mutex
	inner    context.Context // nil until it is needed
	end      context.CancelFunc
	isOver   bool
}

// cancellable gives the context that can be cancelled, which is cancelled already
// if this one is.
func (c *requestContext) cancellable() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.end = context.WithCancel(c.base)
		if c.isOver {
			c.end()
		}
	}
	return c.inner
}

// cancel ends the context.
func (c *requestContext) cancel() {
	c.mu.Lock()
	c.isOver = true
	end := c.end
	c.mu.Unlock()
	if end != nil {
		end()
	}
}

// Deadline says that there is none.
func (c *requestContext) Deadline() (deadline time.Time, ok bool) {
	return time.Time{}, false
}

// Done gives the channel that is closed when the peer is gone, the time of the
// request is over, or the handler has returned.
func (c *requestContext) Done() <-chan struct{} {
	return c.cancellable().Done()
}

// Err says whether that is so.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isOver {
		return context.Canceled
	}
	return nil
}

// exchangeKey is the key by which a request's exchange is found, also by a context
// that was derived from its own.
type exchangeKey struct{}

// Value gives what net/http puts into the context of a request, and by a key of
// the standard library's own what derived contexts attach themselves to.
func (c *requestContext) Value(key interface{}) interface{} {
	if key == (exchangeKey{}) {
		return c.exchange
	}
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return c.base.Value(key)
}
