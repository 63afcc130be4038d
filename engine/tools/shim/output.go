package main

import (
	"errors"
	"io"
	"os"
	"syscall"
)

const tailSize = 100 << 10

// forwarder passes the first `limit` bytes of a stream on (all of it when limit is 0) and keeps the end of what
// it did not, to be shown when the step fails.
type forwarder struct {
	out     io.Writer
	limit   int64
	passed  int64
	skipped int64
	tail    []byte
}

func (f *forwarder) Write(p []byte) (int, error) {
	n := len(p)
	if f.limit > 0 {
		if room := f.limit - f.passed; int64(n) > room {
			f.keep(p[max(room, 0):])
			p = p[:max(room, 0)]
		}
	}
	if len(p) > 0 {
		f.passed += int64(len(p))
		if _, err := f.out.Write(p); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func (f *forwarder) keep(p []byte) {
	f.skipped += int64(len(p))
	if len(p) > tailSize {
		p = p[len(p)-tailSize:]
	}
	if len(f.tail)+len(p) > 2*tailSize {
		f.tail = append(f.tail[:0], f.tail[len(f.tail)-tailSize:]...)
	}
	f.tail = append(f.tail, p...)
}

// total is how much went in.
func (f *forwarder) total() int64 { return f.passed + f.skipped }

// showTail writes the end of what was not passed on.
func (f *forwarder) showTail() {
	tail := f.tail
	if len(tail) > tailSize {
		tail = tail[len(tail)-tailSize:]
	}
	_, _ = f.out.Write(tail)
}

// outputs writes to each of its files. A file whose reader is gone, or that a full disk refuses, must not end the
// others: the first error is kept and reported when the command has ended.
type outputs struct {
	writers []io.Writer
	err     error
}

func (o *outputs) Write(p []byte) (int, error) {
	for _, w := range o.writers {
		if _, err := w.Write(p); err != nil && o.err == nil && !errors.Is(err, syscall.EPIPE) {
			o.err = err
		}
	}
	return len(p), nil
}

// stream copies what the command writes to one of its outputs.
type stream struct {
	read, write *os.File
	out         outputs
	forward     *forwarder
	done        chan struct{}
}

func newStream(forward *forwarder) (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &stream{read: r, write: w, forward: forward, out: outputs{writers: []io.Writer{forward}}, done: make(chan struct{})}, nil
}

// start copies until the last writer has closed its end.
func (s *stream) start(m *matcher) {
	s.write.Close()
	go func() {
		defer close(s.done)
		var to io.Writer = &s.out
		var scrub *scrubber
		if m != nil {
			scrub = newScrubber(m, to)
			to = scrub
		}
		buf := make([]byte, 64<<10)
		for {
			n, err := s.read.Read(buf)
			if n > 0 {
				_, _ = to.Write(buf[:n])
			}
			if err != nil {
				break
			}
		}
		if scrub != nil {
			_ = scrub.Close()
		}
	}()
}
