package uwsgi

import "sync"

// hooks has what is to be done when Run is reached.
var hooks struct {
	sync.Mutex
	init, fork []func()
}

// PostInit has Run call f once in each process that runs the program, before its
// first request: the functions of PostInit in the order in which they were given, then
// those of PostFork. Call it before Run, from any goroutine.
//
// In uWSGI's Go plugins PostInit's function ran in the master, before it forked, and
// PostFork's in each worker. Here nothing of Go runs in the master, and main
// itself runs in each worker after the fork: so there is no difference between the two, nor one
// from writing the call before Run. Both are for programs that use them already; Once is for what
// one process is to do for all.
func PostInit(f func()) {
	hooks.Lock()
	defer hooks.Unlock()
	hooks.init = append(hooks.init, f)
}

// PostFork has Run call f once in each process that runs the program, before its
// first request and after the functions of PostInit, which tells more.
func PostFork(f func()) {
	hooks.Lock()
	defer hooks.Unlock()
	hooks.fork = append(hooks.fork, f)
}

// runHooks does what Run is to do first.
func runHooks() {
	hooks.Lock()
	todo := append(append([]func(){}, hooks.init...), hooks.fork...)
	hooks.Unlock()
	for _, f := range todo {
		f()
	}
}
