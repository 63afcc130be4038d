package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/url"
	"slices"
	"strings"
)

const (
	mask = "***"
	// Beyond this much secret text, encodings and lines are no longer looked for: they would cost memory, not safety.
	maxEncoded = 64 << 10
	// The shortest secret whose encodings, and the shortest line of one that, are looked for.
	minEncoded = 6
	minLine    = 12
	// What is kept has lines masked that are too long to be anything but secret (keys have 64 characters), which Dagger does not do.
	minLineKept = 24
	minPart     = 16
)

var urlSafe = strings.NewReplacer("+", "-", "/", "_")

// base64Forms is a value in base64: alone, in the midst of other text (as in `user:value`), and wrapped into lines.
func base64Forms(value []byte) []string {
	var forms []string
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), value...))
		// Characters that other bytes have a part in are left out.
		from := 0
		if shift > 0 {
			from = shift + 1
		}
		if core := encoded[from : (len(value)+shift)*8/6]; len(core) >= minEncoded {
			forms = append(forms, core)
		}
		if shift > 0 {
			continue
		}
		forms = append(forms, encoded, strings.TrimRight(encoded, "="))
		for _, width := range []int{76, 64} {
			for at := 0; len(encoded) > width && at < len(encoded); at += width {
				if line := encoded[at:min(at+width, len(encoded))]; len(line) >= minPart {
					forms = append(forms, line)
				}
			}
		}
	}
	return forms
}

// patterns lists what to look for, given the secrets' values.
func patterns(values [][]byte, encoded bool) [][]byte {
	var list [][]byte
	seen := map[string]bool{}
	add := func(p []byte) {
		if len(p) > 0 && !seen[string(p)] {
			seen[string(p)] = true
			list = append(list, slices.Clone(p))
		}
	}
	for _, v := range values {
		trimmed := bytes.TrimSpace(v)
		add(v)
		add(trimmed)
		if len(trimmed) > maxEncoded {
			continue
		}
		longEnough := minLineKept
		if encoded {
			longEnough = minLine
		}
		if lines := bytes.Split(trimmed, []byte("\n")); len(lines) > 1 {
			for _, line := range lines {
				if line = bytes.TrimSpace(line); len(line) >= longEnough {
					add(line)
				}
			}
		}
		if !encoded || len(trimmed) < minEncoded {
			continue
		}
		for _, form := range [][]byte{v, trimmed} {
			for _, p := range base64Forms(form) {
				add([]byte(p))
				add([]byte(urlSafe.Replace(p)))
			}
			add([]byte(url.QueryEscape(string(form))))
			add([]byte(url.PathEscape(string(form))))
			// As in other languages: a space is %20 and a few more characters stay.
			add([]byte(strings.ReplaceAll(url.QueryEscape(string(form)), "+", "%20")))
		}
	}
	return list
}

// matcher is an Aho-Corasick automaton: one pass over the output finds every pattern, whatever their
// number, and its state says how much of what was read last could still become a match.
type matcher struct {
	nodes []node
	root  [256]int32
	bytes [256]bool // first bytes of patterns
}

type node struct {
	hold    int32 // how many of the last bytes may begin a pattern that has not come to its end
	longest int32 // length of the longest pattern that ends here, 0 for none
	fail    int32
	child   int32 // first child; siblings are linked, nearly all nodes have one child
	next    int32
	char    byte
}

func newMatcher(list [][]byte) *matcher {
	m := &matcher{nodes: make([]node, 1, 64)}
	for _, p := range list {
		at := int32(0)
		for i, c := range p {
			to := m.childOf(at, c)
			if to == 0 {
				to = int32(len(m.nodes))
				m.nodes = append(m.nodes, node{hold: int32(i + 1), char: c, next: m.nodes[at].child})
				m.nodes[at].child = to
				if at == 0 {
					m.root[c], m.bytes[c] = to, true
				}
			}
			at = to
		}
		m.nodes[at].longest = int32(len(p))
	}
	// Breadth first, so that a node's failure link, which is less deep, is ready before the node.
	queue := make([]int32, 0, len(m.nodes))
	for c := m.nodes[0].child; c != 0; c = m.nodes[c].next {
		if m.nodes[c].child == 0 {
			m.nodes[c].hold = 0
		}
		queue = append(queue, c)
	}
	for i := 0; i < len(queue); i++ {
		at := queue[i]
		for c := m.nodes[at].child; c != 0; c = m.nodes[c].next {
			fail := m.step(m.nodes[at].fail, m.nodes[c].char)
			m.nodes[c].fail = fail
			m.nodes[c].longest = max(m.nodes[c].longest, m.nodes[fail].longest)
			if m.nodes[c].child == 0 {
				m.nodes[c].hold = m.nodes[fail].hold
			}
			queue = append(queue, c)
		}
	}
	return m
}

func (m *matcher) childOf(at int32, c byte) int32 {
	if at == 0 {
		return m.root[c]
	}
	for to := m.nodes[at].child; to != 0; to = m.nodes[to].next {
		if m.nodes[to].char == c {
			return to
		}
	}
	return 0
}

func (m *matcher) step(at int32, c byte) int32 {
	for {
		if to := m.childOf(at, c); to != 0 || at == 0 {
			return to
		}
		at = m.nodes[at].fail
	}
}

// span is a range of the stream that is masked.
type span struct{ start, end int64 }

// scrubber masks matches in a stream. Overlapping matches make one mask, adjacent ones one each. What it
// holds back is the longest tail that could still grow into a match, never more than the longest pattern.
type scrubber struct {
	m     *matcher
	out   io.Writer
	state int32
	pos   int64  // bytes read
	held  []byte // bytes read and not yet written; held[0] is at pos-len(held)
	spans []span // masks that are not completely written yet, in order
	begun bool   // the mask of spans[0] is written
}

func newScrubber(m *matcher, out io.Writer) *scrubber {
	return &scrubber{m: m, out: out}
}

func (s *scrubber) Write(p []byte) (int, error) {
	m := s.m
	total := len(p)
	for len(p) > 0 {
		if s.state == 0 && len(s.held) == 0 && len(s.spans) == 0 {
			// Nothing is pending: pass on everything up to the first byte that begins a pattern.
			n := 0
			for n < len(p) && !m.bytes[p[n]] {
				n++
			}
			if n > 0 {
				if _, err := s.out.Write(p[:n]); err != nil {
					return 0, err
				}
				s.pos += int64(n)
				p = p[n:]
				continue
			}
		}
		// Take bytes until nothing is pending any more, or the piece is used up.
		n := 0
		for n < len(p) {
			s.state = m.step(s.state, p[n])
			n++
			at := &m.nodes[s.state]
			if at.longest > 0 {
				end := s.pos + int64(n)
				s.mark(end-int64(at.longest), end)
			}
			if s.state == 0 && n >= 512 {
				break
			}
		}
		s.held = append(s.held, p[:n]...)
		s.pos += int64(n)
		p = p[n:]
		if err := s.emit(s.pos - int64(m.nodes[s.state].hold)); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Close writes what was held back.
func (s *scrubber) Close() error {
	return s.emit(s.pos)
}

// mark adds a mask, joining it with those it overlaps.
func (s *scrubber) mark(start, end int64) {
	for n := len(s.spans); n > 0 && s.spans[n-1].end > start; n = len(s.spans) {
		last := s.spans[n-1]
		start, end = min(start, last.start), max(end, last.end)
		s.spans = s.spans[:n-1]
	}
	s.spans = append(s.spans, span{start, end})
}

// emit writes everything before the position `safe`.
func (s *scrubber) emit(safe int64) error {
	base := s.pos - int64(len(s.held))
	var buf []byte
	at := base
	for at < safe {
		if len(s.spans) == 0 {
			buf = append(buf, s.held[at-base:safe-base]...)
			at = safe
			break
		}
		sp := s.spans[0]
		if at < sp.start {
			to := min(sp.start, safe)
			buf = append(buf, s.held[at-base:to-base]...)
			at = to
			continue
		}
		if !s.begun {
			buf = append(buf, mask...)
			s.begun = true
		}
		at = min(sp.end, safe)
		if at == sp.end {
			s.spans = s.spans[1:]
			s.begun = false
		}
	}
	s.held = append(s.held[:0], s.held[at-base:]...)
	if len(s.spans) == 0 {
		s.spans = nil
	}
	if len(buf) == 0 {
		return nil
	}
	_, err := s.out.Write(buf)
	return err
}
