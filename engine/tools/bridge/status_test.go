package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

func newTestStatus(t *testing.T) *status {
	t.Helper()
	g, err := newGraph(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return newStatus(call{server: &server{out: &bytes.Buffer{}, stop: func(error) {}}}, g, true)
}

func TestTrailerIsTakenOut(t *testing.T) {
	for _, c := range []struct {
		in   string
		out  string
		code int
	}{
		{"plain", "plain", -99},
		{"err\n\x1epyline-shim {\"exitCode\":4}\n", "err\n", 4},
		{"no newline\x1epyline-shim {\"exitCode\":-1,\"message\":\"m\"}\n", "no newline", -1},
		{"a record separator \x1e of its own \x1epylon", "a record separator \x1e of its own \x1epylon", -99},
		{"cut off \x1epyline-shim {\"exitC", "cut off \x1epyline-shim {\"exitC", -99},
		{"not JSON \x1epyline-shim x\n end", "not JSON \x1epyline-shim x\n end", -99},
		{"\x1e\x1e\x1epyline-shim {\"exitCode\":7}\n", "\x1e\x1e", 7},
		{"said\x1epyline-shim {\"ready\":true,\"address\":\"10.0.0.2\"}\n more", "said more", -99},
	} {
		for _, size := range []int{1, 3, 1000} {
			s := newTestStatus(t)
			st := s.state("x")
			for rest := c.in; rest != ""; {
				n := min(size, len(rest))
				s.log(st, 2, []byte(rest[:n]))
				rest = rest[n:]
			}
			s.release(st)
			code := -99
			if st.trailer != nil {
				code = st.trailer.ExitCode
			}
			if got := string(st.streams[2].bytes()); got != c.out || code != c.code {
				t.Errorf("%q in pieces of %d: %q, %d", c.in, size, got, code)
			}
		}
	}
}

func TestTail(t *testing.T) {
	var small, large tail
	text := strings.Repeat("0123456789", 50_000)
	for i := 0; i < len(text); i += 777 {
		small.write([]byte(text[i:min(i+777, len(text))]))
	}
	large.write([]byte(text))
	for _, tl := range []tail{small, large} {
		if string(tl.bytes()) != text[len(text)-tailSize:] || tl.total != int64(len(text)) || cap(tl.data) > 4*tailSize {
			t.Errorf("%d of %d, %d kept", len(tl.bytes()), tl.total, cap(tl.data))
		}
	}
}

func TestExecutedAndCached(t *testing.T) {
	op := func(o *pb.Op) []byte {
		data, _ := o.Marshal()
		return data
	}
	source := op(&pb.Op{Op: &pb.Op_Source{Source: &pb.SourceOp{Identifier: "local://x"}}})
	step := func(name string) []byte {
		return op(&pb.Op{Inputs: []*pb.Input{{Digest: string(digest.FromBytes(source))}}, Op: &pb.Op_Exec{Exec: &pb.ExecOp{Meta: &pb.Meta{Args: []string{name}, Cwd: "/"}}}})
	}
	ran, hit, failed, canceled := step("ran"), step("hit"), step("failed"), step("canceled")
	g, err := newGraph([][]byte{source, ran, hit, failed, canceled}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newStatus(call{server: &server{out: &bytes.Buffer{}, stop: func(error) {}}}, g, true)
	at := func(n int) *time.Time { t := time.Unix(int64(n), 0); return &t }
	input := []digest.Digest{digest.FromBytes(source)}
	updates := make(chan *client.SolveStatus, 1)
	updates <- &client.SolveStatus{Vertexes: []*client.Vertex{
		{Digest: digest.FromBytes(source), Started: at(1), Completed: at(2)}, // its cache key was computed
		{Digest: digest.FromBytes(ran), Inputs: input},
		{Digest: digest.FromBytes(ran), Inputs: input, Started: at(1)},
		{Digest: digest.FromBytes(ran), Inputs: input, Started: at(1), Completed: at(3)},
		{Digest: digest.FromBytes(ran), Inputs: input, Started: at(4), Completed: at(5), Cached: true}, // another output
		{Digest: digest.FromBytes(hit), Inputs: input, Started: at(1), Completed: at(2), Cached: true},
		{Digest: digest.FromBytes(failed), Inputs: input, Started: at(1), Completed: at(2), Error: "exit code: 1"},
		{Digest: digest.FromBytes(canceled), Inputs: input, Started: at(1)},
	}}
	close(updates)
	s.follow(updates)
	executed, cached := s.ran()
	if len(executed) != 1 || executed[0] != digest.FromBytes(ran) || len(cached) != 1 || cached[0] != digest.FromBytes(hit) {
		t.Errorf("executed %v, cached %v", executed, cached)
	}
}

// What is not encoded as BuildKit encodes keeps its name on the outside.
func TestGraphKeepsNames(t *testing.T) {
	canonical, _ := (&pb.Op{Op: &pb.Op_Source{Source: &pb.SourceOp{Identifier: "local://x", Attrs: map[string]string{"a": "1", "b": "2"}}}}).Marshal()
	// A default that is spelt out: field 11 (constraints) as an empty message, in front.
	odd := append([]byte{0x5a, 0x00}, canonical...)
	name := digest.FromBytes(odd)
	file, _ := (&pb.Op{Inputs: []*pb.Input{{Digest: string(name)}}, Op: &pb.Op_Merge{Merge: &pb.MergeOp{}}}).Marshal()
	g, err := newGraph([][]byte{odd, file}, map[digest.Digest]opMetadata{name: {CustomName: "odd", IgnoreCache: true}})
	if err != nil {
		t.Fatal(err)
	}
	def, err := g.definition(digest.FromBytes(file), 3)
	if err != nil || len(def.Def) != 3 {
		t.Fatalf("%v %v", def, err)
	}
	inner := digest.FromBytes(def.Def[0])
	if g.name(inner) != name {
		t.Errorf("%s is not called %s", inner, name)
	}
	var user, last pb.Op
	user.Unmarshal(def.Def[1])
	last.Unmarshal(def.Def[2])
	if user.Inputs[0].Digest != string(inner) || last.Inputs[0].Digest != string(digest.FromBytes(def.Def[1])) || last.Inputs[0].Index != 3 {
		t.Error("inputs do not fit")
	}
	if m := def.Metadata[string(inner)]; !m.IgnoreCache || m.Description["llb.customname"] != "odd" {
		t.Errorf("%v", m)
	}
	if _, err := newGraph([][]byte{file}, nil); err == nil {
		t.Error("an input that is not there is an error")
	}
	if def, err := g.definition("", 0); def != nil || err != nil {
		t.Error("scratch has no definition")
	}
}
