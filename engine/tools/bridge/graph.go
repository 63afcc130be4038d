package main

import (
	"fmt"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// graph is the operations of a request. BuildKit marshals every operation again and names it by the digest of
// that, so the graph does the same first: names as sent on the outside, BuildKit's on the inside.
type graph struct {
	nodes map[digest.Digest]*node         // by the digest of the bytes as sent
	names map[digest.Digest]digest.Digest // BuildKit's digest -> the one as sent
}

type node struct {
	sent, inner digest.Digest
	bytes       []byte
	inputs      []digest.Digest // as sent
	op          *pb.Op
	meta        *pb.OpMetadata
}

type opMetadata struct {
	CustomName  string            `json:"customName"`
	IgnoreCache bool              `json:"ignoreCache"`
	Description map[string]string `json:"description"`
	ExportCache *bool             `json:"exportCache"`
}

func newGraph(ops [][]byte, metadata map[digest.Digest]opMetadata) (*graph, error) {
	g := &graph{nodes: make(map[digest.Digest]*node, len(ops)), names: make(map[digest.Digest]digest.Digest, len(ops))}
	for i, data := range ops {
		op := &pb.Op{}
		if err := op.Unmarshal(data); err != nil {
			return nil, invalid("ops[%d]: %v", i, err)
		}
		n := &node{sent: digest.FromBytes(data), op: op, meta: &pb.OpMetadata{}}
		for _, in := range op.Inputs {
			from, ok := g.nodes[digest.Digest(in.Digest)]
			if !ok {
				return nil, invalid("ops[%d]: input %s is not among the operations before it", i, in.Digest)
			}
			n.inputs = append(n.inputs, from.sent)
			in.Digest = string(from.inner)
		}
		bytes, err := op.Marshal()
		if err != nil {
			return nil, invalid("ops[%d]: %v", i, err)
		}
		n.bytes, n.inner = bytes, digest.FromBytes(bytes)
		if m, ok := metadata[n.sent]; ok {
			n.meta = &pb.OpMetadata{IgnoreCache: m.IgnoreCache, Description: m.Description}
			if m.CustomName != "" {
				if n.meta.Description == nil {
					n.meta.Description = map[string]string{}
				}
				n.meta.Description["llb.customname"] = m.CustomName
			}
			if m.ExportCache != nil {
				n.meta.ExportCache = &pb.ExportCache{Value: *m.ExportCache}
			}
		}
		g.nodes[n.sent] = n
		g.names[n.inner] = n.sent
		// The name BuildKit gives a vertex with ignoreCache when another job has it running without.
		g.names[digest.FromString(string(n.inner)+"-ignorecache")] = n.sent
	}
	return g, nil
}

// name is the digest as sent of a vertex of BuildKit's; other vertices keep theirs.
func (g *graph) name(inner digest.Digest) digest.Digest {
	if sent, ok := g.names[inner]; ok {
		return sent
	}
	return inner
}

// definition is what BuildKit needs to solve one output of one operation; nil for scratch.
func (g *graph) definition(sent digest.Digest, index int64) (*pb.Definition, error) {
	if sent == "" {
		return nil, nil
	}
	target, ok := g.nodes[sent]
	if !ok {
		return nil, invalid("%s is not among the operations", sent)
	}
	def := &pb.Definition{Metadata: map[string]*pb.OpMetadata{}}
	seen := map[digest.Digest]bool{}
	var add func(n *node)
	add = func(n *node) {
		if seen[n.sent] {
			return
		}
		seen[n.sent] = true
		for _, in := range n.inputs {
			add(g.nodes[in])
		}
		def.Def = append(def.Def, n.bytes)
		def.Metadata[string(n.inner)] = n.meta
	}
	add(target)
	last, err := (&pb.Op{Inputs: []*pb.Input{{Digest: string(target.inner), Index: index}}}).Marshal()
	if err != nil {
		return nil, err
	}
	def.Def = append(def.Def, last)
	def.Metadata[string(digest.FromBytes(last))] = &pb.OpMetadata{}
	return def, nil
}

func invalid(format string, args ...any) error {
	return &rpcError{Code: "INVALID", Message: fmt.Sprintf(format, args...)}
}
