package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// tailSize is how much of an output an error shows, as the Dagger engine does.
const tailSize = 100 << 10

// trailerMark begins the line with which shim tells how a failed step ended.
var trailerMark = []byte("\x1epyline-shim ")

type trailer struct {
	ExitCode int    `json:"exitCode"`
	Message  string `json:"message"`
	Query    bool   `json:"query"`
	// A service says where it can be reached, when it can.
	Ready   bool   `json:"ready"`
	Address string `json:"address"`
	// Or what its health check said the last time.
	Unhealthy json.RawMessage `json:"unhealthy"`
	// How much there was, where shim did not pass all of it on.
	StdoutBytes int64 `json:"stdoutBytes"`
	StderrBytes int64 `json:"stderrBytes"`
}

// tail keeps the end of a stream.
type tail struct {
	data  []byte
	total int64
}

func (t *tail) write(p []byte) {
	t.total += int64(len(p))
	if len(p) >= tailSize {
		t.data = append(t.data[:0], p[len(p)-tailSize:]...)
		return
	}
	if len(t.data)+len(p) > 2*tailSize {
		t.data = append(t.data[:0], t.data[len(t.data)-tailSize:]...)
	}
	t.data = append(t.data, p...)
}

func (t *tail) bytes() []byte {
	if len(t.data) > tailSize {
		return t.data[len(t.data)-tailSize:]
	}
	return t.data
}

// vertexState is what is known of one vertex.
type vertexState struct {
	name      digest.Digest
	inputs    int
	runs      map[time.Time]bool // when it was started and, not out of the cache, completed well
	cached    bool
	last      string // the last event sent, as a guard against repetition
	streams   [3]tail
	held      []byte // what may be the begin of a trailer on standard error
	trailer   *trailer
	completed bool
}

// executed: vertices without inputs are reported once more, for the computation of their cache key.
func (v *vertexState) executed() bool {
	if v.inputs == 0 {
		return len(v.runs) > 1
	}
	return len(v.runs) > 0
}

// status follows BuildKit's status stream of one job.
type status struct {
	call  call
	graph *graph
	logs  bool

	mu       sync.Mutex
	vertices map[digest.Digest]*vertexState // by BuildKit's digest
	marks    map[string]chan struct{}       // flushes that are waited for
	ended    chan struct{}
}

func newStatus(c call, g *graph, logs bool) *status {
	return &status{call: c, graph: g, logs: logs, vertices: map[digest.Digest]*vertexState{}, marks: map[string]chan struct{}{}, ended: make(chan struct{})}
}

type vertexEvent struct {
	Digest    digest.Digest   `json:"digest"`
	Name      string          `json:"name"`
	Inputs    []digest.Digest `json:"inputs"`
	Started   int64           `json:"started,omitempty"`
	Completed int64           `json:"completed,omitempty"`
	Cached    bool            `json:"cached"`
	Error     string          `json:"error,omitempty"`
}

type logEvent struct {
	Digest digest.Digest `json:"digest,omitempty"`
	Stream int           `json:"stream"`
	Data   []byte        `json:"data"`
}

// follow consumes the stream until BuildKit closes it.
func (s *status) follow(ch <-chan *client.SolveStatus) {
	defer close(s.ended)
	for update := range ch {
		s.mu.Lock()
		for _, v := range update.Vertexes {
			s.vertex(v)
		}
		for _, l := range update.Logs {
			s.log(s.state(l.Vertex), l.Stream, l.Data)
		}
		for _, w := range update.Warnings {
			if ch, ok := s.marks[string(w.Short)]; ok {
				delete(s.marks, string(w.Short))
				close(ch)
			}
		}
		s.mu.Unlock()
	}
}

func (s *status) state(d digest.Digest) *vertexState {
	v, ok := s.vertices[d]
	if !ok {
		v = &vertexState{name: s.graph.name(d), runs: map[time.Time]bool{}}
		s.vertices[d] = v
	}
	return v
}

func (s *status) vertex(v *client.Vertex) {
	st := s.state(v.Digest)
	st.inputs = len(v.Inputs)
	e := vertexEvent{Digest: st.name, Name: v.Name, Inputs: make([]digest.Digest, 0, len(v.Inputs)), Cached: v.Cached, Error: v.Error}
	for _, in := range v.Inputs {
		e.Inputs = append(e.Inputs, s.graph.name(in))
	}
	if v.Started != nil {
		e.Started = v.Started.UnixMilli()
	}
	if v.Completed != nil {
		e.Completed = v.Completed.UnixMilli()
		s.release(st)
		if v.Cached {
			st.cached = true
		} else if v.Error == "" && v.Started != nil {
			st.runs[*v.Started] = true
		}
	}
	if text, _ := json.Marshal(e); string(text) != st.last {
		st.last = string(text)
		s.call.event(map[string]any{"vertex": e})
	}
}

// log takes a piece of output; shim's trailer is taken out of it.
func (s *status) log(st *vertexState, stream int, data []byte) {
	if stream != 2 || (len(st.held) == 0 && bytes.IndexByte(data, trailerMark[0]) < 0) {
		s.output(st, stream, data)
		return
	}
	data = append(st.held, data...)
	st.held = nil
	for len(data) > 0 {
		at := bytes.IndexByte(data, trailerMark[0])
		if at < 0 {
			break
		}
		s.output(st, stream, data[:at])
		data = data[at:]
		if !bytes.HasPrefix(data, trailerMark) {
			if bytes.HasPrefix(trailerMark, data) {
				st.held = bytes.Clone(data)
				return
			}
			s.output(st, stream, data[:1])
			data = data[1:]
			continue
		}
		end := bytes.IndexByte(data, '\n')
		if end < 0 && len(data) < 64<<10 {
			st.held = bytes.Clone(data)
			return
		}
		var t trailer
		if end < 0 || json.Unmarshal(data[len(trailerMark):end], &t) != nil {
			s.output(st, stream, data[:1])
			data = data[1:]
			continue
		}
		switch {
		case t.Ready:
			s.call.event(map[string]any{"ready": map[string]string{"address": t.Address}})
		case t.Unhealthy != nil:
			s.call.event(map[string]any{"unhealthy": t.Unhealthy})
		default:
			st.trailer = &t
		}
		data = data[end+1:]
	}
	s.output(st, stream, data)
}

// release gives out what was held back for the sake of a trailer.
func (s *status) release(st *vertexState) {
	held := st.held
	st.held = nil
	s.output(st, 2, held)
}

func (s *status) output(st *vertexState, stream int, data []byte) {
	if len(data) == 0 {
		return
	}
	if stream == 1 || stream == 2 {
		st.streams[stream].write(data)
	}
	if s.logs {
		s.call.event(map[string]any{"log": logEvent{Digest: st.name, Stream: stream, Data: data}})
	}
}

// expect registers a mark that flush waits for.
func (s *status) expect(text string) <-chan struct{} {
	ch := make(chan struct{})
	s.mu.Lock()
	s.marks[text] = ch
	s.mu.Unlock()
	return ch
}

// ran lists the vertices, by name, that ran in this job, and those that came out of the cache.
func (s *status) ran() (executed, cached []digest.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	executed, cached = []digest.Digest{}, []digest.Digest{}
	for _, v := range s.vertices {
		if _, ours := s.graph.nodes[v.name]; !ours {
			continue
		}
		switch {
		case v.executed():
			executed = append(executed, v.name)
		case v.cached:
			cached = append(cached, v.name)
		}
	}
	return executed, cached
}

// failure makes the answer of an error of the job.
func (s *status) failure(err error) error {
	inner, ok := vertexOf(err)
	if !ok {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(inner)
	code, isExit := exitCode(err)
	if !isExit {
		if n := s.graph.nodes[st.name]; n != nil && n.op.GetSource() != nil {
			return &rpcError{Code: classifySource(err), Message: err.Error(), Vertex: st.name}
		}
		return &rpcError{Code: classify(err), Message: err.Error(), Vertex: st.name}
	}
	s.release(st)
	e := &rpcError{
		Code: "EXEC", Message: err.Error(), Vertex: st.name, ExitCode: &code,
		StdoutTail: bytes.Clone(st.streams[1].bytes()), StderrTail: bytes.Clone(st.streams[2].bytes()),
		StdoutBytes: st.streams[1].total, StderrBytes: st.streams[2].total,
	}
	switch t := st.trailer; {
	case t != nil && t.Query:
		return &rpcError{Code: "SOLVE", Message: t.Message, Vertex: st.name}
	case t != nil:
		e.ExitCode = &t.ExitCode
		if e.Message = t.Message; e.Message == "" {
			e.Message = fmt.Sprintf("exit code: %d", t.ExitCode)
		}
		e.Setup = t.ExitCode == -1
		e.StdoutBytes, e.StderrBytes = max(e.StdoutBytes, t.StdoutBytes), max(e.StderrBytes, t.StderrBytes)
	case code == 255 || bytes.Contains(e.StderrTail, []byte("runc run failed:")):
		// shim never ran: the runtime could not start the container.
		if bytes.Contains(e.StderrTail, []byte("no space left on device")) {
			e.Code = "DISK_FULL"
		}
		none := -1
		e.ExitCode, e.Setup = &none, true
		if tail := bytes.TrimSpace(e.StderrTail); len(tail) > 0 {
			e.Message = string(tail)
		}
	}
	return e
}
