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
	forward     *forwarder
	done        chan struct{}
	files       outputs // where what the command printed is kept
}

func newStream(forward *forwarder) (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &stream{read: r, write: w, forward: forward, done: make(chan struct{})}, nil
}

// err is what went wrong while the output was kept.
func (s *stream) err() error { return s.files.err }

// start copies until the last writer has closed its end. What is shown live may have more masked than what is kept.
func (s *stream) start(kept, shown *matcher) {
	s.write.Close()
	live := &outputs{writers: []io.Writer{s.forward}}
	both := &outputs{writers: []io.Writer{live, &s.files}}
	go func() {
		defer close(s.done)
		sinks := []io.WriteCloser{masked(kept, both)}
		if kept != shown {
			sinks = []io.WriteCloser{masked(shown, live), masked(kept, &s.files)}
		}
		buf := make([]byte, 64<<10)
		for {
			n, err := s.read.Read(buf)
			for _, sink := range sinks {
				if n > 0 {
					_, _ = sink.Write(buf[:n])
				}
			}
			if err != nil {
				break
			}
		}
		for _, sink := range sinks {
			_ = sink.Close()
		}
	}()
}

type unmasked struct{ io.Writer }

func (unmasked) Close() error { return nil }

// masked passes on what is written to it without what m matches; m may be nil.
func masked(m *matcher, to io.Writer) io.WriteCloser {
	if m == nil {
		return unmasked{to}
	}
	return newScrubber(m, to)
}
