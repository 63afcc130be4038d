package main

import (
	"context"
	"errors"
	"io"
	"sync"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
)

const (
	// How much output may be on its way to whoever looks at a terminal: what is not acknowledged holds the process up.
	terminalWindow = 256 << 10
	// How much input may wait for a process that reads none.
	terminalInputSize = 16 << 20
)

type terminalParams struct {
	serviceParams
	Rows uint32 `json:"rows"`
	Cols uint32 `json:"cols"`
}

type terminalResult struct {
	ExitCode int `json:"exitCode"`
}

// terminalMove is what happens at the other end of a terminal.
type terminalMove struct {
	Request int64  `json:"request"`
	Data    []byte `json:"data"` // was typed
	EOF     bool   `json:"eof"`  // nothing more will be
	Rows    uint32 `json:"rows"`
	Cols    uint32 `json:"cols"`
	Seen    int64  `json:"seen"` // bytes of output that were taken
}

// terminal is a process that has a terminal, for as long as it runs.
type terminal struct {
	typed *typed
	shown *shown
	sizes chan gateway.WinSize // the last one, until it was told
}

// terminal runs a process with a terminal in a container that nothing remains of. What is typed comes in moves.
func (c call) terminal(ctx context.Context, p terminalParams) (*terminalResult, error) {
	t := c.terminalOf(c.id)
	j, err := c.newJob(&p.solveParams)
	if err != nil {
		return nil, err
	}
	opt, err := p.options(&j.locals)
	if err != nil {
		return nil, err
	}
	// A process may be held up by output that nobody takes any more, or wait for input.
	stop := context.AfterFunc(ctx, t.close)
	defer stop()
	defer t.close()
	var result *terminalResult
	_, err = j.run(ctx, opt, func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		request, err := j.container(ctx, gw, &p.serviceParams)
		if err != nil {
			return nil, err
		}
		j.finish(ctx, gw)
		result, err = j.attach(ctx, gw, request, &p, t)
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (j *job) attach(ctx context.Context, gw gateway.Client, request *gateway.NewContainerRequest, p *terminalParams, t *terminal) (*terminalResult, error) {
	container, err := gw.NewContainer(ctx, *request)
	if err != nil {
		return nil, err
	}
	defer container.Release(context.WithoutCancel(ctx))
	start := gateway.StartRequest{
		Args: p.Args, Env: p.Env, Cwd: p.Cwd, User: p.User, RemoveMountStubsRecursive: true,
		Tty: true, Stdin: t.typed, Stdout: t.shown,
	}
	for _, s := range p.SecretEnv {
		start.SecretEnv = append(start.SecretEnv, &pb.SecretEnv{ID: s.ID, Name: s.Name, Optional: s.Optional})
	}
	process, err := container.Start(ctx, start)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case size := <-t.sizes:
				_ = process.Resize(ctx, size)
			case <-ended:
				return
			}
		}
	}()
	t.resize(p.Rows, p.Cols)
	j.call.event(map[string]any{"started": true})
	err = process.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	code, exited := exitCode(err)
	if err != nil && !exited {
		return nil, err
	}
	return &terminalResult{ExitCode: code}, nil
}

// resize tells of a size, or of a newer one. Only one goroutine calls it at a time.
func (t *terminal) resize(rows, cols uint32) {
	if rows == 0 || cols == 0 {
		return
	}
	select {
	case <-t.sizes:
	default:
	}
	t.sizes <- gateway.WinSize{Rows: rows, Cols: cols}
}

func (t *terminal) close() {
	t.typed.Close()
	t.shown.Close()
}

// open makes the terminal of a request, also for moves that come before its process runs.
func (c call) open() {
	t := &terminal{sizes: make(chan gateway.WinSize, 1), typed: newTyped(), shown: newShown(func(data []byte) { c.event(map[string]any{"data": data}) })}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.terminals[c.id] = t
}

func (s *server) terminalOf(id int64) *terminal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.terminals[id]
}

// terminalMove is answered in the order in which moves come, and never waits. Moves of what has ended are no error.
func (s *server) terminalMove(m terminalMove) (any, error) {
	t := s.terminalOf(m.Request)
	if t == nil {
		return nil, nil
	}
	t.resize(m.Rows, m.Cols)
	t.shown.seen(m.Seen)
	if err := t.typed.add(m.Data); err != nil {
		return nil, err
	}
	if m.EOF {
		t.typed.Close()
	}
	return nil, nil
}

// typed is the input of a terminal: a pipe that whoever writes does not wait for.
type typed struct {
	mu     sync.Mutex
	more   sync.Cond
	data   []byte
	closed bool
}

func newTyped() *typed {
	t := &typed{}
	t.more.L = &t.mu
	return t
}

func (t *typed) add(data []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(data) == 0 {
		return nil
	}
	if len(t.data)+len(data) > terminalInputSize {
		return &rpcError{Code: "INVALID", Message: "too much input waits: the program in the terminal reads none"}
	}
	t.data = append(t.data, data...)
	t.more.Signal()
	return nil
}

func (t *typed) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.data) == 0 && !t.closed {
		t.more.Wait()
	}
	if len(t.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, t.data)
	t.data = t.data[n:]
	return n, nil
}

func (t *typed) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.more.Broadcast()
	return nil
}

// shown is the output of a terminal: as much as has not been seen yet, and no more, is on its way.
type shown struct {
	mu     sync.Mutex
	room   sync.Cond
	unseen int64
	closed bool
	emit   func([]byte)
}

func newShown(emit func([]byte)) *shown {
	s := &shown{emit: emit}
	s.room.L = &s.mu
	return s
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	for s.unseen >= terminalWindow && !s.closed {
		s.room.Wait()
	}
	if s.closed {
		s.mu.Unlock()
		return 0, errors.New("the terminal is closed")
	}
	s.unseen += int64(len(p))
	s.mu.Unlock()
	s.emit(p)
	return len(p), nil
}

func (s *shown) seen(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unseen = max(0, s.unseen-n)
	s.room.Signal()
}

func (s *shown) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.room.Broadcast()
	return nil
}
