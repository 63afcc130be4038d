package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"sync"

	"github.com/moby/buildkit/client"
)

// request is one line of input.
type request struct {
	ID     int64           `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// errCanceled is the cause of a context that a `cancel` request ended.
var errCanceled = errors.New("canceled")

type server struct {
	ctx context.Context

	outMu sync.Mutex
	out   io.Writer
	stop  context.CancelCauseFunc

	mu        sync.Mutex
	client    *client.Client
	running   map[int64]context.CancelCauseFunc
	services  map[int64]*service
	terminals map[int64]*terminal
}

// call is one running request.
type call struct {
	*server
	id int64
}

func serve(in io.Reader, out io.Writer) int {
	log.SetFlags(0)
	log.SetOutput(os.Stderr)
	quiet()
	ctx, stop := context.WithCancelCause(context.Background())
	s := &server{ctx: ctx, out: out, stop: stop, running: map[int64]context.CancelCauseFunc{}, services: map[int64]*service{}, terminals: map[int64]*terminal{}}

	var calls sync.WaitGroup
	lines := bufio.NewReaderSize(in, 1<<20)
	for ctx.Err() == nil {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var req request
			if err := json.Unmarshal(line, &req); err != nil {
				log.Printf("not a request: %v", err)
				s.send(map[string]any{"id": nil, "error": &rpcError{Code: "INVALID", Message: err.Error()}})
				continue
			}
			if req.Method == "terminalMove" {
				// In order: what is typed must not be mixed up.
				s.answer(ctx, req)
				continue
			}
			if req.Method == "terminal" {
				call{s, req.ID}.open()
			}
			callCtx, cancel := context.WithCancelCause(ctx)
			s.mu.Lock()
			s.running[req.ID] = cancel
			s.mu.Unlock()
			calls.Add(1)
			go func() {
				defer calls.Done()
				s.answer(callCtx, req)
				s.mu.Lock()
				delete(s.running, req.ID)
				delete(s.terminals, req.ID)
				s.mu.Unlock()
				cancel(nil)
			}()
		}
		if err != nil {
			break
		}
	}
	stop(errCanceled)
	calls.Wait()
	if s.client != nil {
		s.client.Close()
	}
	return 0
}

// answer runs a request and sends its one result or error.
func (s *server) answer(ctx context.Context, req request) {
	result, err := func() (result any, err error) {
		defer func() {
			if p := recover(); p != nil {
				log.Printf("%s: %v\n%s", req.Method, p, debug.Stack())
				err = &rpcError{Code: "INTERNAL", Message: fmt.Sprint(p)}
			}
		}()
		return s.dispatch(ctx, call{s, req.ID}, req)
	}()
	if err != nil {
		s.send(map[string]any{"id": req.ID, "error": asError(ctx, err)})
		return
	}
	if result == nil {
		result = struct{}{}
	}
	s.send(map[string]any{"id": req.ID, "result": result})
}

func (s *server) dispatch(ctx context.Context, c call, req request) (any, error) {
	switch req.Method {
	case "connect":
		return with(req, func(p connectParams) (any, error) { return s.connect(ctx, p) })
	case "solve":
		return with(req, func(p solveParams) (any, error) { return c.solve(ctx, p) })
	case "export":
		return with(req, func(p exportParams) (any, error) { return c.export(ctx, p) })
	case "resolveImage":
		return with(req, func(p resolveParams) (any, error) { return c.resolveImage(ctx, p) })
	case "prune":
		return with(req, func(p pruneParams) (any, error) { return s.prune(ctx, p) })
	case "diskUsage":
		return with(req, func(p diskUsageParams) (any, error) { return s.diskUsage(ctx, p) })
	case "service":
		return with(req, func(p serviceParams) (any, error) { return c.service(ctx, p) })
	case "serviceStop":
		return with(req, func(p serviceStopParams) (any, error) { return s.serviceStop(ctx, p) })
	case "terminal":
		return with(req, func(p terminalParams) (any, error) { return c.terminal(ctx, p) })
	case "terminalMove":
		return with(req, s.terminalMove)
	case "cancel":
		return with(req, func(p cancelParams) (any, error) {
			s.mu.Lock()
			cancel := s.running[p.Request]
			s.mu.Unlock()
			if cancel != nil && p.Request != req.ID {
				cancel(errCanceled)
			}
			return nil, nil
		})
	default:
		return nil, &rpcError{Code: "INVALID", Message: fmt.Sprintf("no such method: %q", req.Method)}
	}
}

type cancelParams struct {
	Request int64 `json:"request"`
}

// with decodes the parameters of a request for `run`.
func with[P any](req request, run func(P) (any, error)) (any, error) {
	var p P
	if len(req.Params) > 0 {
		if err := json.Unmarshal(req.Params, &p); err != nil {
			return nil, &rpcError{Code: "INVALID", Message: fmt.Sprintf("%s: %v", req.Method, err)}
		}
	}
	return run(p)
}

// event sends something that happens while a request runs.
func (c call) event(event any) {
	c.send(map[string]any{"id": c.id, "event": event})
}

func (s *server) send(message any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(message); err != nil {
		log.Printf("cannot encode a message: %v", err)
		return
	}
	s.outMu.Lock()
	defer s.outMu.Unlock()
	if _, err := s.out.Write(buf.Bytes()); err != nil {
		s.stop(err) // nobody reads any more
	}
}

// connection is the client that the last `connect` made.
func (s *server) connection() (*client.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil, &rpcError{Code: "UNAVAILABLE", Message: "not connected to BuildKit"}
	}
	return s.client, nil
}
